/* How many recordings at a time this machine is good for, when nobody says a number. */
#ifndef TR_SYSTEM_CAPACITY_H
#define TR_SYSTEM_CAPACITY_H

#include "core/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define TR_CAPACITY_SLOTS_MAX 16

/* What we may use of the machine. */
struct tr_capacity {
	double cores;
	int64_t memory_bytes;
};

/* Processors and memory, or less where our control group, or one above it, has a limit. `root` is
 * put before the paths of /proc and /sys ("" but in tests). */
void tr_capacity_read(const char *root, struct tr_capacity *ret_capacity);

/* 1..TR_CAPACITY_SLOTS_MAX for pictures of this size and rate, of which GPUs encode `gpu_slots`
 * recordings and software the others; `why` gets a sentence with the reason. Looks at nothing. */
unsigned tr_capacity_count_slots(const struct tr_capacity *capacity, int width, int height,
	int frame_rate, unsigned gpu_slots, char *why, size_t why_size);

#endif
