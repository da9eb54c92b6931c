/*
 * A small HTTP server on the caller's loop: libmicrohttpd without threads, its descriptor watched
 * by the loop. A request is handed over when it has come whole, and may be answered at once or
 * later. Clients that are slow, too many or too talkative are the server's business.
 *
 * All functions are the loop's; none waits.
 */
#ifndef TR_CONTROL_HTTP_SERVER_H
#define TR_CONTROL_HTTP_SERVER_H

#include "core/cleanup.h"

#include <stddef.h>
#include <systemd/sd-event.h>

struct tr_http_server;
struct tr_http_request;

/* Borrows the request for as long as it is not answered. */
typedef void tr_http_server_fn(struct tr_http_request *request, void *user);

struct tr_http_server_settings {
	const char *bind; /* an IP address, or "localhost" */
	int port;	  /* 0: any free one */
	int timeout_s;	  /* for silence of a client, and for a whole request; 0: 30 */
	size_t body_max;  /* above it the answer is 413 */
	tr_http_server_fn *handle;
	void *user;
};

/* -EADDRINUSE, -EACCES, ..., said. */
TR_CHECKED int tr_http_server_create(sd_event *event,
	const struct tr_http_server_settings *settings, struct tr_http_server **ret_server);

/* Answers that were given are sent, unanswered requests are closed and forgotten. NULL is fine. Not
 * from within `handle`. */
void tr_http_server_destroy(struct tr_http_server *server);

int tr_http_server_port(const struct tr_http_server *server);

/* The path is decoded, without the query. */
const char *tr_http_request_path(const struct tr_http_request *request);
const char *tr_http_request_method(const struct tr_http_request *request);
/* NULL when the client did not send it. */
const char *tr_http_request_header(const struct tr_http_request *request, const char *name);
/* Not terminated; never NULL. */
const char *tr_http_request_body(const struct tr_http_request *request, size_t *ret_size);

/* Once for each request, which is the server's again afterwards. `type` NULL: no Content-Type.
 * Copies the text. */
void tr_http_request_answer(
	struct tr_http_request *request, unsigned status, const char *type, const char *text);

/* Before the answer: `call` comes from the loop when it has left us, or the client has gone. */
void tr_http_request_call_after(
	struct tr_http_request *request, void (*call)(void *user), void *user);

TR_CLEANUP_DEFINE(struct tr_http_server, tr_http_server_destroy)

#endif
