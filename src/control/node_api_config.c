#define TR_LOG_AREA "node-api"

#include "control/node_api_internal.h"
#include "core/log.h"

#include <errno.h>
#include <string.h>

enum { SESSION, SLOT, LEVEL, SINCE, LIMIT }; /* places in the table of parameters */

static const struct tr_node_api_shape line_shape[] = {
	{"ms", JSON_INTEGER, NULL},
	{"level", JSON_STRING, NULL},
	{"area", JSON_STRING, NULL},
	{"slot", JSON_INTEGER, NULL},
	{"session_id", JSON_STRING, NULL},
	{"text", JSON_STRING, NULL},
	{0},
};

static const struct tr_node_api_shape config_shape[] = {
	{"path", JSON_STRING, NULL},
	{"text", JSON_STRING, NULL},
	{"settings", JSON_OBJECT, NULL},
	{0},
};

static const struct tr_node_api_shape check_shape[] = {
	{"complaints", JSON_ARRAY, NULL},
	{"warnings", JSON_ARRAY, NULL},
	{0},
};

void tr_node_api_read_logs(struct tr_node_api_call *call)
{
	static const int levels[] = {TR_LOG_ERROR, TR_LOG_WARNING, TR_LOG_INFO, TR_LOG_DEBUG};
	const struct tr_node_api_source *source = call->api->source;
	const struct tr_node_api_query *query = &call->query;
	const int64_t *numbers = query->numbers;
	json_t *given = NULL;

	if (!source->read_log) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	int rc = source->read_log(source->user, query->texts[SESSION], (unsigned)numbers[SLOT],
		numbers[LEVEL] < 0 ? 0 : levels[numbers[LEVEL]], numbers[SINCE],
		(unsigned)numbers[LIMIT], &given);
	if (rc < 0) {
		tr_node_api_reply_failure(call->request, rc, "");
		return;
	}
	json_t *lines = tr_node_api_shape_array(given, line_shape);
	json_decref(given);
	tr_node_api_reply_json(call->request, TR_HTTP_OK, json_pack("{s:o}", "lines", lines));
}

void tr_node_api_read_config(struct tr_node_api_call *call)
{
	const struct tr_node_api_source *source = call->api->source;
	json_t *given = NULL;

	if (!source->read_config) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	int rc = source->read_config(source->user, &given);
	if (rc < 0) {
		tr_node_api_reply_failure(call->request, rc, "");
		return;
	}
	tr_node_api_reply_json(
		call->request, TR_HTTP_OK, tr_node_api_shape_object(given, config_shape));
	json_decref(given);
}

static void answer_complaints(struct tr_node_api_call *call, json_t *check, bool is_check)
{
	bool is_valid = json_array_size(json_object_get(check, "complaints")) == 0;

	if (is_valid || is_check) {
		json_object_set_new(check, "is_valid", json_boolean(is_valid));
		tr_node_api_reply_json(call->request, TR_HTTP_OK, check);
		return;
	}
	json_object_set_new(check, "status", json_integer(TR_HTTP_UNPROCESSABLE));
	json_object_set_new(check, "sentence",
		json_string("There are complaints about this text; nothing is written"));
	tr_node_api_reply_json(
		call->request, TR_HTTP_UNPROCESSABLE, json_pack("{s:o}", "error", check));
}

/* The text may hold secrets. */
static void free_text(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

static void hand_over(struct tr_node_api_call *call, bool is_check)
{
	const struct tr_node_api_source *source = call->api->source;
	char why[512] = "";
	json_t *given = NULL;
	size_t size;

	const char *body = tr_http_request_body(call->request, &size);
	TR_CLEANUP(free_text) char *text = strndup(body, size);
	if (!text || strlen(text) != size) {
		tr_node_api_reply_failure(call->request, text ? -EINVAL : -ENOMEM,
			text ? "The text has a byte that is zero" : "");
		return;
	}
	if (!source->write_config) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	int rc = source->write_config(source->user, text, is_check, &given, why, sizeof(why));
	if (rc < 0) {
		tr_node_api_reply_failure(call->request, rc, why);
		return;
	}
	json_t *check = tr_node_api_shape_object(given, check_shape);
	json_decref(given);
	if (!is_check && json_array_size(json_object_get(check, "complaints")) == 0)
		tr_info("new settings are written by the node API");
	answer_complaints(call, check, is_check);
}

void tr_node_api_write_config(struct tr_node_api_call *call)
{
	hand_over(call, false);
}

void tr_node_api_check_config(struct tr_node_api_call *call)
{
	hand_over(call, true);
}
