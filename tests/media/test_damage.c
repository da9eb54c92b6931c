#include "test.h"

#include "media/damage.h"

#include <string.h>

static struct tr_damage damage;
static struct tr_rect got[TR_DAMAGE_MAX];

static int start_unchanged(void **state)
{
	tr_damage_init(&damage, 1920, 1080);
	assert_int_equal(tr_damage_take(&damage, got), 1); /* the first picture */
	return 0;
}

static void assert_rect(struct tr_rect r, int x1, int y1, int x2, int y2)
{
	struct tr_rect want = {x1, y1, x2, y2};
	assert_memory_equal(&r, &want, sizeof(r));
}

static void add_keeps_only_what_is_on_the_screen(void **state)
{
	assert_true(tr_damage_add(&damage, (struct tr_rect){1920, 0, 1930, 10}) < 0);
	assert_int_equal(tr_damage_add(&damage, (struct tr_rect){-5, 1070, 10, 1090}), 0);
	assert_int_equal(tr_damage_take(&damage, got), 1);
	assert_rect(got[0], 0, 1070, 10, 1080);
}

static void add_joins_two_that_only_a_third_connects(void **state)
{
	assert_int_equal(tr_damage_add(&damage, (struct tr_rect){0, 0, 10, 10}), 0);
	assert_int_equal(tr_damage_add(&damage, (struct tr_rect){20, 0, 30, 10}), 0);
	assert_int_equal(tr_damage_add(&damage, (struct tr_rect){5, 0, 25, 10}), 0);
	assert_int_equal(tr_damage_take(&damage, got), 1);
	assert_rect(got[0], 0, 0, 30, 10);
}

static void no_changed_pixel_is_ever_left_out(void **state)
{
	static unsigned char changed[64][64], covered[64][64];
	unsigned random = 7;
	for (int round = 0; round < 200; round++) {
		tr_damage_init(&damage, 64, 64);
		tr_damage_take(&damage, got);
		memset(changed, 0, sizeof(changed));
		memset(covered, 0, sizeof(covered));
		for (int i = 0; i < round % 30; i++) {
			random = random * 1103515245u + 12345u;
			int x = (int)(random >> 8) % 64, y = (int)(random >> 16) % 64;
			int far_x = x + 1 + (int)(random >> 24) % 8, far_y = y + 3;
			if (tr_damage_add(&damage, (struct tr_rect){x, y, far_x, far_y}) < 0)
				continue;
			for (int b = y; b < far_y && b < 64; b++)
				for (int a = x; a < far_x && a < 64; a++)
					changed[b][a] = 1;
		}
		unsigned count = tr_damage_take(&damage, got);
		for (unsigned i = 0; i < count; i++)
			for (int b = got[i].y1; b < got[i].y2; b++)
				for (int a = got[i].x1; a < got[i].x2; a++)
					covered[b][a]++;
		for (int b = 0; b < 64; b++)
			for (int a = 0; a < 64; a++)
				assert_true(covered[b][a] >= changed[b][a] && covered[b][a] < 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(add_keeps_only_what_is_on_the_screen, start_unchanged),
		cmocka_unit_test_setup(add_joins_two_that_only_a_third_connects, start_unchanged),
		cmocka_unit_test_setup(no_changed_pixel_is_ever_left_out, start_unchanged),
	};
	return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
