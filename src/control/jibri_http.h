/*
 * Jibri's two HTTP APIs, as its clients see them: the external one (health, startService,
 * stopService; 2222) and the internal one (gracefulShutdown, notifyConfigChanged, shutdown; 3333).
 *
 * The server is libmicrohttpd's; its descriptors are watched by the loop, so the actions are called
 * there. stopService answers when nothing runs any more.
 */
#ifndef TR_CONTROL_JIBRI_HTTP_H
#define TR_CONTROL_JIBRI_HTTP_H

#include "control/actions.h"

#include <systemd/sd-event.h>

struct tr_jibri_http_settings {
	const char *bind;  /* an address, "127.0.0.1" */
	int external_port; /* 0: any free one; -1: not served */
	int internal_port;
};

struct tr_jibri_http;

/* -EADDRINUSE and the like with a sentence. */
TR_CHECKED int tr_jibri_http_create(sd_event *event, const struct tr_jibri_http_settings *settings,
	const struct tr_control_actions *actions, struct tr_jibri_http **ret_http);
void tr_jibri_http_destroy(struct tr_jibri_http *http);

/* The ports in use; -1 for one that is not served. */
int tr_jibri_http_external_port(const struct tr_jibri_http *http);
int tr_jibri_http_internal_port(const struct tr_jibri_http *http);

TR_CLEANUP_DEFINE(struct tr_jibri_http, tr_jibri_http_destroy)

#endif
