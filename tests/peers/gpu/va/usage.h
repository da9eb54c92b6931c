/*
 * For the bench: what this driver itself costs, so that it can be taken out. With TR_TEST_VA_USAGE
 * naming a file of sixteen bytes, the nanoseconds of processor time spent in jobs are kept in its
 * first eight. While the other eight are not 0, pictures that refer to others are skipped as a
 * whole: real ones are small, and what they cost to write must not be the macroblocks of this
 * driver.
 */
#ifndef TR_TESTS_GPU_USAGE_H
#define TR_TESTS_GPU_USAGE_H

#include <stdbool.h>
#include <stdint.h>

bool tr_va_usage_skips(void);

/* Around a job, on one thread. */
int64_t tr_va_usage_begin(void);
void tr_va_usage_end(int64_t begin);

#endif
