#include "display/convert.h"

#include "display/convert_internal.h"

#define MB 16

static uint8_t luma(const uint8_t *p)
{
	return (uint8_t)((YB * p[0] + YG * p[1] + YR * p[2] + Y_BIAS) >> Y_SHIFT);
}

static int store(uint8_t *to, uint8_t value)
{
	int differs = *to != value;
	*to = value;
	return differs;
}

void tr_convert_rows_plain(const uint8_t *row0, const uint8_t *row1, struct tr_picture *picture,
	int y, int x, int x_end)
{
	uint8_t *y0 = picture->y + (ptrdiff_t)y * picture->y_stride;
	uint8_t *y1 = y0 + picture->y_stride;
	uint8_t *uv = picture->uv + (ptrdiff_t)(y / 2) * picture->uv_stride;
	uint8_t *map = picture->changed + (ptrdiff_t)(y / MB) * picture->map_width;

	for (; x < x_end; x += 2) {
		const uint8_t *a = row0 + 4 * (ptrdiff_t)x, *b = row1 + 4 * (ptrdiff_t)x;
		int blue = a[0] + a[4] + b[0] + b[4];
		int green = a[1] + a[5] + b[1] + b[5];
		int red = a[2] + a[6] + b[2] + b[6];
		int u = (UB * blue + UG * green + UR * red + UV_BIAS) >> UV_SHIFT;
		int v = (VB * blue + VG * green + VR * red + UV_BIAS) >> UV_SHIFT;
		int differs = store(y0 + x, luma(a)) | store(y0 + x + 1, luma(a + 4)) |
			      store(y1 + x, luma(b)) | store(y1 + x + 1, luma(b + 4)) |
			      store(uv + x, (uint8_t)u) | store(uv + x + 1, (uint8_t)v);
		if (differs)
			map[x / MB] = 1;
	}
}

void tr_convert_init(struct tr_convert *convert, int plain)
{
	convert->rows = !plain && __builtin_cpu_supports("avx2") ? tr_convert_rows_avx2
								 : tr_convert_rows_plain;
}

static int count_marked(const struct tr_picture *picture, struct tr_rect blocks)
{
	int count = 0;

	for (int y = blocks.y1; y < blocks.y2; y++)
		for (int x = blocks.x1; x < blocks.x2; x++)
			count += picture->changed[y * picture->map_width + x];
	return count;
}

int tr_convert_rect(const struct tr_convert *convert, const uint8_t *pixels, size_t pixels_stride,
	struct tr_rect rect, struct tr_picture *picture)
{
	struct tr_rect all = {0, 0, picture->width, picture->height};

	rect = tr_rect_common(rect, all);
	if (tr_rect_empty(rect))
		return 0;
	struct tr_rect blocks = {
		rect.x1 / MB, rect.y1 / MB, (rect.x2 + MB - 1) / MB, (rect.y2 + MB - 1) / MB};
	rect = tr_rect_common(
		(struct tr_rect){blocks.x1 * MB, blocks.y1 * MB, blocks.x2 * MB, blocks.y2 * MB},
		all);

	int before = count_marked(picture, blocks);
	for (int y = rect.y1; y < rect.y2; y += 2) {
		const uint8_t *row = pixels + (size_t)y * pixels_stride;
		convert->rows(row, row + pixels_stride, picture, y, rect.x1, rect.x2);
	}
	return count_marked(picture, blocks) - before;
}
