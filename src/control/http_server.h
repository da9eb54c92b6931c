/*
 * A small HTTP server on the caller's loop: libmicrohttpd without threads, its descriptor watched
 * by the loop. A request is handed over when it has come whole, and may be answered at once or
 * later: by text, bytes, a file, or a stream of bytes that goes on as long as the client listens.
 * Clients that are slow, too many or too talkative are the server's business.
 *
 * It listens at one address, with or without TLS, or at one Unix socket.
 *
 * All functions are the loop's; none waits but for the disk that an answered file lies on.
 */
#ifndef TR_CONTROL_HTTP_SERVER_H
#define TR_CONTROL_HTTP_SERVER_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

struct tr_http_server;
struct tr_http_request;
struct tr_http_stream;

/* Borrows the request for as long as it is not answered. */
typedef void tr_http_server_fn(struct tr_http_request *request, void *user);

struct tr_http_server_settings {
	const char *bind;	 /* an IP address, or "localhost" */
	int port;		 /* 0: any free one */
	const char *socket_path; /* instead of both: a Unix socket; NULL: none. A stale one there is
				    replaced, ours is removed at the end */
	unsigned socket_mode;
	const char *certificate, *key; /* PEM text for TLS; NULL: none */
	bool is_guarded; /* `handle` looks at who asks: no warning of an open address */
	int timeout_s;	 /* for silence of a client, and for a whole request; 0: 30 */
	size_t body_max; /* above it the answer is 413 */
	const char *large_type, *large_text; /* what that says; NULL: nothing. Kept */
	tr_http_server_fn *handle;
	void *user;
};

/* -EADDRINUSE, -EACCES, -EKEYREJECTED (the certificate or its key cannot be used), ..., said. */
TR_CHECKED int tr_http_server_create(sd_event *event,
	const struct tr_http_server_settings *settings, struct tr_http_server **ret_server);

/* Answers that were given are sent, unanswered requests are closed and forgotten, streams end. NULL
 * is fine. Not from within `handle`. */
void tr_http_server_destroy(struct tr_http_server *server);

int tr_http_server_port(const struct tr_http_server *server); /* 0 for a Unix socket */

/* ---- what was asked ---- */

/* The path is decoded, without the query. */
const char *tr_http_request_path(const struct tr_http_request *request);
const char *tr_http_request_method(const struct tr_http_request *request);
/* NULL when the client did not send it. */
const char *tr_http_request_header(const struct tr_http_request *request, const char *name);
/* Not terminated; never NULL. */
const char *tr_http_request_body(const struct tr_http_request *request, size_t *ret_size);

/* Calls `take` for every parameter of the query, decoded, until it returns false. */
void tr_http_request_each_parameter(const struct tr_http_request *request,
	bool (*take)(const char *name, const char *value, void *user), void *user);

/* ---- the answer: one of these, once for each request, which is the server's again afterwards --
 */

/* Before it. Keeps the name, copies the value; takes the place of an earlier one. A header that
 * cannot be carried is left out. */
void tr_http_request_add_header(
	struct tr_http_request *request, const char *name, const char *value);

/* `type` NULL: no Content-Type. Copies the text. */
void tr_http_request_answer(
	struct tr_http_request *request, unsigned status, const char *type, const char *text);
void tr_http_request_answer_bytes(struct tr_http_request *request, unsigned status,
	const char *type, const void *bytes, size_t size);

/* The regular file, or the one range of it that the request names: 200 or 206. Takes `fd` but for
 * -ERANGE: the range lies behind the end, `*ret_size` tells the size, and nothing is answered.
 * Other -errno: nothing is answered either. */
TR_CHECKED int tr_http_request_answer_file(
	struct tr_http_request *request, const char *type, int fd, int64_t *ret_size);

/* The client has gone, or the server ends: the stream is no more. Only for forgetting it; may not
 * call the server. */
typedef void tr_http_stream_gone_fn(void *user);

/* 200, and then what is pushed. At most `limit` bytes wait for the client. -ENOMEM: nothing is
 * answered. */
TR_CHECKED int tr_http_request_answer_stream(struct tr_http_request *request, const char *type,
	size_t limit, tr_http_stream_gone_fn *gone, void *user, struct tr_http_stream **ret_stream);

/* The whole of it, or -ENOBUFS: the client does not read fast enough, or is about to go. */
TR_CHECKED int tr_http_stream_push(struct tr_http_stream *stream, const void *bytes, size_t size);

/* Before the answer: `call` comes from the loop when it has left us, or the client has gone. */
void tr_http_request_call_after(
	struct tr_http_request *request, void (*call)(void *user), void *user);

TR_CLEANUP_DEFINE(struct tr_http_server, tr_http_server_destroy)

#endif
