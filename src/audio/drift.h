/*
 * Compares a sound card's clock with CLOCK_MONOTONIC and says what to do about the difference.
 *
 * Pure arithmetic: observations in, advice out; 48000 frames a second are meant. A slope (the
 * card's crystal) is measured over the last 10 to 30 s and answered by a small change of rate; a
 * jump (samples that were lost) is answered by silence. One owner, no allocation.
 */
#ifndef TR_AUDIO_DRIFT_H
#define TR_AUDIO_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

#define TR_DRIFT_BINS 30

struct tr_drift {
	double ppm;	/* measured: the card is this much fast (+) or slow (-); 0 until known */
	double correct; /* ppm of more (+) or fewer (-) frames to make of the card's, now */
	bool is_known;	/* 10 s or more were measured */

	/* seconds of observations, the oldest first, then the one being filled */
	unsigned count;
	struct tr_drift_bin {
		double time_s, excess; /* means: since begin; frames more than the clock says */
	} bins[TR_DRIFT_BINS];
	double sum_time_s, sum_excess, sum_behind;
	unsigned observations;
	int64_t bin_start_ns;

	int64_t begin_ns;
	int64_t inserted;    /* frames of silence since begin: they count as the card's */
	unsigned far_behind; /* observations in a row that looked like a jump */
	double behind_sum;
	int64_t far_since_ns;
};

/* A new stretch: the card was (re)opened, and its next frame is number 0. `time_ns` as for add. */
void tr_drift_begin(struct tr_drift *drift, int64_t time_ns);

/*
 * At `time_ns` the card had recorded `frames` since begin, and the newest of them would get a place
 * on the recording's timeline that is `behind` frames before the clock's. Several times a second.
 * Returns how many frames of silence to insert before the next frame (0 nearly always; `behind` is
 * meant to shrink by it), and updates `ppm` and `correct`.
 */
int64_t tr_drift_add(struct tr_drift *drift, int64_t time_ns, int64_t frames, double behind);

#endif
