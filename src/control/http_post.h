/*
 * POSTs to HTTP(S) servers on the caller's loop: libcurl's multi interface, its sockets and timer
 * watched by sd-event. Names are looked up in libcurl's own threads; nothing here waits.
 *
 * All functions are the loop's.
 */
#ifndef TR_CONTROL_HTTP_POST_H
#define TR_CONTROL_HTTP_POST_H

#include "core/cleanup.h"

#include <systemd/sd-event.h>

struct tr_http_post;

/* `status` is HTTP's, or 0 with the cause in `problem`. Once for each request, from the loop, never
 * from within tr_http_post_send(). */
typedef void tr_http_post_done_fn(unsigned status, const char *problem, void *user);

struct tr_http_post_request {
	const char *url;   /* http or https */
	const char *type;  /* Content-Type */
	const char *token; /* a secret, sent as "Authorization: Bearer"; NULL: none */
	const char *body;
	int timeout_ms; /* for all of it */
	tr_http_post_done_fn *done;
	void *user;
};

/* `ca_file` is trusted instead of the system's authorities; "": these. -errno, said. */
TR_CHECKED int tr_http_post_create(
	sd_event *event, const char *ca_file, struct tr_http_post **ret_post);

/* Requests under way are given up without a word. NULL is fine. Not from within `done`. */
void tr_http_post_destroy(struct tr_http_post *post);

/* Copies what it needs. Certificates are verified, redirections not followed, the answer's body is
 * thrown away. -ENOMEM, -EINVAL. */
TR_CHECKED int tr_http_post_send(
	struct tr_http_post *post, const struct tr_http_post_request *request);

TR_CLEANUP_DEFINE(struct tr_http_post, tr_http_post_destroy)

#endif
