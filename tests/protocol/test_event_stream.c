#include "test.h"

#include "protocol/event_stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char seen[4096];
static int answer;

static int note(const char *type, const char *data, void *user)
{
	size_t length = strlen(seen);

	snprintf(seen + length, sizeof(seen) - length, "<%s|%s>", type, data);
	return answer;
}

static int make(void **state)
{
	seen[0] = '\0';
	answer = 0;
	*state = tr_event_stream_create(note, NULL);
	return !*state;
}

static int unmake(void **state)
{
	tr_event_stream_destroy(*state);
	return 0;
}

static void feed(void **state, const char *text)
{
	assert_int_equal(tr_event_stream_feed(*state, text, strlen(text)), 0);
}

static void an_event_comes_out_at_its_empty_line(void **state)
{
	feed(state, "event: on\ndata: {\"slot\":1}\n");
	assert_string_equal(seen, "");
	feed(state, "\n");
	assert_string_equal(seen, "<on|{\"slot\":1}>");
}

static void bytes_may_come_one_by_one(void **state)
{
	const char *text = "event: a\r\ndata: 1\r\n\r\n: hello\ndata:2\n\n";

	for (const char *at = text; *at; at++)
		assert_int_equal(tr_event_stream_feed(*state, at, 1), 0);
	assert_string_equal(seen, "<a|1><message|2>");
}

static void several_lines_of_data_are_one_text(void **state)
{
	feed(state, "data: a\ndata\ndata: b\n\n");
	assert_string_equal(seen, "<message|a\n\nb>");
}

static void comments_other_fields_and_events_without_data_are_no_events(void **state)
{
	feed(state, ": keep-alive\n\nid: 7\nretry: 10\n\nevent: x\n\ndata: y\n\n");
	assert_string_equal(seen, "<message|y>");
}

static void an_event_that_never_ends_is_passed_over(void **state)
{
	static char much[70000];

	memset(much, 'x', sizeof(much) - 1);
	feed(state, "data: ");
	for (int i = 0; i < 20; i++)
		feed(state, much);
	feed(state, "\n\ndata: small\n\n");
	assert_string_equal(seen, "<message|small>");
	for (int i = 0; i < 20; i++) {
		feed(state, "data: ");
		feed(state, much);
		feed(state, "\n");
	}
	feed(state, "\ndata: again\n\n");
	assert_string_equal(seen, "<message|small><message|again>");
}

static void who_has_enough_hears_no_more(void **state)
{
	const char *text = "data: 1\n\ndata: 2\n\n";

	answer = -ECANCELED;
	assert_int_equal(tr_event_stream_feed(*state, text, strlen(text)), -ECANCELED);
	assert_string_equal(seen, "<message|1>");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_comes_out_at_its_empty_line),
		TEST(bytes_may_come_one_by_one),
		TEST(several_lines_of_data_are_one_text),
		TEST(comments_other_fields_and_events_without_data_are_no_events),
		TEST(an_event_that_never_ends_is_passed_over),
		TEST(who_has_enough_hears_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
