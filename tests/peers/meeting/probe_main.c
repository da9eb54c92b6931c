/*
 * telerec-test-probe URL EXPRESSION...: opens a meeting as a slot does, waits until somebody else
 * is in it, prints what the page gives for the expressions, leaves. For tests against real clients.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "browser/meeting.h"
#include "browser/ordinary_user.h"
#include "core/clock.h"
#include "core/log.h"

#define TR_LOG_AREA "probe"
#define WIDTH 640
#define HEIGHT 360
#define PATIENCE_S 60

static struct {
	char **arguments;
	struct ordinary_user user;
	sd_event *event;
	struct tr_browser *browser;
	struct tr_meeting *meeting;
	bool is_ready, is_joined, has_others, is_answered, has_left, is_over;
} t;

static void on_ready(void *user)
{
	(void)user;
	t.is_ready = true;
}

static void on_loaded(const char *url, void *user)
{
	(void)url;
	(void)user;
	if (t.meeting)
		tr_meeting_handle_loaded(t.meeting);
}

static void on_failed(enum tr_load_error reason, const char *sentence, void *user)
{
	(void)reason;
	(void)user;
	printf("failed: %s\n", sentence);
	t.is_over = true;
}

static void on_push(const char *name, const char *payload, void *user)
{
	(void)user;
	if (t.meeting)
		tr_meeting_handle_push(t.meeting, name, payload);
}

static void on_joined(void *user)
{
	(void)user;
	puts("joined");
	t.is_joined = true;
}

static void on_state(const struct tr_meeting_state *state, void *user)
{
	(void)user;
	printf("state: joined %d, participants %d, muted %d, connected %d, %" PRId64 " kbit/s\n",
		state->is_joined, state->participants, state->muted, state->is_connected,
		state->download_kbps);
	t.has_others |= state->participants > 0;
}

static void on_ended(enum tr_meeting_end end, const char *sentence, const uint8_t *picture,
	size_t picture_size, void *user)
{
	(void)picture;
	(void)picture_size;
	(void)user;
	printf("ended: %d: %s\n", end, sentence);
	t.is_over = true;
}

static void on_value(int rc, json_t *value, const char *error, void *user)
{
	char *text = rc == 0 ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	(void)user;

	printf("answer: %s\n", text ? text : error ? error : "none");
	free(text);
	t.is_answered = true;
}

static void on_left(void *user)
{
	(void)user;
	puts("left");
	t.has_left = true;
}

static bool wait_until(const bool *flag)
{
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;

	while (!*flag && !t.is_over && tr_clock_now_ns() < until)
		if (sd_event_run(t.event, 1000 * 1000) < 0)
			return false;
	return *flag;
}

static int start_browser(void)
{
	static const char *const bindings[] = {TR_MEETING_BINDING, NULL};
	static const struct tr_browser_events events = {.on_ready = on_ready,
		.on_loaded = on_loaded,
		.on_failed = on_failed,
		.on_push = on_push};
	const struct tr_browser_settings settings = {
		.chromium = {.runtime_dir = t.user.runtime,
			.display = t.user.display,
			.width = WIDTH,
			.height = HEIGHT,
			.hosts = "127.0.0.1",
			.allow_no_sandbox = true},
		.bindings = bindings,
		.start_timeout_ms = PATIENCE_S * 1000,
	};
	return tr_browser_start(t.event, &settings, &events, NULL, &t.browser);
}

static int open_meeting(void)
{
	static const struct tr_meeting_events events = {on_joined, on_state, on_ended};
	const struct tr_meeting_settings settings = {
		.url = t.arguments[1],
		.mode = "file",
		.session_id = "probe-1",
		.view_url = "",
		.call_jid = "",
		.call_name = "jibri",
		.rtcstats = -1,
		.join_timeout_ms = PATIENCE_S * 1000,
		.ice_timeout_ms = PATIENCE_S * 1000,
	};
	int rc = tr_meeting_create(t.event, &settings, &events, NULL, &t.meeting);
	return rc < 0 ? rc : tr_meeting_open(t.meeting, t.browser);
}

static int visit(void)
{
	if (start_browser() < 0 || !wait_until(&t.is_ready) || open_meeting() < 0 ||
		!wait_until(&t.is_joined) || !wait_until(&t.has_others))
		return 1;
	for (char **expression = t.arguments + 2; *expression; expression++) {
		t.is_answered = false;
		if (tr_browser_evaluate(t.browser, *expression, PATIENCE_S * 1000, on_value, NULL) <
				0 ||
			!wait_until(&t.is_answered))
			return 1;
	}
	if (tr_meeting_leave(t.meeting, 5000, on_left, NULL) < 0)
		return 1;
	return wait_until(&t.has_left) ? 0 : 1;
}

static int run(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	int rc = sd_event_new(&t.event) < 0 ? 1 : visit();
	tr_meeting_destroy(t.meeting);
	tr_browser_stop(t.browser);
	sd_event_unref(t.event);
	return rc;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	t.arguments = argv;
	return run_as_ordinary_user(&t.user, WIDTH, HEIGHT, run);
}
