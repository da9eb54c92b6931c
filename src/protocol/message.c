#include "protocol/message.h"

#include "core/text.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define SILENCE_DB (-200.0)

enum field_type { FIELD_STRING, FIELD_INT, FIELD_INT64, FIELD_DOUBLE, FIELD_BOOL, FIELD_REASON };

struct field {
	const char *key; /* NULL ends a list */
	enum field_type type;
	size_t offset; /* in struct tr_message */
	size_t size;   /* of a string */
};

#define FIELD(kind, message, member)                                                               \
	{                                                                                          \
#member, kind, offsetof(struct tr_message, message.member),                        \
			sizeof(((struct tr_message *)0)->message.member)                           \
	}
#define STRING(message, member) FIELD(FIELD_STRING, message, member)
#define INT(message, member) FIELD(FIELD_INT, message, member)
#define INT64(message, member) FIELD(FIELD_INT64, message, member)
#define DOUBLE(message, member) FIELD(FIELD_DOUBLE, message, member)
#define BOOL(message, member) FIELD(FIELD_BOOL, message, member)

static const struct type_row {
	const char *name;
	struct field fields[36];
} types[TR_MESSAGE_COUNT_] = {
	[TR_MESSAGE_CONFIGURE] = {"configure",
		{INT(configure, slot), STRING(configure, runtime_dir), STRING(configure, user),
			INT(configure, width), INT(configure, height), INT(configure, frame_rate),
			STRING(configure, sound), STRING(configure, sound_capture_pcm),
			STRING(configure, sound_player_pcm), STRING(configure, browser),
			STRING(configure, encoder), STRING(configure, hosts),
			BOOL(configure, ignore_certificate_errors),
			BOOL(configure, is_told_encoders), STRING(configure, display),
			STRING(configure, xauthority), BOOL(configure, has_zero_copy),
			INT(configure, ready_ms)}},
	[TR_MESSAGE_START] = {"start",
		{STRING(start, session_id), STRING(start, name), STRING(start, url),
			BOOL(start, constant_rate), INT(start, quality), INT(start, video_kbps),
			INT(start, audio_kbps), INT64(start, duration_ms),
			INT64(start, page_timeout_ms), BOOL(start, sound_expected),
			BOOL(start, is_resume), STRING(start, hosts), STRING(start, room),
			STRING(start, mode), STRING(start, call_jid), STRING(start, call_password),
			STRING(start, call_name), STRING(start, view_url),
			STRING(start, url_parameters), INT(start, rtcstats),
			STRING(start, metadata), INT64(start, join_timeout_ms),
			INT64(start, empty_timeout_ms), INT64(start, no_media_timeout_ms),
			INT64(start, all_muted_timeout_ms), INT64(start, ice_timeout_ms),
			STRING(start, streams), STRING(start, stream_ca_file),
			BOOL(start, is_without_file), INT64(start, key_interval_ms),
			INT(start, buffer_kbit)}},
	[TR_MESSAGE_STOP] = {"stop", {{0}}},
	[TR_MESSAGE_FINISH] = {"finish", {STRING(finish, session_id)}},
	[TR_MESSAGE_ECONOMIZE] = {"economize", {INT(economize, level)}},
	[TR_MESSAGE_ENCODERS] = {"encoders", {STRING(encoders, found)}},
	[TR_MESSAGE_PREVIEW] = {"preview", {INT(preview, width)}},
	[TR_MESSAGE_QUIT] = {"quit", {{0}}},
	[TR_MESSAGE_READY] = {"ready",
		{STRING(ready, sound), STRING(ready, encoder), STRING(ready, display),
			STRING(ready, browser_version)}},
	[TR_MESSAGE_STATE] = {"state", {STRING(state, state)}},
	[TR_MESSAGE_STARTED] = {"started",
		{STRING(started, session_id), INT64(started, join_ms), INT64(started, took_ms)}},
	[TR_MESSAGE_MEETING] = {"meeting",
		{BOOL(meeting, is_joined), INT(meeting, participants), INT(meeting, muted),
			BOOL(meeting, is_connected), INT64(meeting, download_kbps)}},
	[TR_MESSAGE_PROGRESS] = {"progress",
		{INT64(progress, time_ms), INT64(progress, frames_grabbed),
			INT64(progress, frames_encoded), INT64(progress, frames_dropped),
			DOUBLE(progress, video_kbps), INT64(progress, bytes),
			DOUBLE(progress, peak_db), DOUBLE(progress, rms_db),
			INT64(progress, free_bytes), DOUBLE(progress, drift_ppm),
			INT64(progress, sound_gap_ms), INT64(progress, encoder_restarts),
			STRING(progress, encoder), STRING(progress, note)}},
	[TR_MESSAGE_STREAM] = {"stream",
		{STRING(stream, session_id), STRING(stream, name), STRING(stream, state),
			STRING(stream, problem), INT64(stream, kbps), INT64(stream, queued_ms),
			INT64(stream, reconnects), INT64(stream, dropped), INT64(stream, bytes)}},
	[TR_MESSAGE_STOPPED] = {"stopped",
		{STRING(stopped, session_id), FIELD(FIELD_REASON, stopped, reason),
			STRING(stopped, sentence), BOOL(stopped, has_files)}},
	[TR_MESSAGE_FINISHED] = {"finished",
		{STRING(finished, session_id), STRING(finished, file), STRING(finished, poster),
			STRING(finished, report), STRING(finished, grade),
			INT64(finished, duration_ms), INT64(finished, bytes)}},
	[TR_MESSAGE_FAILED] = {"failed",
		{STRING(failed, session_id), FIELD(FIELD_REASON, failed, reason),
			STRING(failed, sentence), INT(failed, exit_code), STRING(failed, file)}},
	[TR_MESSAGE_WARNING] = {"warning", {STRING(warning, sentence)}},
	[TR_MESSAGE_PICTURE] = {"picture",
		{INT(picture, width), INT64(picture, bytes), STRING(picture, sentence)}},
};

