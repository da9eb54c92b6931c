/* A question whose answer never comes, or whose asking ends the process. */
#include "test.h"

#include "core/clock.h"
#include "encode/probe_child.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define LONG_MS 60000

static struct tr_probe_answer answer;

static int end(void **state)
{
	tr_probe_child_release(&answer);
	return 0;
}

static int ask(tr_probe_question_fn *question, int silent_ms)
{
	return tr_probe_child_ask(
		question, "user", silent_ms, tr_clock_now_ns() + LONG_MS * TR_NS_PER_MS, &answer);
}

static json_t *answer_at_once(void *user)
{
	printf("a driver prints to standard output\n");
	fflush(stdout);
	fprintf(stderr, "and\x1b[31m to standard error\n");
	tr_probe_child_say("the work");
	return json_pack("{s:s}", "heard", (const char *)user);
}

static void an_answer_comes_with_what_was_printed(void **state)
{
	assert_int_equal(ask(answer_at_once, LONG_MS), 0);
	assert_false(answer.has_hung || answer.has_ended);
	assert_string_equal(json_string_value(json_object_get(answer.json, "heard")), "user");
	assert_string_equal(answer.stage, "the work");
	assert_string_equal(
		answer.words, "a driver prints to standard output\nand?[31m to standard error\n");
}

static json_t *hang(void *user)
{
	tr_probe_child_say("vaInitialize");
	for (;;)
		pause();
	return NULL;
}

static void a_hang_is_found_and_ended(void **state)
{
	assert_int_equal(ask(hang, 300), 0);
	assert_true(answer.has_hung);
	assert_null(answer.json);
}

static void all_time_together_is_bounded_too(void **state)
{
	assert_int_equal(tr_probe_child_ask(hang, NULL, LONG_MS,
				 tr_clock_now_ns() + 300 * TR_NS_PER_MS, &answer),
		0);
	assert_true(answer.is_late); /* which is no fault of the driver's */
	assert_false(answer.has_hung || answer.has_ended);
}

static json_t *crash(void *user)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void an_abort_is_found(void **state)
{
	assert_int_equal(ask(crash, LONG_MS), 0);
	assert_true(answer.has_ended);
	assert_false(answer.has_hung);
	assert_true(WIFSIGNALED(answer.wait_status));
	assert_int_equal(WTERMSIG(answer.wait_status), SIGABRT);
}

static json_t *leave(void *user)
{
	fprintf(stderr, "amdgpu: The CS has been rejected\n");
	_exit(1);
}

static void an_exit_of_the_drivers_own_is_found(void **state)
{
	assert_int_equal(ask(leave, LONG_MS), 0);
	assert_true(answer.has_ended);
	assert_int_equal(WEXITSTATUS(answer.wait_status), 1);
	assert_non_null(strstr(answer.words, "CS has been rejected"));
}

static json_t *say_nothing(void *user)
{
	return NULL;
}

static void no_answer_is_an_end_as_well(void **state)
{
	assert_int_equal(ask(say_nothing, LONG_MS), 0);
	assert_true(answer.has_ended);
	assert_null(answer.json);
}

static json_t *print_much(void *user)
{
	for (int i = 0; i < 20000; i++)
		fprintf(stderr, "line %d of many\n", i);
	return json_array();
}

static void of_many_words_the_last_are_kept(void **state)
{
	assert_int_equal(ask(print_much, LONG_MS), 0);
	assert_non_null(answer.json);
	assert_true(strlen(answer.words) < TR_PROBE_WORDS_MAX);
	assert_non_null(strstr(answer.words, "of many"));
	assert_null(strstr(answer.words, "line 1 of"));
}

static void its_children_end_with_it(void **state)
{
	/* nobody is left who could be waited for */
	assert_int_equal(ask(hang, 200), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_answer_comes_with_what_was_printed, end),
		cmocka_unit_test_teardown(a_hang_is_found_and_ended, end),
		cmocka_unit_test_teardown(all_time_together_is_bounded_too, end),
		cmocka_unit_test_teardown(an_abort_is_found, end),
		cmocka_unit_test_teardown(an_exit_of_the_drivers_own_is_found, end),
		cmocka_unit_test_teardown(no_answer_is_an_end_as_well, end),
		cmocka_unit_test_teardown(of_many_words_the_last_are_kept, end),
		cmocka_unit_test_teardown(its_children_end_with_it, end),
	};
	return cmocka_run_group_tests_name("probe_child", tests, NULL, NULL);
}
