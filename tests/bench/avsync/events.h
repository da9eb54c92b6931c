/*
 * Finds flashes in pictures and beeps in sound, as they are decoded.
 *
 * A flash is a part of the picture that turns from dark to bright for a moment: its time is that of
 * the first bright picture. A beep is a burst of a 1 kHz tone: its time is where the tone's
 * envelope crosses half of its height, which for a moving average is half a window after the true
 * start.
 */
#ifndef BENCH_EVENTS_H
#define BENCH_EVENTS_H

#include "core/cleanup.h"
#include "media/rect.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_events_list {
	double *starts_s;
	double *lengths_s;
	size_t count, room;
};

void bench_events_list_fini(struct bench_events_list *list);

struct bench_flashes;

/* Looks at `region` only, or for the flashing part of the picture when it is empty. */
TR_CHECKED int bench_flashes_create(struct tr_rect region, struct bench_flashes **ret);
void bench_flashes_destroy(struct bench_flashes *flashes);
TR_CHECKED int bench_flashes_add(struct bench_flashes *flashes, const uint8_t *luma,
	ptrdiff_t stride, int width, int height, double time_s);

/* Fills the list and tells which part of the picture was looked at. */
TR_CHECKED int bench_flashes_find(const struct bench_flashes *flashes,
	struct bench_events_list *ret, struct tr_rect *ret_region);

struct bench_beeps;

TR_CHECKED int bench_beeps_create(struct bench_beeps **ret);
void bench_beeps_destroy(struct bench_beeps *beeps);

/* Blocks in the order of their times; small jitter of the times (a container's rounding) is
 * smoothed, a jump of 5 ms and more is followed and counted. */
TR_CHECKED int bench_beeps_add(
	struct bench_beeps *beeps, const float *samples, size_t count, int rate, double time_s);

/* Fills the list; `ret_dropouts`: breaks within beeps and jumps of the sound's times. */
TR_CHECKED int bench_beeps_find(
	const struct bench_beeps *beeps, struct bench_events_list *ret, size_t *ret_dropouts);

TR_CLEANUP_DEFINE(struct bench_flashes, bench_flashes_destroy)
TR_CLEANUP_DEFINE(struct bench_beeps, bench_beeps_destroy)

#endif