const char *tr_message_type_name(enum tr_message_type type)
{
	return (unsigned)type < TR_MESSAGE_COUNT_ ? types[type].name : "none";
}

static json_t *pack_string(const char *text, size_t size)
{
	json_t *string = json_stringn(text, strnlen(text, size - 1));

	if (string)
		return string;
	TR_CLEANUP(tr_freep) char *clean = strndup(text, size - 1);
	if (!clean)
		return NULL;
	tr_text_make_utf8(clean);
	return json_string(clean);
}

static json_t *pack_field(const struct field *field, const struct tr_message *message)
{
	const void *place = (const char *)message + field->offset;

	switch (field->type) {
	case FIELD_STRING:
		return pack_string(place, field->size);
	case FIELD_INT:
		return json_integer(*(const int *)place);
	case FIELD_INT64:
		return json_integer(*(const int64_t *)place);
	case FIELD_DOUBLE: {
		double value = *(const double *)place;
		return json_real(isfinite(value) ? value : SILENCE_DB); /* JSON has no infinity */
	}
	case FIELD_BOOL:
		return json_boolean(*(const bool *)place);
	case FIELD_REASON:
		return json_string(tr_reason_name(*(const enum tr_reason *)place));
	}
	return NULL;
}

int tr_message_pack(const struct tr_message *message, json_t **ret_object)
{
	if ((unsigned)message->type >= TR_MESSAGE_COUNT_)
		return -EINVAL;
	json_t *object = json_object();
	int rc = object ? 0 : -ENOMEM;
	if (rc == 0 &&
		json_object_set_new(object, "type", json_string(types[message->type].name)) < 0)
		rc = -ENOMEM;
	for (const struct field *f = types[message->type].fields; rc == 0 && f->key; f++)
		if (json_object_set_new(object, f->key, pack_field(f, message)) < 0)
			rc = -EINVAL;
	if (rc < 0) {
		json_decref(object);
		return rc;
	}
	*ret_object = object;
	return 0;
}

