/*
 * The HTTP server's own parts see each other here: http_server.c (the loop and the library),
 * http_listen.c (where it listens), http_request.c (requests and their answers), http_stream.c
 * (answers without an end) and http_range.c (which bytes of a file).
 */
#ifndef TR_CONTROL_HTTP_INTERNAL_H
#define TR_CONTROL_HTTP_INTERNAL_H

#include "control/http_server.h"

#include <microhttpd.h>
#include <stdint.h>
#include <sys/stat.h>

#define TR_HTTP_HEADERS_MAX 12

struct tr_http_request {
	struct tr_http_server *server;
	struct MHD_Connection *connection;
	char *path;
	char *method;
	int64_t begun_ns;
	char *body;
	size_t size; /* may be more than `body` holds: then it is too large */
	size_t capacity;
	bool is_handed_over;
	bool is_held;	 /* suspended until there is an answer */
	unsigned status; /* 0: no answer yet */
	struct {
		const char *name;
		char *value;
	} headers[TR_HTTP_HEADERS_MAX];
	unsigned header_count;
	struct MHD_Response *response;
	struct tr_http_stream *stream; /* or NULL */
	void (*call)(void *user);
	void *user;
	struct tr_http_request *next; /* tr_http_server.held, .finished */
};

struct tr_http_server {
	sd_event *event;
	struct tr_http_server_settings settings;
	char *socket_path; /* NULL: none */
	struct stat socket_stat;
	char *certificate, *key; /* the library borrows them */
	int port;
	struct MHD_Daemon *daemon;
	sd_event_source *io;
	sd_event_source *timer;
	sd_event_source *later; /* calls what `finished` ones asked for */
	struct tr_http_request *held;
	struct tr_http_request *finished;
	struct tr_http_stream *streams;
	bool is_resuming; /* a held request goes on: the library must be run again */
	bool is_ending;
};

/* ---- http_server.c ---- */

/* The library is run from the loop: it does not notice by itself that a connection goes on. */
void tr_http_server_run_soon(struct tr_http_server *server);
void tr_http_server_take_held(struct tr_http_server *server, struct tr_http_request *request);

/* ---- http_listen.c ---- */

/* The socket, and the flags that the library wants for it; fills port, or socket_path. Said. */
TR_CHECKED int tr_http_listen_open(struct tr_http_server *server, int *ret_fd, unsigned *ret_flags);
void tr_http_listen_remove(const struct tr_http_server *server);

/* ---- http_request.c ---- */

void tr_http_request_destroy(struct tr_http_request *request);
TR_CHECKED int tr_http_request_create(struct tr_http_server *server,
	struct MHD_Connection *connection, const char *path, const char *method,
	struct tr_http_request **ret_request);

/* What is too large is counted and thrown away, so that the client gets to read the answer. */
enum MHD_Result tr_http_request_add_body(
	struct tr_http_request *request, const char *data, size_t size);

/* Takes the response (NULL: no memory, the connection is closed). */
void tr_http_request_respond(
	struct tr_http_request *request, unsigned status, struct MHD_Response *response);

/* ---- http_stream.c ---- */

/* The client has gone. NULL is fine. */
void tr_http_stream_destroy(struct tr_http_stream *stream);

/* All of the server's come to their end. */
void tr_http_stream_end_all(struct tr_http_server *server);

/* ---- http_range.c ---- */

/* A Range header for a file of `size` bytes: the first byte and how many. -EINVAL for one that is
 * not understood or names several ranges, which the whole file answers; -ERANGE when no byte of the
 * file is in it. */
TR_CHECKED int tr_http_range_parse(
	const char *text, int64_t size, int64_t *ret_first, int64_t *ret_count);

TR_CLEANUP_DEFINE(struct tr_http_request, tr_http_request_destroy)

#endif
