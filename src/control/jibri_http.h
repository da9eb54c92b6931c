/*
 * Jibri's two HTTP APIs, as its clients see them: the external one (health, startService,
 * stopService; 2222) and the internal one (gracefulShutdown, notifyConfigChanged, shutdown; 3333).
 *
 * The server is libmicrohttpd's; its descriptors are watched by the loop, so the actions are called
 * there. stopService answers when the sessions that there were are over, which the daemon tells by
 * tr_jibri_http_session_began() and _over().
 *
 * What Jibri does not do: a POST with an Origin header is refused with 403 (a web page in a
 * browser of this machine is no client), and a body over 1 MiB with 413.
 */
#ifndef TR_CONTROL_JIBRI_HTTP_H
#define TR_CONTROL_JIBRI_HTTP_H

#include "control/actions.h"

#include <systemd/sd-event.h>

struct tr_jibri_http_settings {
	const char *bind;  /* an address, "127.0.0.1" */
	int external_port; /* 0: any free one; -1: not served */
	int internal_port;
	/* What /metrics on the external port says, to be freed; NULL: there is no such path. */
	int (*print_metrics)(void *user, char **ret_text);
	void *user;
	int timeout_s; /* for a client that says nothing, and for a whole request; 0: 30 */
};

struct tr_jibri_http;

/* -EADDRINUSE and the like with a sentence. */
TR_CHECKED int tr_jibri_http_create(sd_event *event, const struct tr_jibri_http_settings *settings,
	const struct tr_control_actions *actions, struct tr_jibri_http **ret_http);
void tr_jibri_http_destroy(struct tr_jibri_http *http);

/* Every session that there is, whoever asked for it: from its acceptance until all that stopService
 * waits for is done (the files and the finalize script). An unknown one is fine. Copies the id. May
 * be called from within an action; NULL is fine. */
void tr_jibri_http_session_began(struct tr_jibri_http *http, const char *session_id);
void tr_jibri_http_session_over(struct tr_jibri_http *http, const char *session_id);

/* The ports in use; -1 for one that is not served. */
int tr_jibri_http_external_port(const struct tr_jibri_http *http);
int tr_jibri_http_internal_port(const struct tr_jibri_http *http);

TR_CLEANUP_DEFINE(struct tr_jibri_http, tr_jibri_http_destroy)

#endif
