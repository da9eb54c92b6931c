/*
 * The interface of one way to encode H.264 (a rung of the ladder). Lives in the encoder process.
 *
 * Every picture in gives exactly one packet out, at once: no B-pictures, no look-ahead. NAL units
 * are length-prefixed (4 bytes); parameter sets are only in the extradata (avcC), which is there
 * after the opening.
 */
#ifndef TR_ENCODE_VIDEO_H
#define TR_ENCODE_VIDEO_H

#include "core/cleanup.h"
#include "encode/rung.h"
#include "media/picture.h"
#include "media/surface.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TR_VIDEO_EXTRADATA_MAX 256

/* Times are multiples of 1/200 s. Readers guess a stream's base rate from what all durations have
 * in common; without such a grid they guess 30, and pictures that are a little early or late fall
 * onto the same tick (a guess over 210 they do not believe either). It costs 2.5 ms at most. */
#define TR_VIDEO_GRID_HZ 200

struct tr_video_settings {
	int32_t width, height; /* even */
	int32_t rate;	       /* at most so many pictures a second */
	int32_t quality;       /* like x264's CRF: lower is better; used when kbps is 0 */
	int32_t kbps;	       /* mean bitrate to keep; 0: by quality */
	int32_t buffer_kbit;   /* decoder's buffer for kbps; 0: two seconds of it */
	int32_t set_id;	       /* number of the parameter sets; only software can choose it */
};

struct tr_video_request {
	const struct tr_video_settings *settings; /* borrowed */
	const struct tr_rung *rung;		  /* borrowed */
	/* Where the last trouble is told in a sentence; lives as long as the encoder. NULL: only
	 * the log. */
	char *problem;
	size_t problem_size;
};

struct tr_video_input {
	const struct tr_picture *picture;
	int64_t pts_ns;
	int changed;  /* macroblocks marked in the map */
	bool is_key;  /* must be a key picture */
	bool has_map; /* the map is true against the picture encoded before */
	int coarser;  /* quantizer steps above what quality or bitrate ask for */
	int surface;  /* 0: the picture; else this attached surface (1 to TR_SURFACES_MAX) */
};

struct tr_video_output {
	uint8_t *data; /* the caller's room ... */
	size_t room;
	size_t size; /* ... and how much of it was used; 0 is a failure */
	bool is_key;
	int qp; /* mean quantizer, -1: unknown */
};

struct tr_video;

struct tr_video_ops {
	const char *name;
	TR_CHECKED int (*open)(const struct tr_video_request *request, struct tr_video **ret);
	/* -ENOBUFS when the room is too small, -EIO */
	TR_CHECKED int (*encode)(struct tr_video *video, const struct tr_video_input *input,
		struct tr_video_output *output);
	/* avcC, at most TR_VIDEO_EXTRADATA_MAX bytes; belongs to the encoder */
	size_t (*extradata)(const struct tr_video *video, const uint8_t **ret);
	void (*close)(struct tr_video *video);

	/* The zero-copy road; NULL where a rung has none. */

	/* Surface number 1 to TR_SURFACES_MAX, attached once and for as long as the encoder lives.
	 * The descriptors stay the caller's: what is kept is duplicated. -ENOTSUP when the device
	 * cannot read it, said in the problem. */
	TR_CHECKED int (*attach)(
		struct tr_video *video, int number, const struct tr_surface *surface);
	/* What encode() would see of an attached surface, as NV12 in `ret_picture`: so that it can
	 * be compared with what the CPU makes of the same screen. */
	TR_CHECKED int (*convert)(
		struct tr_video *video, int number, const struct tr_picture *ret_picture);
};

extern const struct tr_video_ops tr_video_software;

#endif
