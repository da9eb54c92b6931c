/* The capture on ALSA devices: a card with a crystal of its own (fake_card.c), one without any
 * clock, none at all. */
#include "test.h"

#include "core/clock.h"
#include "sound_rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static struct rig rig;
static struct tr_soundcard card;

static int make_dir(void **state)
{
	rig_make_dir(&rig);
	memset(&card, 0, sizeof(card));
	return 0;
}

static int close_rig(void **state)
{
	rig_close(&rig);
	return 0;
}

static void start_with(const char *pcm, const char *definition)
{
	char plugin[1024];

	rig_build_path("libasound_module_pcm_trfake.so", plugin, sizeof(plugin));
	card.way = TR_SOUNDCARD_NAMED;
	snprintf(card.capture_pcm, sizeof(card.capture_pcm), "%s", pcm);
	snprintf(card.config, sizeof(card.config), "%s/asound.conf", rig.dir);
	FILE *file = fopen(card.config, "w");
	assert_non_null(file);
	fprintf(file, "pcm_type.trfake { lib \"%s\" }\npcm.%s { %s }\n", plugin, pcm, definition);
	fclose(file);
	rig.card = &card;
	rig_start(&rig);
	rig.card = NULL; /* not from the heap: not for rig_close() */
}

static bool is_second_long(struct rig *the_rig)
{
	struct tr_capture_stats stats;

	tr_capture_get_stats(the_rig->capture, &stats);
	return stats.frames > 2 * 48000;
}

static bool is_drift_known(struct rig *the_rig)
{
	struct tr_capture_stats stats;

	tr_capture_get_stats(the_rig->capture, &stats);
	return stats.is_drift_known && stats.frames > 14 * 48000;
}

static void a_card_with_another_crystal_is_measured_and_stays_in_time(void **state)
{
	struct tr_capture_stats stats;

	start_with("fake", "type trfake ppm 400");
	assert_true(rig_wait_for(is_drift_known, &rig));
	rig_stop(&rig, &stats);
	assert_float_equal(stats.drift_ppm, 400, 60);
	assert_int_equal(stats.recoveries, 0);
	assert_true(stats.gap_frames < 2 * 48000); /* until it was open: a busy machine takes its time */
	for (int64_t i = stats.gap_frames + 4800; i < rig.frames; i++)
		if (rig.left[i] == 0)
			fail_msg("silence at %lld", (long long)i);
}

static void lost_samples_become_silence_of_their_length(void **state)
{
	struct tr_capture_stats stats;

	start_with("fake", "type trfake hole_at 24000 hole 4800");
	assert_true(rig_wait_for(is_second_long, &rig));
	rig_stop(&rig, &stats);
	int64_t zeros = 0;
	for (int64_t i = 9600; i < rig.frames; i++)
		zeros += fabsf(rig.left[i]) < 1e-4f;
	assert_in_range(zeros, 4400, 5400);
	assert_true(stats.gaps >= 1);
}

static void a_card_that_goes_away_is_opened_again(void **state)
{
	struct tr_capture_stats stats;

	start_with("fake", "type trfake die_at 24000");
	assert_true(rig_wait_for(is_second_long, &rig));
	rig_stop(&rig, &stats);
	assert_true(stats.recoveries >= 1);
	assert_true(stats.gap_frames > 4800);
	assert_true(stats.frames - stats.gap_frames > 24000);
}

static void a_card_that_never_comes_gives_silence_of_the_right_length(void **state)
{
	struct tr_capture_stats stats;

	start_with("fake", "type hw card 77");
	assert_true(rig_wait_for(is_second_long, &rig));
	rig_stop(&rig, &stats);
	assert_true(stats.is_broken);
	assert_int_equal(stats.last_sound_ns, 0);
	assert_int_equal(stats.gaps > 0, 1);
}

static int64_t cpu_ms(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 +
	       usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000;
}

static void a_device_without_a_clock_neither_spins_nor_runs_ahead(void **state)
{
	struct tr_capture_stats stats;
	int64_t before = cpu_ms();

	start_with("fake", "type null");
	assert_true(rig_wait_for(is_second_long, &rig));
	rig_stop(&rig, &stats);
	assert_true(cpu_ms() - before < 1500);
}

static void without_a_card_silence_has_the_clocks_pace(void **state)
{
	struct tr_capture_stats stats;

	card.way = TR_SOUNDCARD_NONE;
	rig.card = &card;
	rig_start(&rig);
	rig.card = NULL;
	assert_true(rig_wait_for(is_second_long, &rig));
	int64_t late_ns = tr_clock_now_ns() - rig.start_ns;
	rig_stop(&rig, &stats);
	assert_true(late_ns > 2 * TR_NS_PER_S);
	assert_false(stats.has_players);
	assert_float_equal(stats.peak_dbfs, -120, 0);
	assert_true(stats.level_seconds >= 2);
}

static bool has_sound_come(struct rig *the_rig)
{
	struct tr_capture_stats stats;

	tr_capture_get_stats(the_rig->capture, &stats);
	return stats.last_sound_ns != 0;
}

static void an_end_at_the_present_is_not_passed_by_what_comes_meanwhile(void **state)
{
	struct tr_capture_stats stats;

	for (int i = 0; i < 14; i++) {
		struct timespec phase = {.tv_nsec = i * 3 * TR_NS_PER_MS};
		start_with("fake", "type trfake");
		assert_true(rig_wait_for(has_sound_come, &rig));
		nanosleep(&phase, NULL); /* a block has 40 ms */
		rig_stop(&rig, &stats);	 /* checks the length */
	}
}

static void stopping_before_the_start_gives_nothing(void **state)
{
	card.way = TR_SOUNDCARD_NONE;
	rig.card = &card;
	rig_start(&rig);
	rig.card = NULL;
	tr_capture_stop(rig.capture, rig.start_ns - TR_NS_PER_S);
	rig.capture = NULL;
	assert_true(rig.frames <= 2 * TR_CAPTURE_BLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_card_with_another_crystal_is_measured_and_stays_in_time, make_dir,
			close_rig),
		cmocka_unit_test_setup_teardown(
			lost_samples_become_silence_of_their_length, make_dir, close_rig),
		cmocka_unit_test_setup_teardown(
			a_card_that_goes_away_is_opened_again, make_dir, close_rig),
		cmocka_unit_test_setup_teardown(
			a_card_that_never_comes_gives_silence_of_the_right_length, make_dir,
			close_rig),
		cmocka_unit_test_setup_teardown(
			a_device_without_a_clock_neither_spins_nor_runs_ahead, make_dir, close_rig),
		cmocka_unit_test_setup_teardown(
			an_end_at_the_present_is_not_passed_by_what_comes_meanwhile, make_dir,
			close_rig),
		cmocka_unit_test_setup_teardown(
			without_a_card_silence_has_the_clocks_pace, make_dir, close_rig),
		cmocka_unit_test_setup_teardown(
			stopping_before_the_start_gives_nothing, make_dir, close_rig),
	};
	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
