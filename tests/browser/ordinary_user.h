/* For tests with a real browser: an ordinary user (tests may run as root), a private runtime folder
 * and an X server of its own. */
#ifndef TR_TESTS_BROWSER_ORDINARY_USER_H
#define TR_TESTS_BROWSER_ORDINARY_USER_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "browser/chromium.h"
#include "core/child.h"
#include "core/file.h"

#define UNUSED_UID 64200
#define SKIPPED 77

struct ordinary_user {
	char runtime[64];
	char display[16];
	struct tr_child xvfb;
};

/* The screen is 8 pixels larger than the window each way. */
static inline int start_xvfb(struct ordinary_user *user, int width, int height)
{
	char screen[32], line[16] = "";
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	snprintf(screen, sizeof(screen), "%dx%dx24", width + 8, height + 8);
	const char *argv[] = {"Xvfb", "-displayfd", "3", "-screen", "0", screen, "-nolisten", "tcp",
		"-noreset", "-ac", NULL};
	const struct tr_child_fd child_fds[] = {{fds[1], 3}};
	const struct tr_child_settings settings = {.argv = argv, .fds = child_fds, .fd_count = 1};
	int rc = tr_child_start(&settings, &user->xvfb);
	close(fds[1]);
	/* To the line's end: the number and the newline come apart, and a server that cannot write
	 * the latter ends. */
	for (size_t used = 0; rc == 0 && !strchr(line, '\n');) {
		ssize_t n = read(fds[0], line + used, sizeof(line) - 1 - used);
		if (n <= 0)
			rc = -EIO;
		used += n > 0 ? (size_t)n : 0;
	}
	close(fds[0]);
	snprintf(user->display, sizeof(user->display), ":%d", atoi(line));
	return rc;
}

static inline int drop_user(const struct ordinary_user *user)
{
	if (geteuid() != 0)
		return 0;
	if (chown(user->runtime, UNUSED_UID, UNUSED_UID) < 0 || setgroups(0, NULL) < 0 ||
		setresgid(UNUSED_UID, UNUSED_UID, UNUSED_UID) < 0 ||
		setresuid(UNUSED_UID, UNUSED_UID, UNUSED_UID) < 0)
		return -errno;
	return 0;
}

static inline int with_xvfb(struct ordinary_user *user, int width, int height, int (*run)(void))
{
	const char *build = getenv("TR_BUILD_DIR");

	if (drop_user(user) < 0)
		return 1;
	if (build && access(build, X_OK) < 0) {
		printf("skipped: an ordinary user cannot read %s: have the sources where others "
		       "may read, in /srv for example\n",
			build);
		return SKIPPED;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of user resets it */
	int rc = start_xvfb(user, width, height);
	if (rc < 0) {
		printf("skipped: Xvfb cannot be started (%s)\n", strerror(-rc));
		return SKIPPED;
	}
	int status = run();
	tr_child_stop(&user->xvfb, 2000);
	return status;
}

/* Gives what `run` returns, for main(). */
static inline int run_as_ordinary_user(
	struct ordinary_user *user, int width, int height, int (*run)(void))
{
	char binary[256];
	int status = 0;

	if (tr_chromium_find(NULL, binary, sizeof(binary)) < 0) {
		printf("skipped: no Chromium installed\n");
		return SKIPPED;
	}
	signal(SIGPIPE, SIG_IGN);
	if (geteuid() == 0 && mkdir("/tmp/.X11-unix", 01777) == 0 &&
		chmod("/tmp/.X11-unix", 01777) < 0)
		return 1;
	strcpy(user->runtime, "/tmp/telerec-test-browser-XXXXXX");
	if (!mkdtemp(user->runtime))
		return 1;
	pid_t pid = fork();
	if (pid == 0)
		exit(with_xvfb(user, width, height, run));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	tr_file_remove_tree(user->runtime);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

#endif
