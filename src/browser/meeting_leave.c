#include "browser/meeting_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"

#define TR_LOG_AREA "meeting"
#define BLANK_ASK_MS 30

/* The room's server says good-bye within a round trip; who waits longer keeps the slot busy. */
static const char leave_expression[] =
	"(async () => {"
	"  const wait = ms => new Promise(done => setTimeout(done, ms));"
	"  try { await Promise.race([APP.conference._room.leave(), wait(%d)]); } catch {}"
	"  try { for (const key of ['displayname', 'email', 'callStatsUserName',"
	"    'xmpp_username_override', 'xmpp_password_override'])"
	"      localStorage.removeItem(key); } catch {}"
	"  return 1;"
	"})()";

void tr_meeting_tell_left(struct tr_meeting *meeting)
{
	void (*fn)(void *user) = meeting->left_fn;

	meeting->phase = PHASE_LEFT;
	meeting->left_fn = NULL;
	tr_meeting_set_timer(meeting, -1);
	tr_meeting_let_go(meeting);
	if (fn)
		fn(meeting->left_user);
}

static void ask_if_blank(struct tr_meeting *meeting);

static void on_blank(int rc, json_t *value, const char *error, void *user)
{
	struct tr_meeting *meeting = user;
	const char *url = json_string_value(value);
	(void)error;

	if (meeting->phase != PHASE_CLEARING)
		return;
	if (rc == 0 && url && !strcmp(url, "about:blank"))
		tr_meeting_tell_left(meeting);
	else
		ask_if_blank(meeting);
}

/* The answer comes from the page that is there: the old one, or after it the empty one. */
static void ask_if_blank(struct tr_meeting *meeting)
{
	int64_t left_ms = meeting->deadline_ms - tr_meeting_now_ms();
	char expression[80];

	snprintf(expression, sizeof(expression),
		"new Promise(done => setTimeout(() => done(location.href), %d))", BLANK_ASK_MS);
	if (left_ms <= 0 || !meeting->browser ||
		tr_browser_evaluate(meeting->browser, expression, (int)left_ms, on_blank, meeting) <
			0)
		tr_meeting_set_timer(meeting, tr_meeting_now_ms());
}

static void clear_page(struct tr_meeting *meeting)
{
	int64_t left_ms = meeting->deadline_ms - tr_meeting_now_ms();

	meeting->phase = PHASE_CLEARING;
	if (left_ms < 1000)
		left_ms = 1000;
	if (!meeting->browser ||
		tr_browser_open(meeting->browser, "about:blank", (int)left_ms) < 0) {
		tr_meeting_set_timer(meeting, tr_meeting_now_ms()); /* there is nothing to clear */
		return;
	}
	tr_browser_clear_storage(meeting->browser, meeting->url);
	ask_if_blank(meeting);
}

static void on_room_left(int rc, json_t *value, const char *error, void *user)
{
	struct tr_meeting *meeting = user;
	(void)value;
	(void)error;

	if (rc < 0)
		tr_debug("the page did not leave the meeting by itself: %s", strerror(-rc));
	if (rc == -ETIMEDOUT && meeting->browser)
		tr_browser_interrupt(meeting->browser);
	if (meeting->phase == PHASE_LEAVING)
		clear_page(meeting);
}

static int leave_room(struct tr_meeting *meeting, int timeout_ms)
{
	char expression[sizeof(leave_expression) + 16];

	snprintf(expression, sizeof(expression), leave_expression, timeout_ms / 2);
	return tr_browser_evaluate(
		meeting->browser, expression, timeout_ms * 3 / 4, on_room_left, meeting);
}

int tr_meeting_leave(struct tr_meeting *meeting, int timeout_ms, void (*fn)(void *user), void *user)
{
	struct tr_browser *browser = meeting->browser;

	meeting->phase = PHASE_LEAVING;
	meeting->left_fn = fn;
	meeting->left_user = user;
	meeting->deadline_ms = tr_meeting_now_ms() + timeout_ms;
	tr_meeting_set_timer(meeting, meeting->deadline_ms);
	if (!browser || tr_browser_set_script(browser, NULL) < 0) {
		tr_meeting_set_timer(meeting, tr_meeting_now_ms()); /* there is nothing to leave */
		return 0;
	}
	if (leave_room(meeting, timeout_ms) < 0)
		clear_page(meeting);
	return 0;
}
