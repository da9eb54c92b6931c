/*
 * What the bench shows on the screen: four kinds of meeting, drawn by picture number, 30 a second.
 * A picture depends on its number alone, so that the analyser can draw the true one again.
 *
 * Each drawn picture carries its number as 32 blocks of 16x16 pixels, black or white, in the lower
 * right corner: 24 bits, then 8 bits of checksum.
 */
#ifndef BENCH_CONTENT_H
#define BENCH_CONTENT_H

#include "core/cleanup.h"
#include "media/rect.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_CONTENT_RATE 30

enum bench_content_kind {
	BENCH_CONTENT_SLIDES,  /* text; a pointer moves a third of the time; a new slide each 5 s */
	BENCH_CONTENT_SPEAKER, /* a slide and three small moving tiles */
	BENCH_CONTENT_GALLERY, /* four tiles, half the area, moving */
	BENCH_CONTENT_FULL,    /* everything moves */
	BENCH_CONTENT_COUNT,
};

struct bench_content;

extern const char *const bench_content_names[BENCH_CONTENT_COUNT + 1];

/* Sizes from 640x360 on, even. -EINVAL, -ENOMEM. */
TR_CHECKED int bench_content_create(
	enum bench_content_kind kind, int width, int height, struct bench_content **ret);
void bench_content_destroy(struct bench_content *content);

/* Draws all moving loops now instead of at their first use. */
TR_CHECKED int bench_content_prepare(struct bench_content *content);

/* Numbers start at 1; the first is drawn whole. Nothing changes in a picture that is not drawn. */
bool bench_content_is_drawn(const struct bench_content *content, unsigned number);
struct tr_rect bench_content_changed(const struct bench_content *content, unsigned number);

/* Draws at least `rect` of the picture to 4-byte pixels (B, G, R, 0). Touches nothing outside. */
TR_CHECKED int bench_content_draw(struct bench_content *content, unsigned number,
	struct tr_rect rect, uint32_t *pixels, size_t stride_pixels);

/* The number in a recorded picture's luma, or -1 when there is none to be read. */
int bench_content_read_code(const uint8_t *luma, ptrdiff_t stride, int width, int height);

TR_CLEANUP_DEFINE(struct bench_content, bench_content_destroy)

#endif
