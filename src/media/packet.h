/*
 * One encoded picture or block of sound, on the recording's timeline. Counted, because the file
 * and every stream look at the same packet.
 */
#ifndef TR_MEDIA_PACKET_H
#define TR_MEDIA_PACKET_H

#include "core/cleanup.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tr_packet_track {
	TR_PACKET_NONE,
	TR_PACKET_VIDEO, /* H.264, length-prefixed NAL units (4 bytes), decode order = display order
			  */
	TR_PACKET_AUDIO, /* AAC-LC, one raw frame of 1024 samples */
};

struct tr_packet {
	atomic_uint refs;
	enum tr_packet_track track;
	int64_t pts_ns;	     /* from the recording's start; sound may start below zero (priming) */
	int64_t duration_ns; /* 0: until the next packet of the track (video) */
	bool is_key;
	size_t size;
	uint8_t data[]; /* with AV_INPUT_BUFFER_PADDING_SIZE (64) zero bytes behind it */
};

/* With one reference and room for `size` bytes, which are the caller's to fill. NULL: no memory. */
struct tr_packet *tr_packet_create(enum tr_packet_track track, size_t size);
struct tr_packet *tr_packet_ref(struct tr_packet *packet);
void tr_packet_unref(struct tr_packet *packet); /* NULL is fine */

TR_CLEANUP_DEFINE(struct tr_packet, tr_packet_unref)

#endif
