#include "control/node_api_internal.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 8
#define WORD_LENGTH_MAX 255 /* as a file's name */

static const char *const states[] = {"recording", "finishing", "done", "failed", NULL};
static const char *const levels[] = {"error", "warning", "info", "debug", NULL};

static const struct tr_node_api_parameter preview_parameters[] = {
	{.name = "width", .is_number = true, .min = 16, .max = 3840, .fallback = 480}, {0}};

static const struct tr_node_api_parameter recordings_parameters[] = {
	{.name = "limit", .is_number = true, .min = 1, .max = 1000, .fallback = 100},
	{.name = "offset", .is_number = true, .max = 1000000},
	{.name = "search", .max = 200},
	{.name = "state", .words = states},
	{0},
};

static const struct tr_node_api_parameter logs_parameters[] = {
	{.name = "session", .max = 127},
	{.name = "slot", .is_number = true, .min = 1, .max = TR_SNAPSHOT_SLOTS_MAX},
	{.name = "level", .words = levels},
	{.name = "since", .is_number = true, .max = INT64_MAX},
	{.name = "limit", .is_number = true, .min = 1, .max = 10000, .fallback = 200},
	{0},
};

static const struct tr_node_api_parameter events_parameters[] = {
	{.name = "types", .max = 255}, {0}};

static const struct tr_node_api_member start_members[] = {
	{"url", JSON_STRING, true},
	{"session_id", JSON_STRING, false},
	{"room", JSON_STRING, false},
	{"kind", JSON_STRING, false},
	{"stream", JSON_STRING, false},
	{"view_url", JSON_STRING, false},
	{"slot", JSON_INTEGER, false},
	{"for", JSON_STRING, false},
	{"environment", JSON_STRING, false},
	{"url_parameters", JSON_STRING, false},
	{"metadata", JSON_OBJECT, false},
	{0},
};

static const struct tr_node_api_member upload_members[] = {{"name", JSON_STRING, false}, {0}};

static const struct tr_node_api_member drain_members[] = {{"leave", JSON_TRUE, false}, {0}};

#define GET(path, answer, parameters)                                                              \
	{                                                                                          \
		"GET", path, answer, parameters, TR_NODE_API_NO_BODY, NULL                         \
	}
#define DELETE(path, answer)                                                                       \
	{                                                                                          \
		"DELETE", path, answer, NULL, TR_NODE_API_NO_BODY, NULL                            \
	}
#define POST(path, answer, members)                                                                \
	{                                                                                          \
		"POST", path, answer, NULL, TR_NODE_API_JSON_BODY, members                         \
	}
#define TEXT(method, path, answer)                                                                 \
	{                                                                                          \
		method, path, answer, NULL, TR_NODE_API_TEXT_BODY, NULL                            \
	}

static const struct tr_node_api_route routes[] = {
	GET("/v1/node", tr_node_api_read_node, NULL),
	GET("/v1/slots", tr_node_api_list_slots, NULL),
	GET("/v1/slots/*", tr_node_api_read_slot, NULL),
	GET("/v1/slots/*/preview.jpg", tr_node_api_preview_slot, preview_parameters),
	POST("/v1/slots/*/restart", tr_node_api_restart_slot, NULL),
	GET("/v1/sessions", tr_node_api_list_sessions, NULL),
	POST("/v1/sessions", tr_node_api_start_session, start_members),
	GET("/v1/sessions/*", tr_node_api_read_session, NULL),
	POST("/v1/sessions/*/stop", tr_node_api_stop_session, NULL),
	GET("/v1/recordings", tr_node_api_list_recordings, recordings_parameters),
	GET("/v1/recordings/*", tr_node_api_read_recording, NULL),
	DELETE("/v1/recordings/*", tr_node_api_remove_recording),
	POST("/v1/recordings/*/finish", tr_node_api_finish_recording, NULL),
	POST("/v1/recordings/*/uploads", tr_node_api_upload_recording, upload_members),
	GET("/v1/recordings/*/files/*", tr_node_api_read_file, NULL),
	POST("/v1/drain", tr_node_api_drain, drain_members),
	DELETE("/v1/drain", tr_node_api_end_drain),
	GET("/v1/logs", tr_node_api_read_logs, logs_parameters),
	GET("/v1/config", tr_node_api_read_config, NULL),
	TEXT("PUT", "/v1/config", tr_node_api_write_config),
	TEXT("POST", "/v1/config/check", tr_node_api_check_config),
	GET("/v1/events", tr_node_api_listen, events_parameters),
	GET("/v1/openapi.yaml", tr_node_api_read_document, NULL),
	GET("/metrics", tr_node_api_read_metrics, NULL),
};

bool tr_node_api_routes_is_name(const char *word)
{
	if (!*word || *word == '.' || strlen(word) > WORD_LENGTH_MAX)
		return false;
	for (; *word; word++)
		if ((unsigned char)*word < 0x20 || *word == 0x7f || *word == '/')
			return false;
	return true;
}

/* The words between slashes; 0 when it is no path of ours. */
static unsigned split(char *path, const char *words[static WORDS_MAX])
{
	unsigned count = 0;

	if (*path != '/')
		return 0;
	for (char *rest = path + 1, *word; (word = strsep(&rest, "/")); words[count++] = word)
		if (count == WORDS_MAX)
			return 0;
	return count;
}

static bool matches(
	const char *pattern, const char *const *words, unsigned count, const char *args[static 2])
{
	unsigned arg = 0;

	for (unsigned i = 0; i < count; i++) {
		if (*pattern++ != '/')
			return false;
		size_t length = strcspn(pattern, "/");
		if (*pattern == '*' && tr_node_api_routes_is_name(words[i]))
			args[arg++] = words[i];
		else if (strlen(words[i]) != length || strncmp(words[i], pattern, length) != 0)
			return false;
		pattern += length;
	}
	return !*pattern;
}

static void add_method(char *allow, size_t size, const char *method)
{
	size_t used = strlen(allow);

	snprintf(allow + used, size - used, "%s%s%s", used ? ", " : "", method,
		!strcmp(method, "GET") ? ", HEAD" : "");
}

const struct tr_node_api_route *tr_node_api_routes_find(const char *method, const char *path,
	struct tr_node_api_call *call, char *allow, size_t allow_size)
{
	const char *words[WORDS_MAX];

	*allow = '\0';
	if (strlen(path) >= sizeof(call->path))
		return NULL;
	memcpy(call->path, path, strlen(path) + 1);
	unsigned count = split(call->path, words);
	if (!strcmp(method, "HEAD"))
		method = "GET";
	for (unsigned i = 0; count > 0 && i < TR_COUNT(routes); i++) {
		if (!matches(routes[i].path, words, count, call->args))
			continue;
		if (!strcmp(routes[i].method, method))
			return &routes[i];
		add_method(allow, allow_size, routes[i].method);
	}
	return NULL;
}
