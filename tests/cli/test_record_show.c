#include "test.h"

#include "cli/record_show.h"
#include "core/clock.h"

#include <string.h>

static int ends[2];
static char text[8192];

static const char *shown(void)
{
	ssize_t n = read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int open_pipe(void **state)
{
	return pipe2(ends, 04000 /* O_NONBLOCK */);
}

static int close_pipe(void **state)
{
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static struct tr_message_progress progress(void)
{
	return (struct tr_message_progress){.time_ms = 3723000,
		.frames_encoded = 360,
		.video_kbps = 812.4,
		.bytes = 1536,
		.peak_db = -24,
		.free_bytes = INT64_C(3) << 30};
}

static void a_line_tells_time_pictures_rate_level_size_and_space(void **state)
{
	struct tr_message_progress p = progress();
	char line[300];

	tr_record_show_format(&p, line, sizeof(line));
	assert_string_equal(line, "01:02:03  360 pictures  812 kbit/s  [######......] -24 dB  "
				  "1.5 KiB  3.0 GiB free");
	p.peak_db = -200;
	p.frames_dropped = 2;
	strcpy(p.note, "silent \033[2J page");
	tr_record_show_format(&p, line, sizeof(line));
	assert_non_null(strstr(line, "360 pictures, 2 lost"));
	assert_non_null(strstr(line, "[............] silent"));
	assert_null(strchr(line, '\033'));
}

static void without_a_terminal_a_plain_line_comes_every_ten_seconds(void **state)
{
	struct tr_message_progress p = progress();
	struct tr_record_show show;

	tr_record_show_init(&show, ends[1], false);
	tr_record_show_progress(&show, &p, 1 * TR_NS_PER_S);
	assert_string_equal(shown() + strlen(text) - 1, "\n");
	tr_record_show_progress(&show, &p, 10 * TR_NS_PER_S);
	assert_string_equal(shown(), "");
	tr_record_show_progress(&show, &p, 11 * TR_NS_PER_S);
	assert_non_null(strstr(shown(), "01:02:03"));
}

static void news_take_the_live_line_away_first(void **state)
{
	struct tr_message_progress p = progress();
	struct tr_record_show show;

	tr_record_show_init(&show, ends[1], false);
	show.is_live = true;
	tr_record_show_progress(&show, &p, 1);
	assert_null(strchr(shown(), '\n'));
	tr_record_show_news(&show, false, "hello");
	assert_string_equal(shown(), "\r\033[Khello\n");
	tr_record_show_news(&show, false, "again");
	assert_string_equal(shown(), "again\n");
}

static void quiet_shows_trouble_only(void **state)
{
	struct tr_message_progress p = progress();
	struct tr_record_show show;

	tr_record_show_init(&show, ends[1], true);
	tr_record_show_progress(&show, &p, 1);
	tr_record_show_news(&show, false, "hello");
	assert_string_equal(shown(), "");
	tr_record_show_news(&show, true, "help");
	assert_string_equal(shown(), "help\n");
}

static struct tr_message_stream stream(const char *name, const char *state)
{
	struct tr_message_stream message = {.kbps = 2900, .queued_ms = 40, .bytes = 3 << 20};

	strcpy(message.name, name);
	strcpy(message.state, state);
	return message;
}

static void a_target_tells_rate_queue_and_losses_or_its_problem(void **state)
{
	struct tr_message_stream s = stream("rtmp://h/live/***", "streaming");
	char line[TR_RECORD_SHOW_LINE_MAX];

	tr_record_show_format_stream(&s, line, sizeof(line));
	assert_string_equal(line, "  rtmp://h/live/***: streaming  2900 kbit/s, 40 ms queued");
	s.reconnects = 2;
	s.dropped = 7;
	tr_record_show_sum_up_stream(&s, line, sizeof(line));
	assert_string_equal(line, "rtmp://h/live/***  (3.0 MiB, 2 reconnects, 7 pictures lost)");
	s = stream("h", "waiting");
	strcpy(s.problem, "no \033 answer");
	tr_record_show_format_stream(&s, line, sizeof(line));
	assert_string_equal(line, "  h: waiting: no   answer");
	s = stream("h", "refused");
	strcpy(s.problem, "wrong key");
	tr_record_show_sum_up_stream(&s, line, sizeof(line));
	assert_string_equal(line, "h  (3.0 MiB, refused: wrong key)");
}

static void each_target_has_a_live_line_that_is_drawn_over(void **state)
{
	struct tr_message_progress p = progress();
	struct tr_message_stream a = stream("a", "connecting"), b = stream("b", "connecting");
	struct tr_record_show show;

	tr_record_show_init(&show, ends[1], false);
	show.is_live = true;
	tr_record_show_stream(&show, &a);
	tr_record_show_stream(&show, &b);
	tr_record_show_progress(&show, &p, 1);
	assert_non_null(
		strstr(shown(), "\033[K\n\r  a: connecting\033[K\n\r  b: connecting\033[K"));
	strcpy(a.state, "waiting");
	tr_record_show_stream(&show, &a);
	tr_record_show_progress(&show, &p, 2);
	assert_int_equal(strncmp(shown(), "\033[2A\r01:02:03", 13), 0);
	assert_non_null(strstr(text, "  a: waiting\033[K"));
	tr_record_show_news(&show, false, "hello");
	assert_string_equal(shown(), "\033[2A\r\033[Jhello\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pipe, close_pipe)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_tells_time_pictures_rate_level_size_and_space),
		TEST(without_a_terminal_a_plain_line_comes_every_ten_seconds),
		TEST(news_take_the_live_line_away_first),
		TEST(quiet_shows_trouble_only),
		TEST(a_target_tells_rate_queue_and_losses_or_its_problem),
		TEST(each_target_has_a_live_line_that_is_drawn_over),
	};
	return cmocka_run_group_tests_name("record show", tests, NULL, NULL);
}
