#include "display/convert.h"

#include "display/convert_internal.h"

#include <immintrin.h>

#define STEP 32 /* pixels at a time: two macroblocks wide */

/* Eight pixels: the 16-bit lanes are blue and red of each pixel, or green and what pads it. */
struct lanes {
	__m256i blue_red;
	__m256i green;
};

static inline struct lanes load8(const uint8_t *p)
{
	__m256i pixels = _mm256_loadu_si256((const __m256i *)p);
	return (struct lanes){
		_mm256_and_si256(pixels, _mm256_set1_epi32(0x00ff00ff)),
		_mm256_and_si256(_mm256_srli_epi16(pixels, 8), _mm256_set1_epi32(0x000000ff)),
	};
}

static inline int32_t pair(int low, int high)
{
	return (int32_t)((uint32_t)(uint16_t)low | (uint32_t)(uint16_t)high << 16);
}

static inline __m256i luma8(struct lanes l)
{
	__m256i sum =
		_mm256_add_epi32(_mm256_madd_epi16(l.blue_red, _mm256_set1_epi32(pair(YB, YR))),
			_mm256_madd_epi16(l.green, _mm256_set1_epi32(pair(YG, 0))));
	return _mm256_srli_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(Y_BIAS)), Y_SHIFT);
}

/* The sum of each two neighbours, in both 32-bit halves of their 64 bits. */
static inline __m256i add_neighbours(__m256i v)
{
	return _mm256_add_epi16(v, _mm256_shuffle_epi32(v, _MM_SHUFFLE(2, 3, 0, 1)));
}

/* U and V of four 2x2 squares, alternating, from eight pixels of two rows. */
static inline __m256i chroma8(struct lanes a, struct lanes b)
{
	const __m256i blue_red_by =
		_mm256_set1_epi64x((int64_t)((uint64_t)(uint32_t)pair(UB, UR) |
					     (uint64_t)(uint32_t)pair(VB, VR) << 32));
	const __m256i green_by = _mm256_set1_epi64x(
		(int64_t)((uint64_t)(uint32_t)pair(UG, 0) | (uint64_t)(uint32_t)pair(VG, 0) << 32));
	__m256i blue_red = add_neighbours(_mm256_add_epi16(a.blue_red, b.blue_red));
	__m256i green = add_neighbours(_mm256_add_epi16(a.green, b.green));
	__m256i sum = _mm256_add_epi32(
		_mm256_madd_epi16(blue_red, blue_red_by), _mm256_madd_epi16(green, green_by));
	return _mm256_srli_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(UV_BIAS)), UV_SHIFT);
}

/* 4 x 8 numbers to 32 bytes; the packs work within 128-bit lanes, the permutation mends the order.
 */
static inline __m256i pack32(__m256i a, __m256i b, __m256i c, __m256i d)
{
	__m256i packed = _mm256_packus_epi16(_mm256_packus_epi32(a, b), _mm256_packus_epi32(c, d));
	return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

void tr_convert_rows_avx2(const uint8_t *row0, const uint8_t *row1, struct tr_picture *picture,
	int y, int x, int x_end)
{
	uint8_t *y0 = picture->y + (ptrdiff_t)y * picture->y_stride;
	uint8_t *y1 = y0 + picture->y_stride;
	uint8_t *uv = picture->uv + (ptrdiff_t)(y / 2) * picture->uv_stride;
	uint8_t *map = picture->changed + (ptrdiff_t)(y / 16) * picture->map_width;

	for (; x + STEP <= x_end; x += STEP) {
		const uint8_t *p0 = row0 + 4 * (ptrdiff_t)x, *p1 = row1 + 4 * (ptrdiff_t)x;
		struct lanes a0 = load8(p0), a1 = load8(p0 + 32), a2 = load8(p0 + 64),
			     a3 = load8(p0 + 96);
		struct lanes b0 = load8(p1), b1 = load8(p1 + 32), b2 = load8(p1 + 64),
			     b3 = load8(p1 + 96);
		__m256i new0 = pack32(luma8(a0), luma8(a1), luma8(a2), luma8(a3));
		__m256i new1 = pack32(luma8(b0), luma8(b1), luma8(b2), luma8(b3));
		__m256i new_uv =
			pack32(chroma8(a0, b0), chroma8(a1, b1), chroma8(a2, b2), chroma8(a3, b3));
		__m256i *at0 = (__m256i *)(y0 + x), *at1 = (__m256i *)(y1 + x),
			*at_uv = (__m256i *)(uv + x);
		__m256i differs = _mm256_or_si256(
			_mm256_or_si256(_mm256_xor_si256(new0, _mm256_loadu_si256(at0)),
				_mm256_xor_si256(new1, _mm256_loadu_si256(at1))),
			_mm256_xor_si256(new_uv, _mm256_loadu_si256(at_uv)));
		if (_mm256_testz_si256(differs, differs))
			continue;
		_mm256_storeu_si256(at0, new0);
		_mm256_storeu_si256(at1, new1);
		_mm256_storeu_si256(at_uv, new_uv);
		/* 16 bytes of any of the three rows are one macroblock wide. */
		__m128i left = _mm256_castsi256_si128(differs);
		__m128i right = _mm256_extracti128_si256(differs, 1);
		map[x / 16] |= (uint8_t)!_mm_testz_si128(left, left);
		map[x / 16 + 1] |= (uint8_t)!_mm_testz_si128(right, right);
	}
	if (x < x_end)
		tr_convert_rows_plain(row0, row1, picture, y, x, x_end);
}
