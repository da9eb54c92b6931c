/* The real encoder process with the real libva and FFmpeg on a GPU for tests: each kind of driver
 * gives back exactly what was put in, and whatever it does the track is whole. */
#include "test.h"

#include "core/clock.h"
#include "encode/track.h"
#include "peers/gpu/world.h"

#include <stdio.h>
#include <string.h>

#define NODE "/dev/dri/renderD128"

static struct tr_ladder ladder;
static struct track_result result;
static const struct track_settings small = {
	.width = 318, .height = 180, .pictures = 12, .quality = 25};

static void make_ladder(enum tr_rung_rate rate, int profile)
{
	struct tr_rung_list list = {.count = 1};

	list.rungs[0] = track_rung(NODE, rate, profile);
	tr_ladder_init(&ladder, &list);
}

static void assert_whole(const struct track_settings *settings)
{
	assert_int_equal(result.rc, 0);
	assert_int_equal(result.decoded, settings->pictures);
	assert_int_equal(result.close, settings->pictures);
	assert_true(result.has_tags);
	assert_true(result.decodes_without_words);
	assert_int_equal(result.in_band_sets, 0);
}

static void each_kind_of_driver_gives_back_what_was_put_in(void **state)
{
	static const struct {
		const char *words;
		enum tr_rung_rate rate;
		int profile;
	} rows[] = {
		{"personality=intel-new", TR_RUNG_RATE_VBR, 100},
		{"personality=intel-new", TR_RUNG_RATE_CBR, 77},
		{"personality=intel-new", TR_RUNG_RATE_CQP, 66},
		{"personality=intel-old", TR_RUNG_RATE_VBR, 100},
		{"personality=lp-only", TR_RUNG_RATE_VBR, 100},
		{"personality=lp-cqp-only", TR_RUNG_RATE_CQP, 100},
		{"personality=amd", TR_RUNG_RATE_VBR, 100},
		{"personality=amd", TR_RUNG_RATE_CQP, 66},
		{"personality=intel-new,no-derive", TR_RUNG_RATE_VBR, 100},
		{"personality=intel-new,no-syncbuffer", TR_RUNG_RATE_VBR, 100},
		{"personality=intel-new,lazy", TR_RUNG_RATE_VBR, 100},
		{"personality=amd,lazy", TR_RUNG_RATE_VBR, 77},
	};

	for (size_t i = 0; i < TR_COUNT(rows); i++) {
		tr_world_words(rows[i].words);
		make_ladder(rows[i].rate, rows[i].profile);
		track_record(&small, &ladder, &result);
		if (result.exact != small.pictures)
			print_error("%s: rc %d, %d of %d exact; %s\n", rows[i].words, result.rc,
				result.exact, small.pictures, result.log.failures[0].sentence);
		assert_whole(&small);
		assert_int_equal(result.exact, small.pictures);
		assert_int_equal(result.sets, 2);
		assert_int_equal(result.log.failure_count, 0);
		assert_int_equal(result.log.leg_count, 1);
		assert_int_equal(result.keys, 1);
	}
}

static void a_key_picture_comes_when_it_is_asked_for(void **state)
{
	struct track_settings settings = small;

	settings.key_every = 4;
	tr_world_words("personality=intel-new");
	make_ladder(TR_RUNG_RATE_VBR, 100);
	track_record(&settings, &ladder, &result);
	assert_whole(&settings);
	assert_int_equal(result.keys, 3);
	assert_int_equal(result.exact, settings.pictures);
}

static void the_driver_is_asked_for_what_the_settings_mean(void **state)
{
	struct track_settings settings = small;

	settings.kbps = 1500;
	tr_world_words("personality=intel-new");
	make_ladder(TR_RUNG_RATE_CBR, 100);
	track_record(&settings, &ladder, &result);
	assert_whole(&settings);
	assert_true(tr_world_logged("1500000"));
}

static void coarser_pictures_stay_in_the_same_track(void **state)
{
	static const enum tr_rung_rate rates[] = {TR_RUNG_RATE_CQP, TR_RUNG_RATE_VBR};
	struct track_settings settings = small;

	settings.key_every = 4;
	settings.coarser_from = 5;
	for (size_t i = 0; i < TR_COUNT(rates); i++) {
		tr_world_words("personality=intel-new");
		make_ladder(rates[i], 100);
		track_record(&settings, &ladder, &result);
		assert_whole(&settings);
		assert_int_equal(result.exact, settings.pictures);
		assert_int_equal(result.log.failure_count, 0);
	}
}

static void a_rung_with_other_parameter_sets_is_passed_over_in_the_middle(void **state)
{
	struct tr_rung_list list = {.count = 2};

	list.rungs[0] = track_rung(NODE, TR_RUNG_RATE_VBR, 100);
	list.rungs[1] = track_rung(NODE, TR_RUNG_RATE_VBR, 77);
	tr_ladder_init(&ladder, &list);
	tr_world_words("personality=intel-new,fault=end@6,once");
	track_record(&small, &ladder, &result);
	assert_whole(&small);
	assert_int_equal(result.log.failure_count, 1);
	assert_int_equal(result.log.leg_count, 2);
	assert_string_equal(result.log.legs[1].name, "libx264");
	/* it does not rest: the next recording takes it, as the first one rests */
	assert_string_equal(tr_ladder_begin(&ladder, tr_clock_now_ns())->name, list.rungs[1].name);
}

static void a_rung_with_the_same_parameter_sets_goes_on(void **state)
{
	struct tr_rung_list list = {.count = 2};

	list.rungs[0] = track_rung(NODE, TR_RUNG_RATE_VBR, 100);
	list.rungs[1] = track_rung(NODE, TR_RUNG_RATE_CBR, 100);
	tr_ladder_init(&ladder, &list);
	tr_world_words("personality=intel-new,fault=end@6,once");
	track_record(&small, &ladder, &result);
	assert_whole(&small);
	assert_int_equal(result.exact, small.pictures);
	assert_int_equal(result.log.leg_count, 2);
	assert_string_equal(result.log.legs[1].name, list.rungs[1].name);
}

static void software_alone_has_one_pair_of_sets(void **state)
{
	track_record(&small, NULL, &result);
	assert_whole(&small);
	assert_int_equal(result.sets, 1);
	assert_string_equal(result.log.legs[0].name, "libx264");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_driver_gives_back_what_was_put_in),
		cmocka_unit_test(a_key_picture_comes_when_it_is_asked_for),
		cmocka_unit_test(the_driver_is_asked_for_what_the_settings_mean),
		cmocka_unit_test(coarser_pictures_stay_in_the_same_track),
		cmocka_unit_test(a_rung_with_other_parameter_sets_is_passed_over_in_the_middle),
		cmocka_unit_test(a_rung_with_the_same_parameter_sets_goes_on),
		cmocka_unit_test(software_alone_has_one_pair_of_sets),
	};
	tr_world_enter("intel");
	return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
