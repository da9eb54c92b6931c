/* What a slot is told of the settings. */
#include "test.h"

#include "config/slot_request.h"

#include <string.h>

static struct tr_config *config;
static struct tr_message *message;

static int set_up(void **state)
{
	config = calloc(1, sizeof(*config));
	message = calloc(1, sizeof(*message));
	tr_config_set_defaults(config);
	return 0;
}

static int tear_down(void **state)
{
	free(tr_take(config));
	free(tr_take(message));
	return 0;
}

static void the_browser_hears_of_certificates_that_do_not_matter(void **state)
{
	tr_slot_request_fill_configure(config, &message->configure);
	assert_false(message->configure.ignore_certificate_errors);
	config->browser.ignore_certificate_errors = true;
	tr_slot_request_fill_configure(config, &message->configure);
	assert_true(message->configure.ignore_certificate_errors);
	assert_int_equal(message->configure.width, 1280);
	assert_string_equal(message->configure.sound, "auto");
}

static void the_slot_has_a_display_of_its_own_unless_one_is_named(void **state)
{
	tr_slot_request_fill_configure(config, &message->configure);
	assert_string_equal(message->configure.display, "");
	assert_true(message->configure.has_zero_copy);
	strcpy(config->video.display, ":0");
	strcpy(config->video.xauthority, "/run/key");
	config->video.is_zero_copy_off = true;
	tr_slot_request_fill_configure(config, &message->configure);
	assert_string_equal(message->configure.display, ":0");
	assert_string_equal(message->configure.xauthority, "/run/key");
	assert_false(message->configure.has_zero_copy);
}

static void every_recording_has_its_quality_and_its_times(void **state)
{
	config->checks.empty_ms = 1234;
	config->video.quality = 30;
	tr_slot_request_fill_start(config, &message->start);
	assert_int_equal(message->start.empty_timeout_ms, 1234);
	assert_int_equal(message->start.quality, 30);
	assert_int_equal(message->start.video_kbps, 0);
	assert_int_equal(message->start.rtcstats, -1);
	assert_string_equal(message->start.streams, "");
}

static void streams_ask_for_a_constant_rate_and_key_pictures(void **state)
{
	struct tr_target_list *list = calloc(1, sizeof(*list));

	tr_slot_request_fill_start(config, &message->start);
	assert_int_equal(tr_target_list_add(list, "rtmp://live.example/a/k"), 0);
	assert_int_equal(tr_slot_request_fill_streams(config, list, &message->start), 0);
	assert_true(message->start.constant_rate);
	assert_int_equal(message->start.video_kbps, 3000);
	assert_int_equal(message->start.key_interval_ms, 2000);
	assert_non_null(strstr(message->start.streams, "rtmp://live.example/a/k"));
	free(list);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_browser_hears_of_certificates_that_do_not_matter),
		TEST(the_slot_has_a_display_of_its_own_unless_one_is_named),
		TEST(every_recording_has_its_quality_and_its_times),
		TEST(streams_ask_for_a_constant_rate_and_key_pictures),
	};
	return cmocka_run_group_tests_name("slot_request", tests, NULL, NULL);
}
