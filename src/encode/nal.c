#include "encode/nal.h"

#include <errno.h>
#include <string.h>

enum { NAL_SLICE = 1, NAL_IDR = 5, NAL_SPS = 7, NAL_PPS = 8, NAL_DELIMITER = 9, NAL_FILLER = 12 };

/* The first byte after the next start code, or `end`. */
static const uint8_t *after_start_code(const uint8_t *at, const uint8_t *end)
{
	for (; end - at >= 3; at++) {
		if (at[2] > 1)
			at += 2; /* no start code can begin here or one further */
		else if (at[0] == 0 && at[1] == 0 && at[2] == 1)
			return at + 3;
	}
	return end;
}

/* Zeros before the next start code belong to no unit. */
static size_t size_of_unit(const uint8_t *unit, const uint8_t *next, const uint8_t *end)
{
	if (next != end || (end - unit >= 3 && !memcmp(end - 3, "\0\0\1", 3)))
		next -= 3;
	while (next > unit && next[-1] == 0)
		next--;
	return (size_t)(next - unit);
}

static int put(
	struct tr_nal_picture *picture, uint8_t *out, size_t room, const uint8_t *unit, size_t size)
{
	uint8_t *to = out + picture->size;

	if (room - picture->size < size + 4)
		return -ENOBUFS;
	to[0] = (uint8_t)(size >> 24);
	to[1] = (uint8_t)(size >> 16);
	to[2] = (uint8_t)(size >> 8);
	to[3] = (uint8_t)size;
	memcpy(to + 4, unit, size);
	picture->size += size + 4;
	return 0;
}

static int take_unit(
	struct tr_nal_picture *picture, uint8_t *out, size_t room, const uint8_t *unit, size_t size)
{
	int type = unit[0] & 31;

	switch (type) {
	case NAL_SPS:
		picture->sps = unit;
		picture->sps_size = size;
		return 0;
	case NAL_PPS:
		picture->pps = unit;
		picture->pps_size = size;
		return 0;
	case NAL_DELIMITER:
	case NAL_FILLER:
		return 0;
	default:
		picture->has_slice |= type >= NAL_SLICE && type <= NAL_IDR;
		picture->is_idr |= type == NAL_IDR;
		return put(picture, out, room, unit, size);
	}
}

int tr_nal_repack(
	const uint8_t *in, size_t size, uint8_t *out, size_t room, struct tr_nal_picture *ret)
{
	const uint8_t *end = in + size, *unit = after_start_code(in, end);
	int rc = 0;

	*ret = (struct tr_nal_picture){0};
	if (size > 0 && unit == end)
		return -EBADMSG;
	while (rc == 0 && unit < end) {
		const uint8_t *next = after_start_code(unit, end);
		size_t unit_size = size_of_unit(unit, next, end);
		if (unit_size > 0)
			rc = take_unit(ret, out, room, unit, unit_size);
		unit = next;
	}
	return rc;
}
