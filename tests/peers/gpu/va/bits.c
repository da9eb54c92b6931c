/* Source of the codes and tables: ITU-T H.264, 7.4.1, 9.1 and 9.3. */
#include "bits.h"

#include <string.h>

void tr_bits_put(struct tr_bits *bits, unsigned count, uint32_t value)
{
	if (bits->count + count > bits->room * 8) {
		bits->is_over = true;
		return;
	}
	while (count-- > 0) {
		uint8_t *byte = &bits->data[bits->count / 8];
		unsigned shift = 7 - bits->count % 8;
		*byte = (uint8_t)((*byte & ~(1U << shift)) | (value >> count & 1) << shift);
		bits->count++;
	}
}

void tr_bits_put_ue(struct tr_bits *bits, uint32_t value)
{
	unsigned length = 32 - (unsigned)__builtin_clz(value + 1);

	tr_bits_put(bits, length - 1, 0);
	tr_bits_put(bits, length, value + 1);
}

void tr_bits_put_se(struct tr_bits *bits, int32_t value)
{
	tr_bits_put_ue(bits, value > 0 ? (uint32_t)value * 2 - 1 : (uint32_t)-value * 2);
}

void tr_bits_align(struct tr_bits *bits, unsigned value)
{
	while (bits->count % 8 && !bits->is_over)
		tr_bits_put(bits, 1, value);
}

void tr_bits_put_bytes(struct tr_bits *bits, const uint8_t *data, size_t size)
{
	if (bits->count / 8 + size > bits->room) {
		bits->is_over = true;
		return;
	}
	memcpy(bits->data + bits->count / 8, data, size);
	bits->count += size * 8;
}

void tr_bits_trail(struct tr_bits *bits)
{
	tr_bits_put(bits, 1, 1);
	tr_bits_align(bits, 0);
}

size_t tr_bits_unprotect(const uint8_t *data, size_t size, uint8_t *out)
{
	size_t zeros = 0, n = 0;

	for (size_t i = 0; i < size; i++) {
		if (zeros >= 2 && data[i] == 3) {
			zeros = 0;
			continue;
		}
		zeros = data[i] ? 0 : zeros + 1;
		out[n++] = data[i];
	}
	return n;
}

long tr_bits_protect(const uint8_t *data, size_t size, uint8_t *out, size_t room)
{
	size_t zeros = 0, n = 0;

	for (size_t i = 0; i < size; i++) {
		if (n + 2 > room)
			return -1;
		if (zeros >= 2 && data[i] <= 3) {
			out[n++] = 3;
			zeros = 0;
		}
		zeros = data[i] ? 0 : zeros + 1;
		out[n++] = data[i];
	}
	return (long)n;
}

static const uint8_t range_lps[64][4] = {{128, 176, 208, 240}, {128, 167, 197, 227},
	{128, 158, 187, 216}, {123, 150, 178, 205}, {116, 142, 169, 195}, {111, 135, 160, 185},
	{105, 128, 152, 175}, {100, 122, 144, 166}, {95, 116, 137, 158}, {90, 110, 130, 150},
	{85, 104, 123, 142}, {81, 99, 117, 135}, {77, 94, 111, 128}, {73, 89, 105, 122},
	{69, 85, 100, 116}, {66, 80, 95, 110}, {62, 76, 90, 104}, {59, 72, 86, 99},
	{56, 69, 81, 94}, {53, 65, 77, 89}, {51, 62, 73, 85}, {48, 59, 69, 80}, {46, 56, 66, 76},
	{43, 53, 63, 72}, {41, 50, 59, 69}, {39, 48, 56, 65}, {37, 45, 54, 62}, {35, 43, 51, 59},
	{33, 41, 48, 56}, {32, 39, 46, 53}, {30, 37, 43, 50}, {29, 35, 41, 48}, {27, 33, 39, 45},
	{26, 31, 37, 43}, {24, 30, 35, 41}, {23, 28, 33, 39}, {22, 27, 32, 37}, {21, 26, 30, 35},
	{20, 24, 29, 33}, {19, 23, 27, 31}, {18, 22, 26, 30}, {17, 21, 25, 28}, {16, 20, 23, 27},
	{15, 19, 22, 25}, {14, 18, 21, 24}, {14, 17, 20, 23}, {13, 16, 19, 22}, {12, 15, 18, 21},
	{12, 14, 17, 20}, {11, 14, 16, 19}, {11, 13, 15, 18}, {10, 12, 15, 17}, {10, 12, 14, 16},
	{9, 11, 13, 15}, {9, 11, 12, 14}, {8, 10, 12, 14}, {8, 9, 11, 13}, {7, 9, 11, 12},
	{7, 9, 10, 12}, {7, 8, 10, 11}, {6, 8, 9, 11}, {6, 7, 9, 10}, {6, 7, 8, 9}, {2, 2, 2, 2}};

