#include "audio/drift.h"

#include <string.h>

#define RATE 48000.0
#define BINS_MIN 10
#define JUMP_FRAMES (RATE * 20 / 1000)
#define JUMP_NS INT64_C(150000000) /* a late time stamp is shorter than this */
#define SLEW_S 10		   /* an offset is worked off in about this time */
#define SLEW_MAX_PPM 300.0	   /* 0.3 ms a second: nobody hears that */
#define BEND_MAX_PPM 5000.0	   /* a card further off than this is broken */

void tr_drift_begin(struct tr_drift *drift, int64_t time_ns)
{
	double ppm = drift->ppm, correct = drift->correct;
	bool is_known = drift->is_known;

	/* The same card most likely: what is known about it stays until it is known better. */
	memset(drift, 0, sizeof(*drift));
	drift->ppm = ppm;
	drift->correct = correct;
	drift->is_known = is_known;
	drift->begin_ns = time_ns;
	drift->bin_start_ns = time_ns;
}

static double clamp(double value, double limit)
{
	return value > limit ? limit : value < -limit ? -limit : value;
}

/* Least squares through the bins; the slope is frames per second too many. */
static double slope_ppm(const struct tr_drift *drift)
{
	double mean_t = 0, mean_e = 0, tt = 0, te = 0;

	for (unsigned i = 0; i < drift->count; i++) {
		mean_t += drift->bins[i].time_s / drift->count;
		mean_e += drift->bins[i].excess / drift->count;
	}
	for (unsigned i = 0; i < drift->count; i++) {
		double t = drift->bins[i].time_s - mean_t;
		tt += t * t;
		te += t * (drift->bins[i].excess - mean_e);
	}
	return tt > 0 ? te / tt / RATE * 1e6 : 0;
}

static void finish_bin(struct tr_drift *drift, int64_t time_ns)
{
	double behind = drift->sum_behind / drift->observations;

	if (drift->count == TR_DRIFT_BINS)
		memmove(drift->bins, drift->bins + 1, sizeof(*drift->bins) * --drift->count);
	drift->bins[drift->count++] =
		(struct tr_drift_bin){.time_s = drift->sum_time_s / drift->observations,
			.excess = drift->sum_excess / drift->observations};
	if (drift->count >= BINS_MIN) {
		drift->ppm = clamp(slope_ppm(drift), BEND_MAX_PPM);
		drift->is_known = true;
	}
	/* Behind: more frames are needed. A fast card: fewer. */
	drift->correct = -drift->ppm + clamp(behind / SLEW_S / RATE * 1e6, SLEW_MAX_PPM);
	drift->sum_time_s = drift->sum_excess = drift->sum_behind = 0;
	drift->observations = 0;
	drift->bin_start_ns = time_ns;
}

/* One late time stamp is not a jump; several in a row are. */
static int64_t look_for_jump(struct tr_drift *drift, int64_t time_ns, double behind)
{
	if (behind < JUMP_FRAMES) {
		drift->far_behind = 0;
		drift->behind_sum = 0;
		return 0;
	}
	if (drift->far_behind++ == 0)
		drift->far_since_ns = time_ns;
	drift->behind_sum += behind;
	if (drift->far_behind < 3 || time_ns - drift->far_since_ns < JUMP_NS)
		return 0;
	int64_t gap = (int64_t)(drift->behind_sum / drift->far_behind);
	drift->far_behind = 0;
	drift->behind_sum = 0;
	return gap;
}

int64_t tr_drift_add(struct tr_drift *drift, int64_t time_ns, int64_t frames, double behind)
{
	double time_s = (double)(time_ns - drift->begin_ns) / 1e9;

	int64_t gap = look_for_jump(drift, time_ns, behind);
	drift->inserted += gap;
	/* While a jump is being looked at, it must not bend the line. */
	if (gap == 0 && drift->far_behind == 0) {
		drift->sum_time_s += time_s;
		drift->sum_excess += (double)(frames + drift->inserted) - time_s * RATE;
		drift->sum_behind += behind;
		drift->observations++;
	}
	if (time_ns - drift->bin_start_ns >= INT64_C(1000000000) && drift->observations > 0)
		finish_bin(drift, time_ns);
	return gap;
}
