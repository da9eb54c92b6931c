/* Between the files that make H.264. */
#ifndef TR_TESTS_GPU_CODING_H
#define TR_TESTS_GPU_CODING_H

#include "bits.h"
#include "driver.h"

#define TR_MACROBLOCK_BYTES 384

/* headers.c: what AMD's hardware writes by itself. Each as a NAL unit without a start code and not
 * protected; the slice's ends in the middle of a byte. */
void tr_headers_put_sps(struct tr_bits *bits, const struct tr_va_job *job);
void tr_headers_put_pps(struct tr_bits *bits, const struct tr_va_job *job);
void tr_headers_put_slice(struct tr_bits *bits, const struct tr_va_job *job,
	const VAEncSliceParameterBufferH264 *slice);

/* macroblocks.c: the slice's data, after its header. */
void tr_macroblocks_put(struct tr_bits *bits, const struct tr_va_job *job,
	const VAEncSliceParameterBufferH264 *slice);

#endif
