#include "test.h"

#include "core/file.h"
#include "core/sweeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static char *folder; /* also of the processes that we fork */

static int make(void *path)
{
	char below[128];

	strcpy(path, "/tmp/telerec-test.XXXXXX");
	assert_non_null(mkdtemp(path));
	snprintf(below, sizeof(below), "%s/below", (const char *)path);
	assert_int_equal(mkdir(below, 0700), 0);
	strcat(below, "/file");
	int fd = open(below, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	return 0;
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

	assert_int_equal(tr_sweeper_start(make, sweep, folder, &sweeper), 0);
	assert_true(is_there());
	assert_int_equal(tr_sweeper_sweep(&sweeper), 0);
	assert_false(is_there());
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left to be waited for */
}

static int make_nothing(void *user)
{
	return 0;
}

static int fail_to_make(void *user)
{
	return -ENOSPC;
}

static int fail_to_sweep(const void *user)
{
	return -EBUSY;
}

static void what_it_could_not_do_is_told(void **state)
{
	struct tr_sweeper sweeper = {0};

	assert_int_equal(tr_sweeper_sweep(&sweeper), 0);
	assert_int_equal(tr_sweeper_start(fail_to_make, sweep, NULL, &sweeper), -ENOSPC);
	assert_int_equal(tr_sweeper_start(make_nothing, fail_to_sweep, NULL, &sweeper), 0);
	assert_int_equal(tr_sweeper_sweep(&sweeper), -EIO);
	assert_int_equal(tr_sweeper_sweep(&sweeper), 0);
}

static void wait_gone(void)
{
	const struct timespec tick = {.tv_nsec = 5000000};

	while (is_there())
		nanosleep(&tick, NULL);
}

/* As from a terminal: the signal goes to the whole group. */
static void it_sweeps_when_its_maker_is_killed(void **state)
{
	static const int signals[] = {SIGINT, SIGHUP, SIGTERM, SIGKILL};
	int status;

	for (size_t i = 0; i < TR_COUNT(signals); i++) {
		pid_t maker = fork();
		assert_true(maker >= 0);
		if (maker == 0) {
			struct tr_sweeper sweeper;
			setpgid(0, 0);
			if (tr_sweeper_start(make, sweep, folder, &sweeper) == 0)
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
		wait_gone();
	}
}

static int make_and_be_told_to_end(void *path)
{
	make(path);
	raise(SIGTERM);
	return 0;
}

static void told_to_end_while_it_is_made_it_is_swept(void **state)
{
	int status;

	folder[0] = '\0';
	pid_t maker = fork();
	assert_true(maker >= 0);
	if (maker == 0) {
		struct tr_sweeper sweeper;
		(void)!tr_sweeper_start(make_and_be_told_to_end, sweep, folder, &sweeper);
		_exit(1);
	}
	assert_int_equal(waitpid(maker, &status, 0), maker);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_true(folder[0]);
	wait_gone();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_sweeps_when_it_shall),
		cmocka_unit_test(what_it_could_not_do_is_told),
		cmocka_unit_test(it_sweeps_when_its_maker_is_killed),
		cmocka_unit_test(told_to_end_while_it_is_made_it_is_swept),
	};

	folder = mmap(NULL, 64, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (folder == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
