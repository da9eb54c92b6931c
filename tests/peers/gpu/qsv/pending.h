/* A packet of the test runtime that is ready, until somebody waits for it. */
#ifndef TR_TESTS_GPU_PENDING_H
#define TR_TESTS_GPU_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include <vpl/mfx.h>

struct tr_mfx_pending {
	mfxBitstream *packet; /* the caller's, filled when he waits, as by a GPU */
	int64_t number;	      /* from 1; 0: none */
	uint8_t *data;
	uint32_t size;
	mfxU64 time;
	bool is_idr;
};

/* Takes a copy of what `from` says; nobody has fetched what is in `pending`: an error. */
mfxStatus tr_mfx_pending_keep(struct tr_mfx_pending *pending, const struct tr_mfx_pending *from);

/* Fills the caller's bitstream. */
mfxStatus tr_mfx_pending_give(const struct tr_mfx_pending *pending);

void tr_mfx_pending_forget(struct tr_mfx_pending *pending);

#endif
