/*
 * The packets between the threads that make them and the one that writes them.
 *
 * Several producers, one consumer. Bounded in packets and bytes. When it is full, push waits for
 * room (encode -> file), at most the time it is given; what then cannot be pushed is the caller's
 * to count.
 */
#ifndef TR_MEDIA_PACKETQ_H
#define TR_MEDIA_PACKETQ_H

#include "media/packet.h"

struct tr_packetq;

TR_CHECKED int tr_packetq_create(unsigned max_packets, size_t max_bytes, struct tr_packetq **ret);
void tr_packetq_destroy(struct tr_packetq *queue); /* drops what is left; NULL is fine */

/* Takes the reference, also on failure. -ETIMEDOUT when still full after `timeout_ms`, -EPIPE after
 * close. */
TR_CHECKED int tr_packetq_push(struct tr_packetq *queue, struct tr_packet *packet, int timeout_ms);

/* Gives the oldest; waits at most `timeout_ms`. -EAGAIN when there is none by then, -EPIPE when the
 * queue is closed and empty. */
TR_CHECKED int tr_packetq_pop(struct tr_packetq *queue, int timeout_ms, struct tr_packet **ret);

/* No more will be pushed; the consumer gets what is left, then -EPIPE. */
void tr_packetq_close(struct tr_packetq *queue);

/* Bytes waiting now, for watching. */
size_t tr_packetq_bytes(struct tr_packetq *queue);

TR_CLEANUP_DEFINE(struct tr_packetq, tr_packetq_destroy)

#endif
