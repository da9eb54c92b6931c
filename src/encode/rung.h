/*
 * One way to encode on this machine: a rung of the ladder. A value without pointers, made by the
 * probe, ranked, sent to the encoder process as it is (both ends are of the same build), and named
 * in reports.
 */
#ifndef TR_ENCODE_RUNG_H
#define TR_ENCODE_RUNG_H

#include <stdbool.h>
#include <stdint.h>

#define TR_RUNGS_MAX 24

enum tr_rung_kind {
	TR_RUNG_SOFTWARE, /* libx264 */
	TR_RUNG_VAAPI,
	TR_RUNG_QSV,
};

enum tr_rung_rate {
	TR_RUNG_RATE_CQP,
	TR_RUNG_RATE_CBR,
	TR_RUNG_RATE_VBR,
};

struct tr_rung {
	int32_t kind;
	int32_t rate;	      /* control: enum tr_rung_rate */
	int32_t profile;      /* profile_idc: 100 High, 77 Main, 66 Constrained Baseline */
	int32_t level;	      /* the driver's quality level; 0: its own choice */
	uint8_t is_low_power; /* EncSliceLP */
	uint8_t has_packed_headers;
	uint8_t can_convert;	       /* VPP makes NV12 of RGB, proved by the self-test */
	uint8_t was_tested;	       /* encoded, decoded and compared */
	int32_t max_width, max_height; /* 0: unknown */
	int32_t us_per_picture;	       /* at 1280x720, as measured; 0: not */
	char device[64];	       /* "/dev/dri/renderD128"; "" for software */
	char address[24];	       /* "0000:00:02.0", or "" */
	char driver[24];	       /* the VA driver's name to force; "": libva's rules */
	char name[40];		       /* "h264_vaapi renderD128 VBR", for people and reports */
};

struct tr_rung_list {
	unsigned count; /* the best one first */
	struct tr_rung rungs[TR_RUNGS_MAX];
};

#endif
