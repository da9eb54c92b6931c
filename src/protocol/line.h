/*
 * JSON objects, one a line, over a connected AF_UNIX stream socket; a line may bring one open
 * descriptor along.
 *
 * Nothing here waits: the owner watches tr_line_fd() with whatever loop it has, calls
 * tr_line_receive() until -EAGAIN when it is readable, and tr_line_flush() when it is writable and
 * tr_line_wants_to_send(). One thread at a time may use a line.
 */
#ifndef TR_PROTOCOL_LINE_H
#define TR_PROTOCOL_LINE_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdbool.h>

#define TR_LINE_MAX_BYTES (1 << 20)	    /* of one line, its end included */
#define TR_LINE_MAX_WAITING_BYTES (4 << 20) /* written but not yet taken by the socket */

struct tr_line;

/* Takes the socket, also on failure, and makes it non-blocking. -ENOMEM, -errno. */
TR_CHECKED int tr_line_create(int fd, struct tr_line **ret_line);

/* Closes the socket and every descriptor that was not fetched or not sent. NULL is fine. */
void tr_line_destroy(struct tr_line *line);

/* To poll; the line keeps it. */
int tr_line_fd(const struct tr_line *line);

/*
 * Gives the next whole object (a new reference) and the descriptor that came with it, -1 for none;
 * with ret_fd NULL a descriptor is closed. -EAGAIN: none yet. -EPIPE: the other end is gone and
 * everything it sent has been given. -EPROTO: a line is too long, is no JSON object, or announces a
 * descriptor that did not come; a bad line is skipped where that is possible, a too long one ends
 * the conversation.
 */
TR_CHECKED int tr_line_receive(struct tr_line *line, json_t **ret_object, int *ret_fd);

/*
 * Sends the object (borrowed) or lines it up behind what waits already; `fd` (borrowed, duplicated
 * when it has to wait; -1: none) goes with it. -ENOBUFS when too much waits, -EMSGSIZE for a line
 * over the bound, -EPIPE when nobody listens any more.
 */
TR_CHECKED int tr_line_send(struct tr_line *line, const json_t *object, int fd);

/* Sends what waits, as much as the socket takes now. 0 also when some is left. -EPIPE, -errno. */
TR_CHECKED int tr_line_flush(struct tr_line *line);
bool tr_line_wants_to_send(const struct tr_line *line);

TR_CLEANUP_DEFINE(struct tr_line, tr_line_destroy)

#endif