/* What is wrong with the value, as the end of a sentence; NULL when it is stored. */
static const char *unpack_field(
	const struct field *field, const json_t *value, struct tr_message *message)
{
	void *place = (char *)message + field->offset;

	switch (field->type) {
	case FIELD_STRING:
		if (!json_is_string(value))
			return "is no string";
		if (json_string_length(value) >= field->size)
			return "is too long";
		memcpy(place, json_string_value(value), json_string_length(value) + 1);
		return NULL;
	case FIELD_INT:
		if (!json_is_integer(value))
			return "is no whole number";
		if (json_integer_value(value) < INT_MIN || json_integer_value(value) > INT_MAX)
			return "is out of range";
		*(int *)place = (int)json_integer_value(value);
		return NULL;
	case FIELD_INT64:
		if (!json_is_integer(value))
			return "is no whole number";
		*(int64_t *)place = json_integer_value(value);
		return NULL;
	case FIELD_DOUBLE:
		if (!json_is_number(value))
			return "is no number";
		*(double *)place = json_number_value(value);
		return NULL;
	case FIELD_BOOL:
		if (!json_is_boolean(value))
			return "is neither true nor false";
		*(bool *)place = json_is_true(value);
		return NULL;
	case FIELD_REASON:
		if (!json_is_string(value))
			return "is no string";
		if (tr_reason_from_name(json_string_value(value), (enum tr_reason *)place) < 0)
			return "is no reason that is known";
		return NULL;
	}
	return "cannot be read";
}

static int find_type(const json_t *object, enum tr_message_type *ret_type)
{
	const char *name = json_string_value(json_object_get(object, "type"));

	for (unsigned i = 0; name && i < TR_MESSAGE_COUNT_; i++) {
		if (!strcmp(name, types[i].name)) {
			*ret_type = (enum tr_message_type)i;
			return 0;
		}
	}
	return -ENOENT;
}

static int refuse_unknown_keys(
	const json_t *object, const struct type_row *row, char *why, size_t why_size)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		const struct field *f = row->fields;
		while (f->key && strcmp(f->key, key) != 0)
			f++;
		if (!f->key && strcmp(key, "type") != 0) {
			snprintf(why, why_size, "message \"%s\" has an unknown key \"%.60s\"",
				row->name, key);
			return -EPROTO;
		}
	}
	return 0;
}

int tr_message_unpack(
	const json_t *object, struct tr_message *ret_message, char *why, size_t why_size)
{
	enum tr_message_type type;

	if (find_type(object, &type) < 0) {
		const char *name = json_string_value(json_object_get(object, "type"));
		snprintf(why, why_size, "message of unknown \"type\" \"%.60s\"", name ? name : "");
		return -EPROTO;
	}
	const struct type_row *row = &types[type];
	*ret_message = (struct tr_message){.type = type};
	for (const struct field *f = row->fields; f->key; f++) {
		const json_t *value = json_object_get(object, f->key);
		const char *fault = value ? unpack_field(f, value, ret_message) : "is missing";
		if (fault) {
			snprintf(why, why_size, "message \"%s\": key \"%s\" %s", row->name, f->key,
				fault);
			return -EPROTO;
		}
	}
	return refuse_unknown_keys(object, row, why, why_size);
}

int tr_message_send(struct tr_line *line, const struct tr_message *message, int fd)
{
	json_t *object;

	int rc = tr_message_pack(message, &object);
	if (rc < 0)
		return rc;
	rc = tr_line_send(line, object, fd);
	json_decref(object);
	return rc;
}

int tr_message_receive(struct tr_line *line, struct tr_message *ret_message, int *ret_fd, char *why,
	size_t why_size)
{
	json_t *object;
	TR_CLEANUP(tr_closep) int fd = -1;

	int rc = tr_line_receive(line, &object, &fd);
	if (rc == -EPROTO)
		snprintf(why, why_size, "a line that is no message");
	if (rc < 0)
		return rc;
	rc = tr_message_unpack(object, ret_message, why, why_size);
	json_decref(object);
	if (rc < 0)
		return rc;
	if (ret_fd)
		*ret_fd = tr_take_fd(&fd);
	return 0;
}
