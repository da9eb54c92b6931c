/* The sets of the real libx264, at several rates, sizes and profiles. */
#include "test.h"

#include "encode/sps.h"

#include <stdlib.h>
#include <string.h>

#include <x264.h>

static uint8_t at_25[256], at_200[256], out[300];

static size_t make(int width, int height, const char *profile, int hz, uint8_t *to)
{
	x264_param_t p;
	x264_nal_t *nals;
	int count;

	assert_int_equal(x264_param_default_preset(&p, "medium", "zerolatency"), 0);
	p.i_width = width;
	p.i_height = height;
	p.i_log_level = X264_LOG_NONE;
	p.i_fps_num = (uint32_t)hz;
	p.i_fps_den = 1;
	p.i_timebase_num = 1;
	p.i_timebase_den = (uint32_t)hz;
	p.i_level_idc = 42;
	p.b_vfr_input = 0;
	p.b_annexb = 0;
	p.vui.i_colmatrix = p.vui.i_colorprim = p.vui.i_transfer = 1;
	p.vui.i_sar_width = 4;
	p.vui.i_sar_height = 5; /* written out */
	assert_int_equal(x264_param_apply_profile(&p, profile), 0);
	x264_t *x264 = x264_encoder_open(&p);
	assert_non_null(x264);
	assert_true(x264_encoder_headers(x264, &nals, &count) > 0);
	size_t size = (size_t)nals[0].i_payload - 4;
	memcpy(to, nals[0].p_payload + 4, size);
	x264_encoder_close(x264);
	return size;
}

static void the_rate_becomes_that_of_a_set_made_for_it(void **state)
{
	static const struct {
		int width, height;
		const char *profile;
	} rows[] = {{1280, 720, "high"}, {642, 362, "main"}, {640, 360, "baseline"},
		{1920, 1080, "high"}, {16, 16, "baseline"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t size = make(rows[i].width, rows[i].height, rows[i].profile, 25, at_25);
		size_t wanted = make(rows[i].width, rows[i].height, rows[i].profile, 200, at_200);
		assert_int_equal(tr_sps_copy_with_rate(at_25, size, 200, out, sizeof(out)), wanted);
		assert_memory_equal(out, at_200, wanted);
	}
}

static void a_set_that_says_nothing_of_time_stays_as_it_is(void **state)
{
	/* Constrained Baseline, 320x240, no word about use. */
	static const uint8_t plain[] = {0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xe4};

	assert_int_equal(
		tr_sps_copy_with_rate(plain, sizeof(plain), 200, out, sizeof(out)), sizeof(plain));
	assert_memory_equal(out, plain, sizeof(plain));
}

static void cut_sets_and_small_rooms_do_no_harm(void **state)
{
	size_t size = make(1280, 720, "high", 25, at_25);

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);
		memcpy(copy, at_25, cut);
		assert_true(tr_sps_copy_with_rate(copy, cut, 200, out, sizeof(out)) <= cut + 8);
		free(copy);
	}
	for (size_t room = 0; room + 8 < size; room++)
		assert_int_equal(tr_sps_copy_with_rate(at_25, size, 200, out, room), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rate_becomes_that_of_a_set_made_for_it),
		cmocka_unit_test(a_set_that_says_nothing_of_time_stays_as_it_is),
		cmocka_unit_test(cut_sets_and_small_rooms_do_no_harm),
	};
	return cmocka_run_group_tests_name("sps", tests, NULL, NULL);
}
