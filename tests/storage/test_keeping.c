#include "test.h"

#include "core/clock.h"
#include "storage/keeping.h"

#include <string.h>

#define DAY_MS (INT64_C(86400) * 1000)
#define NOW_NS (INT64_C(1795234380) * TR_NS_PER_S)
#define ITEMS 4

static struct tr_keeping_rule rules[2];
static struct tr_keeping_item items[ITEMS]; /* 40, 30, 20 and 10 days old, 100 bytes each */
static struct tr_keeping_disk disk;
static char marks[ITEMS + 1];

static int start(void **state)
{
	memset(rules, 0, sizeof(rules));
	disk = (struct tr_keeping_disk){.now_wall_ns = NOW_NS, .free_bytes = 1000};
	for (int i = 0; i < ITEMS; i++)
		items[i] = (struct tr_keeping_item){.bytes = 100,
			.ended_wall_ns = NOW_NS - (4 - i) * 10 * DAY_MS * TR_NS_PER_MS,
			.is_complete = true};
	return 0;
}

static const char *decide(void)
{
	tr_keeping_decide(rules, &disk, items, ITEMS);
	for (int i = 0; i < ITEMS; i++)
		marks[i] = ".asfn"[items[i].reason]; /* stays, age, size, free, needed */
	return marks;
}

static void without_limits_all_stays(void **state)
{
	assert_string_equal(decide(), "....");
}

static void what_no_rule_is_for_stays(void **state)
{
	rules[0].max_age_ms = DAY_MS;
	items[1].rule = TR_KEEPING_NO_RULE;
	assert_string_equal(decide(), "a.aa");
}

static void the_old_go_and_those_of_another_rule_stay(void **state)
{
	rules[0].max_age_ms = 25 * DAY_MS;
	items[0].rule = 1;
	assert_string_equal(decide(), ".a..");
}

static void the_oldest_go_until_a_rules_recordings_fit(void **state)
{
	rules[0].max_bytes = 250;
	assert_string_equal(decide(), "ss..");
	items[1].rule = 1;
	assert_string_equal(decide(), "s...");
}

static void the_oldest_go_until_enough_is_free(void **state)
{
	rules[0].min_free_bytes = 1150;
	assert_string_equal(decide(), "ff..");
	disk.free_bytes = 1150;
	assert_string_equal(decide(), "....");
}

static void what_goes_for_its_age_counts_as_free(void **state)
{
	rules[0].min_free_bytes = 1150;
	rules[0].max_age_ms = 35 * DAY_MS;
	assert_string_equal(decide(), "af..");
}

static void room_for_a_start_is_made_only_of_recordings_whose_rule_has_min_free(void **state)
{
	disk.lacks_bytes = 150;
	assert_string_equal(decide(), "....");
	rules[0].min_free_bytes = 1;
	assert_string_equal(decide(), "nn..");
	items[0].rule = 1;
	assert_string_equal(decide(), ".nn.");
}

static void what_is_not_complete_or_too_young_or_not_taken_over_stays(void **state)
{
	rules[0] = (struct tr_keeping_rule){
		.min_age_ms = 15 * DAY_MS, .min_free_bytes = 2000, .uploaded_only = true};
	for (int i = 0; i < ITEMS; i++)
		items[i].is_taken_over = i != 0;
	items[1].is_complete = false;
	assert_string_equal(decide(), "..f.");
}

static void every_reason_has_a_sentence(void **state)
{
	for (int i = TR_KEEPING_STAYS; i <= TR_KEEPING_FOR_START; i++)
		assert_true(strlen(tr_keeping_sentence((enum tr_keeping_reason)i)) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_limits_all_stays, start),
		cmocka_unit_test_setup(what_no_rule_is_for_stays, start),
		cmocka_unit_test_setup(the_old_go_and_those_of_another_rule_stay, start),
		cmocka_unit_test_setup(the_oldest_go_until_a_rules_recordings_fit, start),
		cmocka_unit_test_setup(the_oldest_go_until_enough_is_free, start),
		cmocka_unit_test_setup(what_goes_for_its_age_counts_as_free, start),
		cmocka_unit_test_setup(
			room_for_a_start_is_made_only_of_recordings_whose_rule_has_min_free, start),
		cmocka_unit_test_setup(
			what_is_not_complete_or_too_young_or_not_taken_over_stays, start),
		cmocka_unit_test(every_reason_has_a_sentence),
	};
	return cmocka_run_group_tests_name("keeping", tests, NULL, NULL);
}
