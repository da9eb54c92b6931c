/* Clocks are made up here: no sound, no waiting. */
#include "test.h"

#include "audio/drift.h"

#include <math.h>
#include <stdlib.h>

#define STEP_NS INT64_C(40000000)

struct simulation {
	struct tr_drift drift;
	double card_ppm;
	double jitter; /* frames of a late pointer, at most */
	double made;   /* frames after correction, with silence */
	double card;   /* frames the card recorded, whole story */
	int64_t now_ns;
	int64_t inserted;
	double behind;
};

static void begin(struct simulation *sim, double card_ppm, double jitter)
{
	*sim = (struct simulation){.card_ppm = card_ppm, .jitter = jitter};
	srand(7);
	tr_drift_begin(&sim->drift, 0);
}

static void step(struct simulation *sim)
{
	double fresh = 1920 * (1 + sim->card_ppm * 1e-6);

	sim->now_ns += STEP_NS;
	sim->card += fresh;
	sim->made += fresh * (1 + sim->drift.correct * 1e-6);
	double late = sim->jitter * rand() / RAND_MAX;
	double clock = (double)sim->now_ns * 48e-6;
	sim->behind = clock - (sim->made - late);
	int64_t gap =
		tr_drift_add(&sim->drift, sim->now_ns, (int64_t)(sim->card - late), sim->behind);
	sim->inserted += gap;
	sim->made += (double)gap;
	sim->behind -= (double)gap;
}

static void run(struct simulation *sim, int seconds)
{
	for (int i = 0; i < seconds * 25; i++)
		step(sim);
}

static void a_fast_card_is_measured_and_brought_back(void **state)
{
	struct simulation sim;

	begin(&sim, 200, 192); /* 4 ms: a loopback on a 250 Hz kernel */
	run(&sim, 60);
	assert_true(sim.drift.is_known);
	assert_float_equal(sim.drift.ppm, 200, 10);
	assert_true(fabs(sim.behind) < 300); /* 6 ms, most of it jitter */
	assert_int_equal(sim.inserted, 0);
}

static void a_slow_card_over_an_hour_stays_in_time(void **state)
{
	struct simulation sim;

	begin(&sim, -80, 96);
	run(&sim, 3600);
	assert_float_equal(sim.drift.ppm, -80, 10);
	assert_true(fabs(sim.behind) < 192);
	assert_int_equal(sim.inserted, 0);
}

static void a_true_clock_is_left_alone(void **state)
{
	struct simulation sim;

	begin(&sim, 0, 0);
	run(&sim, 60);
	assert_float_equal(sim.drift.ppm, 0, 1);
	assert_float_equal(sim.drift.correct, 0, 1);
}

static void a_jump_is_filled_once(void **state)
{
	struct simulation sim;

	begin(&sim, 50, 96);
	run(&sim, 30);
	sim.made -= 2400; /* 50 ms of samples never came */
	sim.card -= 2400;
	run(&sim, 30);
	assert_in_range(sim.inserted, 2200, 2600);
	assert_float_equal(sim.drift.ppm, 50, 10);
	assert_true(fabs(sim.behind) < 300);
}

static void one_late_time_stamp_is_no_jump(void **state)
{
	struct simulation sim;

	begin(&sim, 0, 0);
	run(&sim, 15);
	sim.made -= 3000;
	sim.card -= 3000;
	step(&sim);
	sim.made += 3000;
	sim.card += 3000;
	run(&sim, 15);
	assert_int_equal(sim.inserted, 0);
	assert_float_equal(sim.drift.ppm, 0, 1);
}

static void the_correction_never_jumps(void **state)
{
	struct simulation sim;
	double before = 0;

	begin(&sim, 300, 192);
	sim.made = 900; /* 19 ms ahead at first: not a jump, worked off */
	for (int i = 0; i < 60 * 25; i++) {
		step(&sim);
		assert_true(fabs(sim.drift.correct) < 900);
		/* what a second's change of rate moves: under a tenth of a millisecond a block */
		assert_true(fabs(sim.drift.correct - before) * 1e-6 * 1920 < 4.8);
		before = sim.drift.correct;
	}
	assert_true(fabs(sim.behind) < 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fast_card_is_measured_and_brought_back),
		cmocka_unit_test(a_slow_card_over_an_hour_stays_in_time),
		cmocka_unit_test(a_true_clock_is_left_alone),
		cmocka_unit_test(a_jump_is_filled_once),
		cmocka_unit_test(one_late_time_stamp_is_no_jump),
		cmocka_unit_test(the_correction_never_jumps),
	};
	return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
