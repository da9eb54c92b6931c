/* What this machine has for recording; each question is answered by trying, not by guessing. */
#ifndef TR_DOCTOR_MACHINE_PROBE_H
#define TR_DOCTOR_MACHINE_PROBE_H

#include "protocol/reason.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct tr_machine_probe {
	char browser[PATH_MAX]; /* "" when there is none */
	char browser_version[160];
	char xserver[PATH_MAX];
	bool has_user_namespaces; /* for an ordinary user: Chromium's sandbox */
	bool has_setuid_sandbox;  /* the older way of the same */
	char sound_plugin[PATH_MAX];
	bool has_loopback; /* snd-aloop is loaded */
	json_t *encoding;  /* GPUs and rungs (encode/probe.h); NULL: the encoder's program fails */
	int64_t memory_bytes;
	int cores;
};

/* `browser` is the one to look at, NULL: find one. With `is_testing` every rung encodes, which
 * takes seconds. The caller lets go of it by the next function. */
void tr_machine_probe_take(
	const char *browser, bool is_testing, struct tr_machine_probe *ret_probe);
void tr_machine_probe_release(struct tr_machine_probe *probe);

/* What stands in the way of a recording, TR_REASON_NONE when nothing does. */
enum tr_reason tr_machine_probe_obstacle(const struct tr_machine_probe *probe);

#endif
