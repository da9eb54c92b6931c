/*
 * Programs that we start: without a shell, with exactly the descriptors and the environment that
 * the caller names, in a process group of their own, and dying with us.
 *
 * A child's end is read from its pid descriptor (readable when it has ended). The thread that
 * starts a child must live as long as the child shall: the kernel sends the death signal when that
 * thread ends.
 */
#ifndef TR_CORE_CHILD_H
#define TR_CORE_CHILD_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <sys/types.h>

struct tr_child_fd {
	int from; /* ours */
	int to; /* the number the child sees; 0 to 2 are /dev/null, /dev/null and ours by default */
};

struct tr_child_settings {
	const char *const *argv; /* argv[0] is the path, or found on PATH when it has no slash */
	int exec_fd;		 /* open program to run instead of argv[0]; 0: none */
	const char *const *envp; /* NULL: ours */
	const struct tr_child_fd *fds;
	unsigned fd_count;
	int nice;	    /* added to our own */
	bool is_group_ours; /* stay in our process group (programs a person can Ctrl-C) */
};

struct tr_child {
	pid_t pid; /* 0: none */
	int pidfd; /* -1 when pid is 0 */
};

/* Borrows the settings. -ENOENT when there is no such program, else -errno. Says nothing. */
TR_CHECKED int tr_child_start(const struct tr_child_settings *settings, struct tr_child *ret_child);

/* Sends the signal to the child's group (or to the child alone when it stayed in ours). */
void tr_child_kill(const struct tr_child *child, int signal);

/* Waits at most `timeout_ms` for the end and reaps. The wait status (>= 0), -ETIMEDOUT, -ECHILD. */
TR_CHECKED int tr_child_wait(struct tr_child *child, int timeout_ms);

/* SIGTERM, at most `grace_ms`, SIGKILL, reap: after it the child is gone and *child is empty. An
 * empty child is fine. Returns the wait status, or -ECHILD when there was none. */
int tr_child_stop(struct tr_child *child, int grace_ms);

/* "exited with code 3", "killed by signal 9 (Killed)" into `out`. */
void tr_child_describe(int wait_status, char *out, size_t size);

#endif
