/*
 * A client of the node API (conf/openapi.yaml): of the telerecd on this machine by its Unix socket,
 * or of another machine's by URL and token.
 *
 * Every function waits for its answer, but not for longer than the settings say. A client belongs
 * to one thread at a time. Nothing is printed or logged: what went wrong is in a sentence for a
 * person, which says what to do.
 */
#ifndef TR_PROTOCOL_NODE_CLIENT_H
#define TR_PROTOCOL_NODE_CLIENT_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define TR_NODE_CLIENT_SOCKET "/run/telerec/control.sock"

/* Strings are copied. */
struct tr_node_client_settings {
	const char *node;    /* a socket's full path, or "http(s)://host[:port]"; NULL: our own */
	const char *token;   /* a secret, for URLs; NULL: none */
	const char *ca_file; /* for https: trusted instead of the system's; NULL: the system's */
	int timeout_ms;	     /* for a whole answer, or of silence in a long one; 0: 30 s */
};

struct tr_node_client;

/* For `tr_node_client_problem()` there is a client also when it cannot be used: -EINVAL for
 * settings that make no sense, or with which a token would travel in the clear. -ENOMEM gives
 * none. */
TR_CHECKED int tr_node_client_create(
	const struct tr_node_client_settings *settings, struct tr_node_client **ret_client);
void tr_node_client_destroy(struct tr_node_client *client);

/* Of the last call: what went wrong, and the HTTP status (0: there was no answer). */
const char *tr_node_client_problem(const struct tr_node_client *client);
int tr_node_client_status(const struct tr_node_client *client);

/*
 * All calls: 0; -EREMOTEIO when the node answered with an error; -EHOSTDOWN when it cannot be
 * reached, -EACCES when we may not; -ETIMEDOUT; -EPROTO for an answer that is none of this API's;
 * -ENOMEM.
 *
 * `path` begins with "/v1/" and has its odd characters escaped, see tr_node_client_escape().
 */

/* Gives the answer's JSON, NULL for one without a body; with -EREMOTEIO that of the error, if there
 * is one. `body` may be NULL. */
TR_CHECKED int tr_node_client_call(struct tr_node_client *client, const char *method,
	const char *path, const json_t *body, json_t **ret_json);

/* The same with a body that is text. */
TR_CHECKED int tr_node_client_send_text(struct tr_node_client *client, const char *method,
	const char *path, const char *type, const char *text, json_t **ret_json);

/* Something below 0 ends the call, which returns it. */
typedef int tr_node_client_data_fn(const void *data, size_t size, int64_t total_size, void *user);

/*
 * A file or a picture, from byte `offset` on; with `offset` at its end there is no data, and 0.
 * `total_size` is that of the whole, -1 when the node does not say. -EPIPE when the connection
 * broke in the middle: go on from where it was. -ERANGE when the file is shorter than `offset`.
 */
TR_CHECKED int tr_node_client_download(struct tr_node_client *client, const char *path,
	int64_t offset, tr_node_client_data_fn *take, void *user);

/* An event, or about once a second NULL and NULL for a look at other things. Not 0: that is
 * enough, and tr_node_client_follow() returns it. Borrows both. */
typedef int tr_node_client_event_fn(const char *type, const json_t *data, void *user);

/* Events until somebody has enough of them; -EPIPE when the node goes away. */
TR_CHECKED int tr_node_client_follow(
	struct tr_node_client *client, const char *path, tr_node_client_event_fn *call, void *user);

/* A word for a path or a query, percent-escaped. NULL: no memory. The caller's. */
char *tr_node_client_escape(const char *word);

TR_CLEANUP_DEFINE(struct tr_node_client, tr_node_client_destroy)

#endif
