/*
 * Pixels of the screen into the picture, compared with what the picture held before, in one pass.
 *
 * The picture keeps its content between calls: only macroblocks whose converted pixels differ are
 * written, and these are marked in its map. So a repaint of the same pixels counts as no change.
 * BT.709, limited range, 15-bit coefficients (error below half a step); chroma is the mean of 2x2.
 */
#ifndef TR_DISPLAY_CONVERT_H
#define TR_DISPLAY_CONVERT_H

#include "media/picture.h"
#include "media/rect.h"

#include <stddef.h>

/* One pair of rows, `x` to `x_end` (multiples of 2), of 32-bit B G R x pixels. */
typedef void tr_convert_rows_fn(const uint8_t *row0, const uint8_t *row1,
	struct tr_picture *picture, int y, int x, int x_end);

struct tr_convert {
	tr_convert_rows_fn *rows;
};

/* Chooses the fastest variant this processor has; `plain` forces portable C (for tests). */
void tr_convert_init(struct tr_convert *convert, int plain);

/* Converts `rect` (grown to whole macroblocks, cut to the picture) of `pixels`, which has the
 * picture's size. Marks changed macroblocks in picture->changed (never unmarks) and returns how
 * many it newly marked. */
int tr_convert_rect(const struct tr_convert *convert, const uint8_t *pixels, size_t pixels_stride,
	struct tr_rect rect, struct tr_picture *picture);

/* The variants, for tr_convert_init() and the test. */
void tr_convert_rows_plain(const uint8_t *row0, const uint8_t *row1, struct tr_picture *picture,
	int y, int x, int x_end);
void tr_convert_rows_avx2(const uint8_t *row0, const uint8_t *row1, struct tr_picture *picture,
	int y, int x, int x_end);

#endif
