#include "encode/avcc.h"

#include <string.h>

#define SETS_MAX 8
#define HEAD 5		 /* version, profile, compatibility, level, length size */
#define EXTENSION 4	 /* chroma format, two bit depths, no further sets */
#define PROFILE_HIGH 100 /* from here on the extension is there */

enum { SPS, PPS };

struct set {
	const uint8_t *data;
	size_t size;
};

struct sets {
	uint8_t profile, compatibility, level;
	unsigned counts[2];
	struct set lists[2][SETS_MAX];
};

static bool read_list(
	struct sets *sets, int which, const uint8_t **at, const uint8_t *end, unsigned mask)
{
	if (*at >= end)
		return false;
	unsigned count = *(*at)++ & mask;
	if (count > SETS_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (end - *at < 2)
			return false;
		size_t size = (size_t)(*at)[0] << 8 | (*at)[1];
		*at += 2;
		if (size == 0 || size > (size_t)(end - *at))
			return false;
		sets->lists[which][i] = (struct set){*at, size};
		*at += size;
	}
	sets->counts[which] = count;
	return true;
}

static bool read_sets(struct sets *sets, const uint8_t *data, size_t size)
{
	const uint8_t *at = data + HEAD, *end = data + size;

	if (size < HEAD || data[0] != 1 || (data[4] & 3) != 3)
		return false;
	sets->profile = data[1];
	sets->compatibility = data[2];
	sets->level = data[3];
	return read_list(sets, SPS, &at, end, 31) && read_list(sets, PPS, &at, end, 255);
}

static size_t write_sets(const struct sets *sets, uint8_t *out, size_t room)
{
	bool has_extension = sets->profile >= PROFILE_HIGH;
	size_t size = HEAD + 2 + (has_extension ? EXTENSION : 0);
	uint8_t *at = out;

	for (int which = SPS; which <= PPS; which++)
		for (unsigned i = 0; i < sets->counts[which]; i++)
			size += 2 + sets->lists[which][i].size;
	if (size > room)
		return 0;
	memcpy(at, (uint8_t[]){1, sets->profile, sets->compatibility, sets->level, 0xff}, HEAD);
	at += HEAD;
	for (int which = SPS; which <= PPS; which++) {
		*at++ = (uint8_t)(sets->counts[which] | (which == SPS ? 0xe0 : 0));
		for (unsigned i = 0; i < sets->counts[which]; i++) {
			const struct set *set = &sets->lists[which][i];
			*at++ = (uint8_t)(set->size >> 8);
			*at++ = (uint8_t)set->size;
			memcpy(at, set->data, set->size);
			at += set->size;
		}
	}
	if (has_extension) /* 4:2:0, 8 bits each */
		memcpy(at, (uint8_t[]){0xfd, 0xf8, 0xf8, 0}, EXTENSION);
	return size;
}

size_t tr_avcc_make(const uint8_t *sps, size_t sps_size, const uint8_t *pps, size_t pps_size,
	uint8_t *out, size_t room)
{
	if (sps_size < 4 || sps_size > UINT16_MAX || pps_size == 0 || pps_size > UINT16_MAX)
		return 0;
	struct sets sets = {.profile = sps[1],
		.compatibility = sps[2],
		.level = sps[3],
		.counts = {1, 1},
		.lists = {{{sps, sps_size}}, {{pps, pps_size}}}};
	return write_sets(&sets, out, room);
}

static bool holds_set(const struct sets *sets, int which, const struct set *set)
{
	for (unsigned i = 0; i < sets->counts[which]; i++)
		if (sets->lists[which][i].size == set->size &&
			!memcmp(sets->lists[which][i].data, set->data, set->size))
			return true;
	return false;
}

size_t tr_avcc_join(
	const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t room)
{
	struct sets sets = {0}, more = {0};

	if (!read_sets(&sets, a, a_size) || !read_sets(&more, b, b_size))
		return 0;
	for (int which = SPS; which <= PPS; which++)
		for (unsigned i = 0; i < more.counts[which]; i++) {
			if (holds_set(&sets, which, &more.lists[which][i]))
				continue;
			if (sets.counts[which] == SETS_MAX)
				return 0;
			sets.lists[which][sets.counts[which]++] = more.lists[which][i];
		}
	/* The higher of the two can do what the lower does: Baseline without its rare tools is
	 * within Main and High, and no encoder of ours uses those. */
	if (more.profile > sets.profile)
		sets.profile = more.profile;
	if (more.level > sets.level)
		sets.level = more.level;
	sets.compatibility &= more.compatibility;
	return write_sets(&sets, out, room);
}

bool tr_avcc_holds(const uint8_t *whole, size_t whole_size, const uint8_t *part, size_t part_size)
{
	struct sets sets = {0}, wanted = {0};

	if (!read_sets(&sets, whole, whole_size) || !read_sets(&wanted, part, part_size))
		return false;
	for (int which = SPS; which <= PPS; which++)
		for (unsigned i = 0; i < wanted.counts[which]; i++)
			if (!holds_set(&sets, which, &wanted.lists[which][i]))
				return false;
	return true;
}
