#include "test.h"

#include "core/clock.h"
#include "core/file.h"
#include "storage/finalize.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PATIENCE_NS (60 * TR_NS_PER_S)

/* A script in a folder of its own; what it notes there tells what happened. */
static struct {
	sd_event *event;
	struct tr_finalize *finalize;
	struct tr_finalize_result result;
	unsigned done;
	char folder[100];
	char script[200];
} run;

static int make_folder(void **state)
{
	memset(&run, 0, sizeof(run));
	assert_true(sd_event_new(&run.event) >= 0);
	strcpy(run.folder, "/tmp/telerec-finalize-XXXXXX");
	assert_non_null(mkdtemp(run.folder));
	snprintf(run.script, sizeof(run.script), "%s/script", run.folder);
	return 0;
}

static int remove_folder(void **state)
{
	tr_finalize_destroy(run.finalize);
	sd_event_unref(run.event);
	return tr_file_remove_tree(run.folder);
}

static void write_script(const char *text, int mode)
{
	int fd = open(run.script, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
	fchmod(fd, (mode_t)mode);
	close(fd);
}

/* What the script left in the file `name` of its folder. */
static const char *read_note(const char *name)
{
	static char note[5000];
	char path[300];
	char *text;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", run.folder, name);
	if (tr_file_read(AT_FDCWD, path, sizeof(note) - 1, &text, &size) < 0)
		return "";
	memcpy(note, text, size + 1);
	free(text);
	return note;
}

static void on_done(const struct tr_finalize_result *result, void *user)
{
	run.result = *result;
	run.done++;
	if (user)
		return;
	tr_finalize_destroy(run.finalize); /* is allowed here */
	run.finalize = NULL;
}

static void start(int64_t timeout_ms, unsigned attempts)
{
	const struct tr_finalize_settings settings = {
		.script = run.script,
		.folder = run.folder,
		.timeout_ms = timeout_ms,
		.attempts = attempts,
		.pause_ms = 1,
		.session_id = "abc",
	};

	assert_int_equal(tr_finalize_start(run.event, &settings, on_done, NULL, &run.finalize), 0);
	assert_int_equal(run.done, 0);
}

static void wait_done(void)
{
	int64_t deadline_ns = tr_clock_now_ns() + PATIENCE_NS;

	while (run.done == 0) {
		assert_true(tr_clock_now_ns() < deadline_ns);
		assert_true(sd_event_run(run.event, 100000) >= 0);
	}
}

/* Turns the loop until the script has left a note. */
static void wait_note(const char *name)
{
	int64_t deadline_ns = tr_clock_now_ns() + PATIENCE_NS;

	while (!*read_note(name)) {
		assert_true(tr_clock_now_ns() < deadline_ns);
		assert_true(sd_event_run(run.event, 20000) >= 0);
	}
}

static void run_script(const char *text, int64_t timeout_ms, unsigned attempts)
{
	write_script(text, 0700);
	start(timeout_ms, attempts);
	wait_done();
	assert_int_equal(run.done, 1);
}

/* True while the process is there and no zombie. */
static bool is_alive(pid_t pid)
{
	char path[50], state = 'X';

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	char bytes[500];
	ssize_t n = read(fd, bytes, sizeof(bytes) - 1);
	close(fd);
	if (n <= 0)
		return false;
	bytes[n] = '\0';
	const char *end = strrchr(bytes, ')');
	if (end)
		sscanf(end + 1, " %c", &state);
	return state != 'Z' && state != 'X';
}

static void wait_gone(pid_t pid)
{
	int64_t deadline_ns = tr_clock_now_ns() + PATIENCE_NS;

	while (is_alive(pid)) {
		assert_true(tr_clock_now_ns() < deadline_ns);
		usleep(10000);
	}
}

/* ---- how it is called ---- */

static void the_folder_is_its_only_argument(void **state)
{
	run_script("#!/bin/sh\necho \"$# $1\" >\"$1/note\"\n", 0, 1);
	char expected[200];
	snprintf(expected, sizeof(expected), "1 %s\n", run.folder);
	assert_string_equal(read_note("note"), expected);
	assert_int_equal(run.result.rc, 0);
	assert_int_equal(run.result.attempts, 1);
	assert_int_equal(run.result.wait_status, 0);
}

static void a_name_with_blanks_and_quotes_passes_no_shell(void **state)
{
	const struct tr_finalize_settings settings = {
		.script = run.script, .folder = "/tmp/a b'$(id)", .session_id = "abc"};

	write_script("#!/bin/sh\necho \"$1\" >\"${0%/*}/note\"\n", 0700);
	assert_int_equal(tr_finalize_start(run.event, &settings, on_done, NULL, &run.finalize), 0);
	wait_done();
	assert_string_equal(read_note("note"), "/tmp/a b'$(id)\n");
}

static void a_script_without_a_first_line_is_a_shells(void **state)
{
	run_script("echo plain >\"$1/note\"\n", 0, 1);
	assert_string_equal(read_note("note"), "plain\n");
}

static void it_gets_our_environment_but_not_what_the_service_manager_said(void **state)
{
	setenv("OPERATORS_OWN", "kept", 1);
	setenv("NOTIFY_SOCKET", "/run/nobody", 1);
	setenv("CREDENTIALS_DIRECTORY", "/run/nobody", 1);
	run_script("#!/bin/sh\nenv >\"$1/note\"\n", 0, 1);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("CREDENTIALS_DIRECTORY");
	unsetenv("OPERATORS_OWN");
	assert_non_null(strstr(read_note("note"), "OPERATORS_OWN=kept\n"));
	assert_null(strstr(read_note("note"), "NOTIFY_SOCKET"));
	assert_null(strstr(read_note("note"), "CREDENTIALS_DIRECTORY"));
}

static void its_input_is_empty_and_its_descriptors_are_three(void **state)
{
	run_script("#!/bin/sh\ncat >\"$1/input\"; ls /proc/self/fd | tr '\\n' ' ' >\"$1/note\"; "
		   "echo end >>\"$1/input\"\n",
		0, 1);
	assert_string_equal(read_note("input"), "end\n");
	assert_string_equal(
		read_note("note"), "0 1 2 3 "); /* the last is the folder that ls reads */
}

/* ---- its output ---- */

static void both_outputs_are_kept_line_by_line(void **state)
{
	run_script("#!/bin/sh\necho one; echo two >&2; printf 'three\\rfour\\r\\n\\nfive'\n", 0, 1);
	assert_string_equal(run.result.output, "one\ntwo\nthree\nfour\nfive\n");
}

static void what_would_harm_a_terminal_or_json_is_replaced(void **state)
{
	run_script("#!/bin/sh\nprintf 'a\\033[31mb\\tc\\377d\\303\\274\\302\\233\\n'\n", 0, 1);
	assert_string_equal(run.result.output, "a?[31mb c?d\xc3\xbc??\n");
}

static void a_long_line_is_cut(void **state)
{
	run_script("#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' x; echo; echo next\n", 0, 1);
	assert_int_equal(strlen(run.result.output), 2000 + 1 + strlen("next\n"));
	assert_non_null(strstr(run.result.output, "x...\nnext\n"));
}

static void only_the_last_of_much_output_is_kept(void **state)
{
	run_script("#!/bin/sh\nseq 1 20000\n", 0, 1);
	assert_int_equal(run.result.rc, 0);
	assert_true(strlen(run.result.output) < sizeof(run.result.output));
	assert_non_null(strstr(run.result.output, "\n19999\n20000\n"));
	assert_int_equal(run.result.output[5], '\n'); /* begins with a whole line */
}

/* ---- its end ---- */

static void a_failure_is_told_with_its_code(void **state)
{
	run_script("#!/bin/sh\necho no upload; exit 3\n", 0, 1);
	assert_int_equal(run.result.rc, -EREMOTEIO);
	assert_int_equal(WEXITSTATUS(run.result.wait_status), 3);
	assert_non_null(strstr(run.result.sentence, "exited with code 3"));
	assert_string_equal(run.result.output, "no upload\n");
}

static void a_missing_script_is_not_tried_again(void **state)
{
	start(0, 5);
	wait_done();
	assert_int_equal(run.result.rc, -ENOENT);
	assert_int_equal(run.result.wait_status, -1);
	assert_int_equal(run.result.attempts, 1);
	assert_non_null(strstr(run.result.sentence, run.script));
}

static void a_script_that_may_not_be_run_is_told(void **state)
{
	write_script("#!/bin/sh\n", 0600);
	start(0, 5);
	wait_done();
	assert_int_equal(run.result.rc, -EACCES);
	assert_int_equal(run.result.attempts, 1);
}

static void a_failure_is_tried_again_until_it_works(void **state)
{
	run_script(
		"#!/bin/sh\necho x >>\"$1/tries\"\n[ \"$(wc -l <\"$1/tries\")\" -ge 3 ]\n", 0, 5);
	assert_int_equal(run.result.rc, 0);
	assert_int_equal(run.result.attempts, 3);
	assert_string_equal(read_note("tries"), "x\nx\nx\n");
}

static void a_failure_is_not_tried_for_ever(void **state)
{
	run_script("#!/bin/sh\necho x >>\"$1/tries\"; exit 1\n", 0, 2);
	assert_int_equal(run.result.rc, -EREMOTEIO);
	assert_int_equal(run.result.attempts, 2);
	assert_string_equal(read_note("tries"), "x\nx\n");
}

static void the_time_limit_ends_it_and_its_children(void **state)
{
	run_script("#!/bin/sh\nsleep 1000 &\necho $! >\"$1/child\"\nwait\n", 500, 1);
	assert_int_equal(run.result.rc, -ETIMEDOUT);
	assert_true(WIFSIGNALED(run.result.wait_status));
	assert_non_null(strstr(run.result.sentence, "0.5 s"));
	wait_gone(atoi(read_note("child")));
}

static void a_script_that_ignores_the_time_limit_is_killed(void **state)
{
	run_script("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.2; done\n", 200, 1);
	assert_int_equal(run.result.rc, -ETIMEDOUT);
	assert_int_equal(WTERMSIG(run.result.wait_status), SIGKILL);
}

static void what_it_leaves_behind_in_time_lives_on(void **state)
{
	run_script("#!/bin/sh\nsleep 1000 >/dev/null 2>&1 &\necho $! >\"$1/child\"\n", 30000, 1);
	assert_int_equal(run.result.rc, 0);
	pid_t child = atoi(read_note("child"));
	assert_true(is_alive(child));
	kill(child, SIGKILL);
}

static void a_left_behind_child_with_the_output_does_not_hold_it_for_ever(void **state)
{
	int64_t began_ns = tr_clock_now_ns();

	run_script("#!/bin/sh\nsleep 1000 &\necho $! >\"$1/child\"\necho said\n", 0, 1);
	assert_true(tr_clock_now_ns() - began_ns > 5 * TR_NS_PER_S);
	assert_int_equal(run.result.rc, 0);
	assert_string_equal(run.result.output, "said\n");
	kill(atoi(read_note("child")), SIGKILL);
}

static void destroy_kills_it_with_its_group(void **state)
{
	write_script("#!/bin/sh\nsleep 1000 &\necho $! >\"$1/child\"\nwait\n", 0700);
	start(0, 1);
	wait_note("child");
	tr_finalize_destroy(run.finalize);
	run.finalize = NULL;
	wait_gone(atoi(read_note("child")));
	assert_int_equal(run.done, 0);
}

/* Each waits for the other's mark. */
static void several_run_side_by_side(void **state)
{
	struct tr_finalize_settings settings = {
		.script = run.script, .folder = "/tmp/.", .session_id = "two"};
	struct tr_finalize *second;

	write_script("#!/bin/sh\ncd \"${0%/*}\"\necho x >>marks\n"
		     "until [ \"$(wc -l <marks)\" -ge 2 ]; do sleep 0.05; done\n",
		0700);
	start(0, 1);
	assert_int_equal(tr_finalize_start(run.event, &settings, on_done, &settings, &second), 0);
	wait_done();
	while (run.done < 2)
		assert_true(sd_event_run(run.event, 100000) >= 0);
	tr_finalize_destroy(second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_folder_is_its_only_argument),
		TEST(a_name_with_blanks_and_quotes_passes_no_shell),
		TEST(a_script_without_a_first_line_is_a_shells),
		TEST(it_gets_our_environment_but_not_what_the_service_manager_said),
		TEST(its_input_is_empty_and_its_descriptors_are_three),
		TEST(both_outputs_are_kept_line_by_line),
		TEST(what_would_harm_a_terminal_or_json_is_replaced),
		TEST(a_long_line_is_cut),
		TEST(only_the_last_of_much_output_is_kept),
		TEST(a_failure_is_told_with_its_code),
		TEST(a_missing_script_is_not_tried_again),
		TEST(a_script_that_may_not_be_run_is_told),
		TEST(a_failure_is_tried_again_until_it_works),
		TEST(a_failure_is_not_tried_for_ever),
		TEST(the_time_limit_ends_it_and_its_children),
		TEST(a_script_that_ignores_the_time_limit_is_killed),
		TEST(what_it_leaves_behind_in_time_lives_on),
		TEST(a_left_behind_child_with_the_output_does_not_hold_it_for_ever),
		TEST(destroy_kills_it_with_its_group),
		TEST(several_run_side_by_side),
	};
	return cmocka_run_group_tests_name("finalize", tests, NULL, NULL);
}
