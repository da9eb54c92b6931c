#include "test.h"

#include "session/machine.h"

static enum tr_machine_state walk(enum tr_machine_state state, const enum tr_machine_event *events)
{
	for (; *events != TR_MACHINE_EVENTS; events++)
		state = tr_machine_next(state, *events).next;
	return state;
}

#define WALK(state, ...)                                                                           \
	walk(state, (const enum tr_machine_event[]){__VA_ARGS__, TR_MACHINE_EVENTS})

static void a_plain_recording_ends_idle_again(void **state)
{
	assert_int_equal(WALK(TR_MACHINE_NONE, TR_MACHINE_CONFIGURED, TR_MACHINE_BROWSER_READY,
				 TR_MACHINE_START, TR_MACHINE_PAGE_LOADED, TR_MACHINE_STOP,
				 TR_MACHINE_LEFT),
		TR_MACHINE_IDLE);
}

static void a_dead_browser_never_ends_a_recording(void **state)
{
	assert_int_equal(
		WALK(TR_MACHINE_RECORDING, TR_MACHINE_BROWSER_EXITED, TR_MACHINE_BROWSER_READY,
			TR_MACHINE_PAGE_FAILED, TR_MACHINE_PAGE_CRASHED, TR_MACHINE_PAGE_LOADED),
		TR_MACHINE_RECORDING);
	assert_true(tr_machine_next(TR_MACHINE_RECORDING, TR_MACHINE_BROWSER_EXITED).orders &
		    TR_MACHINE_DO_BROWSER);
}

static void a_lost_display_is_replaced_under_the_running_pipeline(void **state)
{
	struct tr_machine_step step =
		tr_machine_next(TR_MACHINE_RECORDING, TR_MACHINE_DISPLAY_LOST);
	assert_int_equal(step.next, TR_MACHINE_REPAIRING);
	assert_int_equal(step.orders, TR_MACHINE_DO_REDISPLAY | TR_MACHINE_DO_BROWSER);
}

static void a_second_start_is_refused_and_changes_nothing(void **state)
{
	static const enum tr_machine_state busy[] = {TR_MACHINE_NONE, TR_MACHINE_WARMING,
		TR_MACHINE_JOINING, TR_MACHINE_RECORDING, TR_MACHINE_REPAIRING,
		TR_MACHINE_STOPPING};
	for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++) {
		struct tr_machine_step step = tr_machine_next(busy[i], TR_MACHINE_START);
		assert_int_equal(step.next, busy[i]);
		assert_int_equal(step.orders, TR_MACHINE_DO_REFUSE);
	}
}

/* Whatever ends a recording writes the file first. */
static void every_way_out_of_recording_finishes_the_file(void **state)
{
	for (int s = TR_MACHINE_RECORDING; s <= TR_MACHINE_REPAIRING; s++)
		for (int e = 0; e < TR_MACHINE_EVENTS; e++) {
			struct tr_machine_step step = tr_machine_next(s, e);
			if (step.next == TR_MACHINE_RECORDING || step.next == TR_MACHINE_REPAIRING)
				continue;
			assert_int_equal(step.next, TR_MACHINE_STOPPING);
			assert_true(step.orders & TR_MACHINE_DO_STOP);
		}
}

static void quit_ends_every_state_that_holds_no_file(void **state)
{
	static const enum tr_machine_state states[] = {
		TR_MACHINE_NONE, TR_MACHINE_WARMING, TR_MACHINE_IDLE, TR_MACHINE_JOINING};
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct tr_machine_step step = tr_machine_next(states[i], TR_MACHINE_QUIT);
		assert_int_equal(step.next, TR_MACHINE_ENDED);
		assert_true(step.orders & TR_MACHINE_DO_END);
	}
}

static void who_waits_for_a_start_hears_of_its_failure(void **state)
{
	static const enum tr_machine_event ends[] = {TR_MACHINE_PAGE_FAILED, TR_MACHINE_STOP,
		TR_MACHINE_TROUBLE, TR_MACHINE_GIVE_UP, TR_MACHINE_QUIT};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		assert_true(
			tr_machine_next(TR_MACHINE_JOINING, ends[i]).orders & TR_MACHINE_DO_FAIL);
}

static void every_state_and_event_has_a_name(void **state)
{
	for (int s = 0; s < TR_MACHINE_STATES; s++)
		assert_string_not_equal(tr_machine_state_name(s), "invalid");
	for (int e = 0; e < TR_MACHINE_EVENTS; e++)
		assert_string_not_equal(tr_machine_event_name(e), "invalid");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_recording_ends_idle_again),
		cmocka_unit_test(a_dead_browser_never_ends_a_recording),
		cmocka_unit_test(a_lost_display_is_replaced_under_the_running_pipeline),
		cmocka_unit_test(a_second_start_is_refused_and_changes_nothing),
		cmocka_unit_test(every_way_out_of_recording_finishes_the_file),
		cmocka_unit_test(quit_ends_every_state_that_holds_no_file),
		cmocka_unit_test(who_waits_for_a_start_hears_of_its_failure),
		cmocka_unit_test(every_state_and_event_has_a_name),
	};
	return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
