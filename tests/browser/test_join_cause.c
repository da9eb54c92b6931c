#include "test.h"

#include <stdio.h>
#include <string.h>

#include "browser/join_cause.h"

static struct tr_meeting_news news;
static struct tr_join_state join;
static char sentence[512];

static int start(void **state)
{
	memset(&news, 0, sizeof(news));
	news.has_app = true;
	join = (struct tr_join_state){&news, "", true, 30000};
	return 0;
}

static void says(const char *part, bool is_final)
{
	tr_join_cause_describe(&join, sentence, sizeof(sentence));
	if (!strstr(sentence, part))
		fail_msg("\"%s\" does not say \"%s\"", sentence, part);
	assert_int_equal(tr_join_cause_is_final(&join), is_final);
}

static void fails_by(const char *connection_error, const char *conference_error)
{
	snprintf(news.connection_error, sizeof(news.connection_error), "%s", connection_error);
	snprintf(news.conference_error, sizeof(news.conference_error), "%s", conference_error);
}

static void a_refused_log_in_is_final(void **state)
{
	fails_by("connection.passwordRequired", "");
	says("refused the recorder's log-in", true);
	join.has_login = false;
	says("no account is set", true);
}

static void a_missing_connection_may_come(void **state)
{
	fails_by("connection.droppedError", "");
	says("could not connect to the meeting's XMPP server (connection.droppedError)", false);
}

static void what_the_room_says_is_told(void **state)
{
	fails_by("", "conference.passwordRequired");
	says("locked with a password", true);
	fails_by("", "conference.connectionError.accessDenied");
	says("refused to let the recorder in from the lobby", true);
	fails_by("", "conference.connectionError.notAllowed");
	says("does not let the recorder into the room", true);
	fails_by("", "conference.max_users");
	says("full", true);
	fails_by("", "conference.destroyed");
	says("ended while", true);
}

static void who_waits_may_be_let_in(void **state)
{
	fails_by("", "conference.connectionError.membersOnly");
	says("lobby", false);
	fails_by("", "");
	news.is_in_lobby = true;
	says("lobby", false);
	news.is_in_lobby = false;
	fails_by("", "conference.authenticationRequired");
	says("no host has opened", false);
	fails_by("", "conference.somethingNew");
	says("(conference.somethingNew)", false);
}

static void options_that_did_not_arrive_are_final_once_it_joined(void **state)
{
	news.is_no_recorder = true; /* so it looks as long as the page starts */
	says("URL overrides", false);
	news.is_joined = true;
	says("URL overrides", true);
}

static void another_site_is_told_before_all(void **state)
{
	join.away = "https://login.example";
	says("another site (https://login.example)", false);
}

static void a_page_without_a_meeting_is_told(void **state)
{
	news.has_app = false;
	says("no Jitsi meeting", false);
}

static void no_reason_is_said_to_be_none(void **state)
{
	says("within 30 s and gave no reason", false);
	join.timeout_ms = 120000;
	says("within 2 min and", false);
	join.timeout_ms = 1500;
	says("within 1.5 s and", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_refused_log_in_is_final, start),
		cmocka_unit_test_setup(a_missing_connection_may_come, start),
		cmocka_unit_test_setup(what_the_room_says_is_told, start),
		cmocka_unit_test_setup(who_waits_may_be_let_in, start),
		cmocka_unit_test_setup(options_that_did_not_arrive_are_final_once_it_joined, start),
		cmocka_unit_test_setup(another_site_is_told_before_all, start),
		cmocka_unit_test_setup(a_page_without_a_meeting_is_told, start),
		cmocka_unit_test_setup(no_reason_is_said_to_be_none, start),
	};
	return cmocka_run_group_tests_name("join_cause", tests, NULL, NULL);
}
