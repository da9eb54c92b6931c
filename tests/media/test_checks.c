#include "test.h"

#include "media/picture_check.h"
#include "media/sound_check.h"

#include <math.h>
#include <string.h>

#define WIDTH 320
#define HEIGHT 180
#define SECOND INT64_C(1000000000)

static struct tr_picture_check pictures;
static struct tr_sound_check sounds;
static uint8_t luma[WIDTH * HEIGHT];
static float left[48000], right[48000];

static void show(int shade, int stripe, int64_t second)
{
	memset(luma, shade, sizeof(luma));
	if (stripe >= 0)
		memset(luma + stripe * WIDTH * 20, 120, WIDTH * 20);
	tr_picture_check_add(&pictures, luma, WIDTH, second * SECOND);
}

static void black_and_white_seconds_are_counted(void **state)
{
	tr_picture_check_init(&pictures, WIDTH, HEIGHT);
	for (int i = 0; i < 5; i++)
		show(16, -1, i);
	for (int i = 5; i < 8; i++)
		show(235, -1, i);
	show(80, 2, 8);
	tr_picture_check_end(&pictures, 10 * SECOND);
	assert_int_equal(pictures.black_ns, 5 * SECOND);
	assert_int_equal(pictures.longest_black_ns, 5 * SECOND);
	assert_int_equal(pictures.white_ns, 3 * SECOND);
}

static void the_longest_still_is_found(void **state)
{
	tr_picture_check_init(&pictures, WIDTH, HEIGHT);
	for (int i = 0; i < 4; i++)
		show(60, i, i);
	for (int i = 4; i < 10; i++)
		show(60, 5, i);
	show(60, 6, 10);
	tr_picture_check_end(&pictures, 12 * SECOND);
	assert_int_equal(pictures.longest_frozen_ns, 6 * SECOND);
}

static void level_and_silence_are_measured(void **state)
{
	tr_sound_check_init(&sounds);
	memset(left, 0, sizeof(left));
	tr_sound_check_add(&sounds, left, left, 48000);
	for (int i = 0; i < 48000; i++)
		left[i] = right[i] = 0.5f * (float)sin(2 * 3.14159265 * 440 * i / 48000);
	tr_sound_check_add(&sounds, left, right, 48000);
	assert_true(fabs(tr_sound_check_peak_db(&sounds) + 6.02) < 0.05);
	assert_true(fabs(tr_sound_check_rms_db(&sounds) + 12.04) < 0.1);
	assert_in_range(sounds.silent_frames, 47000, 48000);
	assert_int_equal(sounds.clipped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(black_and_white_seconds_are_counted),
		cmocka_unit_test(the_longest_still_is_found),
		cmocka_unit_test(level_and_silence_are_measured),
	};
	return cmocka_run_group_tests_name("checks", tests, NULL, NULL);
}
