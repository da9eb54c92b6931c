/*
 * The memory that our ALSA plug-in (in the player's process) and the recorder share: a ring of
 * samples, indexed by time.
 *
 * Sample number n is the one that sounds at n/48000 s of CLOCK_MONOTONIC; its cell is n modulo the
 * ring's size. Each player adds its samples to the cells, ahead of the clock or late; the recorder
 * follows TR_SHM_DELAY_FRAMES behind the clock and leaves zero where it read. So mixing takes no
 * lock, and a player that is killed takes nothing with it.
 *
 * Both sides treat what they read here as foreign: indices are masked, numbers only compared.
 */
#ifndef TR_AUDIO_PLUGIN_SHM_H
#define TR_AUDIO_PLUGIN_SHM_H

#include <stdatomic.h>
#include <stdint.h>

#define TR_SHM_MAGIC 0x7472736fu
#define TR_SHM_VERSION 1u
#define TR_SHM_RATE 48000
#define TR_SHM_FRAMES (1u << 18) /* 5.5 s: the delay, and more than the largest player buffer */
#define TR_SHM_OPENERS 64

/* How far the recorder reads behind the clock. Players on a starved machine were seen writing up to
 * 478 ms late; nobody listens live, so the only price of a long delay is a slower stop. */
#define TR_SHM_DELAY_FRAMES (TR_SHM_RATE * 7 / 10)

/* A player later than this has stopped playing; it goes on at the present instead of the past. */
#define TR_SHM_LATE_MAX_FRAMES (TR_SHM_DELAY_FRAMES - TR_SHM_RATE * 6 / 100)

/* Full scale is 2^23: that leaves room for 128 players at full level. */
#define TR_SHM_FULL_SCALE (1 << 23)

struct tr_shm_opener {
	_Atomic uint64_t owner;	 /* random number of the open PCM; 0: free */
	_Atomic int64_t seen_ns; /* last sign of life */
};

struct tr_shm_cell {
	_Atomic int32_t left, right;
};

struct tr_shm {
	/* fixed */
	uint32_t magic, version, rate, frames;
	uint64_t size; /* bytes of the file */

	/* Written by the recorder. Odd generation: nobody reads, players add nothing. Each reading
	 * has a generation of its own: a player that sees a new one adds again what it has queued.
	 */
	_Alignas(64) _Atomic uint32_t generation;
	_Atomic int64_t start_position; /* first sample number that is wanted */
	_Atomic int64_t read_position;	/* samples before this one are gone */

	/* Written by the players. */
	_Alignas(64) _Atomic uint32_t opens; /* PCM opened, ever */
	_Atomic uint32_t starts;	     /* PCM started, ever */
	_Atomic uint32_t stalls; /* players that were too late and moved to the present */
	_Atomic int64_t first_open_ns;
	_Atomic int64_t first_start_ns;
	_Atomic int64_t last_write_ns;
	_Atomic uint64_t late_frames; /* written after their time, still in time for the recorder */
	_Atomic uint64_t lost_frames; /* written after the recorder had passed */
	struct tr_shm_opener openers[TR_SHM_OPENERS];

	_Alignas(4096) struct tr_shm_cell cells[TR_SHM_FRAMES];
};

/* 48000 / 10^9 = 3 / 62500: no overflow for 97 years of uptime. */
static inline int64_t tr_shm_frames_at(int64_t ns)
{
	return ns * 3 / 62500;
}

/* The first ns at which tr_shm_frames_at() says `frames`. */
static inline int64_t tr_shm_time_of(int64_t frames)
{
	return (frames * 62500 + 2) / 3;
}

static inline struct tr_shm_cell *tr_shm_at(struct tr_shm *shm, int64_t position)
{
	return &shm->cells[(uint64_t)position & (TR_SHM_FRAMES - 1)];
}

#endif
