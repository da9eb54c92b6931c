#include "test.h"

#include "encode/rate.h"

#include <math.h>

#define BLOCKS 8160
#define SECOND INT64_C(1000000000)

static void less_change_gets_a_finer_quantizer(void **state)
{
	struct tr_rate rate;
	int last = 99;

	tr_rate_init(&rate, 25, 0, 0, BLOCKS);
	for (int changed = BLOCKS; changed > 0; changed /= 2) {
		int qp = tr_rate_choose(&rate, 0, false, changed);
		assert_true(qp <= last);
		last = qp;
	}
	assert_true(last < tr_rate_choose(&rate, 0, false, BLOCKS));
}

static void a_key_picture_is_at_least_as_fine_as_what_follows(void **state)
{
	struct tr_rate rate;
	tr_rate_init(&rate, 25, 0, 0, BLOCKS);
	assert_true(
		tr_rate_choose(&rate, 0, true, BLOCKS) < tr_rate_choose(&rate, 0, false, BLOCKS));
}

static void quality_moves_every_quantizer(void **state)
{
	struct tr_rate fine, coarse;
	tr_rate_init(&fine, 20, 0, 0, BLOCKS);
	tr_rate_init(&coarse, 30, 0, 0, BLOCKS);
	assert_int_equal(
		tr_rate_choose(&coarse, 0, false, 100) - tr_rate_choose(&fine, 0, false, 100), 10);
}

static void a_quantizer_stays_legal(void **state)
{
	struct tr_rate rate;
	tr_rate_init(&rate, 1, 0, 0, BLOCKS);
	assert_true(tr_rate_choose(&rate, 0, true, 1) >= 10);
	tr_rate_init(&rate, 51, 0, 0, BLOCKS);
	assert_true(tr_rate_choose(&rate, 0, false, BLOCKS) <= 51);
}

/* A source whose pictures have bits = complexity / step, as the model assumes, but with a
 * complexity that jumps. */
static void bitrate_is_kept_over_a_minute_within_a_tenth(void **state)
{
	struct tr_rate rate;
	double bits_sum = 0;

	tr_rate_init(&rate, 20, 1000, 0, BLOCKS);
	for (int i = 0; i < 60 * 30; i++) {
		int is_key = i % 240 == 0;
		double complexity = (i / 300 % 2 ? 4e6 : 1e6) * (is_key ? 5 : 1);
		int qp = tr_rate_choose(&rate, i * SECOND / 30, is_key, BLOCKS);
		int64_t bits = (int64_t)(complexity / exp2((qp - 4) / 6.0));
		tr_rate_done(&rate, is_key, BLOCKS, qp, bits);
		bits_sum += (double)bits;
	}
	assert_true(bits_sum / 60 < 1.1e6);
	assert_true(bits_sum / 60 > 0.4e6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(less_change_gets_a_finer_quantizer),
		cmocka_unit_test(a_key_picture_is_at_least_as_fine_as_what_follows),
		cmocka_unit_test(quality_moves_every_quantizer),
		cmocka_unit_test(a_quantizer_stays_legal),
		cmocka_unit_test(bitrate_is_kept_over_a_minute_within_a_tenth),
	};
	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
