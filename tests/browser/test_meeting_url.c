#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "browser/meeting_url.h"

#define OPTIONS                                                                                    \
	"config.analytics.disabled=true&config.disableInitialGUM=true"                             \
	"&config.externalConnectUrl=null&config.iAmRecorder=true&config.p2p.enabled=false"         \
	"&config.prejoinConfig.enabled=false&config.prejoinPageEnabled=false"                      \
	"&config.requireDisplayName=false&config.deeplinking.disabled=true"                        \
	"&config.startWithAudioMuted=true&config.startWithVideoMuted=true"                         \
	"&interfaceConfig.APP_NAME=%22Jibri%22"

static char *text;

static int stop(void **state)
{
	free(text);
	text = NULL;
	return 0;
}

static const char *format(const char *url, const char *parameters, int rtcstats)
{
	const struct tr_meeting_url meeting = {url, parameters, rtcstats};

	free(text);
	text = NULL;
	assert_int_equal(tr_meeting_url_format(&meeting, &text), 0);
	return text;
}

static void the_options_stand_behind_the_hash_in_jibris_order(void **state)
{
	assert_string_equal(format("https://meet.example.org/acme/room", NULL, -1),
		"https://meet.example.org/acme/room#" OPTIONS);
}

static void rtcstats_is_said_when_it_was_asked_for(void **state)
{
	assert_string_equal(format("https://h/r", NULL, 1),
		"https://h/r#" OPTIONS "&config.analytics.rtcstatsEnabled=true");
	assert_string_equal(format("https://h/r", "", 0),
		"https://h/r#" OPTIONS "&config.analytics.rtcstatsEnabled=false");
}

static void further_parameters_come_last_and_once(void **state)
{
	assert_string_equal(
		format("https://h/r",
			"config.a=1&config.iAmRecorder=true&&config.b=%22x%22&config.a=1", -1),
		"https://h/r#" OPTIONS "&config.a=1&config.b=%22x%22");
}

static void what_an_address_cannot_hold_is_encoded_once(void **state)
{
	assert_string_equal(
		format("https://h/caf\xc3\xa9 \"x\"/%d8%b3100%25", "config.c=a b#c", -1),
		"https://h/caf%C3%A9%20%22x%22/%d8%b3100%25#" OPTIONS "&config.c=a%20b%23c");
	assert_string_equal(
		format("https://h/a'b;c+d..-rf", NULL, -1), "https://h/a'b;c+d..-rf#" OPTIONS);
}

static void a_fragment_of_the_address_is_dropped(void **state)
{
	assert_string_equal(format("http://h:8443/r?x=1#config.iAmRecorder=false", NULL, -1),
		"http://h:8443/r?x=1#" OPTIONS);
}

static void a_long_room_stays_whole(void **state)
{
	char url[1100] = "https://h/";

	memset(url + strlen(url), 'x', 1023);
	assert_true(!strncmp(format(url, NULL, -1), url, strlen(url)));
}

static void only_the_web_has_meetings(void **state)
{
	static const char *const others[] = {"", "meet.example.org/r", "file:///etc/passwd",
		"javascript:alert(1)", "data:text/html,x"};

	for (size_t i = 0; i < TR_COUNT(others); i++) {
		const struct tr_meeting_url meeting = {others[i], NULL, -1};
		assert_int_equal(tr_meeting_url_format(&meeting, &text), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_options_stand_behind_the_hash_in_jibris_order, stop),
		cmocka_unit_test_teardown(rtcstats_is_said_when_it_was_asked_for, stop),
		cmocka_unit_test_teardown(further_parameters_come_last_and_once, stop),
		cmocka_unit_test_teardown(what_an_address_cannot_hold_is_encoded_once, stop),
		cmocka_unit_test_teardown(a_fragment_of_the_address_is_dropped, stop),
		cmocka_unit_test_teardown(a_long_room_stays_whole, stop),
		cmocka_unit_test_teardown(only_the_web_has_meetings, stop),
	};
	return cmocka_run_group_tests_name("meeting_url", tests, NULL, NULL);
}
