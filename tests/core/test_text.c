#include "test.h"

#include "core/text.h"

#include <errno.h>
#include <string.h>

static void redact_takes_user_password_query_and_fragment_away(void **state)
{
	static const char *const cases[][2] = {
		{"https://example.org/room", "https://example.org/room"},
		{"https://me:pw@example.org/room", "https://***@example.org/room"},
		{"https://me:p@w@example.org/", "https://***@example.org/"},
		{"https://example.org/room?jwt=secret", "https://example.org/room?***"},
		{"https://example.org/room#config.pw=1", "https://example.org/room?***"},
		{"https://example.org?x", "https://example.org?***"},
		{"https://example.org/a@b", "https://example.org/a@b"},
	};
	char out[100];

	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		tr_text_redact(cases[i][0], out, sizeof(out));
		assert_string_equal(out, cases[i][1]);
	}
}

static void durations_are_read_with_their_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {{"90", 90000}, {"30s", 30000}, {"5m", 300000}, {"1.5h", 5400000},
		{"250ms", 250}, {"0", 0}, {"2min", 120000}, {".5s", 500}};
	int64_t ms;

	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		assert_int_equal(tr_text_parse_duration(cases[i].text, &ms), 0);
		assert_true(ms == cases[i].ms);
	}
}

static void what_is_no_duration_is_refused(void **state)
{
	static const char *const bad[] = {"", "s", "5x", "5 s", "nan", "inf", "5s5", " 5", "+5"};
	int64_t ms;

	for (size_t i = 0; i < TR_COUNT(bad); i++)
		assert_int_equal(tr_text_parse_duration(bad[i], &ms), -EINVAL);
	assert_int_equal(tr_text_parse_duration("-1s", &ms), -ERANGE);
	assert_int_equal(tr_text_parse_duration("99999999h", &ms), -ERANGE);
}

static void a_size_is_two_numbers_with_an_x(void **state)
{
	static const char *const bad[] = {"", "x", "1280", "1280x", "x720", "1280x720x3",
		"1280 x720", "-2x4", "99999999999999999999x1", "0x10 "};
	int width, height;

	assert_int_equal(tr_text_parse_size("1280x720", &width, &height), 0);
	assert_int_equal(width, 1280);
	assert_int_equal(height, 720);
	assert_int_equal(tr_text_parse_size("0x0", &width, &height), 0);
	for (size_t i = 0; i < TR_COUNT(bad); i++)
		assert_int_equal(tr_text_parse_size(bad[i], &width, &height), -EINVAL);
}

static void a_number_is_the_whole_text_and_in_range(void **state)
{
	int64_t value;

	assert_int_equal(tr_text_parse_int("-5", -5, 5, &value), 0);
	assert_true(value == -5);
	assert_int_equal(tr_text_parse_int("6", -5, 5, &value), -ERANGE);
	assert_int_equal(tr_text_parse_int("99999999999999999999", 0, INT64_MAX, &value), -ERANGE);
	assert_int_equal(tr_text_parse_int("5k", 0, 9, &value), -EINVAL);
	assert_int_equal(tr_text_parse_int("", 0, 9, &value), -EINVAL);
	assert_int_equal(tr_text_parse_int(" 5", 0, 9, &value), -EINVAL);
}

static void control_characters_are_found_and_other_scripts_are_none(void **state)
{
	assert_false(tr_text_has_controls(""));
	assert_false(tr_text_has_controls("caf\xc3\xa9 \xe4\xbc\x9a"));
	assert_true(tr_text_has_controls("two\nlines"));
	assert_true(tr_text_has_controls("\033[2J"));
	assert_true(tr_text_has_controls("gone\x7f"));
}

static void characters_are_whole_ones_of_utf_8(void **state)
{
	static const struct {
		const char *text;
		size_t length;
	} cases[] = {{"a", 1}, {"\xc3\xa9", 2}, {"\xe4\xbc\x9a", 3}, {"\xf0\x9f\x98\x80", 4},
		{"\xc3", 0}, {"\xa9", 0}, {"\xc0\xaf", 0}, {"\xe0\x80\xaf", 0}, {"\xed\xa0\x80", 0},
		{"\xf4\x90\x80\x80", 0}, {"\xf5\x80\x80\x80", 0}};

	for (size_t i = 0; i < TR_COUNT(cases); i++)
		assert_int_equal(tr_text_utf8_length(cases[i].text), cases[i].length);
}

