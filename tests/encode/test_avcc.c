#include "test.h"

#include "encode/avcc.h"

#include <string.h>

static const uint8_t high_sps[] = {0x67, 100, 0x00, 31, 0xac}, high_pps[] = {0x68, 0xee, 1};
static const uint8_t base_sps[] = {0x67, 66, 0xc0, 40, 0x43}, base_pps[] = {0x68, 0x4e};
static uint8_t high[256], base[256], both[256];
static size_t high_size, base_size;

static int make_two(void **state)
{
	high_size = tr_avcc_make(
		high_sps, sizeof(high_sps), high_pps, sizeof(high_pps), high, sizeof(high));
	base_size = tr_avcc_make(
		base_sps, sizeof(base_sps), base_pps, sizeof(base_pps), base, sizeof(base));
	return high_size == 0 || base_size == 0;
}

static void a_header_is_laid_out_as_the_standard_says(void **state)
{
	static const uint8_t expected[] = {
		1, 66, 0xc0, 40, 0xff, 0xe1, 0, 5, 0x67, 66, 0xc0, 40, 0x43, 1, 0, 2, 0x68, 0x4e};
	assert_int_equal(base_size, sizeof(expected));
	assert_memory_equal(base, expected, sizeof(expected));
}

static void high_profile_brings_its_extension(void **state)
{
	static const uint8_t extension[] = {0xfd, 0xf8, 0xf8, 0};
	assert_int_equal(high_size, 5 + 1 + 2 + sizeof(high_sps) + 1 + 2 + sizeof(high_pps) + 4);
	assert_memory_equal(high + high_size - 4, extension, 4);
}

static void two_headers_become_one_that_holds_both(void **state)
{
	size_t size = tr_avcc_join(high, high_size, base, base_size, both, sizeof(both));
	assert_true(size > 0);
	assert_int_equal(both[1], 100); /* who can do High can do Baseline */
	assert_int_equal(both[2], 0);	/* what both of them promise */
	assert_int_equal(both[3], 40);	/* the higher level */
	assert_int_equal(both[5], 0xe2);
	assert_true(tr_avcc_holds(both, size, high, high_size));
	assert_true(tr_avcc_holds(both, size, base, base_size));
	assert_false(tr_avcc_holds(high, high_size, base, base_size));
	assert_false(tr_avcc_holds(base, base_size, both, size));
}

static void the_same_set_is_there_once(void **state)
{
	size_t size = tr_avcc_join(high, high_size, high, high_size, both, sizeof(both));
	assert_int_equal(size, high_size);
	assert_memory_equal(both, high, size);
}

static void a_set_that_differs_by_a_bit_is_another(void **state)
{
	memcpy(both, high, high_size);
	both[12] ^= 1;
	assert_false(tr_avcc_holds(both, high_size, high, high_size));
}

static void what_is_cut_or_too_large_is_refused(void **state)
{
	for (size_t cut = 0; cut < base_size; cut++) {
		assert_int_equal(tr_avcc_join(high, high_size, base, cut, both, sizeof(both)), 0);
		assert_false(tr_avcc_holds(high, high_size, base, cut));
	}
	for (size_t room = 0; room < high_size + base_size - 7; room++)
		assert_int_equal(tr_avcc_join(high, high_size, base, base_size, both, room), 0);
	assert_int_equal(tr_avcc_make(high_sps, 3, high_pps, 3, both, sizeof(both)), 0);
	assert_int_equal(
		tr_avcc_make(high_sps, sizeof(high_sps), high_pps, 0, both, sizeof(both)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_laid_out_as_the_standard_says),
		cmocka_unit_test(high_profile_brings_its_extension),
		cmocka_unit_test(two_headers_become_one_that_holds_both),
		cmocka_unit_test(the_same_set_is_there_once),
		cmocka_unit_test(a_set_that_differs_by_a_bit_is_another),
		cmocka_unit_test(what_is_cut_or_too_large_is_refused),
	};
	return cmocka_run_group_tests_name("avcc", tests, make_two, NULL);
}
