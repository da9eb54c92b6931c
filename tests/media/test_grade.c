#include "test.h"

#include "media/grade.h"

static struct tr_quality good(void)
{
	return (struct tr_quality){.duration_ms = 60000,
		.has_video = true,
		.has_audio = true,
		.sound_expected = true,
		.had_player = true,
		.frames_grabbed = 1000};
}

static char letter(struct tr_quality quality)
{
	struct tr_grade grade;
	tr_grade_of(&quality, &grade);
	assert_true(grade.letter == 'A' ? grade.count == 0 : grade.count > 0);
	return grade.letter;
}

static void a_good_recording_is_an_a(void **state)
{
	assert_int_equal(letter(good()), 'A');
}

static void each_fault_costs(void **state)
{
	struct tr_quality q = good();
	q.has_video = false;
	assert_int_equal(letter(q), 'F');
	q = good(), q.decode_errors = 1;
	assert_int_equal(letter(q), 'D');
	q = good(), q.frames_dropped = 150;
	assert_int_equal(letter(q), 'C');
	q = good(), q.black_s = 60;
	assert_int_equal(letter(q), 'F');
	q = good(), q.sound_gap_s = 0.1;
	assert_int_equal(letter(q), 'B');
	q = good(), q.encoder_restarts = 1;
	assert_int_equal(letter(q), 'B');
}

static void silence_is_fine_where_none_is_expected(void **state)
{
	struct tr_quality q = good();
	q.silence_s = 60;
	assert_int_equal(letter(q), 'D');
	q.sound_expected = false;
	assert_int_equal(letter(q), 'A');
}

static void a_slide_may_stand(void **state)
{
	struct tr_quality q = good();
	q.longest_frozen_s = 59;
	assert_int_equal(letter(q), 'A');
}

static void saving_room_costs_by_its_worst_level(void **state)
{
	struct tr_quality q = good();
	struct tr_grade grade;

	q.economy_count = 2;
	q.economy[0].level = 1;
	assert_int_equal(letter(q), 'B');
	q.economy[1].level = 2;
	assert_int_equal(letter(q), 'C');
	tr_grade_of(&q, &grade);
	assert_string_equal(grade.reasons[0],
		"the disk was nearly full: half the pictures, and coarser at the worst");
	q.economy[0].level = 3;
	q.economy[1].level = 0;
	assert_int_equal(letter(q), 'D');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_recording_is_an_a),
		cmocka_unit_test(each_fault_costs),
		cmocka_unit_test(silence_is_fine_where_none_is_expected),
		cmocka_unit_test(a_slide_may_stand),
		cmocka_unit_test(saving_room_costs_by_its_worst_level),
	};
	return cmocka_run_group_tests_name("grade", tests, NULL, NULL);
}
