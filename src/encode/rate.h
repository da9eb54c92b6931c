/*
 * Rate control: which quantizer the next picture gets. Pure: numbers in, a number out.
 *
 * By quality, it follows the idea of x264's CRF (the quantizer falls where little changes, as still
 * areas are looked at longest) but from what the grabber knows for free, the share of macroblocks
 * that changed, instead of from a search in a half-size copy of each picture. By bitrate, the same
 * quantizer is held back by a leaky bucket and a model of size = complexity / step, learnt from the
 * pictures before.
 */
#ifndef TR_ENCODE_RATE_H
#define TR_ENCODE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct tr_rate {
	/* fixed */
	int quality;
	int64_t bits_per_s; /* 0: by quality */
	int64_t buffer_bits;
	int blocks; /* macroblocks of a picture */

	/* the model */
	double last_share; /* of the macroblocks that changed in the last picture */
	double level_bits; /* in the bucket now */
	int64_t last_ns;
	double block_bits; /* mean bits of a changed block at quantizer step 1 */
	double key_bits;   /* the same for key pictures */
};

void tr_rate_init(struct tr_rate *rate, int quality, int kbps, int buffer_kbit, int blocks);

/* The quantizer (10 to 51) of a picture of which `changed` macroblocks changed. */
int tr_rate_choose(struct tr_rate *rate, int64_t pts_ns, bool is_key, int changed);

/* What it became. */
void tr_rate_done(struct tr_rate *rate, bool is_key, int changed, int qp, int64_t bits);

#endif
