/*
 * The header of an H.264 track (avcC, ISO/IEC 14496-15, 5.2.4.1): which parameter sets there are.
 * Pure.
 *
 * A recording that begins on a GPU holds two pairs: the GPU's (numbered 0) and software's (numbered
 * 1), so that the track stays legal when software goes on in its middle. Another encoder may go on
 * only when its sets are among those of the header.
 */
#ifndef TR_ENCODE_AVCC_H
#define TR_ENCODE_AVCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NAL units without start code or length. The size, or 0 when they are none or the room is small.
 */
size_t tr_avcc_make(const uint8_t *sps, size_t sps_size, const uint8_t *pps, size_t pps_size,
	uint8_t *out, size_t room);

/* Both headers' sets in one, for decoders that can do both; 0 when they do not go together. */
size_t tr_avcc_join(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
	size_t room);

/* Every set of `part` is in `whole`, too. */
bool tr_avcc_holds(const uint8_t *whole, size_t whole_size, const uint8_t *part, size_t part_size);

#endif
