#include "test.h"

#include "audio/level.h"

#include <math.h>
#include <string.h>

static float left[48000], right[48000];

static void a_full_sine_has_peak_zero_and_rms_minus_three(void **state)
{
	struct tr_level level;

	for (int i = 0; i < 48000; i++)
		left[i] = right[i] = sinf(2 * (float)M_PI * 1000 * i / 48000);
	tr_level_init(&level);
	assert_false(tr_level_add(&level, left, right, 47999));
	assert_true(tr_level_add(&level, left + 47999, right + 47999, 1));
	assert_float_equal(level.peak_dbfs, 0, 0.01);
	assert_float_equal(level.rms_dbfs, -3.01, 0.01);
}

static void silence_is_the_floor_and_each_second_starts_anew(void **state)
{
	struct tr_level level;

	tr_level_init(&level);
	for (int i = 0; i < 48000; i++)
		left[i] = right[i] = 0.5f;
	assert_true(tr_level_add(&level, left, right, 48000));
	assert_float_equal(level.peak_dbfs, -6.02, 0.01);
	memset(left, 0, sizeof(left));
	memset(right, 0, sizeof(right));
	assert_true(tr_level_add(&level, left, right, 48000));
	assert_float_equal(level.peak_dbfs, TR_LEVEL_SILENCE, 0);
	assert_float_equal(level.rms_dbfs, TR_LEVEL_SILENCE, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_sine_has_peak_zero_and_rms_minus_three),
		cmocka_unit_test(silence_is_the_floor_and_each_second_starts_anew),
	};
	return cmocka_run_group_tests_name("level", tests, NULL, NULL);
}
