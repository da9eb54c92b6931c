/*
 * What waits to be sent to one streaming target, and what is left out when the target is slow.
 *
 * Pure and without a lock: the stream has one around it. Packets go out in the order of time; a
 * packet waits up to 250 ms for those of the other track that may come before it.
 *
 * Full is a queue whose pictures span more than `max_ns`, or whose packets have more than
 * `max_bytes`. Then pictures go, from the oldest to the next key picture; when there is none, all
 * of them, and the next one taken is a key picture that comes when the backlog is short again.
 * Sound goes only when no picture is left and it spans twice `max_ns` (a target that takes
 * nothing).
 *
 * A new connection begins with tr_stream_queue_begin(): nothing goes out until a key picture is
 * there, and then that picture and the sound from its time on.
 */
#ifndef TR_OUTPUT_STREAM_QUEUE_H
#define TR_OUTPUT_STREAM_QUEUE_H

#include "media/packet.h"

struct tr_stream_queue;

struct tr_stream_queue_settings {
	bool has_pictures, has_sound;
	int64_t max_ns;
	size_t max_bytes;
};

struct tr_stream_queue_stats {
	int64_t queued_ns; /* from the oldest to the newest packet */
	size_t bytes;
	unsigned packets;
	unsigned dropped_pictures; /* since create, also those while a key picture was awaited */
	unsigned dropped_sounds;
};

TR_CHECKED int tr_stream_queue_create(
	const struct tr_stream_queue_settings *settings, struct tr_stream_queue **ret_queue);
void tr_stream_queue_destroy(struct tr_stream_queue *queue); /* NULL is fine */

/* Drops everything and begins as said above. */
void tr_stream_queue_begin(struct tr_stream_queue *queue);

/* Keeps a reference when it takes the packet. `now_ns` is the clock's time. */
void tr_stream_queue_push(struct tr_stream_queue *queue, struct tr_packet *packet, int64_t now_ns);

/*
 * Gives the packet that goes out next. -EAGAIN: none now; *ret_wait_ns is when to ask again, 0:
 * when something was pushed. With `is_last` no packet waits for others any more.
 */
TR_CHECKED int tr_stream_queue_pop(struct tr_stream_queue *queue, int64_t now_ns, bool is_last,
	struct tr_packet **ret_packet, int64_t *ret_wait_ns);

/* True once when a key picture would let the pictures go on: the encoder shall be asked for one. */
bool tr_stream_queue_wants_key(struct tr_stream_queue *queue);

void tr_stream_queue_read(
	const struct tr_stream_queue *queue, struct tr_stream_queue_stats *ret_stats);

TR_CLEANUP_DEFINE(struct tr_stream_queue, tr_stream_queue_destroy)

#endif
