/*
 * The sound of one recording: a thread that hands out 48 kHz stereo in blocks without a hole,
 * sample number n being the sound of n/48000 s after the recording's start.
 *
 * What the card does (late start, other rate, lost samples, going away) ends here: it is bent,
 * filled with silence and counted. Start, stop and stats from any thread, one at a time.
 */
#ifndef TR_AUDIO_CAPTURE_H
#define TR_AUDIO_CAPTURE_H

#include "audio/soundcard.h"

#include <stdbool.h>
#include <stdint.h>

#define TR_CAPTURE_BLOCK 1920 /* frames: 40 ms */

struct tr_capture;

/* On the capture thread. `position` is that of the first frame; the first block has 0, each next
 * one begins where the last ended. The last block may be shorter. May wait a second at most. */
typedef void (*tr_capture_block_fn)(
	const float *left, const float *right, unsigned frames, int64_t position, void *user);

struct tr_capture_settings {
	const struct tr_soundcard *card; /* keeps */
	int64_t start_ns;		 /* CLOCK_MONOTONIC; about now, or up to a second ahead */
	tr_capture_block_fn on_block;
	void *user;
};

struct tr_capture_stats {
	int64_t frames; /* handed out */
	unsigned gaps;	/* holes filled with silence, a missing card's included */
	int64_t gap_frames;
	unsigned recoveries; /* the card was opened again, or started again after an overrun */
	bool is_broken;	     /* now: the card is gone and we are trying */
	double drift_ppm;    /* the card against CLOCK_MONOTONIC; 0 for the plug-in */
	bool is_drift_known;
	float peak_dbfs; /* of the last whole second, see audio/level.h */
	float rms_dbfs;
	unsigned level_seconds; /* whole seconds measured: changes when the two are new */
	int64_t last_sound_ns;	/* last block that was not digital silence; 0: none yet */

	/* The plug-in only (a loopback does not tell): who plays. */
	bool has_players;      /* these are known */
	unsigned opens;	       /* PCM opened since the slot's start: 0 means nobody ever did */
	unsigned players;      /* open now */
	int64_t first_open_ns; /* 0: never */
	int64_t last_write_ns; /* 0: never */
	unsigned stalls;
	uint64_t late_frames;
	uint64_t lost_frames; /* too late, missing in the recording */
};

/* Borrows the settings. -ENOMEM, -errno of the thread. Sound runs about 0.7 s behind the clock. */
TR_CHECKED int tr_capture_start(
	const struct tr_capture_settings *settings, struct tr_capture **ret_capture);

/* Hands out everything before `end_ns`, waits for that (about 0.7 s after end_ns), ends the thread
 * and frees the capture. NULL is fine. */
void tr_capture_stop(struct tr_capture *capture, int64_t end_ns);

void tr_capture_get_stats(struct tr_capture *capture, struct tr_capture_stats *ret_stats);

#endif
