#define TR_LOG_AREA "jibri-http"

#include "control/jibri_http.h"

#include "control/http_server.h"
#include "control/jibri_health.h"
#include "control/jibri_request.h"
#include "control/metrics.h"
#include "core/log.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define EXTERNAL "/jibri/api/v1.0/"
#define INTERNAL "/jibri/api/internal/v1.0/"
#define BODY_MAX (1 << 20)
#define EXIT_STAY_DOWN 255 /* the service manager's units do not restart after it */
#define EXIT_RELOAD 0

enum { /* HTTP's numbers */
	OK = 200,
	FORBIDDEN = 403,
	NOT_FOUND = 404,
	METHOD_NOT_ALLOWED = 405,
	PRECONDITION_FAILED = 412,
	INTERNAL_SERVER_ERROR = 500,
};

/* All sessions of the node, whoever asked for them. */
struct session {
	uint64_t serial;
	struct session *next;
	char id[];
};

/* A stopService whose answer waits until the sessions up to a serial are over. */
struct waiter {
	struct tr_http_request *request;
	uint64_t last_serial;
	struct waiter *next;
};

struct tr_jibri_http {
	const struct tr_control_actions *actions;
	int (*print_metrics)(void *user, char **ret_text);
	void *user;
	struct tr_http_server *external;
	struct tr_http_server *internal;
	struct session *sessions;
	uint64_t last_serial;
	struct waiter *waiters;
	bool stays_down; /* gracefulShutdown came: notifyConfigChanged restarts nothing any more */
};

struct route {
	const char *path;
	const char *method;
	void (*answer)(struct tr_jibri_http *http, struct tr_http_request *request);
};

static void answer_empty(struct tr_http_request *request, unsigned status)
{
	tr_http_request_answer(request, status, NULL, "");
}

/* ---- health ---- */

