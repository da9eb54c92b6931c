#include "test.h"

#include "cli/record_page.h"
#include "cli/record_request.h"

#include <string.h>

static struct tr_record_request request;

static int parse(const char *const *words)
{
	char *argv[20] = {(char *)"record"};
	int argc = 1;

	while (*words)
		argv[argc++] = (char *)*words++;
	return tr_record_request_parse(&request, 0, argc, argv);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void options_may_stand_anywhere_and_take_their_value_either_way(void **state)
{
	assert_int_equal(PARSE("--for=90s", "https://example.org/", "--size", "1920x1080", "--rate",
				 "25", "--constant-rate", "--no-sound-expected"),
		0);
	assert_true(request.duration_ms == 90000);
	assert_int_equal(request.config.video.width, 1920);
	assert_int_equal(request.config.video.frame_rate, 25);
	assert_true(request.config.video.constant_rate);
	assert_false(request.sound_expected);
}

static void the_name_is_made_of_host_and_date(void **state)
{
	setenv("TZ", "UTC", 1);
	assert_int_equal(PARSE("https://me:secret@meet.example.org:8443/room?jwt=x"), 0);
	assert_string_equal(request.name, "meet.example.org_1970-01-01-00-00-00");
	assert_int_equal(PARSE("data:text/html,hi"), 0);
	assert_string_equal(request.name, "data_1970-01-01-00-00-00");
	assert_int_equal(PARSE("file:///etc/x.html"), 0);
	assert_string_equal(request.name, "file_1970-01-01-00-00-00");
	assert_int_equal(PARSE("http://../"), 0);
	assert_string_equal(request.name, "-._1970-01-01-00-00-00");
}

static void allowed_addresses_pass_and_others_are_explained(void **state)
{
	static const char *const good[] = {"http://a", "HTTPS://a/b?c#d", "file:///x",
		"about:blank", "data:text/html,<p>a b", NULL};
	static const char *const bad[] = {"", "a", "/tmp/x.html", "ftp://a", "javascript:alert(1)",
		"http://", "http:a", "http://a b/", "http://a/\n", "chrome://gpu", NULL};
	char why[300];

	for (size_t i = 0; good[i]; i++)
		assert_true(tr_record_page_check(good[i], why, sizeof(why)));
	for (size_t i = 0; bad[i]; i++) {
		why[0] = '\0';
		assert_false(tr_record_page_check(bad[i], why, sizeof(why)));
		assert_true(strlen(why) > 10);
	}
}

static void a_sound_that_is_no_way_is_a_device(void **state)
{
	assert_int_equal(PARSE("about:blank", "--sound", "hw:2,0"), 0);
	assert_string_equal(request.config.sound.source, "pcm");
	assert_string_equal(request.config.sound.capture_pcm, "hw:2,0");
	assert_int_equal(PARSE("about:blank", "--sound", "loopback"), 0);
	assert_string_equal(request.config.sound.source, "loopback");
	assert_true(PARSE("about:blank", "--sound", "lopback") < 0);
}

static void the_later_of_quality_and_bitrate_holds(void **state)
{
	assert_int_equal(PARSE("about:blank", "--quality", "20", "--bitrate", "900"), 0);
	assert_int_equal(request.config.video.video_kbps, 900);
	assert_int_equal(PARSE("about:blank", "--bitrate", "900", "--quality", "20"), 0);
	assert_int_equal(request.config.video.video_kbps, 0);
	assert_int_equal(request.config.video.quality, 20);
}

static void a_value_that_is_missing_or_too_much_is_refused(void **state)
{
	assert_true(PARSE("about:blank", "--for") < 0);
	assert_true(PARSE("about:blank", "--quiet=yes") < 0);
	assert_true(PARSE("about:blank", "-x") < 0);
	assert_int_equal(PARSE("--", "about:blank"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_may_stand_anywhere_and_take_their_value_either_way),
		cmocka_unit_test(the_name_is_made_of_host_and_date),
		cmocka_unit_test(allowed_addresses_pass_and_others_are_explained),
		cmocka_unit_test(a_sound_that_is_no_way_is_a_device),
		cmocka_unit_test(the_later_of_quality_and_bitrate_holds),
		cmocka_unit_test(a_value_that_is_missing_or_too_much_is_refused),
	};
	return cmocka_run_group_tests_name("record request", tests, NULL, NULL);
}
