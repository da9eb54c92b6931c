#define TR_LOG_AREA "node-api"

#include "control/member_json_internal.h"
#include "control/node_api_internal.h"
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT, OFFSET, SEARCH, STATE }; /* places in the table of parameters */

#define MEMBERS                                                                                    \
	{"id", JSON_STRING, NULL}, {"session_id", JSON_STRING, NULL}, {"room", JSON_STRING, NULL}, \
		{"name", JSON_STRING, NULL}, {"state", JSON_STRING, NULL},                         \
		{"reason", JSON_STRING, NULL}, {"file", JSON_STRING, NULL},                        \
		{"bytes", JSON_INTEGER, NULL}, {"duration_ms", JSON_INTEGER, NULL},                \
		{"created_ms", JSON_INTEGER, NULL}, {"grade", JSON_STRING, NULL},                  \
		{"is_finalized", JSON_TRUE, NULL},                                                 \
	{                                                                                          \
		"uploads", JSON_ARRAY, upload_shape                                                \
	}

static const struct tr_node_api_shape upload_shape[] = {{"name", JSON_STRING, NULL},
	{"state", JSON_STRING, NULL}, {"bytes", JSON_INTEGER, NULL}, {"total", JSON_INTEGER, NULL},
	{"attempts", JSON_INTEGER, NULL}, {"error", JSON_STRING, NULL},
	{"next_try_ms", JSON_INTEGER, NULL}, {0}};

static const struct tr_node_api_shape file_shape[] = {
	{"name", JSON_STRING, NULL}, {"bytes", JSON_INTEGER, NULL}, {0}};

static const struct tr_node_api_shape list_shape[] = {MEMBERS, {0}};

static const struct tr_node_api_shape detail_shape[] = {MEMBERS, {"files", JSON_ARRAY, file_shape},
	{"report", JSON_OBJECT, NULL}, {"metadata", JSON_OBJECT, NULL}, {0}};

/* ---- the list ---- */

static bool has_word(const json_t *recording, const char *word)
{
	static const char *const members[] = {"id", "session_id", "room", "name", "file"};

	for (unsigned i = 0; i < TR_COUNT(members); i++) {
		const char *text = json_string_value(json_object_get(recording, members[i]));
		if (text && strcasestr(text, word))
			return true;
	}
	return false;
}

static bool has_words(const json_t *recording, const char *search)
{
	char words[TR_NODE_API_TEXT_MAX];

	snprintf(words, sizeof(words), "%s", search);
	for (char *rest = words, *word; (word = strsep(&rest, " "));)
		if (*word && !has_word(recording, word))
			return false;
	return true;
}

static bool is_wanted(const struct tr_node_api_call *call, const json_t *recording)
{
	static const char *const states[] = {"recording", "finishing", "done", "failed"};
	const struct tr_node_api_query *query = &call->query;
	const char *state = json_string_value(json_object_get(recording, "state"));

	if (query->numbers[STATE] >= 0 &&
		(!state || strcmp(state, states[query->numbers[STATE]]) != 0))
		return false;
	return has_words(recording, query->texts[SEARCH]);
}

void tr_node_api_list_recordings(struct tr_node_api_call *call)
{
	const struct tr_node_api_source *source = call->api->source;
	const int64_t *numbers = call->query.numbers;
	json_t *all = NULL, *recording;
	json_int_t total = 0;
	size_t i;

	if (!source->list_recordings) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	int rc = source->list_recordings(source->user, &all);
	if (rc < 0) {
		tr_node_api_reply_failure(call->request, rc, "");
		return;
	}
	json_t *part = json_array();
	json_array_foreach(all, i, recording)
	{
		if (!is_wanted(call, recording))
			continue;
		if (total >= numbers[OFFSET] && total < numbers[OFFSET] + numbers[LIMIT])
			json_array_append_new(
				part, tr_node_api_shape_object(recording, list_shape));
		total++;
	}
	json_decref(all);
	tr_node_api_reply_json(call->request, TR_HTTP_OK,
		json_pack("{s:I, s:I, s:o}", "total", total, "offset", (json_int_t)numbers[OFFSET],
			"recordings", part));
}

/* ---- one ---- */

