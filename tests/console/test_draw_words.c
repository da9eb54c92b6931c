#include "test.h"

#include "console/draw_words.h"

#include <locale.h>
#include <string.h>

static char line[64];

static int start(void **state)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	return 0;
}

static void a_text_is_as_wide_as_the_terminal_shows_it(void **state)
{
	assert_int_equal(tr_draw_words_width("meeting", true), 7);
	assert_int_equal(tr_draw_words_width("Grüße", true), 5);
	assert_int_equal(tr_draw_words_width("会議", true), 4);
	assert_int_equal(tr_draw_words_width("e\xcc\x81t", true), 2); /* a mark on the e */
	assert_int_equal(tr_draw_words_width("Grüße", false), 5);
}

static void what_moves_the_cursor_or_turns_the_text_becomes_a_question_mark(void **state)
{
	const char *text = "\033\x9b\n\xe2\x80\xae\xff";
	struct tr_draw_cell cell;
	unsigned count = 0;

	while (tr_draw_words_next(&text, true, &cell)) {
		assert_int_equal(cell.text[0], L'?');
		assert_int_equal(cell.columns, 1);
		count++;
	}
	assert_int_equal(count, 5);
}

static void without_utf_8_only_ascii_is_left(void **state)
{
	const char *text = "a…·会";
	struct tr_draw_cell cell;
	char got[8] = "";

	for (int i = 0; tr_draw_words_next(&text, false, &cell); i++)
		got[i] = (char)cell.text[0];
	assert_string_equal(got, "a~.?");
}

static void lines_break_between_words(void **state)
{
	const char *text = "one two three";

	text += tr_draw_words_line(text, 8, true, line, sizeof(line));
	assert_string_equal(line, "one two");
	text += tr_draw_words_line(text, 8, true, line, sizeof(line));
	assert_string_equal(line, "three");
	assert_int_equal(*text, 0);
}

static void a_line_that_just_fits_is_not_broken(void **state)
{
	assert_int_equal(tr_draw_words_line("one two", 7, true, line, sizeof(line)), 7);
	assert_string_equal(line, "one two");
	assert_int_equal(tr_draw_words_line("one two x", 7, true, line, sizeof(line)), 8);
	assert_string_equal(line, "one two");
}

static void a_long_word_is_cut_and_a_wide_one_goes_on(void **state)
{
	assert_int_equal(tr_draw_words_line("abcdefgh", 3, true, line, sizeof(line)), 3);
	assert_string_equal(line, "abc");
	assert_int_equal(tr_draw_words_line("会議", 1, true, line, sizeof(line)), 3);
	assert_string_equal(line, "会");
}

static void a_line_break_is_kept(void **state)
{
	assert_int_equal(tr_draw_words_line("a\n\nb", 9, true, line, sizeof(line)), 2);
	assert_string_equal(line, "a");
	assert_int_equal(tr_draw_words_line("\nb", 9, true, line, sizeof(line)), 1);
	assert_string_equal(line, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_as_wide_as_the_terminal_shows_it),
		cmocka_unit_test(what_moves_the_cursor_or_turns_the_text_becomes_a_question_mark),
		cmocka_unit_test(without_utf_8_only_ascii_is_left),
		cmocka_unit_test(lines_break_between_words),
		cmocka_unit_test(a_line_that_just_fits_is_not_broken),
		cmocka_unit_test(a_long_word_is_cut_and_a_wide_one_goes_on),
		cmocka_unit_test(a_line_break_is_kept),
	};
	return cmocka_run_group_tests_name("draw_words", tests, start, NULL);
}
