#include "test.h"

#include "daemon/logbook.h"

#include <stdio.h>
#include <string.h>

static struct tr_logline line;

static void expect(
	int level, const char *area, unsigned slot, const char *session_id, const char *text)
{
	assert_int_equal(line.level, level);
	assert_string_equal(line.area, area);
	assert_int_equal(line.slot, slot);
	assert_string_equal(line.session_id, session_id);
	assert_string_equal(line.text, text);
}

static void parse(const char *raw)
{
	tr_logline_parse(&line, TR_LOG_NONE, raw);
}

static void a_slots_line_is_taken_apart(void **state)
{
	parse("slot 2, session abc: warning: video: the display is gone");
	expect(TR_LOG_WARNING, "video", 2, "abc", "the display is gone");
	parse("error: slot: it cannot");
	expect(TR_LOG_ERROR, "slot", 0, "", "it cannot");
	parse("slot: recording to x");
	expect(TR_LOG_INFO, "slot", 0, "", "recording to x");
}

static void the_journals_priority_counts(void **state)
{
	parse("<4>slot 1: grab: odd");
	expect(TR_LOG_WARNING, "grab", 1, "", "odd");
	tr_logline_parse(&line, TR_LOG_ERROR, "node: slot 3 cannot record: no X");
	expect(TR_LOG_ERROR, "node", 3, "", "slot 3 cannot record: no X");
}

static void the_subject_of_our_own_lines_is_found(void **state)
{
	tr_logline_make(
		&line, TR_LOG_INFO, "node", "session a b (r@muc): starting in slot 2, folder a_b");
	expect(TR_LOG_INFO, "node", 2, "a b",
		"session a b (r@muc): starting in slot 2, folder a_b");
	tr_logline_make(&line, TR_LOG_INFO, "supervisor", "slot 4 finishes session xyz");
	expect(TR_LOG_INFO, "supervisor", 4, "xyz", "slot 4 finishes session xyz");
}

static void what_is_no_line_of_ours_is_text(void **state)
{
	static const char *const odd[] = {"", ":", ": ", "slot", "slot x: y", "session ",
		"http://a/b: c", "<", "<4", "<x>", "[swscaler @ 0x1] a: b",
		"slot 9999999999999: x"};

	for (size_t i = 0; i < TR_COUNT(odd); i++)
		parse(odd[i]);
	parse("http://a/b: c");
	expect(TR_LOG_INFO, "", 0, "", "http://a/b: c");
}

static void only_the_last_lines_are_kept_and_the_oldest_comes_first(void **state)
{
	struct tr_logbook *book;
	const struct tr_logline_filter all = {"", 0, 0, 0, TR_LOGBOOK_LINES + 100};
	json_t *lines;
	char raw[80];

	assert_int_equal(tr_logbook_create(&book), 0);
	for (int i = 0; i < TR_LOGBOOK_LINES + 10; i++) {
		snprintf(raw, sizeof(raw), "test: line %d", i);
		tr_logbook_add(book, 1, raw);
	}
	assert_int_equal(tr_logbook_read(book, &all, &lines), 0);
	assert_int_equal(json_array_size(lines), TR_LOGBOOK_LINES);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(lines, 0), "text")), "line 10");
	json_decref(lines);
	tr_logbook_destroy(book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slots_line_is_taken_apart),
		cmocka_unit_test(the_journals_priority_counts),
		cmocka_unit_test(the_subject_of_our_own_lines_is_found),
		cmocka_unit_test(what_is_no_line_of_ours_is_text),
		cmocka_unit_test(only_the_last_lines_are_kept_and_the_oldest_comes_first),
	};
	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests_name("logline", tests, NULL, NULL);
}
