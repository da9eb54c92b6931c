#include "test.h"

#include "encode/h264_level.h"

static void usual_sizes_get_the_levels_of_the_standard(void **state)
{
	assert_int_equal(tr_h264_level_find(640, 360, 30, 0), 30);
	assert_int_equal(tr_h264_level_find(1280, 720, 30, 0), 31);
	assert_int_equal(tr_h264_level_find(1920, 1080, 30, 0), 40);
	assert_int_equal(tr_h264_level_find(1920, 1080, 60, 0), 42);
	assert_int_equal(tr_h264_level_find(3840, 2160, 30, 0), 51);
}

static void a_high_bitrate_raises_the_level(void **state)
{
	assert_int_equal(tr_h264_level_find(1280, 720, 30, 18000), 32);
}

static void a_long_thin_picture_needs_more_than_its_area_says(void **state)
{
	assert_true(tr_h264_level_find(4096, 16, 30, 0) > tr_h264_level_find(256, 256, 30, 0));
}

static void no_level_allows_what_is_too_large(void **state)
{
	assert_int_equal(tr_h264_level_find(20000, 20000, 30, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_sizes_get_the_levels_of_the_standard),
		cmocka_unit_test(a_high_bitrate_raises_the_level),
		cmocka_unit_test(a_long_thin_picture_needs_more_than_its_area_says),
		cmocka_unit_test(no_level_allows_what_is_too_large),
	};
	return cmocka_run_group_tests_name("h264_level", tests, NULL, NULL);
}
