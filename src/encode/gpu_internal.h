/* Of the files of telerec-gpu.so: gpu_module.c (entry, words), gpu_blocks.c, gpu_codec.c,
 * vaapi*.c, qsv.c. */
#ifndef TR_ENCODE_GPU_INTERNAL_H
#define TR_ENCODE_GPU_INTERNAL_H

#include "encode/gpu.h"

#include <libavutil/buffer.h>
#include <libavutil/frame.h>

#include <va/va.h>

/* Where the last trouble of the one encoder of this process is told. */
struct tr_gpu_words {
	char *problem;
	size_t size;
	unsigned errors; /* lines of FFmpeg and libva that were errors */
};

/* FFmpeg's lines have no user pointer: from now on they go here; NULL: nowhere. */
void tr_gpu_words_attach(struct tr_gpu_words *words);

/* The first trouble of a step is its cause; what follows are its consequences. */
void tr_gpu_words_reset(struct tr_gpu_words *words);
void tr_gpu_words_add(struct tr_gpu_words *words, const char *text);

/* Says it and returns rc; keeps what a driver has said before. */
int tr_gpu_fail(struct tr_gpu_words *words, int rc, const char *text);

/* Pixels in a row or a column, up to whole macroblocks. */
int tr_gpu_blocks_round(int pixels);

/* NV12 into a frame with room for whole macroblocks, in memory: the picture, and its last column
 * and row again where they go on, as what is behind them would bleed into the picture's edge. */
void tr_gpu_blocks_fill(const AVFrame *frame, const struct tr_picture *picture);

/* A VA display of its own on the rung's node, as FFmpeg's device. `words` must outlive it. */
struct tr_vaapi_device;
TR_CHECKED int tr_vaapi_device_open(
	const struct tr_rung *rung, struct tr_gpu_words *words, struct tr_vaapi_device **ret);
void tr_vaapi_device_close(struct tr_vaapi_device *device);
AVBufferRef *tr_vaapi_device_context(const struct tr_vaapi_device *device); /* keeps it */

VADisplay tr_vaapi_device_display(const struct tr_vaapi_device *device);

TR_CLEANUP_DEFINE(struct tr_vaapi_device, tr_vaapi_device_close)

/*
 * NV12 into a new surface of `frames`, or black (NULL); whole macroblocks are filled, or the rows
 * below the picture would be green and bleed into its edge.
 *
 * Uploading RGB and converting it on the device would not pay, even where there is a converter: the
 * processor must read the screen all the same to know what changed, and in that pass it converts
 * only what did; and RGB is 4 bytes a pixel to be written into the device's memory, NV12 is 1.5.
 * The converter is for surfaces, which nobody uploads.
 */
TR_CHECKED int tr_vaapi_upload(AVBufferRef *frames, struct tr_gpu_words *words,
	const struct tr_picture *picture, AVFrame *surface);
TR_CHECKED int tr_vaapi_download(
	struct tr_gpu_words *words, const AVFrame *surface, const struct tr_picture *ret_picture);

/* The device's converter: surfaces of RGB to NV12 in `target`, which has room for the picture and
 * is black where it goes on. `words` and the device must outlive it. -ENOTSUP without one. */
struct tr_vaapi_vpp;
TR_CHECKED int tr_vaapi_vpp_open(const struct tr_vaapi_device *device, struct tr_gpu_words *words,
	VASurfaceID target, int width, int height, struct tr_vaapi_vpp **ret);
void tr_vaapi_vpp_close(struct tr_vaapi_vpp *vpp);
TR_CHECKED int tr_vaapi_vpp_attach(
	struct tr_vaapi_vpp *vpp, int number, const struct tr_surface *surface);
/* Begins it; the driver does what follows in order. `wait`: until it is done. */
TR_CHECKED int tr_vaapi_vpp_convert(
	struct tr_vaapi_vpp *vpp, int number, int width, int height, VASurfaceID target);
TR_CHECKED int tr_vaapi_vpp_wait(struct tr_vaapi_vpp *vpp, VASurfaceID target);

TR_CLEANUP_DEFINE(struct tr_vaapi_vpp, tr_vaapi_vpp_close)

/* Tightly packed B G R x pixels as a surface of the rung's device, which `ret_surface` describes;
 * its descriptors belong to the clip. -ENOTSUP when the driver cannot. */
struct tr_vaapi_clip;
TR_CHECKED int tr_vaapi_clip_make(const struct tr_rung *rung, struct tr_gpu_words *words,
	const uint8_t *pixels, int width, int height, struct tr_vaapi_clip **ret,
	struct tr_surface *ret_surface);
void tr_vaapi_clip_free(struct tr_vaapi_clip *clip);

TR_CLEANUP_DEFINE(struct tr_vaapi_clip, tr_vaapi_clip_free)

extern const struct tr_video_ops tr_video_vaapi;

#endif
