#include "test.h"

#include "core/clock.h"
#include "daemon/disk_guard.h"

#include <stdio.h>
#include <string.h>

#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)

static struct tr_disk_guard guard;
static int64_t now_ns;

static int start(void **state)
{
	const struct tr_disk_guard_settings settings = {.warn_ms = 7200000, .check_ms = 30000};

	now_ns = TR_NS_PER_S;
	tr_disk_guard_init(&guard, &settings);
	return 0;
}

/* A look a minute later. */
static void look(int64_t free_bytes, unsigned recordings, double per_s)
{
	now_ns += 60 * TR_NS_PER_S;
	tr_disk_guard_look(&guard, &(struct tr_disk_guard_look){.now_ns = now_ns,
					   .free_bytes = free_bytes,
					   .total_bytes = 100 * GIB,
					   .recordings = recordings,
					   .per_s = per_s});
}

static void the_reserve_is_a_gib_or_a_twentieth_of_a_small_disk(void **state)
{
	const struct tr_disk_guard_settings share = {.reserve_percent = 3, .check_ms = 1};
	const struct tr_disk_guard_settings bytes = {.reserve_bytes = 7 * MIB, .check_ms = 1};
	struct tr_disk_guard_look small = {1, 5 * GIB, 10 * GIB, 0, 0};

	look(50 * GIB, 0, 0);
	assert_int_equal(guard.reserve_bytes, GIB);
	tr_disk_guard_look(&guard, &small);
	assert_int_equal(guard.reserve_bytes, GIB / 2);
	small.total_bytes = 100 * MIB; /* a recording needs some room to end */
	tr_disk_guard_look(&guard, &small);
	assert_int_equal(guard.reserve_bytes, 30 * MIB);
	tr_disk_guard_init(&guard, &share);
	look(50 * GIB, 0, 0);
	assert_int_equal(guard.reserve_bytes, 100 * GIB / 100 * 3);
	tr_disk_guard_init(&guard, &bytes);
	look(50 * GIB, 0, 0);
	assert_int_equal(guard.reserve_bytes, 7 * MIB);
}

static void nothing_starts_below_the_reserve_until_there_is_clearly_more(void **state)
{
	look(50 * GIB, 0, 0);
	assert_int_equal(guard.state, TR_SNAPSHOT_DISK_FINE);
	assert_int_equal(tr_disk_guard_lacks(&guard), 0);
	look(GIB - 1, 0, 0);
	assert_int_equal(guard.state, TR_SNAPSHOT_DISK_FULL);
	assert_int_equal(tr_disk_guard_lacks(&guard), GIB / 8 + 2);
	look(GIB + GIB / 16, 0, 0);
	assert_int_equal(guard.state, TR_SNAPSHOT_DISK_FULL);
	look(GIB - 1 + GIB / 8 + 2, 0, 0);
	assert_int_equal(guard.state, TR_SNAPSHOT_DISK_FINE);
}

static void what_the_last_recordings_wrote_tells_the_hours_left(void **state)
{
	char text[300];

	look(50 * GIB, 0, 0);
	assert_true(guard.hours_left < 0);
	look(20 * MIB + 36000 * INT64_C(200000), 2, 400000);
	assert_true(guard.hours_left > 9.99 && guard.hours_left < 10.01);
	look(20 * MIB + 7000 * INT64_C(200000), 0, 0); /* it is still known when none runs */
	assert_int_equal(guard.state, TR_SNAPSHOT_DISK_LOW);
	tr_disk_guard_say(&guard, "/rec", text, sizeof(text));
	assert_string_equal(text, "1.3 GiB left for recordings in /rec, which is 1.9 hours of one: "
				  "make room, or let storage.keep do it");
	look(20 * MIB + 7500 * INT64_C(200000), 0, 0);
	assert_int_equal(guard.state, TR_SNAPSHOT_DISK_LOW);
	look(20 * MIB + 8200 * INT64_C(200000), 0, 0);
	assert_int_equal(guard.state, TR_SNAPSHOT_DISK_FINE);
	tr_disk_guard_say(&guard, "/rec", text, sizeof(text));
	assert_string_equal(text, "");
}

