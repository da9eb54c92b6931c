#include "test.h"

#include "display/convert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 98 /* not a multiple of 32, 16: both tails are walked */
#define HEIGHT 50
#define STRIDE 128
#define MAP_WIDTH 7
#define MAP_HEIGHT 4

static uint8_t pixels[HEIGHT * WIDTH * 4 + 64];

struct planes {
	uint8_t y[STRIDE * 64];
	uint8_t uv[STRIDE * 32];
	uint8_t changed[MAP_WIDTH * MAP_HEIGHT];
	struct tr_picture picture;
};

static void init_planes(struct planes *planes)
{
	memset(planes, 0, sizeof(*planes));
	planes->picture = (struct tr_picture){.width = WIDTH,
		.height = HEIGHT,
		.y_stride = STRIDE,
		.uv_stride = STRIDE,
		.y = planes->y,
		.uv = planes->uv,
		.map_width = MAP_WIDTH,
		.map_height = MAP_HEIGHT,
		.changed = planes->changed};
}

static void fill_random(unsigned seed)
{
	srand(seed);
	for (size_t i = 0; i < sizeof(pixels); i++)
		pixels[i] = (uint8_t)rand();
}

static int convert(struct planes *planes, int plain, struct tr_rect rect)
{
	struct tr_convert convert;
	tr_convert_init(&convert, plain);
	return tr_convert_rect(&convert, pixels, WIDTH * 4, rect, &planes->picture);
}

static const struct tr_rect whole = {0, 0, WIDTH, HEIGHT};

static void luma_is_within_one_step_of_the_standards_formula(void **state)
{
	struct planes planes;
	init_planes(&planes);
	fill_random(1);
	convert(&planes, 1, whole);
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++) {
			const uint8_t *p = pixels + (y * WIDTH + x) * 4;
			double true_y =
				16 + 219 / 255.0 * (0.2126 * p[2] + 0.7152 * p[1] + 0.0722 * p[0]);
			assert_true(fabs(planes.y[y * STRIDE + x] - true_y) <= 0.52);
		}
}

static void white_black_and_grey_have_no_colour(void **state)
{
	static const struct {
		uint8_t grey, luma;
	} cases[] = {{0, 16}, {255, 235}, {128, 126}};

	for (size_t i = 0; i < 3; i++) {
		struct planes planes;
		init_planes(&planes);
		memset(pixels, cases[i].grey, sizeof(pixels));
		convert(&planes, 0, whole);
		assert_int_equal(planes.y[0], cases[i].luma);
		assert_int_equal(planes.y[STRIDE * 49 + 97], cases[i].luma);
		assert_int_equal(planes.uv[0], 128);
		assert_int_equal(planes.uv[97], 128);
	}
}

static void both_variants_agree_to_the_bit(void **state)
{
	struct planes fast, plain;
	init_planes(&fast);
	init_planes(&plain);
	for (unsigned seed = 0; seed < 20; seed++) {
		fill_random(seed);
		struct tr_rect rect = {rand() % WIDTH, rand() % HEIGHT, rand() % 120, rand() % 70};
		assert_int_equal(convert(&fast, 0, rect), convert(&plain, 1, rect));
		assert_memory_equal(fast.y, plain.y, sizeof(fast.y));
		assert_memory_equal(fast.uv, plain.uv, sizeof(fast.uv));
		assert_memory_equal(fast.changed, plain.changed, sizeof(fast.changed));
	}
}

static void the_same_pixels_again_are_no_change(void **state)
{
	struct planes planes;
	init_planes(&planes);
	fill_random(3);
	assert_int_equal(convert(&planes, 0, whole), MAP_WIDTH * MAP_HEIGHT);
	memset(planes.changed, 0, sizeof(planes.changed));
	assert_int_equal(convert(&planes, 0, whole), 0);
}

static void one_changed_pixel_marks_its_macroblock_only(void **state)
{
	struct planes planes;
	init_planes(&planes);
	memset(pixels, 7, sizeof(pixels));
	convert(&planes, 0, whole);
	for (int y = 0; y < HEIGHT; y += 7)
		for (int x = 0; x < WIDTH; x += 5) {
			memset(planes.changed, 0, sizeof(planes.changed));
			pixels[(y * WIDTH + x) * 4 + 1] ^= 0x80;
			assert_int_equal(
				convert(&planes, 0, (struct tr_rect){x, y, x + 1, y + 1}), 1);
			assert_int_equal(planes.changed[y / 16 * MAP_WIDTH + x / 16], 1);
		}
}

static void a_rectangle_outside_converts_nothing(void **state)
{
	struct planes planes;
	init_planes(&planes);
	assert_int_equal(convert(&planes, 0, (struct tr_rect){WIDTH, 0, WIDTH + 9, 9}), 0);
	assert_int_equal(convert(&planes, 0, (struct tr_rect){5, 5, 5, 9}), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(luma_is_within_one_step_of_the_standards_formula),
		cmocka_unit_test(white_black_and_grey_have_no_colour),
		cmocka_unit_test(both_variants_agree_to_the_bit),
		cmocka_unit_test(the_same_pixels_again_are_no_change),
		cmocka_unit_test(one_changed_pixel_marks_its_macroblock_only),
		cmocka_unit_test(a_rectangle_outside_converts_nothing),
	};
	return cmocka_run_group_tests_name("convert", tests, NULL, NULL);
}
