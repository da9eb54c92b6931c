#include "test.h"

#include "encode/screen.h"

#include "display/convert.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct screen screen_make(int width, int height, uint32_t pitch, uint32_t offset)
{
	struct screen screen = {.surface = {.width = width,
					.height = height,
					.fourcc = SCREEN_XRGB,
					.plane_count = 1,
					.modifier = SCREEN_LINEAR}};

	screen.size = offset + (size_t)pitch * (size_t)height;
	screen.surface.planes[0].fd = memfd_create("screen", MFD_CLOEXEC);
	screen.surface.planes[0].pitch = pitch;
	screen.surface.planes[0].offset = offset;
	assert_int_equal(ftruncate(screen.surface.planes[0].fd, (off_t)screen.size), 0);
	screen.pixels = mmap(NULL, screen.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		screen.surface.planes[0].fd, 0);
	assert_ptr_not_equal(screen.pixels, MAP_FAILED);
	return screen;
}

void screen_free(struct screen *screen)
{
	munmap(screen->pixels, screen->size);
	close(screen->surface.planes[0].fd);
}

/* Saturated colours in stripes, a gradient, and noise: every picture another. */
void screen_paint(struct screen *screen, int number)
{
	const struct tr_surface *s = &screen->surface;
	uint32_t noise = (uint32_t)number * 2654435761u + 1;

	for (int y = 0; y < s->height; y++) {
		uint8_t *row =
			screen->pixels + s->planes[0].offset + (size_t)y * s->planes[0].pitch;
		for (int x = 0; x < s->width; x++) {
			int kind = (x / 24 + y / 24 + number) % 10;
			noise = noise * 1664525u + 1013904223u;
			uint32_t pixel = kind == 8   ? noise >> 8
					 : kind == 9 ? (uint32_t)((x + number) & 255) * 0x010101u
						     : (kind & 1 ? 0xffu : 0) |
							       (kind & 2 ? 0xff00u : 0) |
							       (kind & 4 ? 0xff0000u : 0);
			memcpy(row + (ptrdiff_t)x * 4, &pixel, 4);
		}
	}
}

/* A picture with memory of its own. */
struct tr_picture screen_picture(int width, int height)
{
	int stride = (width + 31) / 32 * 32, rows = (height + 15) / 16 * 16;
	struct tr_picture picture = {.width = width,
		.height = height,
		.y_stride = stride,
		.uv_stride = stride,
		.map_width = (width + 15) / 16,
		.map_height = rows / 16};

	picture.y = calloc((size_t)rows, (size_t)stride);
	picture.uv = calloc((size_t)rows / 2, (size_t)stride);
	picture.changed = calloc((size_t)picture.map_width, (size_t)picture.map_height);
	assert_true(picture.y && picture.uv && picture.changed);
	return picture;
}

void screen_picture_free(struct tr_picture *picture)
{
	free(picture->y);
	free(picture->uv);
	free(picture->changed);
}

void screen_convert(const struct screen *screen, struct tr_picture *picture)
{
	const struct tr_surface *s = &screen->surface;
	struct tr_convert convert;

	tr_convert_init(&convert, 1);
	tr_convert_rect(&convert, screen->pixels + s->planes[0].offset, s->planes[0].pitch,
		(struct tr_rect){0, 0, s->width, s->height}, picture);
}

int screen_compare_rows(
	const uint8_t *a, int a_stride, const uint8_t *b, int b_stride, int width, int height)
{
	int most = 0;

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			int difference = abs(a[y * a_stride + x] - b[y * b_stride + x]);
			most = difference > most ? difference : most;
		}
	return most;
}

/* The greatest difference. */
int screen_compare(const struct tr_picture *a, const struct tr_picture *b)
{
	int y = screen_compare_rows(a->y, a->y_stride, b->y, b->y_stride, a->width, a->height);
	int uv = screen_compare_rows(
		a->uv, a->uv_stride, b->uv, b->uv_stride, a->width, a->height / 2);

	return y > uv ? y : uv;
}
