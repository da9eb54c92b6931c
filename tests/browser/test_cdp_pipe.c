#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "browser/cdp_pipe.h"
#include "core/clock.h"

#define PATIENCE_S 60

static struct {
	int count;
	size_t bytes;
	char last[64];
	int closed;
	int closed_rc;
} got;

static void take(const char *text, size_t length, void *user)
{
	got.count++;
	got.bytes += length;
	assert_int_equal(text[length], '\0');
	strncpy(got.last, text, sizeof(got.last) - 1);
}

static void take_end(int rc, void *user)
{
	got.closed++;
	got.closed_rc = rc;
}

static int forget(void **state)
{
	memset(&got, 0, sizeof(got));
	return 0;
}

static int feed(struct tr_cdp_framer *framer, const char *bytes, size_t size)
{
	return tr_cdp_pipe_feed(framer, bytes, size, take, NULL);
}

static void feed_joins_a_message_that_comes_byte_by_byte(void **state)
{
	static const char bytes[] = "{\"id\":1}\0{\"id\":2}";
	struct tr_cdp_framer framer = {.limit = 100};

	for (size_t i = 0; i < sizeof(bytes); i++)
		assert_int_equal(feed(&framer, bytes + i, 1), 0);
	assert_int_equal(got.count, 2);
	assert_string_equal(got.last, "{\"id\":2}");
	tr_cdp_pipe_release(&framer);
}

static void feed_cuts_several_messages_of_one_read(void **state)
{
	struct tr_cdp_framer framer = {.limit = 100};

	assert_int_equal(feed(&framer, "a\0bc\0\0de", 8), 0);
	assert_int_equal(got.count, 3);
	assert_int_equal(got.bytes, 3);
	tr_cdp_pipe_release(&framer);
}

static void feed_drops_what_is_too_long_and_goes_on_behind_it(void **state)
{
	struct tr_cdp_framer framer = {.limit = 4};

	assert_int_equal(feed(&framer, "12345\0ok", 9), 0);
	assert_int_equal(feed(&framer, "123", 3), 0);
	assert_int_equal(feed(&framer, "45", 2), 0);
	assert_int_equal(feed(&framer, "6\0four", 7), 0);
	assert_int_equal(got.count, 2);
	assert_int_equal(framer.dropped, 2);
	assert_string_equal(got.last, "four");
	tr_cdp_pipe_release(&framer);
}

static int limit_time(sd_event_source *source, uint64_t usec, void *user)
{
	fail_msg("waited too long");
	return 0;
}

static void run_until(sd_event *event, const int *counter, int count)
{
	sd_event_source *limit = NULL;

	assert_true(sd_event_add_time_relative(event, &limit, CLOCK_MONOTONIC,
			    PATIENCE_S * 1000000ULL, 0, limit_time, NULL) >= 0);
	while (*counter < count)
		assert_true(sd_event_run(event, UINT64_MAX) >= 0);
	sd_event_source_disable_unref(limit);
}

static void a_slow_reader_gets_all_that_was_sent(void **state)
{
	static char large[3000000];
	struct tr_cdp_pipe *sender, *reader;
	sd_event *event;
	int fds[2];

	memset(large, 'x', sizeof(large));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(tr_cdp_pipe_open(event, fds[0], take, take_end, NULL, &sender), 0);
	assert_int_equal(tr_cdp_pipe_open(event, fds[1], take, take_end, NULL, &reader), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(tr_cdp_pipe_send(sender, large, sizeof(large)), 0);
	assert_int_equal(tr_cdp_pipe_send(sender, large, sizeof(large)), -ENOBUFS);
	run_until(event, &got.count, 5);
	assert_int_equal(got.bytes, 5 * sizeof(large));
	assert_int_equal(tr_cdp_pipe_send(sender, "again", 5), 0);
	run_until(event, &got.count, 6);
	assert_string_equal(got.last, "again");

	tr_cdp_pipe_close(sender);
	run_until(event, &got.closed, 1);
	assert_int_equal(got.closed_rc, -EPIPE);
	assert_int_equal(tr_cdp_pipe_send(reader, "x", 1), -EPIPE);
	tr_cdp_pipe_close(reader);
	sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(feed_joins_a_message_that_comes_byte_by_byte, forget),
		cmocka_unit_test_setup(feed_cuts_several_messages_of_one_read, forget),
		cmocka_unit_test_setup(feed_drops_what_is_too_long_and_goes_on_behind_it, forget),
		cmocka_unit_test_setup(a_slow_reader_gets_all_that_was_sent, forget),
	};
	return cmocka_run_group_tests_name("cdp_pipe", tests, NULL, NULL);
}
