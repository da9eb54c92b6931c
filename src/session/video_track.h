/*
 * The picture side of a recording: a thread that takes a picture when the screen changed, has it
 * encoded, and pushes the packets.
 *
 * One raw picture is in flight at most: short of CPU time, pictures are dropped, never time. A
 * picture without a difference is not encoded, but one goes out at least once a second. An encoder
 * process that dies or hangs is replaced by the next rung of the ladder, and the track goes on with
 * the same picture, as a key picture.
 */
#ifndef TR_SESSION_VIDEO_TRACK_H
#define TR_SESSION_VIDEO_TRACK_H

#include "encode/relay.h"
#include "session/outlets.h"

struct tr_video_track;

struct tr_video_track_settings {
	const char *display;	  /* borrowed for the start only */
	const char *frame_buffer; /* NULL: none */
	struct tr_encoder_settings encoder;
	struct tr_ladder *ladder; /* keeps; learns what failed. NULL: software */
	bool has_zero_copy;	  /* try it: see zero_copy.h */
	bool constant_rate;	  /* repeat pictures to the full rate */
	int64_t key_interval_ns; /* at most so long without a key picture; 0: as seeking needs it */
	/* Added to every picture's time: how long before its moment the screen shows it. */
	int64_t lead_ns;
};

/* Counted since the recording's start. */
struct tr_video_track_stats {
	int64_t grabbed;   /* pictures taken from the screen */
	int64_t encoded;   /* packets pushed */
	int64_t repeated;  /* of these, pictures sent again because a second passed */
	int64_t unchanged; /* damage without any different pixel: not encoded */
	int64_t dropped;   /* changes that no picture shows because the encoder was busy */
	int64_t late;	   /* pictures taken more than two periods after their change */
	int64_t bytes;
	int64_t last_pts_ns;
	int64_t qp_sum;
	int64_t qp_count; /* pictures whose quantizer is known */
	int64_t encode_us;
	unsigned encoder_restarts;
	double share_changed_sum; /* of the macroblocks, over all encoded */
	char encoder[40];	  /* the rung in use */
	char way[24];		  /* how pictures are taken */
	bool has_zero_copy;	  /* without a copy, as long as that worked ... */
	char no_zero_copy[200];	  /* ... or why not, or why no longer */
};

enum tr_video_track_end {
	TR_VIDEO_TRACK_RUNNING,
	TR_VIDEO_TRACK_STOPPED,
	TR_VIDEO_TRACK_DISPLAY_LOST,
	TR_VIDEO_TRACK_ENCODER_LOST, /* it keeps dying */
	TR_VIDEO_TRACK_QUEUE_FULL,   /* nobody takes the packets */
};

/* Called on the track's thread when it ends by itself; never after tr_video_track_stop(). */
typedef void tr_video_track_end_fn(enum tr_video_track_end end, void *user);

/* Called on the track's thread about once a second with the current picture, for checks. */
typedef void tr_video_track_picture_fn(
	const struct tr_picture *picture, int64_t pts_ns, void *user);

struct tr_video_track_hooks {
	tr_video_track_end_fn *on_end;
	tr_video_track_picture_fn *on_picture;
	void *user;
};

/* Connects to the display and starts the encoder process: what may fail, fails here. The thread
 * runs afterwards but takes no picture before tr_video_track_go(). -errno of the part that failed
 * (it has said why). */
TR_CHECKED int tr_video_track_start(const struct tr_video_track_settings *settings,
	const struct tr_video_track_hooks *hooks, struct tr_video_track **ret_track);

/* avcC. */
size_t tr_video_track_extradata(const struct tr_video_track *track, const uint8_t **ret);

/* Takes pictures from now on; their times count from `start_ns`. Copies the outlets; they outlive
 * the track.
 */
void tr_video_track_go(
	struct tr_video_track *track, int64_t start_ns, const struct tr_outlets *outlets);

/* The screen is another (the X server or the browser was started again): connect to it. Until then
 * the last picture is repeated. Any thread. */
void tr_video_track_set_display(
	struct tr_video_track *track, const char *display, const char *frame_buffer);

/* How much room the pictures may take, by protocol's levels of economy: 0 all that they need, 1
 * half the pictures, 2 these coarser, 3 coarse ones five seconds apart. Any thread. */
void tr_video_track_set_economy(struct tr_video_track *track, int level);

/* The next picture shall be a key picture: somebody begins to look now. Any thread. */
void tr_video_track_request_key(struct tr_video_track *track);

/* Pushes a last picture at `end_ns` (CLOCK_MONOTONIC), joins, kills the encoder. */
void tr_video_track_stop(struct tr_video_track *track, int64_t end_ns);
void tr_video_track_destroy(struct tr_video_track *track); /* stops if need be; NULL is fine */

void tr_video_track_read_stats(struct tr_video_track *track, struct tr_video_track_stats *ret);

/* Which rungs encoded from when, and what failed. Any thread. */
void tr_video_track_read_log(struct tr_video_track *track, struct tr_relay_log *ret);

#endif
