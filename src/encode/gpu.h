/*
 * The rungs of the GPU. They live in a module of their own, telerec-gpu.so, because libva and
 * FFmpeg's encoders are large and software needs neither: it is loaded when a rung asks for it.
 */
#ifndef TR_ENCODE_GPU_H
#define TR_ENCODE_GPU_H

#include "encode/video.h"

#define TR_GPU_MODULE "telerec-gpu.so"

/* What the module exports, by this name: the encoder of a kind of rung, NULL when it has none. */
#define TR_GPU_ENTRY "tr_gpu_find"
typedef const struct tr_video_ops *tr_gpu_find_fn(enum tr_rung_kind kind);

/*
 * The encoder of a rung's kind. Loads the module when it is a GPU's, once and for good: from
 * descriptor `module_fd` (-1: TR_WIRE_MODULE_FD when that is one), else from beside the running
 * program or where it is installed.
 * -ENOENT without the module or what it needs (said in `problem`), -ENOTSUP for a kind that it does
 * not know.
 */
TR_CHECKED int tr_gpu_load(enum tr_rung_kind kind, int module_fd, char *problem,
	size_t problem_size, const struct tr_video_ops **ret);

/* Any symbol of the module, for the probe. */
TR_CHECKED int tr_gpu_load_symbol(
	const char *symbol, int module_fd, char *problem, size_t problem_size, void **ret);

#endif
