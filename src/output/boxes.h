/*
 * MP4's boxes as bytes: numbers are big endian, a box is opened, filled and closed, and its size is
 * put in when it closes. Running out of memory is remembered and told once, at the end.
 */
#ifndef TR_OUTPUT_BOXES_H
#define TR_OUTPUT_BOXES_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TR_BOXES_DEPTH 12

struct tr_boxes {
	uint8_t *data;
	size_t size;
	size_t capacity;
	size_t open[TR_BOXES_DEPTH]; /* where the open boxes start */
	unsigned depth;
	bool has_failed;
};

void tr_boxes_fini(struct tr_boxes *boxes);
void tr_boxes_reset(struct tr_boxes *boxes); /* keeps the memory */

void tr_boxes_put8(struct tr_boxes *boxes, unsigned value);
void tr_boxes_put16(struct tr_boxes *boxes, unsigned value);
void tr_boxes_put32(struct tr_boxes *boxes, uint32_t value);
void tr_boxes_put64(struct tr_boxes *boxes, uint64_t value);
void tr_boxes_put_bytes(struct tr_boxes *boxes, const void *bytes, size_t size);
void tr_boxes_put_zeros(struct tr_boxes *boxes, size_t size);

/* `type` has four letters. */
void tr_boxes_begin(struct tr_boxes *boxes, const char *type);
void tr_boxes_begin_full(
	struct tr_boxes *boxes, const char *type, unsigned version, uint32_t flags);
void tr_boxes_end(struct tr_boxes *boxes);

/* Overwrites a number put earlier. */
void tr_boxes_set32(struct tr_boxes *boxes, size_t at, uint32_t value);

/* 0, or -ENOMEM when anything did not fit since the last reset. All boxes must be closed. */
TR_CHECKED int tr_boxes_check(const struct tr_boxes *boxes);

#endif
