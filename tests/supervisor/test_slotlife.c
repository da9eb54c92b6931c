#include "test.h"

#include "supervisor/slotlife.h"

#define DO(order) TR_SLOTLIFE_DO_##order

static enum tr_slotlife_state state;

static unsigned feed(enum tr_slotlife_event event)
{
	struct tr_slotlife_step step = tr_slotlife_next(state, event);

	state = step.next;
	return step.orders;
}

static int start_recording(void **nothing)
{
	state = TR_SLOTLIFE_AWAY;
	assert_int_equal(feed(TR_SLOTLIFE_LAUNCHED), 0);
	assert_int_equal(feed(TR_SLOTLIFE_READY), DO(SEND_FINISH));
	assert_int_equal(feed(TR_SLOTLIFE_START), DO(SEND_START));
	assert_int_equal(feed(TR_SLOTLIFE_STARTED), 0);
	assert_int_equal(state, TR_SLOTLIFE_RECORDING);
	return 0;
}

static void an_ordinary_recording_ends_idle(void **nothing)
{
	assert_int_equal(feed(TR_SLOTLIFE_STOP), DO(SEND_STOP));
	assert_int_equal(feed(TR_SLOTLIFE_STOPPED), DO(END));
	assert_false(tr_slotlife_is_working(state));
	assert_int_equal(feed(TR_SLOTLIFE_SAID_IDLE), 0);
	assert_int_equal(state, TR_SLOTLIFE_IDLE);
}

static void a_slot_that_dies_recording_goes_on_at_once(void **nothing)
{
	assert_int_equal(feed(TR_SLOTLIFE_LOST), DO(HURRY));
	assert_true(tr_slotlife_is_working(state));
	assert_false(tr_slotlife_is_here(state));
	assert_int_equal(feed(TR_SLOTLIFE_LAUNCHED), 0);
	assert_int_equal(feed(TR_SLOTLIFE_READY), DO(SEND_RESUME) | DO(SEND_FINISH));
	assert_int_equal(feed(TR_SLOTLIFE_STARTED), 0);
	assert_int_equal(state, TR_SLOTLIFE_RECORDING);
}

static void a_slot_that_dies_too_often_loses_its_recording(void **nothing)
{
	feed(TR_SLOTLIFE_LOST);
	feed(TR_SLOTLIFE_LAUNCHED);
	assert_int_equal(feed(TR_SLOTLIFE_GIVEN_UP), DO(PAUSE) | DO(END_LOST));
	assert_false(tr_slotlife_is_working(state));
}

static void a_slot_that_dies_stopping_has_stopped(void **nothing)
{
	feed(TR_SLOTLIFE_STOP);
	assert_int_equal(feed(TR_SLOTLIFE_LOST), DO(HURRY) | DO(END_CUT));
	assert_false(tr_slotlife_is_working(state));
	feed(TR_SLOTLIFE_LAUNCHED);
	assert_int_equal(feed(TR_SLOTLIFE_READY), DO(SEND_FINISH));
}

static void a_stop_while_it_comes_back_does_not_wait_for_it(void **nothing)
{
	feed(TR_SLOTLIFE_LOST);
	assert_int_equal(feed(TR_SLOTLIFE_STOP), DO(END_CUT));
	feed(TR_SLOTLIFE_LAUNCHED);
	assert_int_equal(feed(TR_SLOTLIFE_READY), DO(SEND_FINISH)); /* and no start */
	assert_int_equal(state, TR_SLOTLIFE_IDLE);
}

static void a_stop_before_anything_is_recorded_cancels(void **nothing)
{
	state = TR_SLOTLIFE_PENDING;
	assert_int_equal(feed(TR_SLOTLIFE_STOP), DO(SEND_STOP));
	assert_int_equal(feed(TR_SLOTLIFE_STARTED), 0); /* too late */
	assert_int_equal(state, TR_SLOTLIFE_STOPPING);
}

static void a_start_is_only_for_an_idle_slot(void **nothing)
{
	for (unsigned i = 0; i < TR_SLOTLIFE_STATES; i++) {
		struct tr_slotlife_step step =
			tr_slotlife_next((enum tr_slotlife_state)i, TR_SLOTLIFE_START);
		assert_int_equal(step.orders != 0, i == TR_SLOTLIFE_IDLE);
	}
}

static void an_idle_slot_that_repairs_its_browser_takes_no_start(void **nothing)
{
	state = TR_SLOTLIFE_IDLE;
	feed(TR_SLOTLIFE_SAID_BUSY);
	assert_int_equal(feed(TR_SLOTLIFE_START), 0);
	feed(TR_SLOTLIFE_SAID_IDLE);
	assert_int_equal(state, TR_SLOTLIFE_IDLE);
}

static void each_end_of_a_process_brings_another_and_each_recording_ends_once(void **nothing)
{
	const unsigned ends = DO(END) | DO(END_CUT) | DO(END_LOST);

	for (unsigned i = 0; i < TR_SLOTLIFE_STATES; i++) {
		for (unsigned j = 0; j < TR_SLOTLIFE_EVENTS; j++) {
			enum tr_slotlife_state from = (enum tr_slotlife_state)i;
			struct tr_slotlife_step step =
				tr_slotlife_next(from, (enum tr_slotlife_event)j);
			bool has_ended =
				tr_slotlife_is_working(from) && !tr_slotlife_is_working(step.next);
			assert_int_equal((step.orders & ends) != 0, has_ended);
			assert_int_equal(step.orders & ends & ((step.orders & ends) - 1), 0);
			bool is_gone = tr_slotlife_is_here(from) && !tr_slotlife_is_here(step.next);
			if (is_gone)
				assert_true(step.orders & (DO(PAUSE) | DO(HURRY)));
		}
	}
}

static void every_state_and_event_has_a_name(void **nothing)
{
	for (unsigned i = 0; i < TR_SLOTLIFE_STATES; i++)
		assert_non_null(tr_slotlife_state_name((enum tr_slotlife_state)i));
	for (unsigned i = 0; i < TR_SLOTLIFE_EVENTS; i++)
		assert_non_null(tr_slotlife_event_name((enum tr_slotlife_event)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_ordinary_recording_ends_idle, start_recording),
		cmocka_unit_test_setup(a_slot_that_dies_recording_goes_on_at_once, start_recording),
		cmocka_unit_test_setup(
			a_slot_that_dies_too_often_loses_its_recording, start_recording),
		cmocka_unit_test_setup(a_slot_that_dies_stopping_has_stopped, start_recording),
		cmocka_unit_test_setup(
			a_stop_while_it_comes_back_does_not_wait_for_it, start_recording),
		cmocka_unit_test(a_stop_before_anything_is_recorded_cancels),
		cmocka_unit_test(a_start_is_only_for_an_idle_slot),
		cmocka_unit_test(an_idle_slot_that_repairs_its_browser_takes_no_start),
		cmocka_unit_test(each_end_of_a_process_brings_another_and_each_recording_ends_once),
		cmocka_unit_test(every_state_and_event_has_a_name),
	};
	return cmocka_run_group_tests_name("slotlife", tests, NULL, NULL);
}
