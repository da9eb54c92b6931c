#include "core/sweeper.h"

#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Its memory is a copy of ours: `folder` stays as it was. */
static void sweeper_side(const char *folder, int reader)
{
	char nothing;

	if (dup2(reader, STDIN_FILENO) < 0 || chdir("/") < 0)
		_exit(1);
	/* The writer's end and whatever somebody waits for the end of. */
	syscall(SYS_close_range, STDOUT_FILENO, ~0U, 0);
	while (read(STDIN_FILENO, &nothing, 1) < 0 && errno == EINTR)
		;
	_exit(tr_file_remove_tree(folder) < 0);
}

int tr_sweeper_start(const char *folder, struct tr_sweeper *ret_sweeper)
{
	int fds[2];
	sigset_t all, old;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int reader = fds[0];
	TR_CLEANUP(tr_closep) int writer = fds[1];
	/* It keeps them blocked, and is in no group that is stopped, before anybody learns that we
	 * have begun. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	pid_t pid = fork();
	if (pid == 0)
		sweeper_side(folder, reader);
	int rc = pid < 0 ? -errno : 0;
	if (rc == 0)
		setpgid(pid, pid);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (rc < 0)
		return rc;
	*ret_sweeper = (struct tr_sweeper){.pid = pid, .writer = tr_take_fd(&writer)};
	return 0;
}

int tr_sweeper_sweep(struct tr_sweeper *sweeper)
{
	int status = -1;

	close(tr_take_fd(&sweeper->writer));
	while (waitpid(sweeper->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status == 0 ? 0 : -EIO;
}
