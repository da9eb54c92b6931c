#include "test.h"

#include "cli/cli_rig.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* `telerec record --to HOME/out ARGS...` */
static void start(const char *order, const char *const *args)
{
	const char *words[20] = {"record", "--to", NULL};
	char out[PATH_MAX];
	unsigned count = 3;

	snprintf(out, sizeof(out), "%s/out", home);
	words[2] = out;
	while (*args)
		words[count++] = *args++;
	words[count] = NULL;
	start_telerec(order, words);
}

static void a_recording_ends_with_the_paths_and_the_grade(void **state)
{
	start("finish", ARGS(PAGE, "--for", "1s", "--name", "one"));
	assert_int_equal(wait_for_end(), 0);
	assert_non_null(strstr(read_home("notes"), "/telerec-"));
	expect_file("out/one/one.mp4");
	assert_non_null(strstr(read_home("printed"), "out/one/one.mp4"));
	assert_non_null(strstr(read_home("printed"), "report.json"));
	assert_non_null(strstr(read_home("printed"), "Grade:  A"));
}

static void quiet_prints_the_path_alone(void **state)
{
	char expected[PATH_MAX];

	start("finish", ARGS(PAGE, "--for", "1s", "--name", "one", "--quiet"));
	assert_int_equal(wait_for_end(), 0);
	snprintf(expected, sizeof(expected), "%s/out/one/one.mp4\n", home);
	assert_string_equal(read_home("printed"), expected);
	assert_string_equal(read_home("said"), "");
}

static void the_first_signal_finishes_the_file(void **state)
{
	start("finish", ARGS(PAGE, "--name", "one"));
	wait_until_it_says("00:00:00");
	tr_child_kill(&telerec, SIGINT);
	assert_int_equal(wait_for_end(), 0);
	expect_file("out/one/one.mp4");
}

static void the_second_signal_stops_at_once_and_keeps_what_there_is(void **state)
{
	start("deaf", ARGS(PAGE, "--name", "one"));
	wait_until_it_says("00:00:00");
	tr_child_kill(&telerec, SIGTERM);
	wait_until_it_says("stopping");
	tr_child_kill(&telerec, SIGTERM);
	assert_int_equal(wait_for_end(), 130);
	expect_file("out/one/one.part-001.mp4");
}

static void a_slot_that_dies_is_started_again_and_goes_on(void **state)
{
	start("die_once", ARGS(PAGE, "--for", "2s", "--name", "one"));
	assert_int_equal(wait_for_end(), 0);
	expect_file("out/one/one.part-001.mp4");
	expect_file("out/one/one.part-002.mp4");
	expect_file("out/one/one.mp4");
	assert_non_null(strstr(read_home("said"), "killed by signal 9"));
	assert_non_null(strstr(read_home("said"), "starting it again (1 of 5)"));
}

static void a_slot_that_dies_while_it_finishes_is_asked_again(void **state)
{
	start("die_finishing", ARGS(PAGE, "--name", "one"));
	wait_until_it_says("00:00:00");
	tr_child_kill(&telerec, SIGINT);
	assert_int_equal(wait_for_end(), 0);
	expect_file("out/one/one.mp4");
}

static void a_slot_that_keeps_dying_is_given_up(void **state)
{
	start("die_early", ARGS(PAGE, "--name", "one"));
	assert_int_equal(wait_for_end(), 15);
	assert_non_null(strstr(read_home("said"), "starting it again (5 of 5)"));
	assert_null(strstr(read_home("said"), "6 of 5"));
	assert_int_equal(access(in_home("out/one"), F_OK), -1); /* nothing came of it */
}

static void a_slot_that_babbles_is_given_up(void **state)
{
	start("babble", ARGS(PAGE, "--name", "one"));
	assert_int_equal(wait_for_end(), 15);
	assert_non_null(strstr(read_home("said"), "babble"));
}

