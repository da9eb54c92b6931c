#define TR_LOG_AREA "node-api"

#include "control/member_json_internal.h"
#include "control/node_api_internal.h"
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void send(struct tr_http_request *request, unsigned status, const json_t *object)
{
	TR_CLEANUP(tr_freep) char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (text) {
		tr_http_request_answer(request, status, TR_NODE_API_JSON, text);
		return;
	}
	tr_warning("no memory for an answer");
	tr_http_request_answer(request, TR_HTTP_INTERNAL_ERROR, TR_NODE_API_JSON,
		"{\"error\":{\"status\":500,\"sentence\":\"There is no memory for the answer\"}}");
}

void tr_node_api_reply_json(struct tr_http_request *request, unsigned status, json_t *object)
{
	send(request, status, object);
	json_decref(object);
}

void tr_node_api_reply_error(struct tr_http_request *request, unsigned status,
	const char *parameter, const char *format, ...)
{
	char sentence[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	json_t *error = json_pack(
		"{s:i, s:o}", "status", (int)status, "sentence", tr_member_json_text(sentence));
	if (parameter && *parameter)
		json_object_set_new(error, "parameter", tr_member_json_text(parameter));
	tr_node_api_reply_json(request, status, json_pack("{s:o}", "error", error));
}

static const struct {
	int error;
	unsigned status;
	const char *sentence;
} failures[] = {
	{ENOENT, TR_HTTP_NOT_FOUND, "There is none of that name"},
	{EINVAL, TR_HTTP_BAD_REQUEST, "The request cannot be carried out as it is"},
	{EBUSY, TR_HTTP_CONFLICT, "This cannot be done now"},
	{ENODATA, TR_HTTP_CONFLICT, "There is nothing now"},
	{EACCES, TR_HTTP_FORBIDDEN, "telerecd may not do that"},
	{EPERM, TR_HTTP_FORBIDDEN, "telerecd may not do that"},
	{EROFS, TR_HTTP_FORBIDDEN, "The file system is read-only"},
	{ENOSPC, TR_HTTP_NO_SPACE, "The disk is too full"},
	{ETIMEDOUT, TR_HTTP_TOO_SLOW, "It did not answer in time"},
	{ENOSYS, TR_HTTP_NOT_IMPLEMENTED, "This node cannot do that"},
};

void tr_node_api_reply_failure(struct tr_http_request *request, int rc, const char *why)
{
	for (unsigned i = 0; i < TR_COUNT(failures); i++)
		if (failures[i].error == -rc) {
			tr_node_api_reply_error(request, failures[i].status, NULL, "%s",
				*why ? why : failures[i].sentence);
			return;
		}
	if (*why)
		tr_node_api_reply_error(request, TR_HTTP_INTERNAL_ERROR, NULL, "%s", why);
	else
		tr_node_api_reply_error(request, TR_HTTP_INTERNAL_ERROR, NULL,
			"This failed: %s; telerecd's log says more", strerror(-rc));
}

void tr_node_api_reply_missing(struct tr_http_request *request)
{
	tr_node_api_reply_failure(request, -ENOSYS, "");
}

void tr_node_api_reply_too_many(struct tr_http_request *request, const char *seconds)
{
	tr_http_request_add_header(request, "Retry-After", seconds);
	tr_node_api_reply_error(
		request, TR_HTTP_TOO_MANY, NULL, "Too many of these at a time; try again soon");
}

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       strchr("-._~", c);
}

void tr_node_api_reply_escape(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text && used + 4 <= size; text++) {
		if (is_plain(*text))
			out[used++] = *text;
		else
			used += (size_t)sprintf(out + used, "%%%02X", (unsigned char)*text);
	}
	out[used] = '\0';
}
