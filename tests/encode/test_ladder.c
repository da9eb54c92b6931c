#include "test.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "encode/ladder.h"

#include <stdio.h>
#include <string.h>

#define MINUTE (60 * TR_NS_PER_S)

static struct tr_ladder ladder;
static int64_t now;

/* Two GPUs' rungs and software, as the probe ranks them. */
static int make(void **state)
{
	struct tr_rung_list list = {.count = 4};

	for (unsigned i = 0; i < 3; i++) {
		list.rungs[i].kind = TR_RUNG_VAAPI;
		snprintf(list.rungs[i].name, sizeof(list.rungs[i].name), "%c", 'a' + (int)i);
	}
	snprintf(list.rungs[3].name, sizeof(list.rungs[3].name), "libx264");
	tr_ladder_init(&ladder, &list);
	now = 1000 * MINUTE;
	return 0;
}

static void assert_is(const struct tr_rung *rung, const char *name)
{
	assert_string_equal(rung->name, name);
	assert_ptr_equal(rung, tr_ladder_current(&ladder));
}

static void without_a_gpu_there_is_software(void **state)
{
	struct tr_rung_list none = {0};

	tr_ladder_init(&ladder, &none);
	assert_is(tr_ladder_begin(&ladder, now), "libx264");
	assert_is(tr_ladder_fail(&ladder, TR_LADDER_ENDED, now), "libx264");
	assert_is(tr_ladder_begin(&ladder, now), "libx264");
}

static void the_best_begins(void **state)
{
	assert_is(tr_ladder_begin(&ladder, now), "a");
}

static void what_says_that_it_fails_is_left_at_once_and_rests(void **state)
{
	tr_ladder_begin(&ladder, now);
	assert_is(tr_ladder_fail(&ladder, TR_LADDER_ERROR, now), "b");
	assert_is(tr_ladder_begin(&ladder, now + 9 * MINUTE), "b");
	assert_is(tr_ladder_begin(&ladder, now + 10 * MINUTE), "a");
}

static void an_accident_opens_the_same_device_once_in_ten_minutes(void **state)
{
	tr_ladder_begin(&ladder, now);
	assert_is(tr_ladder_fail(&ladder, TR_LADDER_HUNG, now), "a");
	assert_is(tr_ladder_fail(&ladder, TR_LADDER_ENDED, now + MINUTE), "b");
	assert_is(tr_ladder_begin(&ladder, now + 20 * MINUTE), "a");
	assert_is(tr_ladder_fail(&ladder, TR_LADDER_ENDED, now + 20 * MINUTE), "a");
}

static void it_climbs_down_and_software_is_the_end(void **state)
{
	tr_ladder_begin(&ladder, now);
	tr_ladder_fail(&ladder, TR_LADDER_NOT_OPENED, now);
	assert_is(tr_ladder_fail(&ladder, TR_LADDER_NOT_OPENED, now), "c");
	assert_is(tr_ladder_fail(&ladder, TR_LADDER_SLOW, now), "libx264");
	assert_is(tr_ladder_fail(&ladder, TR_LADDER_ENDED, now), "libx264");
	assert_is(tr_ladder_begin(&ladder, now), "libx264");
	assert_is(tr_ladder_begin(&ladder, now + MINUTE), "a");
}

static void in_a_recording_it_never_climbs_up(void **state)
{
	tr_ladder_begin(&ladder, now);
	tr_ladder_fail(&ladder, TR_LADDER_NOT_OPENED, now);
	assert_is(tr_ladder_fail(&ladder, TR_LADDER_ERROR, now + 60 * MINUTE), "c");
}

static void each_failure_makes_the_rest_twice_as_long_until_it_works_for_long(void **state)
{
	tr_ladder_begin(&ladder, now);
	tr_ladder_fail(&ladder, TR_LADDER_ERROR, now);
	now += 10 * MINUTE;
	tr_ladder_begin(&ladder, now);
	tr_ladder_fail(&ladder, TR_LADDER_ERROR, now);
	assert_is(tr_ladder_begin(&ladder, now + 19 * MINUTE), "b");
	now += 20 * MINUTE;
	assert_is(tr_ladder_begin(&ladder, now), "a");
	tr_ladder_succeed(&ladder);
	tr_ladder_fail(&ladder, TR_LADDER_ERROR, now);
	assert_is(tr_ladder_begin(&ladder, now + 10 * MINUTE), "a");
}

