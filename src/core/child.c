#include "core/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FD_LOW 3
#define FD_PARKED 512 /* above every number a child is given */

/* Runs in the child. Moves all descriptors out of the way first: a `from` may be another's `to`. */
static int place_fds(const struct tr_child_settings *settings, int *exec_fd, int *error_fd)
{
	int parked[16];

	if (settings->fd_count > TR_COUNT(parked))
		return -E2BIG;
	for (unsigned i = 0; i < settings->fd_count; i++) {
		parked[i] = fcntl(settings->fds[i].from, F_DUPFD, FD_PARKED);
		if (parked[i] < 0)
			return -errno;
	}
	*error_fd = fcntl(*error_fd, F_DUPFD_CLOEXEC, FD_PARKED);
	if (*exec_fd > 0)
		*exec_fd = fcntl(*exec_fd, F_DUPFD_CLOEXEC, FD_PARKED);

	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	/* Everything else of ours closes at exec: -1 is the last descriptor there can be. */
	if (syscall(SYS_close_range, FD_LOW, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */) < 0)
		return -errno;
	for (unsigned i = 0; i < settings->fd_count; i++)
		if (dup2(parked[i], settings->fds[i].to) < 0) /* dup2 clears close-on-exec */
			return -errno;
	return 0;
}

static int child_side(const struct tr_child_settings *settings, int error_fd, pid_t parent)
{
	int exec_fd = settings->exec_fd;
	sigset_t none;

	if (!settings->is_group_ours)
		setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return -ESRCH; /* the parent died before the line above */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	if (settings->nice && nice(settings->nice) == -1 && errno == EPERM)
		errno = 0; /* only cheaper, never vital */

	int rc = place_fds(settings, &exec_fd, &error_fd);
	if (rc == 0) {
		char *const *argv = (char *const *)settings->argv;
		char *const *envp = settings->envp ? (char *const *)settings->envp : environ;
		if (exec_fd > 0)
			syscall(SYS_execveat, exec_fd, "", argv, envp, AT_EMPTY_PATH);
		else
			execvpe(argv[0], argv, envp);
		rc = -errno;
	}
	if (write(error_fd, &rc, sizeof(rc)) < 0)
		return -errno;
	return rc;
}

/* The pipe closes at a successful exec, or brings the error. */
static int read_exec_error(int fd)
{
	int rc = 0;
	ssize_t n;

	do
		n = read(fd, &rc, sizeof(rc));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(rc) ? rc : 0;
}

int tr_child_start(const struct tr_child_settings *settings, struct tr_child *ret_child)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int reader = fds[0];
	TR_CLEANUP(tr_closep) int writer = fds[1];
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(child_side(settings, writer, parent) < 0 ? 127 : 0);

	close(tr_take_fd(&writer));
	int rc = read_exec_error(reader);
	int pidfd = rc < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (rc == 0 && pidfd < 0)
		rc = -errno;
	if (rc < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return rc;
	}
	*ret_child = (struct tr_child){.pid = pid, .pidfd = pidfd};
	return 0;
}

void tr_child_kill(const struct tr_child *child, int signal)
{
	if (child->pid <= 0)
		return;
	if (kill(-child->pid, signal) < 0)
		kill(child->pid, signal);
}

int tr_child_wait(struct tr_child *child, int timeout_ms)
{
	int status = 0;

	if (child->pid <= 0)
		return -ECHILD;
	struct pollfd poll_fd = {.fd = child->pidfd, .events = POLLIN};
	int ready;
	do
		ready = poll(&poll_fd, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return -ETIMEDOUT;
	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR) {
			status = -errno;
			break;
		}
	close(child->pidfd);
	*child = (struct tr_child){.pidfd = -1};
	return status;
}

int tr_child_stop(struct tr_child *child, int grace_ms)
{
	pid_t group = child->pid;

	if (group <= 0)
		return -ECHILD;
	tr_child_kill(child, SIGTERM);
	int status = tr_child_wait(child, grace_ms);
	if (status == -ETIMEDOUT) {
		tr_child_kill(child, SIGKILL);
		status = tr_child_wait(child, -1);
	}
	if (group != getpgrp())
		kill(-group, SIGKILL); /* grandchildren that outlived it */
	return status;
}

void tr_child_describe(int wait_status, char *out, size_t size)
{
	if (wait_status < 0)
		snprintf(out, size, "is gone (%s)", strerror(-wait_status));
	else if (WIFSIGNALED(wait_status))
		snprintf(out, size, "was killed by signal %d (%s)", WTERMSIG(wait_status),
			strsignal(WTERMSIG(wait_status)));
	else
		snprintf(out, size, "exited with code %d", WEXITSTATUS(wait_status));
}
