#define TR_LOG_AREA "node-api"

#include "control/member_json_internal.h"
#include "control/node_api_internal.h"
#include "control/snapshot_json.h"
#include "core/log.h"

#include <stdio.h>
#include <string.h>

static const struct tr_node_api_shape ended_shape[] = {
	{"session_id", JSON_STRING, NULL},
	{"slot", JSON_INTEGER, NULL},
	{"folder", JSON_STRING, NULL},
	{"room", JSON_STRING, NULL},
	{"name", JSON_STRING, NULL},
	{"environment", JSON_STRING, NULL},
	{"kind", JSON_STRING, NULL},
	{"accepted_ms", JSON_INTEGER, NULL},
	{"on_ms", JSON_INTEGER, NULL},
	{"warning", JSON_STRING, NULL},
	{"ended_ms", JSON_INTEGER, NULL},
	{"is_failure", JSON_TRUE, NULL},
	{"reason", JSON_STRING, NULL},
	{"sentence", JSON_STRING, NULL},
	{"file", JSON_STRING, NULL},
	{"grade", JSON_STRING, NULL},
	{"bytes", JSON_INTEGER, NULL},
	{"duration_ms", JSON_INTEGER, NULL},
	{"is_over", JSON_TRUE, NULL},
	{0},
};

static const struct tr_node_api_shape started_shape[] = {
	{"session_id", JSON_STRING, NULL},
	{"slot", JSON_INTEGER, NULL},
	{0},
};

/* Those that have ended, as they are shown. NULL with an error that is answered. */
static json_t *list_ended(struct tr_node_api_call *call)
{
	const struct tr_node_api_source *source = call->api->source;
	json_t *given = NULL, *session;
	size_t i;

	if (!source->list_sessions)
		return json_array();
	int rc = source->list_sessions(source->user, &given);
	if (rc < 0) {
		tr_node_api_reply_failure(call->request, rc, "");
		return NULL;
	}
	json_t *ended = tr_node_api_shape_array(given, ended_shape);
	json_decref(given);
	json_array_foreach(ended, i, session)
		json_object_set_new(session, "state", json_string("ended"));
	return ended;
}

void tr_node_api_list_sessions(struct tr_node_api_call *call)
{
	json_t *ended = list_ended(call), *sessions = json_array();

	if (!ended) {
		json_decref(sessions);
		return;
	}
	const struct tr_snapshot *snapshot = tr_node_api_look(call->api);
	for (unsigned i = 0; i < snapshot->slot_count; i++)
		if (snapshot->slots[i].has_session)
			json_array_append_new(
				sessions, tr_snapshot_json_session(&snapshot->slots[i]));
	json_array_extend(sessions, ended);
	json_decref(ended);
	tr_node_api_reply_json(call->request, TR_HTTP_OK, json_pack("{s:o}", "sessions", sessions));
}

/* ---- one ---- */

static json_t *find_running(const struct tr_snapshot *snapshot, const char *id)
{
	for (unsigned i = 0; i < snapshot->slot_count; i++)
		if (snapshot->slots[i].has_session && !strcmp(snapshot->slots[i].session.id, id))
			return tr_snapshot_json_session(&snapshot->slots[i]);
	return NULL;
}

static json_t *find_ended(json_t *ended, const char *id)
{
	json_t *session;
	size_t i;

	json_array_foreach(ended, i,
		session) if (!strcmp(json_string_value(json_object_get(session, "session_id")),
				     id)) return json_incref(session);
	return NULL;
}

void tr_node_api_read_session(struct tr_node_api_call *call)
{
	json_t *session = find_running(tr_node_api_look(call->api), call->args[0]);

	if (!session) {
		json_t *ended = list_ended(call);
		if (!ended)
			return;
		session = find_ended(ended, call->args[0]);
		json_decref(ended);
	}
	if (session)
		tr_node_api_reply_json(call->request, TR_HTTP_OK, session);
	else
		tr_node_api_reply_error(call->request, TR_HTTP_NOT_FOUND, NULL,
			"There is no such session: none that runs, and none of the last hundred");
}

/* ---- start and stop ---- */

static void answer_started(struct tr_node_api_call *call, const json_t *given)
{
	json_t *started = tr_node_api_shape_object(given, started_shape);
	const char *id = json_string_value(json_object_get(started, "session_id"));
	char escaped[600], location[640];

	tr_node_api_reply_escape(id, escaped, sizeof(escaped));
	snprintf(location, sizeof(location), "/v1/sessions/%s", escaped);
	tr_info("session %s: started by the node API", id);
	tr_http_request_add_header(call->request, "Location", location);
	tr_node_api_reply_json(call->request, TR_HTTP_CREATED, started);
}

/* What the table of members does not say. */
static bool check_start(struct tr_node_api_call *call)
{
	const char *kind = json_string_value(json_object_get(call->body, "kind"));
	const char *id = json_string_value(json_object_get(call->body, "session_id"));
	const json_t *slot = json_object_get(call->body, "slot");
	json_int_t number = json_integer_value(slot);

	if (kind && strcmp(kind, "file") != 0 && strcmp(kind, "stream") != 0) {
		tr_node_api_reply_error(
			call->request, TR_HTTP_BAD_REQUEST, "kind", "kind is one of file, stream");
		return false;
	}
	if (id && !tr_node_api_routes_is_name(id)) {
		tr_node_api_reply_error(call->request, TR_HTTP_BAD_REQUEST, "session_id",
			"session_id is part of a path: no slash, no leading dot, no control "
			"character, 255 bytes at most");
		return false;
	}
	if (slot && (number < 1 || number > TR_SNAPSHOT_SLOTS_MAX)) {
		tr_node_api_reply_error(call->request, TR_HTTP_BAD_REQUEST, "slot",
			"slot is a number from 1 to %d", TR_SNAPSHOT_SLOTS_MAX);
		return false;
	}
	return true;
}

void tr_node_api_start_session(struct tr_node_api_call *call)
{
	const struct tr_node_api_source *source = call->api->source;
	char why[512] = "";
	json_t *given = NULL;

	if (!check_start(call))
		return;
	if (!source->start) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	int rc = source->start(source->user, call->body, &given, why, sizeof(why));
	if (rc < 0) {
		tr_info("a start by the node API is refused: %s", why);
		tr_node_api_reply_failure(call->request, rc, why);
		return;
	}
	answer_started(call, given);
	json_decref(given);
}

void tr_node_api_stop_session(struct tr_node_api_call *call)
{
	const struct tr_control_actions *actions = call->api->source->actions;
	const char *id = call->args[0];

	if (!actions->stop(actions->user, 0, id)) {
		tr_node_api_reply_error(call->request, TR_HTTP_NOT_FOUND, NULL,
			"There is no such session that runs");
		return;
	}
	tr_info("session %s: stopped by the node API", id);
	json_t *stopped = json_pack("{s:o}", "session_id", tr_member_json_text(id));
	tr_node_api_reply_json(call->request, TR_HTTP_ACCEPTED, stopped);
}
