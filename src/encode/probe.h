/*
 * What this machine can encode with: asks `telerec-encoder --probe`, a process that looks at every
 * render node and tries what it finds. Drivers crash and hang: then that is the finding.
 *
 * The answer is JSON (telerec.1 documents it):
 *   {"devices": [{"node", "address", "kernel_driver", "vendor", "problem", "cure", "driver",
 *      "driver_text", "entry_points", "rate_controls", ...}],
 *    "rungs": [{... the members of struct tr_rung, "works", "problem", "cure", "ms_per_picture",
 *      "sessions": {"1280x720": n, "1920x1080": n}}],
 *    "advice": ["a sentence", ...]}
 * Rungs are ranked by the rules of the machine, the best first; software is always there.
 */
#ifndef TR_ENCODE_PROBE_H
#define TR_ENCODE_PROBE_H

#include "core/cleanup.h"
#include "encode/rung.h"

#include <jansson.h>

struct tr_probe_settings {
	const char *program; /* telerec-encoder's path ... */
	int program_fd;	     /* ... or an open descriptor of it; 0: the path */
	int module_fd;	     /* the GPU's module, open; 0 or -1: it is beside the program */
	bool is_testing;     /* encode, decode and compare; else only ask what there is */
	int timeout_ms;	     /* for all; 0: 20 s. A device that hangs costs 5 s of it */
};

/* Waits. A machine without any render node is answered at once. -ENOENT, -ETIMEDOUT (what was found
 * until then is given), -EPROTO, -ENOMEM. */
TR_CHECKED int tr_probe_run(const struct tr_probe_settings *settings, json_t **ret_json);

/*
 * The rungs to use by the setting video.encoder: "auto", "software", "vaapi", "qsv", a device's
 * node or PCI address, or several of these between commas, in that order. What was asked for by
 * name and does not work is said in `problem` ("" when all is well), never replaced in silence;
 * software is last all the same. -EINVAL for a word that is none of these.
 */
TR_CHECKED int tr_probe_choose(const json_t *probed, const char *encoder, int width, int height,
	struct tr_rung_list *ret_list, char *problem, size_t problem_size);

/* Recordings of this size and rate that the GPUs of these rungs carry side by side: the best rung
 * of each, by its measured speed, in 70 % of the time. */
unsigned tr_probe_count_gpu_sessions(
	const struct tr_rung_list *list, int width, int height, int rate);

#endif
