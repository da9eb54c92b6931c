#include "test.h"

#include "core/clock.h"

static void the_clock_never_goes_back(void **state)
{
	int64_t before = tr_clock_now_ns();

	for (int i = 0; i < 1000; i++) {
		int64_t now = tr_clock_now_ns();
		assert_true(now >= before);
		before = now;
	}
}

static void a_date_is_written_in_utc(void **state)
{
	char text[21];

	tr_clock_format_utc(0, text, sizeof(text));
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	tr_clock_format_utc(INT64_C(1795234380) * TR_NS_PER_S + 999999999, text, sizeof(text));
	assert_string_equal(text, "2026-11-21T04:13:00Z");
	tr_clock_format_utc(0, text, 5);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clock_never_goes_back),
		cmocka_unit_test(a_date_is_written_in_utc),
	};
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
