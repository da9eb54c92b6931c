#include "test.h"

#include "capture/content.h"

#include <string.h>

#define WIDTH 1280
#define HEIGHT 720

static const struct tr_rect whole = {0, 0, WIDTH, HEIGHT};
static uint32_t step_by_step[WIDTH * HEIGHT], at_once[WIDTH * HEIGHT];
static uint8_t luma[WIDTH * HEIGHT];

static void drawing_only_what_changed_gives_the_whole_picture(void **state)
{
	for (int kind = 0; kind < BENCH_CONTENT_COUNT; kind++) {
		TR_CLEANUP(bench_content_destroyp) struct bench_content *content = NULL;
		assert_int_equal(bench_content_create(
					 (enum bench_content_kind)kind, WIDTH, HEIGHT, &content),
			0);
		memset(step_by_step, 0, sizeof(step_by_step));
		for (unsigned n = 1; n < 320; n++) {
			if (!bench_content_is_drawn(content, n))
				continue;
			assert_int_equal(
				bench_content_draw(content, n, bench_content_changed(content, n),
					step_by_step, WIDTH),
				0);
			if (n % 10 != 0 && n < 290)
				continue;
			assert_int_equal(bench_content_draw(content, n, whole, at_once, WIDTH), 0);
			assert_memory_equal(step_by_step, at_once, sizeof(at_once));
		}
	}
}

static void the_code_is_read_from_luma_and_garbage_is_refused(void **state)
{
	TR_CLEANUP(bench_content_destroyp) struct bench_content *content = NULL;
	assert_int_equal(bench_content_create(BENCH_CONTENT_SLIDES, WIDTH, HEIGHT, &content), 0);
	for (unsigned n = 1; n < 1000000; n = n * 3 + 1) {
		assert_int_equal(bench_content_draw(content, n, whole, at_once, WIDTH), 0);
		for (int i = 0; i < WIDTH * HEIGHT; i++)
			luma[i] = (uint8_t)(16 + (at_once[i] & 255) * 219 / 255);
		assert_int_equal(bench_content_read_code(luma, WIDTH, WIDTH, HEIGHT), n);
	}
	memset(luma, 16, sizeof(luma));
	assert_int_equal(bench_content_read_code(luma, WIDTH, WIDTH, HEIGHT), -1);
	memset(luma, 235, sizeof(luma));
	assert_int_equal(bench_content_read_code(luma, WIDTH, WIDTH, HEIGHT), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drawing_only_what_changed_gives_the_whole_picture),
		cmocka_unit_test(the_code_is_read_from_luma_and_garbage_is_refused),
	};
	return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
