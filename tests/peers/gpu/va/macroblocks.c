/*
 * Each macroblock as I_PCM, or skipped where nothing changed: what is decoded is what was put in.
 *
 * Skipped ones only while the slice's quantizer is 30 at most: the deblocking filter works with the
 * mean of that and PCM's 0, and begins to act at 16. Vectors of skipped ones are always zero, as
 * their neighbours are intra or zero.
 */
#include "coding.h"
#include "usage.h"

#include <string.h>

#define SKIP_QP_MAX 30

enum slice_type { SLICE_P, SLICE_B, SLICE_I };

struct writer {
	struct tr_bits *bits;
	struct tr_cabac cabac;
	const struct tr_va_job *job;
	enum slice_type type;
	bool is_cabac, may_skip;
	unsigned columns, first, run;
	uint8_t *was_skipped; /* of the picture's columns: the row above and this one so far */
};

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The macroblock's bytes in the order of I_PCM. Beyond the surface its last column and row go on.
 */
static void fetch(const struct tr_va_surface *surface, unsigned column, unsigned row, uint8_t *out)
{
	unsigned last_x = surface->width - 1, last_y = surface->height - 1;

	for (unsigned y = 0; y < 16; y++) {
		const uint8_t *line = surface->data + surface->offset[0] +
				      (size_t)least(row * 16 + y, last_y) * surface->pitch[0];
		for (unsigned x = 0; x < 16; x++)
			*out++ = line[least(column * 16 + x, last_x)];
	}
	for (unsigned plane = 0; plane < 2; plane++)
		for (unsigned y = 0; y < 8; y++) {
			const uint8_t *line =
				surface->data + surface->offset[1] +
				(size_t)least(row * 8 + y, last_y / 2) * surface->pitch[1];
			for (unsigned x = 0; x < 8; x++)
				*out++ = line[least(column * 8 + x, last_x / 2) * 2 + plane];
		}
}

/* The same into the reconstructed picture, which has whole macroblocks. */
static void store(struct tr_va_surface *surface, unsigned column, unsigned row, const uint8_t *in)
{
	for (unsigned y = 0; y < 16; y++, in += 16)
		memcpy(surface->data + surface->offset[0] +
				(size_t)(row * 16 + y) * surface->pitch[0] + column * 16UL,
			in, 16);
	for (unsigned plane = 0; plane < 2; plane++)
		for (unsigned y = 0; y < 8; y++)
			for (unsigned x = 0; x < 8; x++)
				surface->data[surface->offset[1] +
					      (size_t)(row * 8 + y) * surface->pitch[1] +
					      (column * 8UL + x) * 2 + plane] = *in++;
}

static void put_cavlc(struct writer *w, const uint8_t *pixels, bool is_skipped)
{
	static const uint8_t pcm[] = {[SLICE_P] = 30, [SLICE_B] = 48, [SLICE_I] = 25};

	if (is_skipped) {
		w->run++;
		return;
	}
	if (w->type != SLICE_I)
		tr_bits_put_ue(w->bits, w->run);
	w->run = 0;
	tr_bits_put_ue(w->bits, pcm[w->type]);
	tr_bits_align(w->bits, 0);
	tr_bits_put_bytes(w->bits, pixels, TR_MACROBLOCK_BYTES);
}

/* mb_type I_PCM in the three kinds of slices; `coded` neighbours are there and not skipped. */
static void put_cabac_type(
	struct writer *w, unsigned coded, bool is_left_coded, bool is_above_coded)
{
	struct tr_cabac *cabac = &w->cabac;

	if (w->type == SLICE_I) {
		tr_cabac_put(cabac, 3 + coded, 1);
	} else if (w->type == SLICE_P) {
		tr_cabac_put(cabac, 14, 1);
		tr_cabac_put(cabac, 17, 1);
	} else {
		tr_cabac_put(cabac, 27U + is_left_coded + is_above_coded, 1);
		tr_cabac_put(cabac, 27 + 3, 1);
		tr_cabac_put(cabac, 27 + 4, 1);
		tr_cabac_put(cabac, 27 + 5, 1);
		tr_cabac_put(cabac, 27 + 5, 0);
		tr_cabac_put(cabac, 27 + 5, 1);
		tr_cabac_put(cabac, 32, 1);
	}
}

static void put_cabac(
	struct writer *w, unsigned address, const uint8_t *pixels, bool is_skipped, bool is_last)
{
	unsigned column = address % w->columns;
	bool is_left_coded = column && address > w->first && !w->was_skipped[column - 1];
	bool is_above_coded = address >= w->first + w->columns && !w->was_skipped[column];
	unsigned coded = (unsigned)is_left_coded + is_above_coded;

	if (w->type != SLICE_I)
		tr_cabac_put(&w->cabac, (w->type == SLICE_P ? 11 : 24) + coded, is_skipped);
	if (!is_skipped) {
		put_cabac_type(w, coded, is_left_coded, is_above_coded);
		tr_cabac_terminate(&w->cabac, 1);
		tr_bits_align(w->bits, 0);
		tr_bits_put_bytes(w->bits, pixels, TR_MACROBLOCK_BYTES);
		tr_cabac_restart(&w->cabac);
	}
	tr_cabac_terminate(&w->cabac, is_last);
	w->was_skipped[column] = is_skipped;
}

static void put_all(struct writer *w, unsigned count)
{
	uint8_t pixels[TR_MACROBLOCK_BYTES], before[TR_MACROBLOCK_BYTES];

	for (unsigned i = 0; i < count && !w->bits->is_over; i++) {
		unsigned address = w->first + i;
		unsigned column = address % w->columns, row = address / w->columns;
		fetch(w->job->input, column, row, pixels);
		bool is_skipped = false;
		if (w->may_skip) {
			fetch(w->job->reference, column, row, before);
			is_skipped = tr_va_usage_skips() || !memcmp(pixels, before, sizeof(pixels));
		}
		store(w->job->output, column, row, pixels);
		if (w->is_cabac)
			put_cabac(w, address, pixels, is_skipped, i + 1 == count);
		else
			put_cavlc(w, pixels, is_skipped);
	}
}

void tr_macroblocks_put(struct tr_bits *bits, const struct tr_va_job *job,
	const VAEncSliceParameterBufferH264 *slice)
{
	uint8_t was_skipped[1024] = {0};
	int qp = job->picture.pic_init_qp + slice->slice_qp_delta;
	struct writer w = {.bits = bits,
		.job = job,
		.type = (enum slice_type)(slice->slice_type % 5),
		.is_cabac = job->picture.pic_fields.bits.entropy_coding_mode_flag,
		.columns = job->sequence.picture_width_in_mbs,
		.first = slice->macroblock_address,
		.was_skipped = was_skipped};

	w.may_skip =
		w.type == SLICE_P && job->reference && (qp <= SKIP_QP_MAX || tr_va_usage_skips());
	if (w.is_cabac) {
		tr_bits_align(bits, 1);
		tr_cabac_init(&w.cabac, bits, w.type == SLICE_I, qp);
	}
	put_all(&w, slice->num_macroblocks);
	if (w.is_cabac) {
		tr_bits_align(bits, 0); /* the stop bit is there */
		return;
	}
	if (w.run)
		tr_bits_put_ue(bits, w.run);
	tr_bits_trail(bits);
}
