#include "test.h"

#include "core/clock.h"
#include "daemon/naming.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WHEN (INT64_C(1795234380) * TR_NS_PER_S) /* 2026-11-21 04:13:00 UTC */

/* As without a configuration. */
static int name_folder(const char *session_id, char *out, size_t size)
{
	const struct tr_naming_words words = {session_id, "call", "", "", "", WHEN};
	return tr_naming_folder("{session_id}", &words, out, size);
}

static void name_file(const char *call_name, char *out, size_t size)
{
	const struct tr_naming_words words = {"id", call_name, "", "", "", WHEN};
	tr_naming_file("{room}_{date}-{time}", &words, out, size);
}

static int use_utc(void **state)
{
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

static void a_folder_keeps_only_plain_characters(void **state)
{
	char name[256];

	assert_int_equal(name_folder("foo&bar/baz", name, sizeof(name)), 0);
	assert_string_equal(name, "foo_bar_baz");
	assert_int_equal(name_folder("../..", name, sizeof(name)), 0);
	assert_string_equal(name, "_____");
	assert_int_equal(name_folder("A-z_9", name, sizeof(name)), 0);
	assert_string_equal(name, "A-z_9");
}

static void a_later_attempt_has_its_number(void **state)
{
	char name[256];

	assert_int_equal(tr_naming_attempt("abc", 2, name, sizeof(name)), 0);
	assert_string_equal(name, "abc-2");
}

static void an_empty_or_endless_id_makes_no_folder(void **state)
{
	char name[256], id[300];

	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	assert_int_equal(name_folder("", name, sizeof(name)), -EINVAL);
	assert_int_equal(name_folder(id, name, sizeof(name)), -ENAMETOOLONG);
}

static void a_file_is_named_like_the_call_and_its_local_time(void **state)
{
	char name[200];

	name_file("standup", name, sizeof(name));
	assert_string_equal(name, "standup_2026-11-21-04-13-00");
	setenv("TZ", "CET-1", 1);
	tzset();
	name_file("standup", name, sizeof(name));
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
		name_file(cases[i].call, name, sizeof(name));
		snprintf(expected, sizeof(expected), "%s_2026-11-21-04-13-00", cases[i].name);
		assert_string_equal(name, expected);
	}
}

static void a_long_name_is_cut_between_characters(void **state)
{
	char call[600], name[200];

	for (size_t i = 0; i < 150; i++)
		memcpy(call + 3 * i, "\xe2\x82\xac", 4); /* euro signs */
	name_file(call, name, sizeof(name));
	size_t length = strlen(name);
	assert_in_range(length + 4, TR_NAMING_FILE_BYTES - 2, TR_NAMING_FILE_BYTES);
	size_t word = length - strlen("_2026-11-21-04-13-00");
	assert_int_equal(word % 3, 0);
	assert_string_equal(name + word, "_2026-11-21-04-13-00");
}

static void a_template_is_filled(void **state)
{
	const struct tr_naming_words words = {"ab/c", "Stand%20up", "https://h/acme/eu/stand",
		"prod-meet.example", "telerec-1", WHEN};
	static const struct {
		const char *template, *name;
	} cases[] = {
		{"{date}_{room}_{session_id}", "2026-11-21_Stand up_ab_c"},
		{"{tenant} {room} {date} {time}", "acme_eu Stand up 2026-11-21 04-13-00"},
		{"{node}-{environment}-{session_id}", "telerec-1-prod-meet.example-ab_c"},
		{"a:b {session_id}.", "a_b ab_c"},
	};
	char name[256];

	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		assert_int_equal(
			tr_naming_folder(cases[i].template, &words, name, sizeof(name)), 0);
		assert_string_equal(name, cases[i].name);
	}
	tr_naming_file("{session_id} of {tenant}", &words, name, sizeof(name));
	assert_string_equal(name, "ab_c of acme_eu");
}

static void what_stands_for_nothing_takes_its_separator_along(void **state)
{
	const struct tr_naming_words words = {"s1", "", "https://h/room", "", "", WHEN};
	char name[256];

	assert_int_equal(
		tr_naming_folder("{tenant}_{environment}-{session_id}", &words, name, sizeof(name)),
		0);
	assert_string_equal(name, "s1");
	tr_naming_file("{tenant}", &words, name, sizeof(name));
	assert_string_equal(name, "recording");
}

static void the_rest_of_a_template_survives_a_long_room(void **state)
{
	struct tr_naming_words words = {"s1", NULL, "", "", "", WHEN};
	char call[600] = "", name[256];

	for (size_t i = 0; i < 150; i++)
		memcpy(call + 3 * i, "\xe2\x82\xac", 4);
	words.call_name = call;
	assert_int_equal(tr_naming_folder("{room}_{session_id}", &words, name, sizeof(name)), 0);
	assert_in_range(strlen(name), TR_NAMING_FOLDER_BYTES - 2, TR_NAMING_FOLDER_BYTES);
	assert_string_equal(name + strlen(name) - 3, "_s1");
	tr_naming_file("{date} {room} {time}", &words, name, sizeof(name));
	assert_string_equal(name + strlen(name) - 9, " 04-13-00");
	assert_true(strlen(name) + 4 <= TR_NAMING_FILE_BYTES);
}

static void what_cannot_be_seen_does_not_get_into_a_name(void **state)
{
	const struct tr_naming_words words = {"s1",
		"exe\xe2\x80\xae"
		"4pm\xc2\x85\xe2\x80\x8b",
		"", "", "", WHEN};
	char name[256];

	tr_naming_file("{room}", &words, name, sizeof(name));
	assert_string_equal(name, "exe_4pm__");
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
		cmocka_unit_test_setup(a_template_is_filled, use_utc),
		cmocka_unit_test_setup(what_stands_for_nothing_takes_its_separator_along, use_utc),
		cmocka_unit_test_setup(the_rest_of_a_template_survives_a_long_room, use_utc),
		cmocka_unit_test(what_cannot_be_seen_does_not_get_into_a_name),
	};
	return cmocka_run_group_tests_name("naming", tests, NULL, NULL);
}
