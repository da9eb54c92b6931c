#include "test.h"

#include "core/clock.h"
#include "daemon/naming.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WHEN (INT64_C(1795234380) * TR_NS_PER_S) /* 2026-11-21 04:13:00 UTC */

static int use_utc(void **state)
{
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

static void a_folder_keeps_only_plain_characters(void **state)
{
	char name[256];

	assert_int_equal(tr_naming_folder("foo&bar/baz", 1, name, sizeof(name)), 0);
	assert_string_equal(name, "foo_bar_baz");
	assert_int_equal(tr_naming_folder("../..", 1, name, sizeof(name)), 0);
	assert_string_equal(name, "_____");
	assert_int_equal(tr_naming_folder("A-z_9", 1, name, sizeof(name)), 0);
	assert_string_equal(name, "A-z_9");
}

static void a_later_attempt_has_its_number(void **state)
{
	char name[256];

	assert_int_equal(tr_naming_folder("abc", 2, name, sizeof(name)), 0);
	assert_string_equal(name, "abc-2");
}

static void an_empty_or_endless_id_makes_no_folder(void **state)
{
	char name[256], id[300];

	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	assert_int_equal(tr_naming_folder("", 1, name, sizeof(name)), -EINVAL);
	assert_int_equal(tr_naming_folder(id, 1, name, sizeof(name)), -ENAMETOOLONG);
}

static void a_file_is_named_like_the_call_and_its_local_time(void **state)
{
	char name[200];

	tr_naming_file("standup", WHEN, name, sizeof(name));
	assert_string_equal(name, "standup_2026-11-21-04-13-00");
	setenv("TZ", "CET-1", 1);
	tzset();
	tr_naming_file("standup", WHEN, name, sizeof(name));
	assert_string_equal(name, "standup_2026-11-21-05-13-00");
}

static void a_name_is_percent_decoded_when_that_makes_sense(void **state)
{
	static const struct {
		const char *call, *name;
	} cases[] = {
		{"my%20room", "my room"},
		{"caf%C3%A9", "caf\xc3\xa9"},
		{"%FF%FE", "%FF%FE"},		/* no UTF-8: as it was */
		{"%ED%A0%80", "%ED%A0%80"},	/* half a pair */
		{"a%00b", "a%00b"},		/* no end of a string */
		{"..%2F..%2Fetc", "_._.._etc"}, /* never a way out */
		{"100%", "100%"},
		{"%2", "%2"},
		{"a\nb", "a_b"},
		{".hidden", "_hidden"},
		{"-rf", "_rf"},
		{"", "recording"},
		{"\xc3", "_"},
	};

	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		char name[200], expected[200];
		tr_naming_file(cases[i].call, WHEN, name, sizeof(name));
		snprintf(expected, sizeof(expected), "%s_2026-11-21-04-13-00", cases[i].name);
		assert_string_equal(name, expected);
	}
}

static void a_long_name_is_cut_between_characters(void **state)
{
	char call[600], name[200];

	for (size_t i = 0; i < 150; i++)
		memcpy(call + 3 * i, "\xe2\x82\xac", 4); /* euro signs */
	tr_naming_file(call, WHEN, name, sizeof(name));
	size_t length = strlen(name);
	assert_in_range(length + 4, TR_NAMING_FILE_BYTES - 2, TR_NAMING_FILE_BYTES);
	size_t word = length - strlen("_2026-11-21-04-13-00");
	assert_int_equal(word % 3, 0);
	assert_string_equal(name + word, "_2026-11-21-04-13-00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_keeps_only_plain_characters),
		cmocka_unit_test(a_later_attempt_has_its_number),
		cmocka_unit_test(an_empty_or_endless_id_makes_no_folder),
		cmocka_unit_test_setup(a_file_is_named_like_the_call_and_its_local_time, use_utc),
		cmocka_unit_test_setup(a_name_is_percent_decoded_when_that_makes_sense, use_utc),
		cmocka_unit_test_setup(a_long_name_is_cut_between_characters, use_utc),
	};
	return cmocka_run_group_tests_name("naming", tests, NULL, NULL);
}
