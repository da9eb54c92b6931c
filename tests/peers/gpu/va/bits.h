/* Writing bits, H.264's codes for numbers, and its arithmetic coder. Room is checked once: a writer
 * that ran over says so at the end. */
#ifndef TR_TESTS_GPU_BITS_H
#define TR_TESTS_GPU_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TR_CABAC_CONTEXTS 40

struct tr_bits {
	uint8_t *data;
	size_t room;
	size_t count; /* of bits */
	bool is_over;
};

void tr_bits_put(struct tr_bits *bits, unsigned count, uint32_t value);
void tr_bits_put_ue(struct tr_bits *bits, uint32_t value);
void tr_bits_put_se(struct tr_bits *bits, int32_t value);
void tr_bits_align(struct tr_bits *bits, unsigned value);
void tr_bits_put_bytes(struct tr_bits *bits, const uint8_t *data, size_t size); /* when aligned */
void tr_bits_trail(struct tr_bits *bits); /* a one, and zeros to the byte's end */

/* Removes emulation prevention from `size` bytes; returns how many are left. */
size_t tr_bits_unprotect(const uint8_t *data, size_t size, uint8_t *out);
/* Adds it; -1 when there is no room. */
long tr_bits_protect(const uint8_t *data, size_t size, uint8_t *out, size_t room);

struct tr_cabac {
	struct tr_bits *bits;
	uint32_t low, range, outstanding;
	bool is_first;
	uint8_t state[TR_CABAC_CONTEXTS]; /* probability index << 1 | most probable */
};

/* `is_intra`: an I slice. cabac_init_idc is 0. Only the contexts that skipped and PCM macroblocks
 * need are true: 3 to 5, 11 to 17, 24 to 32. */
void tr_cabac_init(struct tr_cabac *cabac, struct tr_bits *bits, bool is_intra, int qp);
void tr_cabac_restart(struct tr_cabac *cabac); /* after PCM bytes; contexts stay */
void tr_cabac_put(struct tr_cabac *cabac, unsigned context, unsigned bin);
void tr_cabac_terminate(struct tr_cabac *cabac, unsigned bin); /* 1: also flushes */

#endif