static const uint8_t next_lps[64] = {0, 0, 1, 2, 2, 4, 4, 5, 6, 7, 8, 9, 9, 11, 11, 12, 13, 13, 15,
	15, 16, 16, 18, 18, 19, 19, 21, 21, 22, 22, 23, 24, 24, 25, 26, 26, 27, 27, 28, 29, 29, 30,
	30, 30, 31, 32, 32, 33, 33, 33, 34, 34, 35, 35, 35, 36, 36, 36, 37, 37, 37, 38, 38, 63};

/* m and n of the contexts for I slices, and for P and B ones with cabac_init_idc 0. */
static const struct {
	uint8_t context;
	int8_t m, n;
} starts[] = {{3, 20, -15}, {4, 2, 54}, {5, 3, 74}, {11, 23, 33}, {12, 23, 2}, {13, 21, 0},
	{14, 1, 9}, {15, 0, 49}, {16, -37, 118}, {17, 5, 57}, {24, 18, 64}, {25, 9, 43},
	{26, 29, 0}, {27, 26, 67}, {28, 16, 90}, {29, 9, 104}, {30, -46, 127}, {31, -20, 104},
	{32, 1, 67}};

void tr_cabac_restart(struct tr_cabac *cabac)
{
	cabac->low = 0;
	cabac->range = 510;
	cabac->outstanding = 0;
	cabac->is_first = true;
}

void tr_cabac_init(struct tr_cabac *cabac, struct tr_bits *bits, bool is_intra, int qp)
{
	(void)is_intra; /* 3 to 5 are the same in all slices */
	memset(cabac, 0, sizeof(*cabac));
	cabac->bits = bits;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		int value = ((starts[i].m * qp) >> 4) + starts[i].n;
		value = value < 1 ? 1 : value > 126 ? 126 : value;
		cabac->state[starts[i].context] =
			(uint8_t)(value <= 63 ? (63 - value) << 1 : (value - 64) << 1 | 1);
	}
	tr_cabac_restart(cabac);
}

static void put_bit(struct tr_cabac *cabac, unsigned bit)
{
	if (cabac->is_first)
		cabac->is_first = false;
	else
		tr_bits_put(cabac->bits, 1, bit);
	for (; cabac->outstanding > 0; cabac->outstanding--)
		tr_bits_put(cabac->bits, 1, !bit);
}

static void renormalize(struct tr_cabac *cabac)
{
	while (cabac->range < 256) {
		if (cabac->low < 256) {
			put_bit(cabac, 0);
		} else if (cabac->low >= 512) {
			cabac->low -= 512;
			put_bit(cabac, 1);
		} else {
			cabac->low -= 256;
			cabac->outstanding++;
		}
		cabac->range <<= 1;
		cabac->low <<= 1;
	}
}

void tr_cabac_put(struct tr_cabac *cabac, unsigned context, unsigned bin)
{
	unsigned index = cabac->state[context] >> 1, likely = cabac->state[context] & 1;
	uint32_t lps = range_lps[index][cabac->range >> 6 & 3];

	cabac->range -= lps;
	if (bin != likely) {
		cabac->low += cabac->range;
		cabac->range = lps;
		if (index == 0)
			likely = !likely;
		index = next_lps[index];
	} else if (index < 62) {
		index++;
	}
	cabac->state[context] = (uint8_t)(index << 1 | likely);
	renormalize(cabac);
}

void tr_cabac_terminate(struct tr_cabac *cabac, unsigned bin)
{
	cabac->range -= 2;
	if (!bin) {
		renormalize(cabac);
		return;
	}
	cabac->low += cabac->range;
	cabac->range = 2;
	renormalize(cabac);
	put_bit(cabac, cabac->low >> 9 & 1);
	/* The last bit is the slice's stop bit, when it ends here. */
	tr_bits_put(cabac->bits, 2, (cabac->low >> 7 & 3) | 1);
}
