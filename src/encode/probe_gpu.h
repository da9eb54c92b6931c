/*
 * The probe's questions, asked in child processes of telerec-encoder --probe: drivers crash and
 * hang. The functions are in telerec-gpu.so, with libdrm, libva and libavcodec behind them. What
 * goes between those processes is JSON, and is read as if a stranger had written it.
 */
#ifndef TR_ENCODE_PROBE_GPU_H
#define TR_ENCODE_PROBE_GPU_H

#include "encode/video.h"

#include <jansson.h>

/* One self-test: what to try, and what came of it. */
struct tr_probe_test {
	struct tr_rung rung;
	struct tr_video_settings settings; /* for the pictures to be compared */
	int pictures;
	int speed_width, speed_height, speed_pictures; /* then for speed; 0: not */

	/* results */
	int opened_rc; /* 0, or what the rung said */
	int encoded;   /* pictures, until the first trouble */
	int decoded;
	int empty;		       /* packets of no bytes */
	bool has_headers;	       /* SPS and PPS in the extradata */
	double psnr_y, psnr_u, psnr_v; /* the worst picture's, in dB */
	int64_t us_per_picture;	       /* at the speed size; 0: not measured */
	char problem[400];	       /* "" when it passed */
};

/* Every device with a render node, sorted by PCI address, with what libdrm says of it, and
 * `open_error` when it cannot be opened. NULL without memory. */
json_t *tr_probe_devices_find(void);

/* Adds what the VA driver of the device says. */
void tr_probe_va_ask(json_t *device);

/* 0 when the result is good, else -errno with `problem` said. */
TR_CHECKED int tr_probe_test_run(const struct tr_video_ops *ops, struct tr_probe_test *test);

/* The proof that a rung may be given surfaces (zero-copy): 0, else -errno with `problem` said. */
TR_CHECKED int tr_probe_surface_run(const struct tr_video_ops *ops, struct tr_probe_test *test);

/* The same as the encoder process finds it in telerec-gpu.so (tr_gpu_load_symbol()). */
struct tr_probe_gpu {
	json_t *(*find_devices)(void);
	void (*ask_device)(json_t *device);
	int (*run_test)(const struct tr_video_ops *ops, struct tr_probe_test *test);
	int (*run_surface_test)(const struct tr_video_ops *ops, struct tr_probe_test *test);
};

#define TR_PROBE_GPU_SYMBOL "tr_probe_gpu" /* such a struct, exported */

#endif
