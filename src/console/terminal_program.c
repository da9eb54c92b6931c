#include "console/terminal_program.h"

#include "core/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LAST_MOMENT_MS 1000

/* Its own group in front of the terminal, so that Ctrl-C there is not meant of us. */
static void become(const char *file, const char *const argv[])
{
	sigset_t none;

	/* As a service our errors go to the journal. Its prompt, and what is wrong, are for the
	 * person here. */
	if (!isatty(STDERR_FILENO))
		dup2(STDOUT_FILENO, STDERR_FILENO);
	setpgid(0, 0);
	(void)!tcsetpgrp(STDIN_FILENO, getpid());
	signal(SIGQUIT, SIG_DFL);
	signal(SIGTTOU, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(file, (char *const *)argv);
	fprintf(stderr, "%s cannot be started\n", file);
	_exit(127);
}

/* Until there is something to read; false: the console is to end first. */
static bool wait_for(int fd, int end)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = end, .events = POLLIN}};

	while (poll(fds, TR_COUNT(fds), -1) < 0)
		if (errno != EINTR)
			return false;
	return !fds[1].revents;
}

static void wait_for_enter(int end)
{
	char letter = 0;

	fputs("\nEnter comes back to the console.", stdout);
	fflush(stdout);
	while (letter != '\n' && letter != '\r' && wait_for(STDIN_FILENO, end) &&
		read(STDIN_FILENO, &letter, 1) == 1)
		;
}

/* When the console is to end before the program does, that loses its terminal, and hears so. */
static void wait_for_program(pid_t pid, int end)
{
	TR_CLEANUP(tr_closep) int process = pidfd_open(pid, 0);

	if (process >= 0 && !wait_for(process, end)) {
		struct pollfd ended = {.fd = process, .events = POLLIN};
		kill(-pid, SIGHUP);
		kill(-pid, SIGCONT);
		/* It may be about to take the terminal just now, from who does not stop for it. */
		poll(&ended, 1, LAST_MOMENT_MS);
		return;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void run_in_front(const char *file, const char *const argv[], int end)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		become(file, argv);
	if (pid > 0) {
		setpgid(pid, pid);
		wait_for_program(pid, end);
	}
	(void)!tcsetpgrp(STDIN_FILENO, getpgrp());
}

void tr_terminal_program(struct tr_console *console, const char *file, const char *const argv[],
	const char *hello, bool waits)
{
	struct tr_term *term = tr_console_term(console);
	const struct timespec at_once = {0};
	int end = tr_console_end_fd(console); /* what comes there is the console's */
	sigset_t typed;

	/* What was typed in between, and while the terminal changes hands, is not meant of us
	 * either. */
	void (*old_quit)(int) = signal(SIGQUIT, SIG_IGN);
	void (*old_ttou)(int) = signal(SIGTTOU, SIG_IGN);
	tr_term_suspend(term);
	printf("\n%s\n\n", hello);
	run_in_front(file, argv, end);
	if (waits)
		wait_for_enter(end);
	tr_term_resume(term);
	tr_term_redraw(term);
	sigemptyset(&typed);
	sigaddset(&typed, SIGINT);
	while (sigtimedwait(&typed, NULL, &at_once) > 0)
		;
	signal(SIGQUIT, old_quit);
	signal(SIGTTOU, old_ttou);
}
