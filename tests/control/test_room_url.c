#include "test.h"

#include "control/room_url.h"

#include <errno.h>
#include <string.h>

#define OURS "meet.example.org"

struct row {
	const char *room, *strip, *domain, *base, *url;
};

static void check(const struct row *row)
{
	const struct tr_room_url_rule rule = {row->domain, row->base, row->strip};
	struct tr_room_url url;

	int rc = tr_room_url_make(&rule, row->room, &url);
	if (!row->url) {
		assert_int_equal(rc, -EDOM);
		return;
	}
	assert_int_equal(rc, 0);
	assert_string_equal(url.url, row->url);
	tr_room_url_fini(&url);
}

static void make_follows_jibris_rule(void **state)
{
	static const struct row rows[] = {
		{"roomName@brian.jitsi.net", "", "brian.jitsi.net", "",
			"https://brian.jitsi.net/roomname"},
		{"roomName@brian.jitsi.net", "", "brian.jitsi.net", "http://brian.jitsi.net",
			"http://brian.jitsi.net/roomname"},
		{"roomName@mucdomain.brian.jitsi.net", "mucdomain.", "brian.jitsi.net", "",
			"https://brian.jitsi.net/roomname"},
		{"roomName@mucdomain.subdomain.brian.jitsi.net", "mucdomain.", "brian.jitsi.net",
			"", "https://brian.jitsi.net/subdomain/roomname"},
		{"roomName@conference.conference.brian.jitsi.net", "conference",
			"conference.brian.jitsi.net", "",
			"https://conference.brian.jitsi.net/roomname"},
		{"standup@conference.a.b." OURS, "conference.", OURS, "",
			"https://" OURS "/a.b/standup"},
		{"standup@conference." OURS, "muc.", OURS, "https://video.example.org:8443",
			"https://video.example.org:8443/conference/standup"},
		{"standup@conference.other.org", "conference.", OURS, "", NULL},
		{"standup@conference." OURS, "conference.", OURS, "", "https://" OURS "/standup"},
		{"standup@conference.acme." OURS, "conference.", OURS, "",
			"https://" OURS "/acme/standup"},
		{"standup@conference.a_b." OURS, "conference.", OURS, "",
			"https://" OURS "/a_b/standup"},
		{"x@muc.meet.jitsi", "muc.", "meet.jitsi", "https://rec.example.com",
			"https://rec.example.com/x"},
		{"x@muc.meet.jitsi", "", "meet.jitsi", "", "https://meet.jitsi/muc/x"},
		{"u@breakout." OURS, "conference.", OURS, "", "https://" OURS "/breakout/u"},
		{"x@CONFERENCE." OURS, "conference.", "MEET.example.org", "https://h/base/",
			"https://h/base/x"},
		{"x@meet-conference.example.org", "-conference", "meet.example.org", "",
			"https://meet.example.org/x"},
	};

	for (unsigned i = 0; i < TR_COUNT(rows); i++)
		check(&rows[i]);
}

static void make_takes_no_domain_that_only_contains_ours(void **state)
{
	static const struct row rows[] = {
		{"standup@conference." OURS ".evil.org", "conference.", OURS, "", NULL},
		{"standup@conference.not" OURS, "conference.", OURS, "", NULL},
		{"x@conference.meet.jitsi.meet.jitsi", "conference.", "meet.jitsi", "",
			"https://meet.jitsi/meet.jitsi/x"},
		{"x@" OURS, "", "", "https://h", NULL},
	};

	for (unsigned i = 0; i < TR_COUNT(rows); i++)
		check(&rows[i]);
}

static void make_keeps_escapes_and_escapes_the_rest(void **state)
{
	static const struct row rows[] = {
		{"%d8%b3%d9%84@conference." OURS, "conference.", OURS, "",
			"https://" OURS "/%d8%b3%d9%84"},
		{"b\xc3\xbcro@conference." OURS, "conference.", OURS, "",
			"https://" OURS "/b%C3%BCro"},
		{"100%25@conference." OURS, "conference.", OURS, "", "https://" OURS "/100%25"},
		{"100%@conference." OURS, "conference.", OURS, "", "https://" OURS "/100%25"},
		{"a'b@conference." OURS, "conference.", OURS, "", "https://" OURS "/a'b"},
		{"a;b+c@conference." OURS, "conference.", OURS, "", "https://" OURS "/a;b+c"},
		{"-rf@conference." OURS, "conference.", OURS, "", "https://" OURS "/-rf"},
		{"a?b#c\\d e\"@conference." OURS, "conference.", OURS, "",
			"https://" OURS "/a%3Fb%23c%5Cd%20e%22"},
		{"r@conference.%c3%bc-x." OURS, "conference.", OURS, "",
			"https://" OURS "/%c3%bc-x/r"},
		{"r@conference.a?b." OURS, "conference.", OURS, "", "https://" OURS "/a%3Fb/r"},
	};

	for (unsigned i = 0; i < TR_COUNT(rows); i++)
		check(&rows[i]);
}

static void make_takes_no_name_that_is_a_way(void **state)
{
	static const char *const wrong[] = {"", "@", "room", "room@", "@" OURS,
		"room@" OURS "/nick", "a@b@" OURS, ".@" OURS, "..@" OURS, "%2E.@" OURS, "%2e@" OURS,
		"room@...", "a/../b@" OURS};
	const struct tr_room_url_rule rule = {OURS, "", ""};
	struct tr_room_url url;

	for (unsigned i = 0; i < TR_COUNT(wrong); i++)
		assert_int_equal(tr_room_url_make(&rule, wrong[i], &url), -EINVAL);
	assert_int_equal(tr_room_url_make(&rule, "...@" OURS, &url), 0); /* a name like any other */
	tr_room_url_fini(&url);
}

static void make_carries_a_room_name_of_any_length_that_xmpp_has(void **state)
{
	const struct tr_room_url_rule rule = {OURS, "", "conference."};
	struct tr_room_url url;
	char room[2200];

	memset(room, 'x', 1023);
	strcpy(room + 1023, "@conference." OURS);
	assert_int_equal(tr_room_url_make(&rule, room, &url), 0);
	assert_int_equal(strlen(url.url), strlen("https://" OURS "/") + 1023);
	assert_int_equal(strlen(url.call_name), 1023);
	tr_room_url_fini(&url);
	memset(room, 'x', 1024);
	strcpy(room + 1024, "@conference." OURS);
	assert_int_equal(tr_room_url_make(&rule, room, &url), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(make_follows_jibris_rule),
		cmocka_unit_test(make_takes_no_domain_that_only_contains_ours),
		cmocka_unit_test(make_keeps_escapes_and_escapes_the_rest),
		cmocka_unit_test(make_takes_no_name_that_is_a_way),
		cmocka_unit_test(make_carries_a_room_name_of_any_length_that_xmpp_has),
	};
	return cmocka_run_group_tests_name("room_url", tests, NULL, NULL);
}
