#include "media/packet.h"

#include <string.h>

#define PADDING 64

struct tr_packet *tr_packet_create(enum tr_packet_track track, size_t size)
{
	struct tr_packet *packet = malloc(sizeof(*packet) + size + PADDING);

	if (!packet)
		return NULL;
	memset(packet, 0, sizeof(*packet));
	memset(packet->data + size, 0, PADDING);
	atomic_init(&packet->refs, 1);
	packet->track = track;
	packet->size = size;
	return packet;
}

struct tr_packet *tr_packet_ref(struct tr_packet *packet)
{
	atomic_fetch_add_explicit(&packet->refs, 1, memory_order_relaxed);
	return packet;
}

void tr_packet_unref(struct tr_packet *packet)
{
	if (packet && atomic_fetch_sub_explicit(&packet->refs, 1, memory_order_acq_rel) == 1)
		free(packet);
}
