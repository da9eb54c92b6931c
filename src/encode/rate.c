#include "encode/rate.h"

#include <math.h>
#include <stddef.h>

#define QP_MIN 10
#define QP_MAX 51

/* A finer key picture lifts every still area after it, and constant blocks then never need a
 * second look; so no other picture may be finer. */
#define KEY_OFFSET (-6)

#define NEW_SCENE_SHARE 0.5

/* Steps finer than the CRF number, by the share of the macroblocks that changed: what meets CRF's
 * SSIM within 0.001 in tests/bench/capture (a whole moving screen, half of it, small tiles, spots).
 */
static const struct {
	double share;
	int offset;
} offsets[] = {{0.75, -3}, {0.30, -4}, {0.06, -5}, {0.00, KEY_OFFSET}};

void tr_rate_init(struct tr_rate *rate, int quality, int kbps, int buffer_kbit, int blocks)
{
	*rate = (struct tr_rate){
		.quality = quality,
		.bits_per_s = (int64_t)kbps * 1000,
		.buffer_bits = (int64_t)(buffer_kbit > 0 ? buffer_kbit : 2 * kbps) * 1000,
		.blocks = blocks,
		.last_share = 1, /* no jump before the first picture */
	};
}

static int clamp_qp(int qp)
{
	return qp < QP_MIN ? QP_MIN : qp > QP_MAX ? QP_MAX : qp;
}

/* Quantizer step size relative to QP 4, as in the standard: doubles every six. */
static double step_of(int qp)
{
	return exp2((qp - 4) / 6.0);
}

static int by_quality(const struct tr_rate *rate, bool is_key, int changed)
{
	double share = changed / (double)rate->blocks;
	size_t i = 0;

	/* A new slide after small changes is a scene of its own: it will stand, and what is coarse
	 * in it would be encoded a second time by the next finer picture. */
	bool is_new_scene = share >= NEW_SCENE_SHARE && rate->last_share < NEW_SCENE_SHARE / 2;
	if (is_key || is_new_scene)
		return rate->quality + KEY_OFFSET;
	while (share < offsets[i].share)
		i++;
	return rate->quality + offsets[i].offset;
}

static double expected_bits(const struct tr_rate *rate, bool is_key, int changed, int qp)
{
	return is_key ? rate->key_bits * rate->blocks / step_of(qp)
		      : rate->block_bits * changed / step_of(qp);
}

int tr_rate_choose(struct tr_rate *rate, int64_t pts_ns, bool is_key, int changed)
{
	int qp = clamp_qp(by_quality(rate, is_key, changed));

	if (rate->bits_per_s > 0) {
		double drained = (double)(pts_ns - rate->last_ns) / 1e9 * (double)rate->bits_per_s;
		rate->level_bits = rate->level_bits > drained ? rate->level_bits - drained : 0;
		rate->last_ns = pts_ns;
		/* A key picture may fill a half of what is free, any other a tenth or its fair
		 * part. */
		double room = (double)rate->buffer_bits - rate->level_bits;
		double fair = is_key ? room / 2 : fmax(room / 10, (double)rate->bits_per_s / 60);
		if (room < 0)
			fair = (double)rate->bits_per_s / 120;
		while (qp < QP_MAX && expected_bits(rate, is_key, changed, qp) > fair)
			qp++;
	}
	return qp;
}

static void learn(double *mean, double value)
{
	*mean = *mean > 0 ? 0.8 * *mean + 0.2 * value : value;
}

void tr_rate_done(struct tr_rate *rate, bool is_key, int changed, int qp, int64_t bits)
{
	rate->last_share = changed / (double)rate->blocks;
	rate->level_bits += (double)bits;
	if (is_key)
		learn(&rate->key_bits, (double)bits * step_of(qp) / rate->blocks);
	else if (changed > 0)
		learn(&rate->block_bits, (double)bits * step_of(qp) / changed);
}
