#include "encode/gpu_rate.h"

#include <math.h>

/* As software's (rate.c): key pictures are looked at longest, as still areas keep what they got. */
#define KEY_OFFSET (-6)
#define OTHER_OFFSET (-4)

/* Bits a pixel at quality 25: what software spends on a whole moving screen in tests/bench/capture,
 * and a quarter more for the hardware's simpler search. Six steps halve it. */
#define BITS_A_PIXEL 0.1

static int clamp_qp(int qp)
{
	return qp < 10 ? 10 : qp > 51 ? 51 : qp;
}

static int kbps_of_quality(const struct tr_video_settings *s)
{
	double kbps = (double)s->width * s->height * s->rate * BITS_A_PIXEL *
		      exp2((25 - s->quality) / 6.0) / 1000;

	return kbps < 100 ? 100 : kbps > 100000 ? 100000 : (int)kbps;
}

void tr_gpu_rate_plan(const struct tr_video_settings *settings, enum tr_rung_rate control,
	int coarser, struct tr_gpu_rate *ret)
{
	bool is_by_quality = settings->kbps == 0;
	double kbps = is_by_quality ? kbps_of_quality(settings) : settings->kbps;

	*ret = (struct tr_gpu_rate){
		.control = control,
		.qp = clamp_qp(settings->quality + OTHER_OFFSET + coarser),
		.key_qp = clamp_qp(settings->quality + KEY_OFFSET),
	};
	if (control == TR_RUNG_RATE_CQP)
		return;
	/* A bitrate that was asked for may be used up; one that was only estimated must not be. */
	ret->qp = is_by_quality ? clamp_qp(settings->quality + KEY_OFFSET + coarser) : 0;
	kbps *= exp2(-coarser / 6.0);
	ret->kbps = kbps < 50 ? 50 : (int)kbps;
	ret->max_kbps =
		is_by_quality && control == TR_RUNG_RATE_VBR ? ret->kbps * 3 / 2 : ret->kbps;
	ret->buffer_kbit = settings->buffer_kbit > 0 ? settings->buffer_kbit : 2 * ret->max_kbps;
}
