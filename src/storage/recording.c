#include "storage/recording.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define TR_LOG_AREA "recording"

#define SCHEMA 1
#define FILE_LIMIT (1 << 20)
#define ROOM_BYTES 80

static const char *const state_words[] = {
	[TR_RECORDING_RUNNING] = "recording",
	[TR_RECORDING_FINISHING] = "finishing",
	[TR_RECORDING_DONE] = "done",
	[TR_RECORDING_FAILED] = "failed",
};

static void decref(json_t **json)
{
	json_decref(*json);
}

/* ---- names ---- */

void tr_recording_safe_name(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (const char *c = text; *c && used + 1 < size; c++) {
		bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				(*c >= '0' && *c <= '9') || *c == '-' || *c == '_' || *c == '.';
		char safe = is_plain ? *c : '_';
		bool hides = used == 0 && (safe == '.' || safe == '-');
		bool repeats = safe == '_' && used > 0 && out[used - 1] == '_';
		if (!hides && !repeats)
			out[used++] = safe;
	}
	out[used] = '\0';
	if (used == 0)
		snprintf(out, size, "recording");
}

/* The path's last word, or the host when there is no path. */
static void find_room(const char *url, char *out, size_t size)
{
	const char *start = strstr(url, "://");

	start = start ? start + 3 : url;
	size_t length = strcspn(start, "?#");
	while (length > 0 && start[length - 1] == '/')
		length--;
	size_t word = length;
	while (word > 0 && start[word - 1] != '/')
		word--;
	snprintf(out, size, "%.*s", (int)(length - word), start + word);
}

void tr_recording_name_for(const char *url, int64_t wall_ns, char *out, size_t size)
{
	time_t seconds = (time_t)(wall_ns / TR_NS_PER_S);
	char redacted[512], room[ROOM_BYTES + 1], safe[ROOM_BYTES + 1], date[32];
	struct tm local;

	tr_text_redact(url, redacted, sizeof(redacted));
	find_room(redacted, room, sizeof(room));
	tr_recording_safe_name(room, safe, sizeof(safe));
	localtime_r(&seconds, &local);
	strftime(date, sizeof(date), "%Y-%m-%d-%H-%M-%S", &local);
	snprintf(out, size, "%s_%s", safe, date);
}

/* One that somebody has chosen, maybe not in ASCII, and that can be a file. */
static bool is_file_name(const char *name, size_t size)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '/')
			return false;
	return name[0] && name[0] != '.' && name[0] != '-' && strlen(name) < size;
}

int tr_recording_init(struct tr_recording *recording, const char *session_id, const char *url,
	const char *name, int64_t wall_ns)
{
	*recording = (struct tr_recording){
		.state = TR_RECORDING_RUNNING,
		.created_wall_ns = wall_ns,
	};
	tr_text_redact(url, recording->url, sizeof(recording->url));
	if (name && is_file_name(name, sizeof(recording->name)))
		snprintf(recording->name, sizeof(recording->name), "%s", name);
	else if (name)
		tr_recording_safe_name(name, recording->name, sizeof(recording->name));
	else
		tr_recording_name_for(url, wall_ns, recording->name, sizeof(recording->name));
	return tr_text_format(
		recording->session_id, sizeof(recording->session_id), "%s", session_id);
}

int tr_recording_add_part(struct tr_recording *recording, int64_t offset_ns)
{
	if (recording->part_count == TR_RECORDING_PARTS)
		return tr_fail(-ENOSPC, "the recording has %d parts, no more", TR_RECORDING_PARTS);

	struct tr_recording_part *part = &recording->parts[recording->part_count++];
	part->offset_ns = offset_ns;
	return tr_text_format(part->file, sizeof(part->file), "%s.part-%03u.mp4", recording->name,
		recording->part_count);
}

/* ---- state.json ---- */

int tr_recording_save(int dirfd, const struct tr_recording *recording)
{
	TR_CLEANUP(decref) json_t *parts = json_array();
	char created[32];

	for (unsigned i = 0; i < recording->part_count; i++)
		json_array_append_new(
			parts, json_pack("{s:s, s:I}", "file", recording->parts[i].file,
				       "offset_ns", (json_int_t)recording->parts[i].offset_ns));
	tr_clock_format_utc(recording->created_wall_ns, created, sizeof(created));
	TR_CLEANUP(decref)
	json_t *root = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:O}",
		"schema", SCHEMA, "state", state_words[recording->state], "session_id",
		recording->session_id, "url", recording->url, "name", recording->name, "file",
		recording->file, "reason", recording->reason, "created", created, "created_ns",
		(json_int_t)recording->created_wall_ns, "bytes", (json_int_t)recording->bytes,
		"duration_ns", (json_int_t)recording->duration_ns, "parts", parts);
	TR_CLEANUP(tr_freep) char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	if (!text)
		return tr_fail(-ENOMEM, "cannot write " TR_RECORDING_STATE_FILE);

	int rc = tr_file_replace(dirfd, TR_RECORDING_STATE_FILE, text, strlen(text));
	return rc < 0 ? tr_fail(rc, "cannot write " TR_RECORDING_STATE_FILE) : 0;
}

