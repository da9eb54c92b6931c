#include "avsync/offsets.h"

#include "common/numbers.h"

#include <errno.h>
#include <math.h>

#define FARTHEST_S 0.48 /* flash and beep come once a second */
#define EDGE_S 0.6

struct pairs {
	double *minutes, *offsets_ms, *scratch;
	size_t count;
};

static int sum_up(struct pairs *pairs, struct bench_offsets *ret)
{
	size_t count = pairs->count;

	ret->pairs = count;
	ret->mean_ms = bench_numbers_mean(pairs->offsets_ms, count);
	ret->deviation_ms = bench_numbers_deviation(pairs->offsets_ms, count);
	ret->drift_ms_per_min =
		bench_numbers_slope(pairs->minutes, pairs->offsets_ms, count, pairs->scratch);
	for (size_t i = 0; i < count; i++)
		pairs->scratch[i] = fabs(pairs->offsets_ms[i] - ret->mean_ms);
	ret->p95_ms = bench_numbers_percentile(pairs->scratch, count, 0.95);
	ret->max_ms = count ? pairs->scratch[count - 1] : 0;
	ret->median_ms = bench_numbers_percentile(pairs->offsets_ms, count, 0.5);
	return 0;
}

/* At the ends one of the two may lie outside of the file. */
static bool is_inside(double time_s, const double *others, size_t count)
{
	return count && time_s > others[0] - EDGE_S && time_s < others[count - 1] + EDGE_S;
}

int bench_offsets_measure(const double *flashes, size_t flash_count, const double *beeps,
	size_t beep_count, struct bench_offsets *ret)
{
	TR_CLEANUP(tr_freep) double *memory = calloc(3 * flash_count + 1, sizeof(*memory));
	struct pairs pairs = {memory, memory + flash_count, memory + 2 * flash_count, 0};
	size_t f = 0, b = 0;

	*ret = (struct bench_offsets){0};
	if (!memory)
		return -ENOMEM;
	while (f < flash_count && b < beep_count) {
		double offset = beeps[b] - flashes[f];
		/* The next beep may be nearer to this flash, or the next flash to this beep. */
		if (fabs(offset) <= FARTHEST_S) {
			pairs.minutes[pairs.count] = flashes[f] / 60;
			pairs.offsets_ms[pairs.count++] = offset * 1000;
			f++, b++;
		} else if (offset > 0) {
			ret->missing_beeps += is_inside(flashes[f++], beeps, beep_count);
		} else {
			ret->missing_flashes += is_inside(beeps[b++], flashes, flash_count);
		}
	}
	return sum_up(&pairs, ret);
}
