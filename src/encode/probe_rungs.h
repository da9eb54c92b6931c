/* From what a device says to rungs, and their self-tests. In the process telerec-encoder --probe.
 */
#ifndef TR_ENCODE_PROBE_RUNGS_H
#define TR_ENCODE_PROBE_RUNGS_H

#include "encode/probe_internal.h"
#include "encode/video.h"

#define TR_PROBE_RUNGS_MAX 48

struct tr_probe_rungs {
	unsigned count;
	struct tr_probe_candidate list[TR_PROBE_RUNGS_MAX];
};

struct tr_probe_test_settings {
	int width, height;   /* of the pictures that are compared */
	int silent_ms;	     /* without a word from a driver, it hangs */
	int64_t deadline_ns; /* for all */
};

/* Adds those that the device offers. What it says was checked by nobody before. */
void tr_probe_rungs_add(struct tr_probe_rungs *rungs, const json_t *device);
void tr_probe_rungs_add_software(struct tr_probe_rungs *rungs);

/* Tests each in a child process, the best first, and ranks them again by what came out. */
void tr_probe_rungs_test(struct tr_probe_rungs *rungs, const json_t *devices,
	const struct tr_probe_test_settings *settings);

#endif
