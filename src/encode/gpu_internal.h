/* Of the files of telerec-gpu.so: gpu_module.c (entry, words), vaapi.c, vaapi_device.c. */
#ifndef TR_ENCODE_GPU_INTERNAL_H
#define TR_ENCODE_GPU_INTERNAL_H

#include "encode/gpu.h"

#include <libavutil/buffer.h>

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

/* A VA display of its own on the rung's node, as FFmpeg's device. `words` must outlive it. */
struct tr_vaapi_device;
TR_CHECKED int tr_vaapi_device_open(
	const struct tr_rung *rung, struct tr_gpu_words *words, struct tr_vaapi_device **ret);
void tr_vaapi_device_close(struct tr_vaapi_device *device);
AVBufferRef *tr_vaapi_device_context(const struct tr_vaapi_device *device); /* keeps it */

TR_CLEANUP_DEFINE(struct tr_vaapi_device, tr_vaapi_device_close)

extern const struct tr_video_ops tr_video_vaapi;

#endif
