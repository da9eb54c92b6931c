/* A network that swallows everything without a word, as routers do: two network namespaces with a
 * cable between them, nginx in one, the stream in the other. */
#include "test.h"

#include "core/clock.h"
#include "output/live_source.h"
#include "peers/rtmp/rtmp_site.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define OURS "10.77.0.1"
#define THEIRS "10.77.0.2"
#define WAIT_NS (90 * TR_NS_PER_S)

static struct tr_child holder; /* keeps the server's namespace */
static struct rtmp_site site;
static struct live_source *source;
static struct tr_stream *stream;
static struct tr_stream_status status;
static atomic_uint news_count[TR_STREAM_NEWS_GAVE_UP + 1];

static bool run(const char *format, ...) TR_PRINTF(1, 2);

static bool run(const char *format, ...)
{
	char command[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	return system(command) == 0;
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return is_written;
}

/* As root, or as whoever may have a user namespace. */
static bool leave_network(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid == 0)
		return unshare(CLONE_NEWNET) == 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	bool is_mapped =
		write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return is_mapped && write_text("/proc/self/gid_map", map);
}

static bool has_own_network(pid_t pid)
{
	char path[64], ours[64] = "", theirs[64] = "";
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return readlink("/proc/self/ns/net", ours, sizeof(ours) - 1) > 0 &&
	       readlink(path, theirs, sizeof(theirs) - 1) > 0 && strcmp(ours, theirs) != 0;
}

static bool make_cable(void)
{
	const char *const argv[] = {"unshare", "-n", "sleep", "1000", NULL};
	struct tr_child_settings settings = {.argv = argv};

	if (tr_child_start(&settings, &holder) < 0)
		return false;
	for (int i = 0; i < 1000 && !has_own_network(holder.pid); i++)
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	return run("ip link set lo up") && run("ip link add tr-a type veth peer name tr-b") &&
	       run("ip link set tr-b netns %d", holder.pid) &&
	       run("ip addr add " OURS "/24 dev tr-a && ip link set tr-a up") &&
	       run("nsenter -n -t %d ip addr add " THEIRS "/24 dev tr-b", holder.pid) &&
	       run("nsenter -n -t %d ip link set tr-b up", holder.pid) &&
	       run("nsenter -n -t %d ip link set lo up", holder.pid);
}

/* The server keeps its connections, and hears nothing more. */
static void swallow(bool all)
{
	assert_true(run("nsenter -n -t %d ip addr %s " THEIRS "/24 dev tr-b", holder.pid,
		all ? "del" : "add"));
}

static int start(void **state)
{
	memset(news_count, 0, sizeof(news_count));
	source = live_source_create();
	return 0;
}

static int stop(void **state)
{
	live_source_destroy(source);
	return 0;
}

static void take_news(enum tr_stream_news news, const char *problem, void *user)
{
	atomic_fetch_add(&news_count[news], 1);
}

static double wait_for_news(enum tr_stream_news news)
{
	int64_t from_ns = tr_clock_now_ns();
	while (atomic_load(&news_count[news]) == 0) {
		tr_stream_read(stream, &status);
		if (tr_clock_now_ns() - from_ns > WAIT_NS)
			fail_msg("no news: %s, %s", tr_stream_state_name(status.state),
				status.problem);
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
	return (double)(tr_clock_now_ns() - from_ns) / 1e9;
}

static void open_stream(const char *name, bool has_pictures)
{
	char url[128];
	snprintf(url, sizeof(url), "rtmp://" THEIRS ":%d/holding/%s", site.rtmp_port, name);
	struct tr_stream_settings settings = live_source_settings(source, url);
	if (!has_pictures)
		settings.video_extradata_size = 0;
	settings.io_timeout_ms = 3000;
	settings.backoff_min_ms = 200;
	settings.backoff_max_ms = 500;
	settings.connect_timeout_ms = 2000;
	settings.on_news = take_news;
	settings.request_key = live_source_request_key;
	settings.user = source;
	assert_int_equal(tr_stream_open(&settings, &stream), 0);
	live_source_add(source, stream);
	wait_for_news(TR_STREAM_NEWS_CONNECTED);
}

static void close_stream(void)
{
	live_source_remove(source, stream);
	tr_stream_close(stream, 1000, &status);
}

static void falls_in_and_comes_back(const char *name, bool has_pictures)
{
	open_stream(name, has_pictures);
	nanosleep(&(struct timespec){1, 0}, NULL); /* some data, so that it is a stream */
	swallow(true);
	double seconds = wait_for_news(TR_STREAM_NEWS_LOST);
	print_message("%s: noticed after %.1f s with a time-out of 3 s\n", name, seconds);
	assert_true(seconds < 30);
	assert_true(status.queued_ms <= 6100);
	swallow(false);
	seconds = wait_for_news(TR_STREAM_NEWS_RECONNECTED);
	print_message("%s: back after %.1f s\n", name, seconds);
	close_stream();
	assert_int_equal(status.reconnects, 1);
}

static void a_black_hole_is_noticed(void **state)
{
	falls_in_and_comes_back("pictures", true);
}

/* So little data that the kernel's buffer would take minutes to fill. */
static void a_black_hole_is_noticed_with_little_data_too(void **state)
{
	falls_in_and_comes_back("sound", false);
}

static void closing_in_a_black_hole_takes_no_longer_than_said(void **state)
{
	open_stream("closing", true);
	swallow(true);
	nanosleep(&(struct timespec){0, 500000000}, NULL);
	int64_t from_ns = tr_clock_now_ns();
	close_stream();
	int64_t took_ms = (tr_clock_now_ns() - from_ns) / TR_NS_PER_MS;
	swallow(false);
	assert_true(took_ms < 30000); /* without a limit, as long as TCP tries: minutes */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_black_hole_is_noticed, start, stop),
		cmocka_unit_test_setup_teardown(
			a_black_hole_is_noticed_with_little_data_too, start, stop),
		cmocka_unit_test_setup_teardown(
			closing_in_a_black_hole_takes_no_longer_than_said, start, stop),
	};
	const char *missing = rtmp_site_missing();
	if (missing || !leave_network() || !make_cable()) {
		printf("skipped: %s\n", missing ? missing : "no network namespaces here");
		tr_child_stop(&holder, 1000);
		return 77;
	}
	rtmp_site_create_at(&site, THEIRS, holder.pid);
	int rc = cmocka_run_group_tests_name("stream_hole", tests, NULL, NULL);
	rtmp_site_destroy(&site);
	tr_child_stop(&holder, 1000);
	return rc;
}
