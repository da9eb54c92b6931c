#include "output/boxes.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void tr_boxes_fini(struct tr_boxes *boxes)
{
	free(boxes->data);
	*boxes = (struct tr_boxes){0};
}

void tr_boxes_reset(struct tr_boxes *boxes)
{
	boxes->size = 0;
	boxes->depth = 0;
	boxes->has_failed = false;
}

static uint8_t *grow(struct tr_boxes *boxes, size_t size)
{
	if (boxes->capacity - boxes->size < size) {
		size_t capacity = (boxes->size + size) * 2;
		uint8_t *data = realloc(boxes->data, capacity);
		if (!data) {
			boxes->has_failed = true;
			return NULL;
		}
		boxes->data = data;
		boxes->capacity = capacity;
	}
	uint8_t *at = boxes->data + boxes->size;
	boxes->size += size;
	return at;
}

static void put(struct tr_boxes *boxes, uint64_t value, unsigned bytes)
{
	uint8_t *at = grow(boxes, bytes);

	for (unsigned i = 0; at && i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

void tr_boxes_put8(struct tr_boxes *boxes, unsigned value)
{
	put(boxes, value, 1);
}

void tr_boxes_put16(struct tr_boxes *boxes, unsigned value)
{
	put(boxes, value, 2);
}

void tr_boxes_put32(struct tr_boxes *boxes, uint32_t value)
{
	put(boxes, value, 4);
}

void tr_boxes_put64(struct tr_boxes *boxes, uint64_t value)
{
	put(boxes, value, 8);
}

void tr_boxes_put_bytes(struct tr_boxes *boxes, const void *bytes, size_t size)
{
	uint8_t *at = grow(boxes, size);

	if (at && size > 0)
		memcpy(at, bytes, size);
}

void tr_boxes_put_zeros(struct tr_boxes *boxes, size_t size)
{
	uint8_t *at = grow(boxes, size);

	if (at)
		memset(at, 0, size);
}

void tr_boxes_begin(struct tr_boxes *boxes, const char *type)
{
	assert(boxes->depth < TR_BOXES_DEPTH);
	boxes->open[boxes->depth++] = boxes->size;
	tr_boxes_put32(boxes, 0);
	tr_boxes_put_bytes(boxes, type, 4);
}

void tr_boxes_begin_full(struct tr_boxes *boxes, const char *type, unsigned version, uint32_t flags)
{
	tr_boxes_begin(boxes, type);
	tr_boxes_put32(boxes, (uint32_t)version << 24 | flags);
}

void tr_boxes_end(struct tr_boxes *boxes)
{
	assert(boxes->depth > 0);
	size_t start = boxes->open[--boxes->depth];
	tr_boxes_set32(boxes, start, (uint32_t)(boxes->size - start));
}

void tr_boxes_set32(struct tr_boxes *boxes, size_t at, uint32_t value)
{
	for (unsigned i = 0; !boxes->has_failed && i < 4; i++)
		boxes->data[at + i] = (uint8_t)(value >> (24 - 8 * i));
}

int tr_boxes_check(const struct tr_boxes *boxes)
{
	assert(boxes->depth == 0 || boxes->has_failed);
	return boxes->has_failed ? -ENOMEM : 0;
}
