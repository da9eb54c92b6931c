/*
 * The sound side of a recording: what audio/capture hands out, checked, encoded, pushed.
 *
 * Everything runs on the capture's thread; start, stop and stats may come from any other.
 */
#ifndef TR_SESSION_SOUND_TRACK_H
#define TR_SESSION_SOUND_TRACK_H

#include "audio/capture.h"
#include "media/sound_check.h"
#include "session/outlets.h"

struct tr_sound_track;

struct tr_sound_track_stats {
	struct tr_capture_stats capture;
	int64_t packets;
	int64_t lost_packets;	/* nobody took them: the disk hangs */
	double peak_db, rms_db; /* of the last second */
	bool has_player;	/* somebody opened the device, as far as we can know */
	struct tr_sound_check check;
};

/* Makes the encoder; captures nothing yet. -errno, said. */
TR_CHECKED int tr_sound_track_create(
	const struct tr_soundcard *card, int kbps, struct tr_sound_track **ret_track);
void tr_sound_track_destroy(struct tr_sound_track *track); /* stops if need be; NULL is fine */

/* AudioSpecificConfig. */
size_t tr_sound_track_extradata(const struct tr_sound_track *track, const uint8_t **ret);

/* Samples before time zero that the encoder puts first. */
int tr_sound_track_priming(const struct tr_sound_track *track);

/* Captures from `start_ns` (CLOCK_MONOTONIC) on. Copies the outlets; they outlive the
 * track. */
TR_CHECKED int tr_sound_track_go(
	struct tr_sound_track *track, int64_t start_ns, const struct tr_outlets *outlets);

/* Takes what sounded before `end_ns`, flushes the encoder. */
void tr_sound_track_stop(struct tr_sound_track *track, int64_t end_ns);

void tr_sound_track_read_stats(struct tr_sound_track *track, struct tr_sound_track_stats *ret);

TR_CLEANUP_DEFINE(struct tr_sound_track, tr_sound_track_destroy)

#endif
