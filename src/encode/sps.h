/*
 * A sequence parameter set's word about time, changed. Pure. Source: ITU-T H.264, 7.3.2.1.1, E.1.1.
 *
 * Drivers write the rate that their rate control is told. Readers compare that with the container's
 * times; ours are on a finer grid (video.h), and a reader that believes the driver lets pictures
 * fall onto the same tick. Decoding does not depend on it.
 */
#ifndef TR_ENCODE_SPS_H
#define TR_ENCODE_SPS_H

#include <stddef.h>
#include <stdint.h>

/* Copies the NAL unit with `hz` possible picture times a second, where it speaks of time at all.
 * The size; 0 when `room` is too small or it is none. */
size_t tr_sps_copy_with_rate(
	const uint8_t *sps, size_t size, uint32_t hz, uint8_t *out, size_t room);

#endif
