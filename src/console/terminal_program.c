#include "console/terminal_program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static void wait_for_enter(void)
{
	char letter = 0;

	fputs("\nEnter comes back to the console.", stdout);
	fflush(stdout);
	while (letter != '\n' && letter != '\r' && read(STDIN_FILENO, &letter, 1) == 1)
		;
}

static void run_in_front(const char *file, const char *const argv[])
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		become(file, argv);
	if (pid > 0) {
		setpgid(pid, pid);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	(void)!tcsetpgrp(STDIN_FILENO, getpgrp());
}

void tr_terminal_program(struct tr_console *console, const char *file, const char *const argv[],
	const char *hello, bool waits)
{
	struct tr_term *term = tr_console_term(console);
	const struct timespec at_once = {0};
	sigset_t typed;

	/* What was typed in between, and while the terminal changes hands, is not meant of us
	 * either. */
	void (*old_quit)(int) = signal(SIGQUIT, SIG_IGN);
	void (*old_ttou)(int) = signal(SIGTTOU, SIG_IGN);
	tr_term_suspend(term);
	printf("\n%s\n\n", hello);
	run_in_front(file, argv);
	if (waits)
		wait_for_enter();
	tr_term_resume(term);
	tr_term_redraw(term);
	sigemptyset(&typed);
	sigaddset(&typed, SIGINT);
	while (sigtimedwait(&typed, NULL, &at_once) > 0)
		;
	signal(SIGQUIT, old_quit);
	signal(SIGTTOU, old_ttou);
}