static void what_is_no_utf_8_becomes_question_marks(void **state)
{
	char text[] = "caf\xc3\xa9 \xff \xed\xa0\x80 cut \xe4\xbc";

	tr_text_make_utf8(text);
	assert_string_equal(text, "caf\xc3\xa9 ? ??? cut ??");
}

static void the_nearest_word_is_found_and_a_far_one_is_not(void **state)
{
	static const char *const words[] = {"record", "probe", "check", NULL};
	char endless[300];

	assert_string_equal(tr_text_nearest("rekord", words), "record");
	assert_string_equal(tr_text_nearest("chek", words), "check");
	assert_null(tr_text_nearest("zzzzzz", words));
	memset(endless, 'r', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	assert_null(tr_text_nearest(endless, words));
}

static void say_cuts_its_sentence_and_gives_the_code_back(void **state)
{
	char out[8];

	assert_int_equal(tr_text_say(out, sizeof(out), -EBUSY, "slot %d", 3), -EBUSY);
	assert_string_equal(out, "slot 3");
	assert_int_equal(tr_text_say(out, sizeof(out), 0, "%s", "too long for it"), 0);
	assert_string_equal(out, "too lon");
}

static void format_refuses_to_cut(void **state)
{
	char out[4];

	assert_int_equal(tr_text_format(out, sizeof(out), "%d", 123), 0);
	assert_int_equal(tr_text_format(out, sizeof(out), "%d", 1234), -ENAMETOOLONG);
}

static void bytes_are_read_with_their_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} cases[] = {{"0", 0}, {"4096", 4096}, {"1k", 1024}, {"1.5 GiB", INT64_C(3) << 29},
		{"20G", INT64_C(20) << 30}, {"2TB", INT64_C(2) << 40}, {"7 B", 7}};
	static const char *const bad[] = {
		"", "G", "1 X", "1GG", "1Gi", "much", "5%", "nan", "1  M"};
	int64_t bytes;

	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		assert_int_equal(tr_text_parse_bytes(cases[i].text, &bytes), 0);
		assert_int_equal(bytes, cases[i].bytes);
	}
	for (size_t i = 0; i < TR_COUNT(bad); i++)
		assert_int_equal(tr_text_parse_bytes(bad[i], &bytes), -EINVAL);
	assert_int_equal(tr_text_parse_bytes("-1", &bytes), -ERANGE);
	assert_int_equal(tr_text_parse_bytes("9000T", &bytes), -ERANGE);
}

static void bytes_are_shown_with_a_fitting_unit(void **state)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} cases[] = {{0, "0 B"}, {1023, "1023 B"}, {1536, "1.5 KiB"}, {200 * 1024, "200 KiB"},
		{INT64_C(3) << 30, "3.0 GiB"}, {INT64_C(5000) << 40, "5000 TiB"}};
	char out[16];

	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		tr_text_format_bytes(cases[i].bytes, out, sizeof(out));
		assert_string_equal(out, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redact_takes_user_password_query_and_fragment_away),
		cmocka_unit_test(durations_are_read_with_their_unit),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(a_size_is_two_numbers_with_an_x),
		cmocka_unit_test(a_number_is_the_whole_text_and_in_range),
		cmocka_unit_test(control_characters_are_found_and_other_scripts_are_none),
		cmocka_unit_test(characters_are_whole_ones_of_utf_8),
		cmocka_unit_test(what_is_no_utf_8_becomes_question_marks),
		cmocka_unit_test(the_nearest_word_is_found_and_a_far_one_is_not),
		cmocka_unit_test(format_refuses_to_cut),
		cmocka_unit_test(say_cuts_its_sentence_and_gives_the_code_back),
		cmocka_unit_test(bytes_are_read_with_their_unit),
		cmocka_unit_test(bytes_are_shown_with_a_fitting_unit),
	};
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
