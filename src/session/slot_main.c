/*
 * telerec-slot: one recorder. Started by telerec or telerecd with a socket at --control-fd, as root
 * or as the user it shall be; or by the service manager, and then it reports for duty at telerecd's
 * socket, --control-socket. Two other uses need no slot: --check decodes a file and judges it,
 * --grab-only records a display.
 */
#define TR_LOG_AREA "slot"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "session/check_file.h"
#include "session/grab_only.h"
#include "session/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define CONNECT_ATTEMPTS 50
#define CONNECT_PAUSE_MS 100

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
		rc = sd_event_set_watchdog(event, true);
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

/* telerecd may be starting just now, or starting again: its socket is waited for. */
static int connect_to(const char *path, int *ret_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	TR_CLEANUP(tr_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return tr_fail(-errno, "cannot make a socket");
	int rc = tr_text_format(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (rc < 0)
		return tr_fail(rc, "cannot use the socket %s", path);
	for (int i = 0; i < CONNECT_ATTEMPTS; i++) {
		const struct timespec pause = {.tv_nsec = CONNECT_PAUSE_MS * TR_NS_PER_MS};
		if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
			*ret_fd = tr_take_fd(&fd);
			return 0;
		}
		rc = -errno;
		if (rc != -ENOENT && rc != -ECONNREFUSED && rc != -EINTR)
			break;
		nanosleep(&pause, NULL);
	}
	return tr_fail(rc, "telerecd does not answer at %s", path);
}

static int report_for_duty(const char *path)
{
	int fd = -1;

	int rc = connect_to(path, &fd);
	return rc < 0 ? rc : run_slot(fd);
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
	if (argc == 3 && !strcmp(argv[1], "--control-socket"))
		return report_for_duty(argv[2]) < 0;
	return usage();
}
