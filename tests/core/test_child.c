#include "test.h"

#include "core/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define PATIENCE_MS 60000

static struct tr_child child;
static char said[1000];

static int start(const char *script, int out, const char *const *envp)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	const struct tr_child_fd fds[] = {{out, STDOUT_FILENO}};
	const struct tr_child_settings settings = {
		.argv = argv, .envp = envp, .fds = fds, .fd_count = out >= 0};
	return tr_child_start(&settings, &child);
}

/* Standard output of a script, until it is closed. */
static const char *hear(const char *script, const char *const *envp)
{
	int fds[2];
	size_t used = 0;
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(start(script, fds[1], envp), 0);
	close(fds[1]);
	while ((n = read(fds[0], said + used, sizeof(said) - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = '\0';
	close(fds[0]);
	assert_true(tr_child_wait(&child, PATIENCE_MS) >= 0);
	return said;
}

static void the_exit_code_is_told(void **state)
{
	char fate[80];

	assert_int_equal(start("exit 3", -1, NULL), 0);
	int status = tr_child_wait(&child, PATIENCE_MS);
	assert_true(WIFEXITED(status));
	tr_child_describe(status, fate, sizeof(fate));
	assert_string_equal(fate, "exited with code 3");
	assert_int_equal(child.pid, 0);
	assert_int_equal(tr_child_wait(&child, 0), -ECHILD);
	assert_int_equal(tr_child_stop(&child, 0), -ECHILD);
}

static void a_missing_program_is_an_error_at_once(void **state)
{
	const char *const argv[] = {"/nonexistent/program", NULL};
	const struct tr_child_settings settings = {.argv = argv};

	assert_int_equal(tr_child_start(&settings, &child), -ENOENT);
}

static void it_has_the_named_descriptors_and_no_others(void **state)
{
	int leaked = open("/dev/null", O_RDONLY); /* not close-on-exec, on purpose */

	assert_string_equal(hear("ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/fd/0", NULL),
		"0 1 2 3 /dev/null\n"); /* 3 is what ls itself opens */
	close(leaked);
}

static void descriptors_may_change_places(void **state)
{
	int a[2], b[2];
	char byte;

	assert_int_equal(pipe2(a, O_CLOEXEC), 0);
	assert_int_equal(pipe2(b, O_CLOEXEC), 0);
	const char *const argv[] = {"/bin/sh", "-c", "printf a >&3; printf b >&4", NULL};
	const struct tr_child_fd fds[] = {{a[1], 3}, {b[1], 4}};
	const struct tr_child_fd swapped[] = {{a[1], b[1]}, {b[1], a[1]}};
	const struct tr_child_settings settings = {.argv = argv, .fds = fds, .fd_count = 2};
	assert_int_equal(tr_child_start(&settings, &child), 0);
	assert_int_equal(read(a[0], &byte, 1), 1);
	assert_int_equal(byte, 'a');
	assert_int_equal(read(b[0], &byte, 1), 1);
	assert_int_equal(byte, 'b');
	assert_true(tr_child_wait(&child, PATIENCE_MS) == 0);

	char script[80];
	snprintf(script, sizeof(script), "printf x >&%d; printf y >&%d", b[1], a[1]);
	const char *const again[] = {"/bin/sh", "-c", script, NULL};
	const struct tr_child_settings second = {.argv = again, .fds = swapped, .fd_count = 2};
	assert_true(a[1] < 10 && b[1] < 10); /* sh redirects one digit */
	assert_int_equal(tr_child_start(&second, &child), 0);
	assert_int_equal(read(a[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	assert_int_equal(read(b[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_true(tr_child_wait(&child, PATIENCE_MS) == 0);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

static void the_environment_is_the_named_one(void **state)
{
	const char *const envp[] = {"COLOUR=red", NULL};

	assert_string_equal(hear("echo $COLOUR $HOME", envp), "red\n");
}

static void stop_kills_one_that_does_not_listen_and_its_children(void **state)
{
	int fds[2];
	char text[40] = "";

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(
		start("trap '' TERM; sleep 1000 & echo $!; while :; do wait; done", fds[1], NULL),
		0);
	close(fds[1]);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	int status = tr_child_stop(&child, 1);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(read(fds[0], text, 1), 0); /* the grandchild has let go of the pipe */
	close(fds[0]);
}

static void waiting_has_an_end(void **state)
{
	assert_int_equal(start("sleep 1000", -1, NULL), 0);
	assert_int_equal(tr_child_wait(&child, 1), -ETIMEDOUT);
	int status = tr_child_stop(&child, PATIENCE_MS);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void signals_of_ours_are_not_inherited(void **state)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	signal(SIGPIPE, SIG_IGN);
	hear("grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -s '\\t\\n' ' '", NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	assert_string_equal(said, "SigBlk: 0000000000000000 SigIgn: 0000000000000000 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exit_code_is_told),
		cmocka_unit_test(a_missing_program_is_an_error_at_once),
		cmocka_unit_test(it_has_the_named_descriptors_and_no_others),
		cmocka_unit_test(descriptors_may_change_places),
		cmocka_unit_test(the_environment_is_the_named_one),
		cmocka_unit_test(stop_kills_one_that_does_not_listen_and_its_children),
		cmocka_unit_test(waiting_has_an_end),
		cmocka_unit_test(signals_of_ours_are_not_inherited),
	};
	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
