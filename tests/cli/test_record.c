#include "test.h"

#include "core/child.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define DEADLINE_NS (60 * TR_NS_PER_S)

/* A folder of its own for each test: the program with the double beside it, an empty runtime
 * folder, recordings, and what the program said. */
static char home[] = "/tmp/telerec-cli-XXXXXX";
static char path_buffer[PATH_MAX + 300];
static struct tr_child telerec;

static const char *in_home(const char *name)
{
	snprintf(path_buffer, sizeof(path_buffer), "%s/%s", home, name);
	return path_buffer;
}

static void copy_program(const char *from, const char *to)
{
	char path[PATH_MAX], *data;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", getenv("TR_BUILD_DIR"), from);
	assert_int_equal(tr_file_read(AT_FDCWD, path, 64 << 20, &data, &size), 0);
	int fd = open(in_home(to), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, data, size), 0);
	close(fd);
	free(data);
}

static void write_home(const char *name, const char *text)
{
	int fd = open(in_home(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static int make_home(void **state)
{
	assert_non_null(getenv("TR_BUILD_DIR"));
	strcpy(home, "/tmp/telerec-cli-XXXXXX");
	assert_non_null(mkdtemp(home));
	assert_int_equal(chmod(home, 0755), 0);
	assert_int_equal(mkdir(in_home("run"), 0700), 0);
	copy_program("telerec", "telerec");
	copy_program("fake_slot", "telerec-slot");
	return 0;
}

static int remove_home(void **state)
{
	tr_child_stop(&telerec, 0);
	return tr_file_remove_tree(home);
}

static const char *read_home(const char *name)
{
	static char *text;

	free(text);
	text = NULL;
	if (tr_file_read(AT_FDCWD, in_home(name), 1 << 20, &text, NULL) < 0)
		text = strdup("");
	return text;
}

/* Starts `telerec record --to HOME/out ARGS...`; the environment carries the double's order. */
static void start(const char *order, const char *const *args)
{
	const char *argv[20] = {NULL, "record", "--to", NULL};
	char program[PATH_MAX], out[PATH_MAX];
	unsigned count = 4;

	snprintf(program, sizeof(program), "%s/telerec", home);
	snprintf(out, sizeof(out), "%s/out", home);
	argv[0] = program;
	argv[3] = out;
	while (*args)
		argv[count++] = *args++;
	setenv("FAKE_SLOT", order, 1);
	setenv("FAKE_SLOT_NOTES", in_home("notes"), 1);
	setenv("XDG_RUNTIME_DIR", in_home("run"), 1);
	TR_CLEANUP(tr_closep) int said = open(in_home("said"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	TR_CLEANUP(tr_closep)
	int printed = open(in_home("printed"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	const struct tr_child_fd fds[] = {{printed, 1}, {said, 2}};
	const struct tr_child_settings settings = {.argv = argv, .fds = fds, .fd_count = 2};
	assert_int_equal(tr_child_start(&settings, &telerec), 0);
}

static void wait_until_it_says(const char *words)
{
	int64_t deadline = tr_clock_now_ns() + DEADLINE_NS;
	const struct timespec a_bit = {.tv_nsec = 10 * TR_NS_PER_MS};

	while (!strstr(read_home("said"), words)) {
		if (tr_clock_now_ns() > deadline)
			fail_msg("it never said \"%s\", but: %s", words, read_home("said"));
		nanosleep(&a_bit, NULL);
	}
}

/* The exit code; and nothing may be left of the runtime folders that the double was given. */
static int wait_for_end(void)
{
	int status = tr_child_wait(&telerec, (int)(DEADLINE_NS / TR_NS_PER_MS));
	if (status < 0 || !WIFEXITED(status))
		fail_msg("it did not end properly (%d): %s", status, read_home("said"));
	char *next = NULL, *notes = strdup(read_home("notes"));
	for (char *path = strtok_r(notes, "\n", &next); path; path = strtok_r(NULL, "\n", &next))
		assert_int_equal(access(path, F_OK), -1);
	free(notes);
	return WEXITSTATUS(status);
}

static void expect_file(const char *name)
{
	struct stat st;

	if (stat(in_home(name), &st) < 0)
		fail_msg("%s is missing; it said: %s", name, read_home("said"));
	assert_int_equal(st.st_uid, geteuid());
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PAGE "https://example.invalid/"

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)

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
