/*
 * telerec-slot: one recorder. Started by telerec or telerecd with a socket at --control-fd, as root
 * or as the user it shall be. Two other uses need no slot: --check decodes a file and judges it,
 * --grab-only records a display.
 */
#define TR_LOG_AREA "slot"
#include "core/log.h"
#include "session/check_file.h"
#include "session/grab_only.h"
#include "session/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	(void)source, (void)info;
	tr_recorder_quit(user);
	return 0;
}

static int serve(int control_fd, const struct tr_programs *programs)
{
	sd_event *event = NULL;
	struct tr_recorder *recorder = NULL;

	int rc = sd_event_new(&event);
	if (rc >= 0)
		rc = tr_recorder_create(event, control_fd, programs, &recorder);
	if (rc >= 0)
		rc = sd_event_add_signal(
			event, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, on_signal, recorder);
	if (rc >= 0)
		rc = sd_event_add_signal(
			event, NULL, SIGINT | SD_EVENT_SIGNAL_PROCMASK, on_signal, recorder);
	if (rc >= 0)
		rc = sd_event_loop(event);
	tr_recorder_destroy(recorder);
	sd_event_unref(event);
	return rc < 0 ? tr_fail(rc, "the slot's event loop failed") : 0;
}

static int run_slot(int control_fd)
{
	struct tr_programs programs;

	/* What a meeting shows and says must not lie about in a core dump. */
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGPIPE, SIG_IGN);
	if (fcntl(control_fd, F_SETFD, FD_CLOEXEC) < 0)
		return tr_fail(-errno, "--control-fd %d is not open", control_fd);
	int rc = tr_programs_find(&programs);
	return rc < 0 ? rc : serve(control_fd, &programs);
}

static int usage(void)
{
	fputs("telerec-slot is started by telerec and telerecd. On its own it knows:\n"
	      "  telerec-slot --check [--json] FILE...\n"
	      "  telerec-slot --grab-only DISPLAY --to FILE [options]\n"
	      "  telerec-slot --version\n",
		stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *level = getenv("TELEREC_LOG_LEVEL");

	if (level)
		tr_log_set_level((enum tr_log_level)strtol(level, NULL, 10));
	if (argc == 2 && !strcmp(argv[1], "--version"))
		return printf("telerec-slot %s\n", TR_VERSION) < 0;
	if (argc >= 2 && !strcmp(argv[1], "--check"))
		return tr_check_file_run(argc - 2, argv + 2);
	if (argc >= 2 && !strcmp(argv[1], "--grab-only")) {
		struct tr_programs programs;
		return tr_programs_find(&programs) < 0
			       ? 1
			       : tr_grab_only_run(argc - 1, argv + 1, &programs);
	}
	if (argc == 3 && !strcmp(argv[1], "--control-fd"))
		return run_slot((int)strtol(argv[2], NULL, 10)) < 0;
	return usage();
}
