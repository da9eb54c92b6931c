#include "encode/sps.h"

#include <stdbool.h>
#include <string.h>

#define SPS_MAX 256

/* Reading beyond the end gives zeros, and is_over. */
struct bits {
	uint8_t data[SPS_MAX]; /* without emulation prevention */
	size_t size;
	size_t at; /* in bits */
	bool is_over;
};

static bool unescape(struct bits *bits, const uint8_t *in, size_t size)
{
	unsigned zeros = 0;

	if (size < 5 || size > SPS_MAX)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (zeros >= 2 && in[i] == 3) {
			zeros = 0;
			continue;
		}
		zeros = in[i] == 0 ? zeros + 1 : 0;
		bits->data[bits->size++] = in[i];
	}
	return true;
}

static size_t escape(const struct bits *bits, uint8_t *out, size_t room)
{
	unsigned zeros = 0;
	size_t used = 0;

	for (size_t i = 0; i < bits->size; i++) {
		if (zeros >= 2 && bits->data[i] <= 3) {
			if (used == room)
				return 0;
			out[used++] = 3;
			zeros = 0;
		}
		if (used == room)
			return 0;
		zeros = bits->data[i] == 0 ? zeros + 1 : 0;
		out[used++] = bits->data[i];
	}
	return used;
}

static uint32_t read_bits(struct bits *bits, unsigned count)
{
	uint32_t value = 0;

	for (; count > 0; count--, bits->at++) {
		bits->is_over |= bits->at / 8 >= bits->size;
		unsigned bit =
			bits->is_over ? 0 : bits->data[bits->at / 8] >> (7 - bits->at % 8) & 1;
		value = value << 1 | bit;
	}
	return value;
}

static void write_bits(struct bits *bits, uint32_t value)
{
	for (unsigned i = 0; i < 32; i++, bits->at++) {
		uint8_t mask = (uint8_t)(0x80 >> bits->at % 8);
		bits->data[bits->at / 8] &= (uint8_t)~mask;
		if (value >> (31 - i) & 1)
			bits->data[bits->at / 8] |= mask;
	}
}

/* Exp-Golomb; signed ones are skipped the same way. */
static uint32_t read_ue(struct bits *bits)
{
	unsigned zeros = 0;

	while (zeros < 32 && !bits->is_over && read_bits(bits, 1) == 0)
		zeros++;
	return zeros >= 32 ? 0 : (1u << zeros) - 1 + read_bits(bits, zeros);
}

static bool has_chroma_format(uint32_t profile)
{
	return profile == 100 || profile == 110 || profile == 122 || profile == 244;
}

static void skip_order(struct bits *bits)
{
	uint32_t type = read_ue(bits);

	if (type == 0) {
		read_ue(bits);
	} else if (type == 1) {
		read_bits(bits, 1);
		read_ue(bits);
		read_ue(bits);
		for (uint32_t i = read_ue(bits); i > 0 && !bits->is_over; i--)
			read_ue(bits);
	}
}

/* To what is said about use. false: nothing is, or there is what no encoder of ours has. */
static bool skip_to_usage(struct bits *bits)
{
	read_bits(bits, 8); /* the unit's type */
	uint32_t profile = read_bits(bits, 8);
	read_bits(bits, 16); /* constraints, level */
	read_ue(bits);	     /* number */
	if (has_chroma_format(profile)) {
		if (read_ue(bits) != 1) /* 4:2:0 */
			return false;
		read_ue(bits);
		read_ue(bits);
		if (read_bits(bits, 2) != 0) /* lossless, scaling lists */
			return false;
	}
	read_ue(bits); /* bits of a picture's number */
	skip_order(bits);
	read_ue(bits); /* references */
	read_bits(bits, 1);
	read_ue(bits); /* width, height */
	read_ue(bits);
	if (read_bits(bits, 1) == 0) /* fields */
		read_bits(bits, 1);
	read_bits(bits, 1);
	if (read_bits(bits, 1)) /* cropping */
		for (int i = 0; i < 4; i++)
			read_ue(bits);
	return read_bits(bits, 1) != 0;
}

static bool skip_to_times(struct bits *bits)
{
	if (!skip_to_usage(bits))
		return false;
	if (read_bits(bits, 1) && read_bits(bits, 8) == 255) /* shape of a pixel */
		read_bits(bits, 32);
	if (read_bits(bits, 1)) /* overscan */
		read_bits(bits, 1);
	if (read_bits(bits, 1)) { /* colours */
		read_bits(bits, 4);
		if (read_bits(bits, 1))
			read_bits(bits, 24);
	}
	if (read_bits(bits, 1)) { /* place of chroma */
		read_ue(bits);
		read_ue(bits);
	}
	return read_bits(bits, 1) != 0 && !bits->is_over && bits->at + 64 <= bits->size * 8;
}

size_t tr_sps_copy_with_rate(
	const uint8_t *sps, size_t size, uint32_t hz, uint8_t *out, size_t room)
{
	struct bits bits = {.size = 0};

	if (!unescape(&bits, sps, size))
		return 0;
	if (skip_to_times(&bits)) {
		write_bits(&bits, 1);	   /* units in a tick */
		write_bits(&bits, 2 * hz); /* ticks a second, two a picture */
	}
	return escape(&bits, out, room);
}
