#include "test.h"

#include "cli/text_table.h"

#include <stdio.h>
#include <string.h>

static const struct tr_text_column columns[] = {
	{"ID", false, 0}, {"SIZE", true, 0}, {"MEETING", false, 8}};

static char printed[4096];

static void print_into(struct tr_text_table *table, unsigned width)
{
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	assert_non_null(out);
	tr_text_table_print(table, out, width);
	fclose(out);
}

static void expect_clean(const char *text, unsigned width, const char *expected)
{
	char *clean = tr_text_table_clean(text, width);

	assert_string_equal(clean, expected);
	free(clean);
}

static void columns_are_as_wide_as_what_is_in_them(void **state)
{
	TR_CLEANUP(tr_text_table_destroyp)
	struct tr_text_table *table = tr_text_table_create(columns, 3);
	const char *const rows[][3] = {{"abc", "9 B", "standup"}, {"a", "10 MiB", ""}};

	tr_text_table_add(table, rows[0]);
	tr_text_table_add(table, rows[1]);
	print_into(table, 0);
	assert_string_equal(printed, "ID     SIZE  MEETING\n"
				     "abc     9 B  standup\n"
				     "a    10 MiB\n");
}

static void wide_and_combining_characters_keep_the_columns_straight(void **state)
{
	TR_CLEANUP(tr_text_table_destroyp)
	struct tr_text_table *table = tr_text_table_create(columns, 3);
	const char *const rows[][3] = {{"会議", "1", "x"}, {"e\xcc\x81t", "2", "y"}};

	tr_text_table_add(table, rows[0]);
	tr_text_table_add(table, rows[1]);
	print_into(table, 0);
	assert_string_equal(printed, "ID    SIZE  MEETING\n"
				     "会議     1  x\n"
				     "e\xcc\x81t       2  y\n");
	assert_int_equal(tr_text_table_measure("会議"), 4);
	assert_int_equal(tr_text_table_measure("e\xcc\x81t"), 2);
}

static void a_line_that_is_too_long_is_cut_where_it_may_be(void **state)
{
	TR_CLEANUP(tr_text_table_destroyp)
	struct tr_text_table *table = tr_text_table_create(columns, 3);
	const char *const row[] = {"an-id-of-its-own", "1", "a very long name of a meeting"};

	tr_text_table_add(table, row);
	print_into(table, 40);
	assert_string_equal(printed, "ID                SIZE  MEETING\n"
				     "an-id-of-its-own     1  a very long n...\n");
	print_into(table, 10);
	assert_non_null(strstr(printed, "an-id-of-its-own     1  a ver..."));
}

static void an_empty_column_at_the_end_has_no_title(void **state)
{
	TR_CLEANUP(tr_text_table_destroyp)
	struct tr_text_table *table = tr_text_table_create(columns, 3);
	const char *const row[] = {"a", "1", NULL};

	tr_text_table_add(table, row);
	print_into(table, 80);
	assert_string_equal(printed, "ID  SIZE\na      1\n");
}

static void nothing_from_elsewhere_moves_the_cursor(void **state)
{
	expect_clean("a\033[2Jb\r\nc\td", 0, "a [2Jb  c d");
	expect_clean("a\xc2\x9b"
		     "2Jb\x7f",
		0,
		"a\xef\xbf\xbd"
		"2Jb\xef\xbf\xbd");
	expect_clean("ab\xe2\x80\xae"
		     "cd\xe2\x80\x8b",
		0, "abcd");
	expect_clean("\xff\xc3(\xed\xa0\x80", 0,
		"\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void a_cut_falls_between_characters(void **state)
{
	expect_clean("会議室の名前", 12, "会議室の名前");
	expect_clean("会議室の名前", 11, "会議室の...");
	expect_clean("会議室の名前", 10, "会議室...");
	expect_clean("abcdef", 4, "a...");
	expect_clean("abcdef", 2, "..");
	expect_clean("\xf0\x9f\x98\x80ok", 0, "\xf0\x9f\x98\x80ok");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_what_is_in_them),
		cmocka_unit_test(wide_and_combining_characters_keep_the_columns_straight),
		cmocka_unit_test(a_line_that_is_too_long_is_cut_where_it_may_be),
		cmocka_unit_test(an_empty_column_at_the_end_has_no_title),
		cmocka_unit_test(nothing_from_elsewhere_moves_the_cursor),
		cmocka_unit_test(a_cut_falls_between_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
