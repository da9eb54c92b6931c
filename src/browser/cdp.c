#include "browser/cdp.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "browser/cdp_pipe.h"
#include "core/clock.h"
#include "core/log.h"

#define TR_LOG_AREA "cdp"
#define SESSION_SIZE 64
#define METHOD_SIZE 64
#define TIMER_ACCURACY_US 5000

struct call {
	struct call *next; /* tr_cdp.calls */
	int64_t id;
	int64_t deadline_ns;
	char session[SESSION_SIZE];
	char method[METHOD_SIZE];
	tr_cdp_result_fn fn;
	void *user;
};

struct tr_cdp {
	struct tr_cdp_events events;
	void *user;
	struct tr_cdp_pipe *pipe;
	sd_event_source *timer;
	int64_t last_id;
	struct call *calls;
};

static void finish(struct call *call, int rc, json_t *result, const char *error)
{
	if (call->fn)
		call->fn(rc, result, error, call->user);
	else if (rc < 0)
		tr_debug("%s failed: %s", call->method, error);
	free(call);
}

static struct call *take_call(struct tr_cdp *cdp, int64_t id)
{
	for (struct call **at = &cdp->calls; *at; at = &(*at)->next)
		if ((*at)->id == id) {
			struct call *call = *at;
			*at = call->next;
			return call;
		}
	return NULL;
}

/* Takes out the calls that are over by `now_ns`, or those of a session, oldest first. */
static struct call *take_calls(struct tr_cdp *cdp, const char *session, int64_t now_ns)
{
	struct call *taken = NULL;

	for (struct call **at = &cdp->calls; *at;) {
		struct call *call = *at;
		if (session ? strcmp(call->session, session) != 0 : call->deadline_ns > now_ns) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		call->next = taken; /* the list has the newest first */
		taken = call;
	}
	return taken;
}

static void finish_all(struct call *calls, int rc, const char *error)
{
	while (calls) {
		struct call *call = calls;
		calls = call->next;
		finish(call, rc, NULL, error);
	}
}

static int set_timer(struct tr_cdp *cdp)
{
	int64_t earliest = INT64_MAX;

	for (struct call *call = cdp->calls; call; call = call->next)
		if (call->deadline_ns < earliest)
			earliest = call->deadline_ns;
	if (earliest == INT64_MAX)
		return sd_event_source_set_enabled(cdp->timer, SD_EVENT_OFF);
	int rc = sd_event_source_set_time(cdp->timer, (uint64_t)earliest / 1000);
	return rc < 0 ? rc : sd_event_source_set_enabled(cdp->timer, SD_EVENT_ONESHOT);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source;
	struct tr_cdp *cdp = user;

	finish_all(take_calls(cdp, NULL, (int64_t)usec * 1000 + TIMER_ACCURACY_US * 1000),
		-ETIMEDOUT, "no answer in time");
	return set_timer(cdp);
}

static void take_answer(struct tr_cdp *cdp, int64_t id, json_t *message)
{
	struct call *call = take_call(cdp, id);
	json_t *error = json_object_get(message, "error");
	json_t *result = json_object_get(message, "result");

	if (!call)
		return; /* its deadline had passed */
	if (json_is_object(result)) {
		finish(call, 0, result, NULL);
		return;
	}
	const char *text = json_string_value(json_object_get(error, "message"));
	finish(call, -EREMOTEIO, NULL, text ? text : "an answer without a result");
}

static void on_message(const char *text, size_t length, void *user)
{
	struct tr_cdp *cdp = user;
	json_error_t error;
	TR_CLEANUP(tr_json_decrefp)
	json_t *message = json_loadb(text, length, JSON_ALLOW_NUL, &error);

	if (!json_is_object(message)) {
		tr_warning("the browser sent what is not a message (%s), which is ignored",
			message ? "no object" : error.text);
		return;
	}
	json_t *id = json_object_get(message, "id");
	const char *method = json_string_value(json_object_get(message, "method"));
	if (json_is_integer(id)) {
		take_answer(cdp, json_integer_value(id), message);
		return;
	}
	if (!method)
		return;
	const char *session = json_string_value(json_object_get(message, "sessionId"));
	json_t *params = json_object_get(message, "params");
	TR_CLEANUP(tr_json_decrefp) json_t *none = NULL;
	if (!json_is_object(params)) {
		none = json_object();
		params = none;
	}
	cdp->events.on_event(session ? session : "", method, params, cdp->user);
}

static void on_closed(int rc, void *user)
{
	struct tr_cdp *cdp = user;

	finish_all(take_calls(cdp, NULL, INT64_MAX), -EPIPE, "the browser has gone");
	cdp->events.on_closed(rc, cdp->user);
}

int tr_cdp_create(sd_event *event, int fd, const struct tr_cdp_events *events, void *user,
	struct tr_cdp **ret_cdp)
{
	TR_CLEANUP(tr_closep) int own_fd = fd;
	TR_CLEANUP(tr_cdp_destroyp) struct tr_cdp *cdp = calloc(1, sizeof(*cdp));

	if (!cdp)
		return -ENOMEM;
	cdp->events = *events;
	cdp->user = user;
	int rc = sd_event_add_time(
		event, &cdp->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_US, on_deadline, cdp);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(cdp->timer, SD_EVENT_OFF);
	if (rc >= 0)
		rc = tr_cdp_pipe_open(
			event, tr_take_fd(&own_fd), on_message, on_closed, cdp, &cdp->pipe);
	if (rc < 0)
		return rc;
	*ret_cdp = tr_take(cdp);
	return 0;
}

void tr_cdp_destroy(struct tr_cdp *cdp)
{
	if (!cdp)
		return;
	tr_cdp_pipe_close(tr_take(cdp->pipe));
	sd_event_source_disable_unref(cdp->timer);
	finish_all(take_calls(cdp, NULL, INT64_MAX), -ECANCELED, "the browser is being closed");
	free(cdp);
}

static int send_call(struct tr_cdp *cdp, const struct call *call, const char *session,
	const char *method, json_t *params)
{
	TR_CLEANUP(tr_json_decrefp)
	json_t *message = json_pack("{s:I, s:s, s:O*, s:s*}", "id", (json_int_t)call->id, "method",
		method, "params", params, "sessionId", session);
	if (!message)
		return -ENOMEM;
	TR_CLEANUP(tr_freep) char *text = json_dumps(message, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	return tr_cdp_pipe_send(cdp->pipe, text, strlen(text));
}

int tr_cdp_call(struct tr_cdp *cdp, const char *session, const char *method, json_t *params,
	int timeout_ms, tr_cdp_result_fn fn, void *user)
{
	TR_CLEANUP(tr_json_decrefp) json_t *own_params = params;
	TR_CLEANUP(tr_freep) struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	if (!cdp->pipe)
		return -ECANCELED; /* called by what tr_cdp_destroy() ends */
	if (session && strlen(session) >= sizeof(call->session))
		return -EINVAL;
	call->id = ++cdp->last_id;
	call->deadline_ns = tr_clock_now_ns() + timeout_ms * TR_NS_PER_MS;
	call->fn = fn;
	call->user = user;
	snprintf(call->session, sizeof(call->session), "%s", session ? session : "");
	snprintf(call->method, sizeof(call->method), "%s", method);
	int rc = send_call(cdp, call, session, method, params);
	if (rc < 0)
		return rc;
	call->next = cdp->calls;
	cdp->calls = call;
	call = NULL;
	return set_timer(cdp);
}

void tr_cdp_fail_session(struct tr_cdp *cdp, const char *session, int rc, const char *error)
{
	finish_all(take_calls(cdp, session, 0), rc, error);
}
