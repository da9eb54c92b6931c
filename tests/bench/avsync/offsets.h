/* Pairs flashes with beeps and sums up what lies between them. Positive: the sound is late. */
#ifndef BENCH_OFFSETS_H
#define BENCH_OFFSETS_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct bench_offsets {
	size_t pairs;
	size_t missing_flashes; /* beeps without one, but for the file's ends */
	size_t missing_beeps;
	double mean_ms, deviation_ms, median_ms;
	double p95_ms; /* of |offset - mean| */
	double max_ms; /* the same */
	double drift_ms_per_min;
};

/* Both lists ascending, in seconds. */
TR_CHECKED int bench_offsets_measure(const double *flashes, size_t flash_count, const double *beeps,
	size_t beep_count, struct bench_offsets *ret);

#endif
