/*
 * What encoders of drivers give (Annex B: start codes, parameter sets among the pictures), turned
 * into what files want (a length before each NAL unit, no parameter sets). Pure. Source: ITU-T
 * H.264, 7.3.1 and annex B; ISO/IEC 14496-15, 5.2.3.
 */
#ifndef TR_ENCODE_NAL_H
#define TR_ENCODE_NAL_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tr_nal_picture {
	size_t size; /* of what was put out */
	bool has_slice;
	bool is_idr;
	/* Parameter sets met on the way, pointing into the input; NULL: none */
	const uint8_t *sps, *pps;
	size_t sps_size, pps_size;
};

/* -ENOBUFS when `room` is too small, -EBADMSG when it is not Annex B. */
TR_CHECKED int tr_nal_repack(
	const uint8_t *in, size_t size, uint8_t *out, size_t room, struct tr_nal_picture *ret);

#endif
