#include "test.h"

#include "core/clock.h"
#include "supervisor/backoff.h"

static void the_pause_doubles_up_to_a_minute(void **state)
{
	struct tr_backoff backoff = {0};
	int64_t before = 0;

	assert_true(tr_backoff_next_ns(&backoff, 0) == 200 * TR_NS_PER_MS);
	assert_true(tr_backoff_next_ns(&backoff, 0) == 400 * TR_NS_PER_MS);
	for (int i = 0; i < 100; i++) {
		int64_t pause = tr_backoff_next_ns(&backoff, TR_NS_PER_S);
		assert_true(pause >= before);
		before = pause;
	}
	assert_true(before == 60 * TR_NS_PER_S);
}

static void a_long_life_is_forgiven(void **state)
{
	struct tr_backoff backoff = {.failures = 9};

	assert_true(tr_backoff_next_ns(&backoff, 300 * TR_NS_PER_S) == 200 * TR_NS_PER_MS);
	assert_true(tr_backoff_next_ns(&backoff, 0) == 400 * TR_NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pause_doubles_up_to_a_minute),
		cmocka_unit_test(a_long_life_is_forgiven),
	};
	return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