static int damaged(const char *what)
{
	tr_error(TR_RECORDING_STATE_FILE " is damaged (%s), the folder is left as it is", what);
	return -EBADMSG;
}

static int take_text(json_t *root, const char *key, char *out, size_t size)
{
	json_t *value = json_object_get(root, key);

	if (!json_is_string(value) || json_string_length(value) >= size)
		return damaged(key);
	memcpy(out, json_string_value(value), json_string_length(value) + 1);
	return 0;
}

static int take_number(json_t *root, const char *key, int64_t *ret)
{
	json_t *value = json_object_get(root, key);

	if (!json_is_integer(value))
		return damaged(key);
	*ret = json_integer_value(value);
	return 0;
}

static int take_state(json_t *root, enum tr_recording_state *ret)
{
	const char *word = json_string_value(json_object_get(root, "state"));

	for (unsigned i = TR_RECORDING_RUNNING; word && i < TR_COUNT(state_words); i++) {
		if (strcmp(word, state_words[i]) == 0) {
			*ret = (enum tr_recording_state)i;
			return 0;
		}
	}
	return damaged("state");
}

/* A part's name comes from a file that anybody may have touched: it must stay in the folder. */
static int take_parts(json_t *root, struct tr_recording *recording)
{
	json_t *parts = json_object_get(root, "parts");

	if (!json_is_array(parts) || json_array_size(parts) > TR_RECORDING_PARTS)
		return damaged("parts");
	recording->part_count = (unsigned)json_array_size(parts);
	for (unsigned i = 0; i < recording->part_count; i++) {
		struct tr_recording_part *part = &recording->parts[i];
		json_t *entry = json_array_get(parts, i);
		int rc = take_text(entry, "file", part->file, sizeof(part->file));
		if (rc == 0)
			rc = take_number(entry, "offset_ns", &part->offset_ns);
		if (rc < 0)
			return rc;
		if (part->file[0] == '\0' || strchr(part->file, '/') || part->offset_ns < 0)
			return damaged("a part's name or offset");
	}
	return 0;
}

static int take_all(json_t *root, struct tr_recording *recording)
{
	int rc = take_state(root, &recording->state);
	if (rc == 0)
		rc = take_text(
			root, "session_id", recording->session_id, sizeof(recording->session_id));
	if (rc == 0)
		rc = take_text(root, "url", recording->url, sizeof(recording->url));
	if (rc == 0)
		rc = take_text(root, "name", recording->name, sizeof(recording->name));
	if (rc == 0)
		rc = take_text(root, "file", recording->file, sizeof(recording->file));
	if (rc == 0)
		rc = take_text(root, "reason", recording->reason, sizeof(recording->reason));
	if (rc == 0)
		rc = take_number(root, "created_ns", &recording->created_wall_ns);
	if (rc == 0)
		rc = take_number(root, "bytes", &recording->bytes);
	if (rc == 0)
		rc = take_number(root, "duration_ns", &recording->duration_ns);
	if (rc == 0)
		rc = take_parts(root, recording);
	if (rc == 0 && (recording->name[0] == '\0' || strchr(recording->name, '/')))
		rc = damaged("name");
	return rc;
}

int tr_recording_load(int dirfd, struct tr_recording *ret_recording)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	json_error_t error;
	size_t size;

	int rc = tr_file_read(dirfd, TR_RECORDING_STATE_FILE, FILE_LIMIT, &text, &size);
	if (rc == -ENOENT)
		return rc;
	if (rc < 0)
		return tr_fail(rc, "cannot read " TR_RECORDING_STATE_FILE);

	TR_CLEANUP(decref) json_t *root = json_loadb(text, size, 0, &error);
	if (!json_is_object(root))
		return damaged(root ? "not an object" : error.text);
	int64_t schema;
	rc = take_number(root, "schema", &schema);
	if (rc < 0)
		return rc;
	if (schema != SCHEMA) {
		tr_error(TR_RECORDING_STATE_FILE " has schema %lld, this telerec knows %d; the "
						 "folder is left as it is",
			(long long)schema, SCHEMA);
		return -ENOTSUP;
	}
	TR_CLEANUP(tr_freep) struct tr_recording *recording = calloc(1, sizeof(*recording));
	if (!recording)
		return -ENOMEM;
	rc = take_all(root, recording);
	if (rc == 0)
		*ret_recording = *recording;
	return rc;
}