static void recordings_save_more_the_less_time_is_left(void **state)
{
	look(50 * GIB, 4, 5e6);
	assert_int_equal(guard.economy, 0);
	look(20 * MIB + 1700 * INT64_C(5000000), 4, 5e6);
	assert_int_equal(guard.economy, 1);
	look(20 * MIB + 500 * INT64_C(5000000), 4, 5e6);
	assert_int_equal(guard.economy, 2);
	look(20 * MIB + 170 * INT64_C(5000000), 4, 5e6);
	assert_int_equal(guard.economy, 3);
}

static void recordings_save_when_somebody_else_fills_the_reserve(void **state)
{
	int64_t span = GIB - 20 * MIB;

	look(GIB - 1, 1, 1);
	assert_int_equal(guard.economy, 0);
	look(20 * MIB + span / 2 - 1, 1, 1);
	assert_int_equal(guard.economy, 1);
	look(20 * MIB + span / 4 - 1, 1, 1);
	assert_int_equal(guard.economy, 2);
	look(MIB, 1, 1);
	assert_int_equal(guard.economy, 3);
}

static void a_step_is_taken_back_when_room_was_made_and_not_because_saving_helps(void **state)
{
	look(20 * MIB + 500 * INT64_C(5000000), 4, 5e6);
	assert_int_equal(guard.economy, 2);
	look(20 * MIB + 499 * INT64_C(5000000), 4, 1e6);
	assert_int_equal(guard.economy, 2);
	look(20 * MIB + 499 * INT64_C(5000000) + GIB / 4, 4, 1e6);
	assert_int_equal(guard.economy, 0);
	look(30 * MIB, 4, 1e6);
	assert_int_equal(guard.economy, 3);
	look(30 * MIB, 0, 0); /* nobody is left to save */
	assert_int_equal(guard.economy, 0);
}

static void it_looks_more_often_the_faster_the_disk_fills(void **state)
{
	look(50 * GIB, 0, 0);
	assert_int_equal(guard.next_ms, 30000);
	look(49 * GIB, 0, 0); /* a GiB a minute, 48 above the reserve */
	assert_int_equal(guard.next_ms, 30000);
	look(20 * GIB, 0, 0); /* 29 a minute, 19 above */
	assert_in_range(guard.next_ms, 9000, 11000);
	look(GIB + MIB, 0, 0);
	assert_int_equal(guard.next_ms, 1000);
	look(GIB / 2, 0, 0);
	look(GIB / 2, 0, 0); /* full: somebody may be making room */
	assert_int_equal(guard.next_ms, 5000);
}

static void a_rate_is_a_mean_at_first_and_of_the_last_minute_later(void **state)
{
	struct tr_disk_guard_rate rate = {0};
	int64_t bytes = 5000;

	tr_disk_guard_note(&rate, TR_NS_PER_S, bytes);
	assert_true(rate.per_s == 0);
	for (int i = 2; i <= 600; i++)
		tr_disk_guard_note(&rate, i * TR_NS_PER_S, bytes += 1000);
	assert_true(rate.per_s > 999 && rate.per_s < 1001);
	for (int i = 601; i <= 900; i++)
		tr_disk_guard_note(&rate, i * TR_NS_PER_S, bytes += 3000);
	assert_true(rate.per_s > 2950 && rate.per_s < 3001);
	tr_disk_guard_note(&rate, 901 * TR_NS_PER_S, 10); /* the next part of the same recording */
	assert_true(rate.per_s > 2950);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_reserve_is_a_gib_or_a_twentieth_of_a_small_disk, start),
		cmocka_unit_test_setup(
			nothing_starts_below_the_reserve_until_there_is_clearly_more, start),
		cmocka_unit_test_setup(what_the_last_recordings_wrote_tells_the_hours_left, start),
		cmocka_unit_test_setup(recordings_save_more_the_less_time_is_left, start),
		cmocka_unit_test_setup(recordings_save_when_somebody_else_fills_the_reserve, start),
		cmocka_unit_test_setup(
			a_step_is_taken_back_when_room_was_made_and_not_because_saving_helps,
			start),
		cmocka_unit_test_setup(it_looks_more_often_the_faster_the_disk_fills, start),
		cmocka_unit_test(a_rate_is_a_mean_at_first_and_of_the_last_minute_later),
	};
	return cmocka_run_group_tests_name("disk guard", tests, NULL, NULL);
}
