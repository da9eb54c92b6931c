#include "test.h"

#include "doctor/fingerprint.h"

static void colons_blanks_and_case_do_not_count(void **state)
{
	assert_true(tr_fingerprint_is_same("AB:CD:01", "abcd01"));
	assert_true(tr_fingerprint_is_same(" ab cd 01 ", "AB:CD:01"));
}

static void another_digit_or_length_counts(void **state)
{
	assert_false(tr_fingerprint_is_same("AB:CD:01", "AB:CD:02"));
	assert_false(tr_fingerprint_is_same("AB:CD", "AB:CD:01"));
	assert_false(tr_fingerprint_is_same("AB:CD:01", "AB:CD"));
}

static void nothing_is_no_fingerprint(void **state)
{
	assert_false(tr_fingerprint_is_same("", ""));
	assert_false(tr_fingerprint_is_same("::", " "));
	assert_false(tr_fingerprint_is_same("", "AB"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(colons_blanks_and_case_do_not_count),
		cmocka_unit_test(another_digit_or_length_counts),
		cmocka_unit_test(nothing_is_no_fingerprint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
