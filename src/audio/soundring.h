/*
 * The recorder's end of the shared memory that our ALSA plug-in plays into (plugin/shm.h).
 *
 * The slot creates the file before the browser starts and keeps it for its life; each recording is
 * one reading. Create, destroy and stats from any thread; a reading belongs to one thread.
 */
#ifndef TR_AUDIO_SOUNDRING_H
#define TR_AUDIO_SOUNDRING_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct tr_soundring;

struct tr_soundring_stats {
	unsigned opens;	       /* PCM opened since the file was created */
	unsigned starts;       /* PCM started */
	unsigned players;      /* open and alive within the last 2 s */
	unsigned stalls;       /* players that stopped writing and came back too late */
	int64_t first_open_ns; /* 0: never; likewise the next two */
	int64_t first_start_ns;
	int64_t last_write_ns;
	uint64_t late_frames; /* written late, but in time */
	uint64_t lost_frames; /* written too late, not in the recording */
};

/* Makes the file (an old one at `path` is replaced), readable by our own user only. -errno. */
TR_CHECKED int tr_soundring_create(const char *path, struct tr_soundring **ret_ring);
void tr_soundring_destroy(struct tr_soundring *ring); /* removes the file; NULL is fine */

/* Starts a reading with sample number `position` (see tr_soundring_position_of). What players have
 * queued by now is in it; what sounded before this call may be missing. */
void tr_soundring_begin(struct tr_soundring *ring, int64_t position);

/* The next `frames` samples, mixed and cut at full scale. The caller sees to it that they lie at
 * least tr_soundring_delay_ns() back. */
void tr_soundring_read(struct tr_soundring *ring, float *left, float *right, unsigned frames);
void tr_soundring_end(struct tr_soundring *ring);

/* Players until now do not count (our own check of the device). Nobody may be playing. */
void tr_soundring_forget(struct tr_soundring *ring);

void tr_soundring_get_stats(struct tr_soundring *ring, struct tr_soundring_stats *ret_stats);

int64_t tr_soundring_position_of(int64_t ns);
int64_t tr_soundring_delay_ns(void);

TR_CLEANUP_DEFINE(struct tr_soundring, tr_soundring_destroy)

#endif
