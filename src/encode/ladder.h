/*
 * Which rung a recording uses, and which is next when it fails. Pure: times and failures in, a rung
 * out; the slot has one for each of its recordings and keeps what it learnt for the next.
 *
 * A rung that failed rests; the same device is opened once more first when what failed looks like
 * an accident (the process ended, or hung) and that was not tried in the last ten minutes. Software
 * is the last rung, always there and never resting.
 */
#ifndef TR_ENCODE_LADDER_H
#define TR_ENCODE_LADDER_H

#include "encode/rung.h"

enum tr_ladder_failure {
	TR_LADDER_NOT_OPENED, /* the rung said so itself */
	TR_LADDER_ERROR,      /* in the middle: an error, an empty packet, one without a slice */
	TR_LADDER_ENDED,      /* exit, abort, lost device */
	TR_LADDER_HUNG,
	TR_LADDER_SLOW, /* slower than the recording's rate for long */
};

struct tr_ladder_rest {
	int64_t until_ns; /* CLOCK_MONOTONIC; 0: does not rest */
	unsigned failures;
	int64_t retried_ns;	   /* when the same device was opened anew last */
	int64_t surfaces_until_ns; /* so long it gets pictures, not surfaces */
	unsigned surface_failures;
};

struct tr_ladder {
	struct tr_rung_list list; /* with software at its end */
	struct tr_ladder_rest rests[TR_RUNGS_MAX];
	unsigned here;
	int64_t passed; /* bit mask: not in this recording, though they do not rest */
};

/* Appends software when the list has none. */
void tr_ladder_init(struct tr_ladder *ladder, const struct tr_rung_list *list);

/* For a new recording: the best one that does not rest. */
const struct tr_rung *tr_ladder_begin(struct tr_ladder *ladder, int64_t now_ns);

/* The same without taking it: what a recording would begin on now. */
const struct tr_rung *tr_ladder_best(const struct tr_ladder *ladder, int64_t now_ns);

const struct tr_rung *tr_ladder_current(const struct tr_ladder *ladder);

/* The next one (perhaps the same again). */
const struct tr_rung *tr_ladder_fail(
	struct tr_ladder *ladder, enum tr_ladder_failure failure, int64_t now_ns);

/* The same while it was given surfaces (zero-copy), which may be what it failed at: the next step
 * down is the same rung with pictures uploaded to it. Only an accident that comes again soon leaves
 * the rung. */
const struct tr_rung *tr_ladder_fail_surfaces(
	struct tr_ladder *ladder, enum tr_ladder_failure failure, int64_t now_ns);

/* May the current rung be given surfaces? */
bool tr_ladder_may_have_surfaces(const struct tr_ladder *ladder, int64_t now_ns);

/* This one cannot go on here although nothing is wrong with it (a track's header does not hold its
 * parameter sets): the next below. It does not rest. */
const struct tr_rung *tr_ladder_pass(struct tr_ladder *ladder, int64_t now_ns);

/* It has worked for long: what went wrong before no longer counts. */
void tr_ladder_succeed(struct tr_ladder *ladder);

/* For people: "did not open", "hung". */
const char *tr_ladder_failure_name(enum tr_ladder_failure failure);

#endif
