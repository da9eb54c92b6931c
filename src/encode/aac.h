/*
 * AAC-LC, 48 kHz stereo, by libavcodec's own encoder.
 *
 * Any number of frames goes in; packets of 1024 come out, on the caller's thread, before push or
 * finish returns. Times are counted in samples: packet k starts (k * 1024 - padding) / 48000 s
 * after the first pushed frame, so the first is at -1024/48000 s. That priming is not sound: a
 * muxer writes it as an edit list. One owner thread.
 */
#ifndef TR_ENCODE_AAC_H
#define TR_ENCODE_AAC_H

#include "media/packet.h"

#define TR_AAC_FRAME 1024

struct tr_aac;

/* Takes the packet. */
typedef void (*tr_aac_packet_fn)(struct tr_packet *packet, void *user);

/* `bitrate` in bit/s, 32000 to 320000; 0: 128000. -EINVAL, -ENOSYS without an encoder, -ENOMEM. */
TR_CHECKED int tr_aac_create(
	int bitrate, tr_aac_packet_fn on_packet, void *user, struct tr_aac **ret_aac);
void tr_aac_destroy(struct tr_aac *aac);

/* -EIO, -ENOMEM, -EPIPE after finish. */
TR_CHECKED int tr_aac_push(
	struct tr_aac *aac, const float *left, const float *right, unsigned frames);

/* Encodes what is left (filled up with silence to a whole packet) and ends. */
TR_CHECKED int tr_aac_finish(struct tr_aac *aac);

/* The AudioSpecificConfig (for the track's header); lives as long as the encoder. */
void tr_aac_extradata(const struct tr_aac *aac, const uint8_t **ret_data, size_t *ret_size);

/* Samples before the first pushed one in the decoded sound (1024). */
unsigned tr_aac_padding(const struct tr_aac *aac);

TR_CLEANUP_DEFINE(struct tr_aac, tr_aac_destroy)

#endif
