#include "test.h"

#include "control/brewery.h"
#include "core/clock.h"
#include "core/log.h"

#include <stdio.h>
#include <string.h>

#define MS TR_NS_PER_MS
#define USER_NS "http://jabber.org/protocol/muc#user"
#define ERROR_NS "urn:ietf:params:xml:ns:xmpp-stanzas"

static xmpp_ctx_t *ctx;
static struct tr_brewery brewery;
static int64_t now;

static const struct tr_brewery_waits waits = {
	.join = 15000,
	.retry = 15000,
	.retry_max = 60000,
	.kicked = 5000,
	.banned = 300000,
	.merged = 10000,
	.self_ping = 30000,
	.focus = 120000,
};

static int start(void **state)
{
	now = 1000 * MS;
	assert_int_equal(tr_brewery_init(&brewery, "JibriBrewery", "internal.Meet.test", "telerec",
				 "", &waits),
		0);
	tr_brewery_reset(&brewery, "jibri@a/r", now);
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_JOIN);
	return 0;
}

static void take(const char *type, const char *nick, const char *inside)
{
	char xml[2048];

	snprintf(xml, sizeof(xml),
		"<presence from='jibribrewery@internal.meet.test/%s'%s%s%s>%s</presence>", nick,
		type[0] ? " type='" : "", type, type[0] ? "'" : "", inside);
	xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(ctx, xml);
	assert_non_null(stanza);
	tr_brewery_take_presence(&brewery, stanza, now);
	xmpp_stanza_release(stanza);
}

#define SELF(more) "<x xmlns='" USER_NS "'><item jid='jibri@a/r'/><status code='110'/>" more "</x>"
#define REFUSED(name) "<error><" name " xmlns='" ERROR_NS "'/></error>"

static void enter(void)
{
	take("", "telerec", SELF(""));
	assert_int_equal(brewery.state, TR_BREWERY_IN);
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_NONE);
}

/* Nothing for so long, then that. */
static void next_after(int64_t ms, enum tr_brewery_order order)
{
	assert_int_equal(tr_brewery_next(&brewery, now + (ms - 1) * MS), TR_BREWERY_NONE);
	now += ms * MS;
	assert_true(tr_brewery_due_ns(&brewery) <= now);
	assert_int_equal(tr_brewery_next(&brewery, now), order);
}

static void a_room_that_was_made_is_configured(void **state)
{
	take("", "telerec", SELF("<status code='201'/>"));
	assert_int_equal(brewery.state, TR_BREWERY_IN);
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_CONFIGURE);
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_NONE);
}

static void silence_is_named_and_tried_again(void **state)
{
	next_after(15000, TR_BREWERY_NONE);
	assert_non_null(strstr(brewery.problem, "muc_filter_whitelist"));
	next_after(15000, TR_BREWERY_JOIN);
}

static void refusals_are_tried_again_ever_more_slowly(void **state)
{
	static const int64_t ms[] = {15000, 30000, 60000, 60000};

	for (unsigned i = 0; i < TR_COUNT(ms); i++) {
		take("error", "telerec", REFUSED("not-allowed"));
		assert_non_null(strstr(brewery.problem, "waiting for Jicofo"));
		next_after(ms[i], TR_BREWERY_JOIN);
	}
	enter();
	assert_string_equal(brewery.problem, "");
}

static void a_ban_is_asked_about_every_five_minutes(void **state)
{
	enter();
	take("unavailable", "telerec", SELF("<status code='301'/>"));
	assert_true(brewery.is_removed);
	next_after(300000, TR_BREWERY_JOIN);
	take("error", "telerec", REFUSED("forbidden"));
	next_after(300000, TR_BREWERY_JOIN);
}

static void a_conflict_takes_another_nick_at_once(void **state)
{
	take("error", "telerec", REFUSED("conflict"));
	assert_int_equal(strncmp(brewery.nick, "telerec-", 8), 0);
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_JOIN);
	char first[TR_BREWERY_NICK_MAX];
	strcpy(first, brewery.nick);
	take("error", first, REFUSED("conflict")); /* again: no storm */
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_NONE);
}

static void a_kick_is_followed_by_a_new_join(void **state)
{
	enter();
	take("unavailable", "telerec", SELF("<status code='307'/>"));
	assert_true(brewery.is_removed);
	next_after(5000, TR_BREWERY_JOIN);
}

static void who_joins_on_a_taken_nick_leaves_it(void **state)
{
	take("", "telerec",
		"<x xmlns='" USER_NS "'><item jid='jibri@a/other'/><item jid='jibri@a/r'/>"
		"<status code='110'/></x>");
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_LEAVE);
	assert_string_equal(brewery.left_nick, "telerec");
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_JOIN);
	take("unavailable", "telerec", SELF("")); /* of the old one */
	assert_int_equal(brewery.state, TR_BREWERY_JOINING);
	take("", brewery.nick, SELF(""));
	assert_int_equal(brewery.state, TR_BREWERY_IN);
	assert_false(brewery.is_removed);
}

