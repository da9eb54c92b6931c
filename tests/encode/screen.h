/*
 * A screen in memory as an X server on a GPU would share it, and what the processor makes of it:
 * for the tests of the zero-copy road.
 */
#ifndef TR_TESTS_SCREEN_H
#define TR_TESTS_SCREEN_H

#include "media/picture.h"
#include "media/surface.h"

#include <stddef.h>

#define SCREEN_XRGB 0x34325258u /* DRM's numbers */
#define SCREEN_LINEAR 0

struct screen {
	struct tr_surface surface;
	uint8_t *pixels;
	size_t size;
};

/* Of XRGB, linear; rows are `pitch` bytes apart, the first one `offset` into the memory. */
struct screen screen_make(int width, int height, uint32_t pitch, uint32_t offset);
void screen_free(struct screen *screen);

/* Saturated colours in stripes, a gradient, and noise: every number another. */
void screen_paint(struct screen *screen, int number);

/* A picture with memory of its own, black and green. */
struct tr_picture screen_picture(int width, int height);
void screen_picture_free(struct tr_picture *picture);

void screen_convert(const struct screen *screen, struct tr_picture *picture);

/* The greatest difference. */
int screen_compare_rows(
	const uint8_t *a, int a_stride, const uint8_t *b, int b_stride, int width, int height);
int screen_compare(const struct tr_picture *a, const struct tr_picture *b);

#endif
