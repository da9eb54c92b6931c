/*
 * Calls to a browser over its DevTools pipe: numbered, each with a deadline, answered later; and
 * the events that the browser sends by itself.
 *
 * One thread: that of the event loop. Every call gets its function called exactly once, from the
 * loop; with -ECANCELED at the latest when the object is
 * destroyed (so what it points to must live until then).
 */
#ifndef TR_BROWSER_CDP_H
#define TR_BROWSER_CDP_H

#include "core/cleanup.h"

#include <jansson.h>
#include <systemd/sd-event.h>

struct tr_cdp;

struct tr_cdp_events {
	/* `session` is "" for the browser itself. All are borrowed; params is an object. */
	void (*on_event)(const char *session, const char *method, json_t *params, void *user);
	/* The browser has gone; open calls have failed with -EPIPE before. */
	void (*on_closed)(int rc, void *user);
};

/*
 * rc 0: `result` is the answer's object (borrowed), `error` NULL. Else `result` is NULL and
 * `error` a few words: -ETIMEDOUT, -EPIPE (browser gone), -EREMOTEIO (it answered with an error),
 * or what tr_cdp_fail_session() was given.
 */
typedef void (*tr_cdp_result_fn)(int rc, json_t *result, const char *error, void *user);

/* Takes `fd`, also on failure. No function may destroy the object from within a callback. */
TR_CHECKED int tr_cdp_create(sd_event *event, int fd, const struct tr_cdp_events *events,
	void *user, struct tr_cdp **ret_cdp);
void tr_cdp_destroy(struct tr_cdp *cdp);

/*
 * Sends a call. Takes `params` (NULL: none), also on failure. `session` NULL is the browser. `fn`
 * may be NULL; then an error is logged at debug level. When this returns an error, `fn` is not
 * called: -EPIPE, -ENOBUFS, -ENOMEM.
 */
TR_CHECKED int tr_cdp_call(struct tr_cdp *cdp, const char *session, const char *method,
	json_t *params, int timeout_ms, tr_cdp_result_fn fn, void *user);

/* Fails all open calls of a session with `rc`: a crashed page never answers. */
void tr_cdp_fail_session(struct tr_cdp *cdp, const char *session, int rc, const char *error);

TR_CLEANUP_DEFINE(struct tr_cdp, tr_cdp_destroy)

static inline void tr_json_decrefp(json_t **json)
{
	json_decref(*json);
}

#endif
