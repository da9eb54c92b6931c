/*
 * How much processor time the slots of this machine use: each slot's process with all that it
 * started, its X server, its browser and its encoder. Read from /proc, which everybody may; nothing
 * is known of another machine's slots.
 */
#ifndef TR_SYSTEM_SLOT_LOAD_H
#define TR_SYSTEM_SLOT_LOAD_H

#include "core/cleanup.h"

#include <stdint.h>

#define TR_SLOT_LOAD_MAX 16

struct tr_slot_load {
	unsigned number; /* in: of the slot, from 1 */
	int64_t cpu_ms;	 /* out: since the slot began; -1: its processes were not found */
};

/* Fills in `cpu_ms` of all slots of the telerecd with this process number. `proc` is "/proc" but in
 * tests. Some ms for each 100 processes. */
void tr_slot_load_read(
	const char *proc, int daemon_pid, struct tr_slot_load *loads, unsigned count);

#endif
