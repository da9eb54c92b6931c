#include "test.h"

#include "core/file.h"
#include "core/sweeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static char folder[64];

static void make_folder(void)
{
	char path[128];

	strcpy(folder, "/tmp/telerec-test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/below", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	strcat(path, "/file");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static int sweep(const void *path)
{
	return tr_file_remove_tree(path);
}

static int is_there(void)
{
	return access(folder, F_OK) == 0;
}

static void it_sweeps_when_it_shall(void **state)
{
	struct tr_sweeper sweeper;

	make_folder();
	assert_int_equal(tr_sweeper_start(sweep, folder, &sweeper), 0);
	assert_true(is_there());
	assert_int_equal(tr_sweeper_sweep(&sweeper), 0);
	assert_false(is_there());
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left to be waited for */
}

static int fail_to_sweep(const void *user)
{
	return -EBUSY;
}

static void what_it_could_not_do_is_told(void **state)
{
	struct tr_sweeper sweeper = {0};

	assert_int_equal(tr_sweeper_sweep(&sweeper), 0);
	assert_int_equal(tr_sweeper_start(fail_to_sweep, NULL, &sweeper), 0);
	assert_int_equal(tr_sweeper_sweep(&sweeper), -EIO);
	assert_int_equal(tr_sweeper_sweep(&sweeper), 0);
}

/* As from a terminal: the signal goes to the whole group. */
static void it_sweeps_when_its_maker_is_killed(void **state)
{
	static const int signals[] = {SIGINT, SIGHUP, SIGTERM, SIGKILL};
	const struct timespec tick = {.tv_nsec = 5000000};
	int status;

	for (size_t i = 0; i < TR_COUNT(signals); i++) {
		make_folder();
		pid_t maker = fork();
		assert_true(maker >= 0);
		if (maker == 0) {
			struct tr_sweeper sweeper;
			setpgid(0, 0);
			if (tr_sweeper_start(sweep, folder, &sweeper) == 0)
				raise(SIGSTOP);
			_exit(1);
		}
		assert_int_equal(waitpid(maker, &status, WUNTRACED), maker);
		assert_true(WIFSTOPPED(status));
		assert_true(is_there());
		assert_int_equal(kill(-maker, signals[i]), 0);
		kill(-maker, SIGCONT);
		assert_int_equal(waitpid(maker, &status, 0), maker);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
		while (is_there())
			nanosleep(&tick, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_sweeps_when_it_shall),
		cmocka_unit_test(what_it_could_not_do_is_told),
		cmocka_unit_test(it_sweeps_when_its_maker_is_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
