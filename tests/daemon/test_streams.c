#include "test.h"

#include "daemon/streams.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEY "abcd-efgh-ijkl"
#define YOUTUBE "rtmp://a.rtmp.youtube.com/live2/"

static struct tr_config rules;
static struct tr_message_start told;
static char why[400];

static void use(const char *text)
{
	static struct tr_config_complaints complaints;

	if (tr_config_parse(text, "t.conf", &rules, &complaints) < 0)
		fail_msg("%s", complaints.lines[0]);
}

static struct tr_control_start request(enum tr_control_kind kind, const char *stream_url)
{
	return (struct tr_control_start){.kind = kind,
		.room = "townhall@conference.meet.example",
		.meeting_url = "https://meet.example/townhall",
		.stream_url = stream_url};
}

static int check(const char *stream_url)
{
	const struct tr_control_start wanted = request(TR_CONTROL_STREAM, stream_url);

	why[0] = '\0';
	int rc = tr_streams_check(&rules, &wanted, why, sizeof(why));
	assert_null(strstr(why, KEY));
	assert_int_equal(rc == 0, why[0] == '\0');
	return rc;
}

static void fill(enum tr_control_kind kind, const char *stream_url)
{
	const struct tr_control_start wanted = request(kind, stream_url);

	memset(&told, 0, sizeof(told));
	assert_int_equal(tr_streams_fill(&rules, &wanted, &told), 0);
}

static unsigned count(const char *words)
{
	unsigned found = 0;

	for (const char *at = told.streams; (at = strstr(at, words)); at++)
		found++;
	return found;
}

static void a_key_is_youtubes_and_a_url_is_itself(void **state)
{
	use("");
	fill(TR_CONTROL_STREAM, KEY);
	assert_string_equal(
		told.streams, "[{\"name\":\"" YOUTUBE "***\",\"url\":\"" YOUTUBE KEY "\"}]");
	assert_string_equal(told.mode, "stream");
	assert_true(told.is_without_file);
	assert_true(told.constant_rate);
	assert_int_equal(told.video_kbps, 3000);
	assert_int_equal(told.buffer_kbit, 6000);
	assert_true(told.key_interval_ms == 2000);
	fill(TR_CONTROL_STREAM, "RTMPS://live.example/app/" KEY);
	assert_int_equal(count("\"url\":\"rtmps://live.example/app/" KEY "\""), 1);
}

static void a_recording_streams_nowhere_and_is_as_it_was(void **state)
{
	use("");
	fill(TR_CONTROL_FILE, "");
	assert_string_equal(told.streams, "");
	assert_string_equal(told.mode, "file");
	assert_false(told.is_without_file);
	assert_false(told.constant_rate);
	assert_int_equal(told.video_kbps, 0);
}

static void only_what_is_allowed_passes(void **state)
{
	use("stream: { allowed = [ \"rtmp://a\\\\.rtmp\\\\.youtube\\\\.com/live2/[^/]*\", "
	    "\"rtmps://live\\\\.example/.*\" ]; };");
	assert_int_equal(check(KEY), 0);
	assert_int_equal(check("rtmps://live.example/app/" KEY), 0);
	assert_int_equal(check("rtmp://live.example/app/" KEY), -EACCES);
	assert_string_equal(
		why, "rtmp://live.example/app/*** is nothing that stream.allowed lets through");
	assert_int_equal(check("rtmp://a.rtmp.youtube.com/live2/x/" KEY), -EACCES);
	use("stream: { allowed = []; };");
	assert_int_equal(check(KEY), -EACCES);
}

static void what_is_no_target_is_refused(void **state)
{
	use("");
	assert_int_equal(check(""), -EINVAL);
	assert_int_equal(check("gopher://h/" KEY), -EINVAL);
	assert_int_equal(check(KEY " " KEY), -EINVAL);
	use("stream: { rewrite = ( { match = \"rtmp://h/(.*)\"; to = \"rtmp://\\\\1\"; } ); };");
	assert_int_equal(check("rtmp://h//" KEY), -EINVAL);
}

