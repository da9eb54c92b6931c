#include "test.h"

#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct tr_config config;
static struct tr_config_complaints complaints;

static int parse(const char *text)
{
	memset(&complaints, 0, sizeof(complaints));
	return tr_config_parse(text, "t.conf", &config, &complaints);
}

static void expect_complaint(const char *text, const char *line)
{
	assert_int_equal(parse(text), -EINVAL);
	assert_int_equal(complaints.count, 1);
	assert_string_equal(complaints.lines[0], line);
}

static void an_empty_file_gives_the_defaults(void **state)
{
	assert_int_equal(parse(""), 0);
	assert_int_equal(config.video.width, 1280);
	assert_int_equal(config.video.height, 720);
	assert_int_equal(config.slots, 1);
	assert_false(config.video.constant_rate);
	assert_true(config.browser.page_timeout_ms == 30000);
	assert_string_equal(config.sound.source, "auto");
	assert_string_equal(config.recordings, "/var/lib/telerec/recordings");
}

static void every_kind_of_value_is_taken(void **state)
{
	assert_int_equal(parse("recordings = \"/srv/r\"; slots = 4; log_level = \"debug\";\n"
			       "video: { size = \"1920x1080\"; frame_rate_mode = \"constant\";\n"
			       " bitrate = 3000L; };\n"
			       "sound: { source = \"pcm\"; capture_pcm = \"hw:1\"; };\n"
			       "browser: { page_timeout = \"1m\"; path = \"/usr/bin/x\"; };"),
		0);
	assert_string_equal(config.recordings, "/srv/r");
	assert_int_equal(config.slots, 4);
	assert_int_equal(config.video.width, 1920);
	assert_int_equal(config.video.height, 1080);
	assert_true(config.video.constant_rate);
	assert_int_equal(config.video.video_kbps, 3000);
	assert_string_equal(config.sound.capture_pcm, "hw:1");
	assert_true(config.browser.page_timeout_ms == 60000);
}

static void an_unknown_key_is_refused_with_line_and_nearest_key(void **state)
{
	expect_complaint("slots = 1;\nslotz = 2;",
		"t.conf:2: unknown key \"slotz\"; did you mean \"slots\"?");
	expect_complaint("\n\nvideo: { sise = \"1x1\"; };",
		"t.conf:3: unknown key \"video.sise\"; did you mean \"video.size\"?");
	expect_complaint("size = \"1280x720\";",
		"t.conf:1: unknown key \"size\"; did you mean \"video.size\"?");
	expect_complaint("xylophone_of_the_year = 1;",
		"t.conf:1: unknown key \"xylophone_of_the_year\" (telerec.conf(5) lists them all)");
}

static void a_wrong_type_is_refused_with_what_it_must_be(void **state)
{
	expect_complaint("slots = \"2\";",
		"t.conf:1: slots is a text, but must be a whole number without quotes, or "
		"\"auto\"");
	expect_complaint("slots = 2.5;", "t.conf:1: slots is a number with a fraction, but must be "
					 "a whole number without quotes, or \"auto\"");
	expect_complaint("video: { size = 1280; };",
		"t.conf:1: video.size is a whole number, but must be a text in \"quotes\"");
	expect_complaint(
		"video = 3;", "t.conf:1: video is a whole number, but must be a group { }");
	expect_complaint("video = ( { size = \"1280x720\"; } );",
		"t.conf:1: video is a list, but must be a group { }");
}

static void a_value_out_of_range_is_refused_with_the_range(void **state)
{
	expect_complaint(
		"slots = 0;", "t.conf:1: slots is 0, but must be from 1 to 16, or \"auto\"");
	expect_complaint("slots = 99999999999L;",
		"t.conf:1: slots is 99999999999, but must be from 1 to 16, or \"auto\"");
	expect_complaint("video: { size = \"0x0\"; };",
		"t.conf:1: video.size 0x0 is too small: the smallest is 64x64");
	expect_complaint("video: { size = \"10000x10000\"; };",
		"t.conf:1: video.size 10000x10000 is too large: the largest is 4096x4096");
	expect_complaint("video: { frame_rate_mode = \"vbr\"; };",
		"t.conf:1: video.frame_rate_mode is \"vbr\", but must be one of \"variable\", "
		"\"constant\"");
	expect_complaint("browser: { page_timeout = \"0s\"; };",
		"t.conf:1: browser.page_timeout is \"0s\", but must be from 1 s to 600 s");
	expect_complaint("recordings = \"here\";",
		"t.conf:1: recordings is \"here\", but must be a full path (\"/...\")");
	expect_complaint("sound: { source = \"pcm\"; };",
		"t.conf: sound.source is \"pcm\", so sound.capture_pcm must name one");
}

static void all_complaints_come_at_once_and_nothing_is_half_accepted(void **state)
{
	assert_int_equal(parse("slots = 7;"), 0);
	assert_int_equal(
		parse("slots = 3;\nfoo = 1;\nvideo: { frame_rate = 1000;\n x = 1; };"), -EINVAL);
	assert_int_equal(complaints.count, 3);
	assert_int_equal(config.slots, 7);
}

static void more_complaints_than_there_is_room_for_are_counted(void **state)
{
	char text[4000] = "";

	for (int i = 0; i < 100; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "odd_key_%d = 1;\n", i);
	assert_int_equal(parse(text), -EINVAL);
	assert_int_equal(complaints.count, 100);
}

static void a_fault_of_syntax_is_told_with_its_line(void **state)
{
	assert_int_equal(parse("slots = 1;\nvideo: { size = \n };"), -EINVAL);
	assert_int_equal(complaints.count, 1);
	assert_non_null(strstr(complaints.lines[0], "t.conf:3: syntax error"));
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
	assert_int_equal(tr_config_load("/nonexistent/t.conf", &config, &complaints), -ENOENT);
	assert_string_equal(complaints.lines[0],
		"/nonexistent/t.conf: cannot be read: No such file or directory");
	assert_int_equal(tr_config_load("/tmp", &config, &complaints), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_gives_the_defaults),
		cmocka_unit_test(every_kind_of_value_is_taken),
		cmocka_unit_test(an_unknown_key_is_refused_with_line_and_nearest_key),
		cmocka_unit_test(a_wrong_type_is_refused_with_what_it_must_be),
		cmocka_unit_test(a_value_out_of_range_is_refused_with_the_range),
		cmocka_unit_test(all_complaints_come_at_once_and_nothing_is_half_accepted),
		cmocka_unit_test(more_complaints_than_there_is_room_for_are_counted),
		cmocka_unit_test(a_fault_of_syntax_is_told_with_its_line),
		cmocka_unit_test(a_file_that_cannot_be_read_is_told),
	};
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
