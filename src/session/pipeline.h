/*
 * The threads of one recording and the queue between them: pictures and sound in, a file out.
 *
 *   video thread --\
 *                   > queue -> writer thread -> fragmented MP4
 *   sound thread --/
 *
 * Each packet goes to the streams of the recording, too, which have queues and threads of their
 * own.
 *
 * All calls from one thread, except tr_pipeline_read(), which any may call. The hooks come from the
 * pipeline's threads.
 */
#ifndef TR_SESSION_PIPELINE_H
#define TR_SESSION_PIPELINE_H

#include "audio/soundcard.h"
#include "media/grade.h"
#include "session/broadcast.h"
#include "session/sound_track.h"
#include "session/video_track.h"

struct tr_pipeline;

struct tr_pipeline_settings {
	int dirfd;	  /* borrowed while it lives */
	const char *file; /* in dirfd; must not exist; NULL: none */
	struct tr_video_track_settings video;
	const struct tr_soundcard *soundcard; /* keeps; NULL: no sound track */
	int audio_kbps;
	const char *streams;	    /* see tr_broadcast_settings.targets; "" or NULL: none */
	const char *stream_ca_file; /* NULL: the system's */
};

enum tr_pipeline_news {
	TR_PIPELINE_DISPLAY_LOST, /* give another with tr_video_track_set_display() */
	TR_PIPELINE_ENCODER_LOST,
	TR_PIPELINE_DISK_FULL,
	TR_PIPELINE_DISK_ERROR,
	TR_PIPELINE_STREAMS_REFUSED, /* no target is left, and none was ever reached */
	TR_PIPELINE_STREAMS_LOST,    /* no target is left */
};

typedef void tr_pipeline_news_fn(enum tr_pipeline_news news, void *user);

struct tr_pipeline_status {
	int64_t time_ns;   /* since the start */
	int64_t synced_ns; /* on disk */
	int64_t bytes;	   /* on disk */
	struct tr_video_track_stats video;
	struct tr_sound_track_stats sound;
};

/* All threads run and count from now on. -errno; the part that failed has said why. */
TR_CHECKED int tr_pipeline_start(const struct tr_pipeline_settings *settings,
	tr_pipeline_news_fn *on_news, void *user, struct tr_pipeline **ret_pipeline);

int64_t tr_pipeline_start_ns(const struct tr_pipeline *pipeline);
void tr_pipeline_read(struct tr_pipeline *pipeline, struct tr_pipeline_status *ret_status);
void tr_pipeline_set_display(
	struct tr_pipeline *pipeline, const char *display, const char *frame_buffer);

/* See tr_video_track_set_economy(). */
void tr_pipeline_set_economy(struct tr_pipeline *pipeline, int level);

/* The streams, or NULL; the pipeline keeps them. */
struct tr_broadcast *tr_pipeline_broadcast(const struct tr_pipeline *pipeline);

/* Stops at `end_ns` (CLOCK_MONOTONIC, 0: now), writes what was captured until then, frees. Fills
 * the report's figures. What the streams have not sent yet goes on; they are given to the caller to
 * be closed, or NULL (with `ret_broadcast` NULL that is done here). The first error of the file, or
 * 0. */
TR_CHECKED int tr_pipeline_stop(struct tr_pipeline *pipeline, int64_t end_ns,
	struct tr_quality *ret_quality, struct tr_broadcast **ret_broadcast);

#endif