static void a_failure_is_told_with_its_exit_code(void **state)
{
	start("fail", ARGS(PAGE, "--name", "one"));
	assert_int_equal(wait_for_end(), 7);
	assert_non_null(strstr(read_home("said"), "no page"));
	start("no_display", ARGS(PAGE, "--name", "two"));
	assert_int_equal(wait_for_end(), 3);
}

static void what_cannot_be_is_refused_before_anything_starts(void **state)
{
	static const struct {
		const char *args[4], *words;
	} cases[] = {
		{{PAGE, "--size", "0x0"}, "too small"},
		{{PAGE, "--size", "10000x10000"}, "too large"},
		{{PAGE, "--size", "1281x720"}, "even"},
		{{PAGE, "--size", "big"}, "1280x720"},
		{{PAGE, "--for", "-5s"}, "--for"},
		{{PAGE, "--rate", "0"}, "1 to 60"},
		{{PAGE, "--bogus"}, "unknown option"},
		{{PAGE, "--browser", "/nonexistent"}, "/nonexistent"},
		{{PAGE, "--name", "../up"}, "slash"},
		{{PAGE, PAGE}, "one address"},
		{{"gopher://example.org"}, "gopher"},
		{{"example.org"}, "https://"},
		{{"http:///x"}, "no host"},
		{{"--for", "3s"}, "address"},
		{{PAGE, "--config", "/nonexistent"}, "No such file"},
	};

	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		start("finish", cases[i].args);
		if (wait_for_end() != 2 || !strstr(read_home("said"), cases[i].words))
			fail_msg("case %zu: it said: %s", i, read_home("said"));
	}
	assert_int_equal(access(in_home("out"), F_OK), -1);
}

static void an_unknown_key_of_the_configuration_is_told_with_its_line(void **state)
{
	char config[PATH_MAX];

	snprintf(config, sizeof(config), "%s/telerec.conf", home);
	write_home("telerec.conf", "slots = 1;\nvideo: { sise = \"1x1\"; };\n");
	start("finish", ARGS(PAGE, "--config", config));
	assert_int_equal(wait_for_end(), 2);
	assert_non_null(strstr(read_home("said"), "telerec.conf:2: unknown key \"video.sise\"; did "
						  "you mean \"video.size\"?"));
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
	write_home("out", "x");
	start("finish", ARGS(PAGE, "--name", "one"));
	assert_int_equal(wait_for_end(), 11);
	assert_non_null(strstr(read_home("said"), "cannot make the folder"));
}

static void an_older_recording_is_never_written_over(void **state)
{
	start("finish", ARGS(PAGE, "--for", "1s", "--name", "one"));
	assert_int_equal(wait_for_end(), 0);
	start("finish", ARGS(PAGE, "--for", "1s", "--name", "one"));
	assert_int_equal(wait_for_end(), 2);
	assert_non_null(strstr(read_home("said"), "is there already"));
}

static void a_missing_slot_program_is_told(void **state)
{
	assert_int_equal(unlink(in_home("telerec-slot")), 0);
	start("finish", ARGS(PAGE, "--name", "one"));
	assert_int_equal(wait_for_end(), 1);
	assert_non_null(strstr(read_home("said"), "telerec-slot is missing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_recording_ends_with_the_paths_and_the_grade),
		TEST(quiet_prints_the_path_alone),
		TEST(the_first_signal_finishes_the_file),
		TEST(the_second_signal_stops_at_once_and_keeps_what_there_is),
		TEST(a_slot_that_dies_is_started_again_and_goes_on),
		TEST(a_slot_that_dies_while_it_finishes_is_asked_again),
		TEST(a_slot_that_keeps_dying_is_given_up),
		TEST(a_slot_that_babbles_is_given_up),
		TEST(a_failure_is_told_with_its_exit_code),
		TEST(what_cannot_be_is_refused_before_anything_starts),
		TEST(an_unknown_key_of_the_configuration_is_told_with_its_line),
		TEST(a_folder_that_cannot_be_made_is_told),
		TEST(an_older_recording_is_never_written_over),
		TEST(a_missing_slot_program_is_told),
	};
	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
