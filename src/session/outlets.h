/* Where a recording's packets go: into the file's queue, and to whoever else takes them. */
#ifndef TR_SESSION_OUTLETS_H
#define TR_SESSION_OUTLETS_H

#include "media/packetq.h"

struct tr_outlets {
	struct tr_packetq *queue; /* of the file; NULL: there is none */
	/* Borrows the packet, must not wait; comes on the threads that make packets. NULL: none. */
	void (*tap)(struct tr_packet *packet, void *user);
	void *user;
};

/* Takes the reference, also on failure, which is that of tr_packetq_push(). */
TR_CHECKED static inline int tr_outlets_push(
	const struct tr_outlets *outlets, struct tr_packet *packet, int timeout_ms)
{
	if (outlets->tap)
		outlets->tap(packet, outlets->user);
	if (outlets->queue)
		return tr_packetq_push(outlets->queue, packet, timeout_ms);
	tr_packet_unref(packet);
	return 0;
}

#endif
