#include "test.h"

#include "config/config.h"
#include "config/placeholder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct tr_config config;
static struct tr_config_complaints complaints;

static int parse(const char *storage)
{
	char text[1000];

	snprintf(text, sizeof(text), "storage: { %s };", storage);
	return tr_config_parse(text, "t.conf", &config, &complaints);
}

static void expect_complaint(const char *storage, const char *words)
{
	assert_int_equal(parse(storage), -EINVAL);
	if (!strstr(complaints.lines[0], words))
		fail_msg("\"%s\" is not in: %s", words, complaints.lines[0]);
}

static void nothing_is_removed_and_names_are_jibris_by_default(void **state)
{
	int64_t bytes = 1;
	int percent = 1;

	assert_int_equal(parse(""), 0);
	assert_int_equal(config.storage.keep_count, 0);
	assert_string_equal(config.storage.folder, "{session_id}");
	assert_string_equal(config.storage.file, "{room}_{date}-{time}");
	assert_int_equal(config.storage.warn_ms, 2 * 3600000);
	assert_int_equal(tr_config_read_reserve(&config, &bytes, &percent), 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(percent, 0);
}

static void a_reserve_is_a_size_or_a_share(void **state)
{
	int64_t bytes;
	int percent;

	assert_int_equal(parse("reserve = \"2G\";"), 0);
	assert_int_equal(tr_config_read_reserve(&config, &bytes, &percent), 0);
	assert_int_equal(bytes, INT64_C(2) << 30);
	assert_int_equal(parse("reserve = \"7 %\";"), 0);
	assert_int_equal(tr_config_read_reserve(&config, &bytes, &percent), 0);
	assert_int_equal(percent, 7);
	assert_int_equal(bytes, 0);
	expect_complaint("reserve = \"95%\";", "storage.reserve is \"95%\", but must be");
	expect_complaint("reserve = \"some\";", "a size like \"2G\"");
}

static void rules_are_taken_with_their_limits(void **state)
{
	assert_int_equal(
		parse("keep = ( { match = \"a@.*\"; max_age = \"30d\"; max_size = \"5G\"; },"
		      "{ match = \".*\"; min_free = \"1T\"; min_age = \"0s\"; } );"),
		0);
	assert_int_equal(config.storage.keep_count, 2);
	assert_int_equal(config.storage.keep[0].max_age_ms, INT64_C(30) * 86400000);
	assert_int_equal(config.storage.keep[0].min_age_ms, 3600000);
	assert_int_equal(config.storage.keep[0].max_bytes, INT64_C(5) << 30);
	assert_int_equal(config.storage.keep[1].min_free_bytes, INT64_C(1) << 40);
	assert_int_equal(config.storage.keep[1].min_age_ms, 0);
	assert_false(config.storage.keep[1].uploaded_only);
}

static void rules_that_cannot_be_meant_are_refused(void **state)
{
	expect_complaint("keep = ( { max_age = \"1d\"; } );", "has no match");
	expect_complaint("keep = ( { match = \"a(\"; } );", "storage.keep.match");
	expect_complaint(
		"keep = ( { match = \"a\"; max_age = \"5m\"; } );", "shorter than min_age");
	expect_complaint("keep = ( { match = \"a\"; max_size = \"big\"; } );", "a size like");
	expect_complaint("keep = ( { match = \"a\"; max_aeg = \"5m\"; } );", "did you mean");
}

static void a_rule_that_waits_for_a_script_that_is_none_is_warned_of(void **state)
{
	assert_int_equal(parse("keep = ( { match = \".*\"; uploaded_only = true; } );"), 0);
	assert_int_equal(complaints.warning_count, 1);
	assert_non_null(strstr(complaints.warnings[0], "none of them is ever removed"));
}

static void templates_that_name_two_recordings_the_same_or_leave_the_folder_are_refused(
	void **state)
{
	expect_complaint("folder = \"{room}\";", "that no two recordings share");
	expect_complaint("folder = \"{room}_{date}\";", "that no two recordings share");
	expect_complaint("folder = \"\";", "that no two recordings share");
	expect_complaint("folder = \"{date}/{session_id}\";", "without a slash");
	expect_complaint("folder = \".{session_id}\";", "neither a dot");
	expect_complaint("folder = \"{session}\";", "plain text with {session_id}");
	expect_complaint("file = \"\";", "for example");
	expect_complaint("file = \"a}\";", "plain text with");
	assert_int_equal(parse("folder = \"{date} {time} {room}\"; file = \"movie\";"), 0);
	assert_string_equal(config.storage.folder, "{date} {time} {room}");
}

static void every_placeholder_is_found_by_its_text(void **state)
{
	size_t length;

	for (unsigned i = 1; i < TR_PLACEHOLDER_COUNT_; i++) {
		assert_int_equal(tr_placeholder_find(tr_placeholder_text(i), &length), i);
		assert_int_equal(length, strlen(tr_placeholder_text(i)));
	}
	assert_int_equal(tr_placeholder_find("{", &length), TR_PLACEHOLDER_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_removed_and_names_are_jibris_by_default),
		cmocka_unit_test(a_reserve_is_a_size_or_a_share),
		cmocka_unit_test(rules_are_taken_with_their_limits),
		cmocka_unit_test(rules_that_cannot_be_meant_are_refused),
		cmocka_unit_test(a_rule_that_waits_for_a_script_that_is_none_is_warned_of),
		cmocka_unit_test(
			templates_that_name_two_recordings_the_same_or_leave_the_folder_are_refused),
		cmocka_unit_test(every_placeholder_is_found_by_its_text),
	};
	return cmocka_run_group_tests_name("storage rules", tests, NULL, NULL);
}