static void what_is_passed_over_does_not_rest(void **state)
{
	tr_ladder_begin(&ladder, now);
	tr_ladder_fail(&ladder, TR_LADDER_ERROR, now);
	assert_is(tr_ladder_pass(&ladder, now), "c");
	assert_is(tr_ladder_fail(&ladder, TR_LADDER_HUNG, now), "c");
	assert_is(tr_ladder_pass(&ladder, now), "libx264");
	assert_is(tr_ladder_pass(&ladder, now), "libx264");
	assert_is(tr_ladder_begin(&ladder, now), "b");
}

static void no_rest_is_longer_than_six_hours(void **state)
{
	for (int i = 0; i < 60; i++) {
		assert_is(tr_ladder_begin(&ladder, now), "a");
		tr_ladder_fail(&ladder, TR_LADDER_SLOW, now);
		now += 6 * 60 * MINUTE;
	}
}

static void what_fails_with_surfaces_keeps_the_rung_and_loses_them(void **state)
{
	static const enum tr_ladder_failure failures[] = {
		TR_LADDER_ERROR, TR_LADDER_SLOW, TR_LADDER_NOT_OPENED};

	for (size_t i = 0; i < TR_COUNT(failures); i++) {
		make(state);
		assert_is(tr_ladder_begin(&ladder, now), "a");
		assert_true(tr_ladder_may_have_surfaces(&ladder, now));
		assert_is(tr_ladder_fail_surfaces(&ladder, failures[i], now), "a");
		assert_false(tr_ladder_may_have_surfaces(&ladder, now));
		assert_is(tr_ladder_begin(&ladder, now), "a"); /* it does not rest */
		assert_true(tr_ladder_may_have_surfaces(&ladder, now + 60 * MINUTE));
		/* without them it is its own fault */
		assert_is(tr_ladder_fail(&ladder, failures[i], now), "b");
		assert_true(tr_ladder_may_have_surfaces(&ladder, now));
	}
}

static void an_accident_with_surfaces_is_the_one_that_is_forgiven(void **state)
{
	tr_ladder_begin(&ladder, now);
	assert_is(tr_ladder_fail_surfaces(&ladder, TR_LADDER_ENDED, now), "a");
	assert_false(tr_ladder_may_have_surfaces(&ladder, now));
	assert_is(tr_ladder_fail(&ladder, TR_LADDER_ENDED, now + 1), "b");
	/* and who was forgiven lately is left at once */
	assert_is(tr_ladder_fail_surfaces(&ladder, TR_LADDER_HUNG, now), "b");
	now += 5 * MINUTE;
	assert_is(tr_ladder_begin(&ladder, now), "b");
	assert_is(tr_ladder_fail_surfaces(&ladder, TR_LADDER_HUNG, now), "c");
}

static void surfaces_rest_longer_each_time(void **state)
{
	tr_ladder_begin(&ladder, now);
	tr_ladder_fail_surfaces(&ladder, TR_LADDER_ERROR, now);
	assert_true(tr_ladder_may_have_surfaces(&ladder, now + 10 * MINUTE));
	tr_ladder_fail_surfaces(&ladder, TR_LADDER_ERROR, now);
	assert_false(tr_ladder_may_have_surfaces(&ladder, now + 19 * MINUTE));
	assert_true(tr_ladder_may_have_surfaces(&ladder, now + 20 * MINUTE));
}

static void software_never_has_surfaces(void **state)
{
	struct tr_rung_list none = {0};

	tr_ladder_init(&ladder, &none);
	tr_ladder_begin(&ladder, now);
	assert_false(tr_ladder_may_have_surfaces(&ladder, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_a_gpu_there_is_software, make),
		cmocka_unit_test_setup(the_best_begins, make),
		cmocka_unit_test_setup(what_says_that_it_fails_is_left_at_once_and_rests, make),
		cmocka_unit_test_setup(an_accident_opens_the_same_device_once_in_ten_minutes, make),
		cmocka_unit_test_setup(it_climbs_down_and_software_is_the_end, make),
		cmocka_unit_test_setup(in_a_recording_it_never_climbs_up, make),
		cmocka_unit_test_setup(
			each_failure_makes_the_rest_twice_as_long_until_it_works_for_long, make),
		cmocka_unit_test_setup(what_is_passed_over_does_not_rest, make),
		cmocka_unit_test_setup(
			what_fails_with_surfaces_keeps_the_rung_and_loses_them, make),
		cmocka_unit_test_setup(an_accident_with_surfaces_is_the_one_that_is_forgiven, make),
		cmocka_unit_test_setup(surfaces_rest_longer_each_time, make),
		cmocka_unit_test_setup(software_never_has_surfaces, make),
		cmocka_unit_test_setup(no_rest_is_longer_than_six_hours, make),
	};
	return cmocka_run_group_tests_name("ladder", tests, NULL, NULL);
}
