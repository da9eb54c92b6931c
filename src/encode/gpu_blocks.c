/* H.264 codes whole macroblocks: pictures made up to them. */
#include "encode/gpu_internal.h"

#include <string.h>

#define BLOCK 16

int tr_gpu_blocks_round(int pixels)
{
	return (pixels + BLOCK - 1) / BLOCK * BLOCK;
}

/* `sample`: bytes of the last column. */
static void fill_plane(uint8_t *to, int to_stride, const uint8_t *from, int from_stride, int width,
	int height, int full_width, int full_height, int sample)
{
	for (int y = 0; y < height; y++) {
		uint8_t *row = to + (ptrdiff_t)y * to_stride;
		memcpy(row, from + (ptrdiff_t)y * from_stride, (size_t)width);
		for (int x = width; x < full_width; x += sample)
			memcpy(row + x, row + width - sample, (size_t)sample);
	}
	for (int y = height; y < full_height; y++)
		memcpy(to + (ptrdiff_t)y * to_stride, to + (ptrdiff_t)(height - 1) * to_stride,
			(size_t)full_width);
}

void tr_gpu_blocks_fill(const AVFrame *frame, const struct tr_picture *picture)
{
	int width = picture->width, height = picture->height;
	int full_width = tr_gpu_blocks_round(width), full_height = tr_gpu_blocks_round(height);

	fill_plane(frame->data[0], frame->linesize[0], picture->y, picture->y_stride, width, height,
		full_width, full_height, 1);
	fill_plane(frame->data[1], frame->linesize[1], picture->uv, picture->uv_stride, width,
		height / 2, full_width, full_height / 2, 2);
}