static char *make_health(const struct tr_control_presence *presence)
{
	json_t *root = json_pack("{s:o}", "status", tr_jibri_health_pack(presence));

	if (presence->environment[0])
		json_object_set_new(root, "environmentContext",
			json_pack("{s:o}", "name", tr_jibri_health_text(presence->environment)));
	char *text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

static void answer_health(struct tr_jibri_http *http, struct tr_http_request *request)
{
	struct tr_control_presence presence = {0};

	http->actions->read(http->actions->user, 0, &presence);
	TR_CLEANUP(tr_freep) char *text = make_health(&presence);
	if (text)
		tr_http_request_answer(request, OK, "application/json", text);
	else
		answer_empty(request, INTERNAL_SERVER_ERROR);
}

/* ---- metrics ---- */

static void answer_metrics(struct tr_jibri_http *http, struct tr_http_request *request)
{
	TR_CLEANUP(tr_freep) char *text = NULL;

	if (!http->print_metrics)
		answer_empty(request, NOT_FOUND);
	else if (http->print_metrics(http->user, &text) < 0)
		answer_empty(request, INTERNAL_SERVER_ERROR);
	else
		tr_http_request_answer(request, OK, TR_METRICS_CONTENT_TYPE, text);
}

/* ---- startService ---- */

static void answer_refusal(struct tr_http_request *request, const char *text)
{
	tr_http_request_answer(request, PRECONDITION_FAILED, "text/plain; charset=UTF-8", text);
}

static bool is_json(const struct tr_http_request *request)
{
	static const char json[] = "application/json";
	const char *type = tr_http_request_header(request, "Content-Type");
	size_t length = type ? strcspn(type, "; \t") : 0;

	return length == sizeof(json) - 1 && !strncasecmp(type, json, length);
}

static void start_session(struct tr_jibri_http *http, struct tr_http_request *request,
	const struct tr_control_start *start)
{
	char why[512] = "";

	switch (http->actions->start(http->actions->user, start, why, sizeof(why))) {
	case TR_CONTROL_ACCEPTED:
		tr_info("session %s: started by startService", start->session_id);
		answer_empty(request, OK);
		return;
	case TR_CONTROL_DUPLICATE: /* Jibri knows no second start of a session */
	case TR_CONTROL_DUPLICATE_ON:
	case TR_CONTROL_BUSY:
		tr_info("session %s: startService refused, busy: %s", start->session_id, why);
		answer_refusal(request, "Jibri is currently busy");
		return;
	case TR_CONTROL_FAILED:
	case TR_CONTROL_REFUSED:
		break;
	}
	tr_warning("session %s: startService failed: %s", start->session_id, why);
	answer_empty(request, INTERNAL_SERVER_ERROR);
}

static void answer_start(struct tr_jibri_http *http, struct tr_http_request *request)
{
	TR_CLEANUP(tr_jibri_request_destroyp) struct tr_jibri_request *parsed = NULL;
	const char *missing = NULL;
	char why[200];
	size_t size;

	if (!is_json(request)) {
		tr_warning("startService refused: the body is not called application/json");
		answer_empty(request, INTERNAL_SERVER_ERROR);
		return;
	}
	const char *body = tr_http_request_body(request, &size);
	int rc = tr_jibri_request_parse(body, size, &parsed, &missing, why, sizeof(why));
	if (rc == -ENODATA) {
		tr_warning("startService refused: %s", missing);
		answer_refusal(request, missing);
	} else if (rc < 0) {
		tr_warning("startService refused: %s", rc == -ENOMEM ? "no memory" : why);
		answer_empty(request, INTERNAL_SERVER_ERROR);
	} else {
		start_session(http, request, &parsed->start);
	}
}

/* ---- stopService ---- */

static bool are_over(const struct tr_jibri_http *http, uint64_t last_serial)
{
	for (const struct session *s = http->sessions; s; s = s->next)
		if (s->serial <= last_serial)
			return false;
	return true;
}

static void answer_stop(struct tr_jibri_http *http, struct tr_http_request *request)
{
	uint64_t last_serial = http->last_serial;

	bool ended = http->actions->stop(http->actions->user, 0, "");
	tr_info("stopService: %s", ended ? "ending what runs" : "nothing runs");
	if (are_over(http, last_serial)) {
		answer_empty(request, OK);
		return;
	}
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	if (!waiter) {
		answer_empty(request, INTERNAL_SERVER_ERROR);
		return;
	}
	*waiter = (struct waiter){request, last_serial, http->waiters};
	http->waiters = waiter;
}

static void wake_waiters(struct tr_jibri_http *http)
{
	for (struct waiter **link = &http->waiters; *link;) {
		struct waiter *waiter = *link;
		if (!are_over(http, waiter->last_serial)) {
			link = &waiter->next;
			continue;
		}
		*link = waiter->next;
		answer_empty(waiter->request, OK);
		free(waiter);
	}
}

void tr_jibri_http_session_began(struct tr_jibri_http *http, const char *session_id)
{
	if (!http)
		return;
	size_t size = strlen(session_id) + 1;
	struct session *session = malloc(sizeof(*session) + size);
	if (!session) {
		tr_warning("no memory: stopService will not wait for session %s", session_id);
		return;
	}
	memcpy(session->id, session_id, size);
	session->serial = ++http->last_serial;
	session->next = http->sessions;
	http->sessions = session;
}

void tr_jibri_http_session_over(struct tr_jibri_http *http, const char *session_id)
{
	if (!http)
		return;
	for (struct session **link = &http->sessions; *link; link = &(*link)->next) {
		struct session *session = *link;
		if (strcmp(session->id, session_id) != 0)
			continue;
		*link = session->next;
		free(session);
		break;
	}
	wake_waiters(http);
}

/* ---- the internal API: the answer first, then the deed ---- */

static void shut_down(void *user)
{
	struct tr_jibri_http *http = user;

	tr_info("shutdown: ending what runs, then leaving with status %d", EXIT_STAY_DOWN);
	http->stays_down = true;
	http->actions->shut_down(http->actions->user, EXIT_STAY_DOWN);
}

static void leave_for_good(void *user)
{
	struct tr_jibri_http *http = user;

	tr_info("gracefulShutdown: leaving with status %d when idle", EXIT_STAY_DOWN);
	http->stays_down = true;
	http->actions->exit_when_idle(http->actions->user, EXIT_STAY_DOWN);
}

/* "Stay down" is never turned into "restart". */
static void leave_to_reload(void *user)
{
	struct tr_jibri_http *http = user;

	tr_info("notifyConfigChanged: %s", http->stays_down ? "a shutdown is on its way already"
							    : "leaving with status 0 when idle");
	if (!http->stays_down)
		http->actions->exit_when_idle(http->actions->user, EXIT_RELOAD);
}

static void answer_shutdown(struct tr_jibri_http *http, struct tr_http_request *request)
{
	tr_http_request_call_after(request, shut_down, http);
	answer_empty(request, OK);
}

static void answer_graceful(struct tr_jibri_http *http, struct tr_http_request *request)
{
	tr_http_request_call_after(request, leave_for_good, http);
	answer_empty(request, OK);
}

static void answer_reload(struct tr_jibri_http *http, struct tr_http_request *request)
{
	tr_http_request_call_after(request, leave_to_reload, http);
	answer_empty(request, OK);
}

/* ---- both ---- */

static const struct route external_routes[] = {
	{EXTERNAL "health", "GET", answer_health},
	{EXTERNAL "startService", "POST", answer_start},
	{EXTERNAL "stopService", "POST", answer_stop},
	{"/metrics", "GET", answer_metrics},
	{0},
};

static const struct route internal_routes[] = {
	{INTERNAL "gracefulShutdown", "POST", answer_graceful},
	{INTERNAL "notifyConfigChanged", "POST", answer_reload},
	{INTERNAL "shutdown", "POST", answer_shutdown},
	{0},
};

/* A page in a browser on this machine can send a POST here without asking anybody; only browsers
 * name the page's origin. */
static bool is_from_page(const struct tr_http_request *request)
{
	return !strcmp(tr_http_request_method(request), "POST") &&
	       tr_http_request_header(request, "Origin") != NULL;
}

static void handle(
	struct tr_jibri_http *http, struct tr_http_request *request, const struct route *route)
{
	const char *path = tr_http_request_path(request);

	while (route->path && strcmp(route->path, path) != 0)
		route++;
	if (!route->path) {
		answer_empty(request, NOT_FOUND);
	} else if (strcmp(route->method, tr_http_request_method(request)) != 0) {
		answer_empty(request, METHOD_NOT_ALLOWED);
	} else if (is_from_page(request)) {
		tr_warning("%s refused: asked by a web page in a browser", route->path);
		answer_empty(request, FORBIDDEN);
	} else {
		route->answer(http, request);
	}
}

static void handle_external(struct tr_http_request *request, void *user)
{
	handle(user, request, external_routes);
}

static void handle_internal(struct tr_http_request *request, void *user)
{
	handle(user, request, internal_routes);
}

int tr_jibri_http_create(sd_event *event, const struct tr_jibri_http_settings *settings,
	const struct tr_control_actions *actions, struct tr_jibri_http **ret_http)
{
	TR_CLEANUP(tr_jibri_http_destroyp) struct tr_jibri_http *http = calloc(1, sizeof(*http));
	struct tr_http_server_settings server = {
		.bind = settings->bind,
		.timeout_s = settings->timeout_s,
		.body_max = BODY_MAX,
		.user = http,
	};
	int rc = 0;

	if (!http)
		return -ENOMEM;
	http->actions = actions;
	http->print_metrics = settings->print_metrics;
	http->user = settings->user;
	server.port = settings->external_port;
	server.handle = handle_external;
	if (server.port >= 0)
		rc = tr_http_server_create(event, &server, &http->external);
	server.port = settings->internal_port;
	server.handle = handle_internal;
	if (rc == 0 && server.port >= 0)
		rc = tr_http_server_create(event, &server, &http->internal);
	if (rc < 0)
		return rc;
	*ret_http = tr_take(http);
	return 0;
}

void tr_jibri_http_destroy(struct tr_jibri_http *http)
{
	if (!http)
		return;
	tr_http_server_destroy(http->external);
	tr_http_server_destroy(http->internal);
	while (http->waiters) {
		struct waiter *waiter = http->waiters;
		http->waiters = waiter->next;
		free(waiter);
	}
	while (http->sessions) {
		struct session *session = http->sessions;
		http->sessions = session->next;
		free(session);
	}
	free(http);
}

int tr_jibri_http_external_port(const struct tr_jibri_http *http)
{
	return http->external ? tr_http_server_port(http->external) : -1;
}

int tr_jibri_http_internal_port(const struct tr_jibri_http *http)
{
	return http->internal ? tr_http_server_port(http->internal) : -1;
}