void tr_node_api_read_recording(struct tr_node_api_call *call)
{
	const struct tr_node_api_source *source = call->api->source;
	char why[512] = "";
	json_t *given = NULL;

	if (!source->read_recording) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	int rc = source->read_recording(source->user, call->args[0], &given, why, sizeof(why));
	if (rc < 0) {
		tr_node_api_reply_failure(call->request, rc, why);
		return;
	}
	tr_node_api_reply_json(
		call->request, TR_HTTP_OK, tr_node_api_shape_object(given, detail_shape));
	json_decref(given);
}

void tr_node_api_remove_recording(struct tr_node_api_call *call)
{
	const struct tr_node_api_source *source = call->api->source;
	char why[512] = "";

	if (!source->remove_recording) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	int rc = source->remove_recording(source->user, call->args[0], why, sizeof(why));
	if (rc < 0) {
		tr_node_api_reply_failure(call->request, rc, why);
		return;
	}
	tr_info("recording %s: removed by the node API", call->args[0]);
	tr_http_request_answer(call->request, TR_HTTP_NO_CONTENT, NULL, "");
}

void tr_node_api_finish_recording(struct tr_node_api_call *call)
{
	const struct tr_node_api_source *source = call->api->source;
	char why[512] = "";

	if (!source->finish_recording) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	int rc = source->finish_recording(source->user, call->args[0], why, sizeof(why));
	if (rc < 0) {
		tr_node_api_reply_failure(call->request, rc, why);
		return;
	}
	tr_info("recording %s: finished once more, as asked", call->args[0]);
	tr_node_api_reply_json(call->request, TR_HTTP_ACCEPTED,
		json_pack("{s:o}", "id", tr_member_json_text(call->args[0])));
}

void tr_node_api_upload_recording(struct tr_node_api_call *call)
{
	const struct tr_node_api_source *source = call->api->source;
	const char *target = json_string_value(json_object_get(call->body, "name"));
	char why[512] = "";

	if (!source->upload_recording) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	int rc = source->upload_recording(source->user, call->args[0], target, why, sizeof(why));
	if (rc < 0) {
		tr_node_api_reply_failure(call->request, rc, why);
		return;
	}
	tr_info("recording %s: uploaded now, as asked", call->args[0]);
	tr_node_api_reply_json(call->request, TR_HTTP_ACCEPTED,
		json_pack("{s:o}", "id", tr_member_json_text(call->args[0])));
}

/* ---- files ---- */

static const char *type_of(const char *name)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{".mp4", "video/mp4"},
		{".jpg", "image/jpeg"},
		{".json", "application/json"},
		{".txt", "text/plain; charset=utf-8"},
		{".log", "text/plain; charset=utf-8"},
	};
	const char *ending = strrchr(name, '.');

	for (unsigned i = 0; ending && i < TR_COUNT(types); i++)
		if (!strcmp(ending, types[i].ending))
			return types[i].type;
	return "application/octet-stream";
}

static void answer_wrong_range(struct tr_http_request *request, int64_t size)
{
	char text[64];

	snprintf(text, sizeof(text), "bytes */%lld", (long long)size);
	tr_http_request_add_header(request, "Content-Range", text);
	tr_node_api_reply_error(
		request, TR_HTTP_WRONG_RANGE, NULL, "The file has %lld bytes", (long long)size);
}

void tr_node_api_read_file(struct tr_node_api_call *call)
{
	const struct tr_node_api_source *source = call->api->source;
	const char *name = call->args[1];
	TR_CLEANUP(tr_closep) int fd = -1;
	char escaped[800], disposition[840];
	int64_t size = 0;

	if (!source->open_file) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	int rc = source->open_file(source->user, call->args[0], name, &fd);
	if (rc < 0) {
		tr_node_api_reply_failure(call->request, rc, "");
		return;
	}
	tr_node_api_reply_escape(name, escaped, sizeof(escaped));
	snprintf(disposition, sizeof(disposition), "attachment; filename*=UTF-8''%s", escaped);
	tr_http_request_add_header(call->request, "Content-Disposition", disposition);
	tr_http_request_add_header(call->request, "Cache-Control", "private, no-cache");
	rc = tr_http_request_answer_file(call->request, type_of(name), fd, &size);
	if (rc == 0)
		fd = -1;
	else if (rc == -ERANGE)
		answer_wrong_range(call->request, size);
	else
		tr_node_api_reply_failure(call->request, rc == -EISDIR ? -ENOENT : rc, "");
}
