/* Pictures as JPEG. */
#ifndef TR_STORAGE_JPEG_H
#define TR_STORAGE_JPEG_H

#include "core/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct AVFrame;
struct AVPacket;

/* 32-bit B G R x pixels, made at most `to_width` wide. Gives the bytes, to be freed. -EINVAL for a
 * picture that is too small, -errno. */
TR_CHECKED int tr_jpeg_make(const uint8_t *pixels, size_t stride, int width, int height,
	int to_width, void **ret_bytes, size_t *ret_size);

/* A frame in full range 4:2:0, into a packet; with the frame's quality. */
TR_CHECKED int tr_jpeg_encode(const struct AVFrame *frame, struct AVPacket *packet);

#endif
