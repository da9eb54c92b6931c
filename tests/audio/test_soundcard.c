#include "test.h"

#include "core/log.h"
#include "sound_rig.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct rig rig;
static char plugin[1024];

static int make_dir(void **state)
{
	rig_make_dir(&rig);
	rig_build_path("libasound_module_pcm_telerec.so", plugin, sizeof(plugin));
	return 0;
}

static int close_rig(void **state)
{
	rig_close(&rig);
	return 0;
}

static int open_card(const char *source, const char *plugin_path, const char *runtime_dir)
{
	struct tr_soundcard_settings settings = {.source = source,
		.runtime_dir = runtime_dir,
		.plugin_path = plugin_path,
		.slot = 9};

	return tr_soundcard_open(&settings, &rig.card);
}

static void auto_finds_a_way_and_says_which(void **state)
{
	assert_int_equal(open_card("auto", plugin, rig.dir), 0);
	assert_true(rig.card->way == TR_SOUNDCARD_LOOPBACK || rig.card->way == TR_SOUNDCARD_PLUGIN);
	assert_string_equal(rig.card->player_pcm, "telerec");
	assert_int_equal(access(rig.card->config, R_OK), 0);
	assert_string_equal(rig.card->problem, "");
}

static void the_plugin_leaves_no_player_behind(void **state)
{
	struct tr_capture_stats stats;

	assert_int_equal(open_card("plugin", plugin, rig.dir), 0);
	rig_start(&rig);
	rig_stop(&rig, &stats);
	assert_int_equal(stats.opens, 0);
}

static void a_missing_loopback_and_plugin_are_both_told(void **state)
{
	int rc = open_card("auto", "/nonexistent/plugin.so", rig.dir);

	if (rc == 0)
		return; /* this machine has a loopback card */
	assert_int_equal(rc, -ENODEV);
	assert_int_equal(rig.card->way, TR_SOUNDCARD_NONE);
	assert_non_null(strstr(rig.card->problem, "modprobe snd-aloop"));
	assert_non_null(strstr(rig.card->problem, "/nonexistent/plugin.so"));
}

static void a_file_that_is_no_plugin_is_told(void **state)
{
	assert_int_equal(open_card("plugin", "/etc/passwd", rig.dir), -ENODEV);
	assert_non_null(strstr(rig.card->problem, "does not work here"));
	assert_null(rig.card->ring);
}

static void a_named_device_is_taken_as_it_is(void **state)
{
	assert_int_equal(open_card("null", plugin, rig.dir), 0);
	assert_int_equal(rig.card->way, TR_SOUNDCARD_NAMED);
	assert_string_equal(rig.card->capture_pcm, "null");
	assert_string_equal(rig.card->player_pcm, "default");
}

static void an_unknown_device_is_told_by_name(void **state)
{
	assert_int_equal(open_card("hw:NoSuchCard", plugin, rig.dir), -ENODEV);
	assert_non_null(strstr(rig.card->problem, "hw:NoSuchCard"));
	assert_non_null(strstr(rig.card->problem, "arecord -L"));
}

static void none_is_a_choice_not_a_problem(void **state)
{
	assert_int_equal(open_card("none", plugin, rig.dir), 0);
	assert_int_equal(rig.card->way, TR_SOUNDCARD_NONE);
	assert_string_equal(rig.card->problem, "");
	assert_string_equal(rig.card->player_pcm, "");
}

static void a_path_that_would_break_the_configuration_is_refused(void **state)
{
	assert_int_equal(open_card("plugin", plugin, "/tmp/\"x"), -EINVAL);
	assert_int_equal(open_card("plugin", plugin, "relative"), -EINVAL);
	assert_null(rig.card);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			auto_finds_a_way_and_says_which, make_dir, close_rig),
		cmocka_unit_test_setup_teardown(
			the_plugin_leaves_no_player_behind, make_dir, close_rig),
		cmocka_unit_test_setup_teardown(
			a_missing_loopback_and_plugin_are_both_told, make_dir, close_rig),
		cmocka_unit_test_setup_teardown(
			a_file_that_is_no_plugin_is_told, make_dir, close_rig),
		cmocka_unit_test_setup_teardown(
			a_named_device_is_taken_as_it_is, make_dir, close_rig),
		cmocka_unit_test_setup_teardown(
			an_unknown_device_is_told_by_name, make_dir, close_rig),
		cmocka_unit_test_setup_teardown(
			none_is_a_choice_not_a_problem, make_dir, close_rig),
		cmocka_unit_test_setup_teardown(
			a_path_that_would_break_the_configuration_is_refused, make_dir, close_rig),
	};
	return cmocka_run_group_tests_name("soundcard", tests, NULL, NULL);
}