static void a_rule_sends_it_elsewhere_after_it_was_allowed(void **state)
{
	use("stream: { allowed = [ \"" YOUTUBE ".*\" ]; rewrite = ( { match = \"" YOUTUBE
	    "(.*)\"; to = \"rtmp://127.0.0.1/youtube/\\\\1\"; } ); };");
	fill(TR_CONTROL_STREAM, KEY);
	assert_string_equal(told.streams,
		"[{\"name\":\"rtmp://127.0.0.1/youtube/***\",\"url\":\"rtmp://127.0.0.1/youtube/" KEY
		"\"}]");
	assert_int_equal(check("rtmp://127.0.0.1/youtube/" KEY), -EACCES);
}

static void rooms_have_targets_of_their_own(void **state)
{
	use("rooms = ( { match = \"townhall@.*\"; streams = [ \"rtmp://h/a/1\", \"rtmp://h/a/2\" ]; },\n"
	    "{ match = \"https://meet.example/town.*\"; streams = [ \"rtmp://h/a/2\", \"rtmp://h/a/3\" ]; },"
	    "{ match = \"town\"; streams = [ \"rtmp://h/a/4\" ]; } );");
	fill(TR_CONTROL_FILE, "");
	assert_int_equal(count("\"url\""), 3);
	assert_string_equal(told.mode, "file");
	assert_false(told.is_without_file);
	assert_true(told.constant_rate);
	fill(TR_CONTROL_STREAM, "rtmp://h/a/" KEY);
	assert_int_equal(count("\"url\""), 4);
	assert_int_equal(count("\"name\":\"rtmp://h/a/*** (4)\""), 1);
	assert_true(told.is_without_file);
}

static void a_room_may_have_more_targets_than_can_be(void **state)
{
	char text[2000] = "rooms = (";

	for (int i = 0; i < 3; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"%s{ match = \"%s.*\"; streams = [ \"%da\", \"%db\", \"%dc\", \"%dd\" ]; }",
			i ? "," : "",
			i == 0	 ? "t"
			: i == 1 ? "to"
				 : "tow",
			i, i, i, i);
	strcat(text, ");");
	use(text);
	fill(TR_CONTROL_STREAM, KEY);
	assert_int_equal(count("\"url\""), 8);
	assert_int_equal(count(YOUTUBE KEY), 1); /* what was asked for comes first */
}

static void what_is_streamed_is_recorded_by_the_rules(void **state)
{
	use("stream: { record_too = true; };");
	fill(TR_CONTROL_STREAM, KEY);
	assert_false(told.is_without_file);
	assert_string_equal(told.mode, "stream");
	use("rooms = ( { match = \"townhall@.*\"; record_too = true; } );");
	fill(TR_CONTROL_STREAM, KEY);
	assert_false(told.is_without_file);
	use("rooms = ( { match = \"other@.*\"; record_too = true; } );");
	fill(TR_CONTROL_STREAM, KEY);
	assert_true(told.is_without_file);
}

static void the_settings_of_streams_are_told(void **state)
{
	use("stream: { bitrate = 900; buffer = 700; key_interval = \"4s\"; ca_file = \"/x.pem\"; };");
	fill(TR_CONTROL_STREAM, KEY);
	assert_int_equal(told.video_kbps, 900);
	assert_int_equal(told.buffer_kbit, 700);
	assert_true(told.key_interval_ms == 4000);
	assert_string_equal(told.stream_ca_file, "/x.pem");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_youtubes_and_a_url_is_itself),
		cmocka_unit_test(a_recording_streams_nowhere_and_is_as_it_was),
		cmocka_unit_test(only_what_is_allowed_passes),
		cmocka_unit_test(what_is_no_target_is_refused),
		cmocka_unit_test(a_rule_sends_it_elsewhere_after_it_was_allowed),
		cmocka_unit_test(rooms_have_targets_of_their_own),
		cmocka_unit_test(a_room_may_have_more_targets_than_can_be),
		cmocka_unit_test(what_is_streamed_is_recorded_by_the_rules),
		cmocka_unit_test(the_settings_of_streams_are_told),
	};
	return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}