static void who_was_there_first_waits_and_never_moves_while_it_records(void **state)
{
	static const char shared[] = "<x xmlns='" USER_NS "'><item jid='jibri@a/r'/>"
				     "<item jid='jibri@a/other'/></x>";

	enter();
	take("", "telerec", shared);
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_NONE);
	take("", "telerec", SELF("")); /* the other one went */
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_PUBLISH);
	brewery.is_busy = true;
	take("", "telerec", shared);
	assert_int_equal(tr_brewery_next(&brewery, now + 20000 * MS), TR_BREWERY_NONE);
	brewery.is_busy = false;
	now += 20000 * MS;
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_LEAVE);
	assert_true(brewery.is_removed);
}

static void a_self_ping_finds_out_that_the_room_forgot_us(void **state)
{
	enter();
	next_after(30000, TR_BREWERY_SELF_PING);
	tr_brewery_take_pong(&brewery, NULL, now);
	assert_int_equal(brewery.state, TR_BREWERY_IN);
	next_after(30000, TR_BREWERY_SELF_PING);
	tr_brewery_take_pong(&brewery, "service-unavailable", now); /* somebody answered */
	assert_int_equal(brewery.state, TR_BREWERY_IN);
	next_after(30000, TR_BREWERY_SELF_PING);
	tr_brewery_take_pong(&brewery, "not-acceptable", now);
	assert_true(brewery.is_removed);
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_JOIN);
}

static void a_missing_focus_becomes_a_problem_and_its_return_ends_it(void **state)
{
	enter();
	for (unsigned i = 0; i < 4; i++)
		next_after(30000, TR_BREWERY_SELF_PING);
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_NONE);
	assert_non_null(strstr(brewery.problem, "Jicofo is not"));
	take("", "focus", "");
	assert_true(tr_brewery_has_focus(&brewery));
	assert_string_equal(brewery.problem, "");
	take("unavailable", "focus", "");
	assert_false(tr_brewery_has_focus(&brewery));
}

static void only_the_configured_focus_may_order(void **state)
{
	static const char *const room = "jibribrewery@internal.meet.test";
	char jid[128];

	enter();
	assert_true(tr_brewery_may_order(&brewery, "JibriBrewery@internal.meet.test/anybody"));
	assert_false(tr_brewery_may_order(&brewery, "other@internal.meet.test/focus"));
	assert_false(tr_brewery_may_order(&brewery, room));
	assert_false(tr_brewery_may_order(&brewery, NULL));
	strcpy(brewery.focus, "focus@auth.test");
	take("", "Jicofo 1", "<x xmlns='" USER_NS "'><item jid='Focus@auth.test/x'/></x>");
	take("", "mallory", "<x xmlns='" USER_NS "'><item jid='focus@auth.test.evil/x'/></x>");
	snprintf(jid, sizeof(jid), "%s/Jicofo 1", room);
	assert_true(tr_brewery_may_order(&brewery, jid));
	snprintf(jid, sizeof(jid), "%s/mallory", room);
	assert_false(tr_brewery_may_order(&brewery, jid));
	snprintf(jid, sizeof(jid), "%s/", room);
	assert_false(tr_brewery_may_order(&brewery, jid));
}

static void a_storm_of_strangers_changes_nothing(void **state)
{
	char nick[64];

	enter();
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(nick, sizeof(nick), "recorder-%u", i);
		take("", nick, "<jibri-status xmlns='http://jitsi.org/protocol/jibri'/>");
	}
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_NONE);
	assert_int_equal(brewery.state, TR_BREWERY_IN);
}

static void a_resumed_stream_publishes_and_asks_whether_it_is_in(void **state)
{
	enter();
	tr_brewery_resume(&brewery, now);
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_PUBLISH);
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_SELF_PING);
	assert_int_equal(tr_brewery_next(&brewery, now), TR_BREWERY_NONE);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_room_that_was_made_is_configured),
		TEST(silence_is_named_and_tried_again),
		TEST(refusals_are_tried_again_ever_more_slowly),
		TEST(a_ban_is_asked_about_every_five_minutes),
		TEST(a_conflict_takes_another_nick_at_once),
		TEST(a_kick_is_followed_by_a_new_join),
		TEST(who_joins_on_a_taken_nick_leaves_it),
		TEST(who_was_there_first_waits_and_never_moves_while_it_records),
		TEST(a_self_ping_finds_out_that_the_room_forgot_us),
		TEST(a_missing_focus_becomes_a_problem_and_its_return_ends_it),
		TEST(only_the_configured_focus_may_order),
		TEST(a_storm_of_strangers_changes_nothing),
		TEST(a_resumed_stream_publishes_and_asks_whether_it_is_in),
	};

	tr_log_set_level(TR_LOG_NONE);
	ctx = xmpp_ctx_new(NULL, NULL);
	int failures = cmocka_run_group_tests_name("brewery", tests, NULL, NULL);
	xmpp_ctx_free(ctx);
	return failures;
}
