#include "core/sweeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define READER 3

static void sweeper_side(int (*sweep)(const void *user), const void *user, int reader)
{
	char nothing;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* The writer goes, and whatever somebody waits for the end of. */
	for (int fd = 0; fd < READER; fd++)
		dup2(null, fd);
	if (chdir("/") < 0 || (reader != READER && dup2(reader, READER) < 0))
		_exit(1);
	syscall(SYS_close_range, READER + 1, ~0U, 0);
	while (read(READER, &nothing, 1) < 0 && errno == EINTR)
		;
	_exit(sweep(user) < 0);
}

/* With signals blocked, which it keeps; and it is in no group that is stopped, before anybody
 * learns that we have begun. */
static int begin(int (*sweep)(const void *user), const void *user, struct tr_sweeper *ret_sweeper)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int reader = fds[0];
	TR_CLEANUP(tr_closep) int writer = fds[1];
	pid_t pid = fork();
	if (pid == 0)
		sweeper_side(sweep, user, reader);
	if (pid < 0)
		return -errno;
	setpgid(pid, pid);
	*ret_sweeper = (struct tr_sweeper){.pid = pid, .writer = tr_take_fd(&writer)};
	return 0;
}

int tr_sweeper_start(int (*make)(void *user), int (*sweep)(const void *user), void *user,
	struct tr_sweeper *ret_sweeper)
{
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	int rc = make(user);
	if (rc == 0) {
		rc = begin(sweep, user, ret_sweeper);
		if (rc < 0)
			sweep(user);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int tr_sweeper_sweep(struct tr_sweeper *sweeper)
{
	int status = -1;

	if (sweeper->pid <= 0)
		return 0;
	close(tr_take_fd(&sweeper->writer));
	while (waitpid(sweeper->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	sweeper->pid = 0;
	return status == 0 ? 0 : -EIO;
}
