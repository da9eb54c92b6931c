#define TR_LOG_AREA "finalize"

#include "storage/finalize.h"

#include "core/child.h"
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define US_PER_MS 1000
#define GRACE_US (10 * 1000000)	 /* between SIGTERM and SIGKILL */
#define OUTPUT_US (10 * 1000000) /* a left-behind process may hold the pipe this long */
#define PAUSE_MS (10 * 1000)
#define PAUSE_MAX_MS (10 * 60 * 1000)
#define LINE_BYTES 2000
#define LINES_LOGGED 1000 /* of one attempt */
#define READ_BYTES 16384
#define REAP_MS 2000

enum state {
	WAITING, /* for `timer`: the first or the next attempt */
	RUNNING,
	TERMINATED, /* its time was over; `timer` kills it */
	KILLED,
	DRAINING, /* it has ended, its output may have not */
};

struct tr_finalize {
	sd_event *event;
	struct tr_finalize_settings settings; /* the strings are ours */
	tr_finalize_done_fn *done;
	void *user;
	enum state state;
	bool is_late; /* this attempt ran into the time limit */
	struct tr_child child;
	int output;
	sd_event_source *io;
	sd_event_source *end;
	sd_event_source *timer;
	int64_t pause_ms;
	char line[LINE_BYTES + 1];
	size_t line_size;
	bool is_cut;	 /* the rest of this line is thrown away */
	bool was_return; /* the last byte was CR: an LF belongs to it */
	unsigned lines;
	size_t said_size;
	struct tr_finalize_result result;
};

/* ---- the output ---- */

/* How many bytes the UTF-8 character at `bytes` has; 0 when it is none, or controls a terminal. */
static size_t character_size(const unsigned char *bytes, size_t left)
{
	static const struct {
		unsigned char mask, value;
		unsigned least;
	} forms[] = {{0xe0, 0xc0, 0xa0}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

	if (bytes[0] < 0x80)
		return bytes[0] >= 0x20 && bytes[0] != 0x7f;
	for (size_t form = 0; form < TR_COUNT(forms); form++) {
		size_t size = form + 2;
		if ((bytes[0] & forms[form].mask) != forms[form].value)
			continue;
		if (size > left)
			return 0;
		unsigned code = bytes[0] & (unsigned char)~forms[form].mask;
		for (size_t i = 1; i < size; i++) {
			if ((bytes[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (bytes[i] & 0x3f);
		}
		bool is_surrogate = code >= 0xd800 && code < 0xe000;
		return code >= forms[form].least && code < 0x110000 && !is_surrogate ? size : 0;
	}
	return 0;
}

/* What would colour a terminal, forge a line or break JSON becomes '?'. */
static void make_safe(char *text, size_t size)
{
	for (size_t i = 0; i < size;) {
		size_t step = character_size((unsigned char *)text + i, size - i);
		if (step == 0)
			text[i] = text[i] == '\t' ? ' ' : '?';
		i += step ? step : 1;
	}
}

/* Keeps the last that fits, whole lines if possible. */
static void keep(struct tr_finalize *finalize, const char *line, size_t size)
{
	char *said = finalize->result.output;
	const size_t room = sizeof(finalize->result.output) - 1;

	if (finalize->said_size + size + 1 > room) {
		size_t surplus = finalize->said_size + size + 1 - room;
		const char *end =
			memchr(said + surplus - 1, '\n', finalize->said_size - surplus + 1);
		if (end)
			surplus = (size_t)(end + 1 - said);
		finalize->said_size -= surplus;
		memmove(said, said + surplus, finalize->said_size);
	}
	memcpy(said + finalize->said_size, line, size);
	finalize->said_size += size;
	said[finalize->said_size++] = '\n';
	said[finalize->said_size] = '\0';
}

static void end_line(struct tr_finalize *finalize)
{
	if (finalize->line_size > 0) {
		make_safe(finalize->line, finalize->line_size);
		finalize->line[finalize->line_size] = '\0';
		keep(finalize, finalize->line, finalize->line_size);
		finalize->lines++;
		if (finalize->lines <= LINES_LOGGED)
			tr_info("session %s: %s", finalize->settings.session_id, finalize->line);
		else if (finalize->lines == LINES_LOGGED + 1)
			tr_warning("session %s: the finalize script has said %d lines, the rest is "
				   "not logged",
				finalize->settings.session_id, LINES_LOGGED);
	}
	finalize->line_size = 0;
	finalize->is_cut = false;
}

/* A line ends with LF, CR or both. */
static void take_output(struct tr_finalize *finalize, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char c = bytes[i];
		if (c == '\n' || c == '\r') {
			if (c == '\r' || !finalize->was_return)
				end_line(finalize);
		} else if (finalize->line_size < LINE_BYTES) {
			finalize->line[finalize->line_size++] = c;
		} else if (!finalize->is_cut) {
			finalize->is_cut = true;
			memcpy(finalize->line + LINE_BYTES - 3, "...", 3);
		}
		finalize->was_return = c == '\r';
	}
}

/* True when more may come. */
static bool read_output(struct tr_finalize *finalize)
{
	char bytes[READ_BYTES];

	ssize_t n = read(finalize->output, bytes, sizeof(bytes));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	take_output(finalize, bytes, (size_t)n);
	return n > 0;
}

static void close_output(struct tr_finalize *finalize)
{
	finalize->io = sd_event_source_disable_unref(finalize->io);
	if (finalize->output >= 0)
		close(tr_take_fd(&finalize->output));
}

/* ---- the attempts ---- */

static int on_timer(sd_event_source *source, uint64_t now_us, void *data);

/* Errors are those of memory: then what the timer is for happens now or never, and is said. */
static int set_timer(struct tr_finalize *finalize, uint64_t after_us)
{
	finalize->timer = sd_event_source_disable_unref(finalize->timer);
	return sd_event_add_time_relative(finalize->event, &finalize->timer, CLOCK_MONOTONIC,
		after_us, 0, on_timer, finalize);
}

/* `finalize` may be gone after it. */
static void report(struct tr_finalize *finalize)
{
	struct tr_finalize_result *result = &finalize->result;

	finalize->timer = sd_event_source_disable_unref(finalize->timer);
	if (result->rc < 0)
		tr_error("session %s: %s", finalize->settings.session_id, result->sentence);
	else
		tr_info("session %s: %s", finalize->settings.session_id, result->sentence);
	finalize->done(result, finalize->user);
}

__attribute__((format(printf, 3, 4))) static void note(
	struct tr_finalize *finalize, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finalize->result.rc = rc;
	vsnprintf(finalize->result.sentence, sizeof(finalize->result.sentence), format, args);
	va_end(args);
}

/* Nothing gets better by waiting when the script is not there or may not be run. */
static void conclude(struct tr_finalize *finalize)
{
	const struct tr_finalize_result *result = &finalize->result;
	bool is_final = result->rc == 0 || result->wait_status < 0 ||
			result->attempts >= finalize->settings.attempts;

	if (!is_final && set_timer(finalize, (uint64_t)finalize->pause_ms * US_PER_MS) >= 0) {
		tr_warning("session %s: %s; trying again in %.1f s", finalize->settings.session_id,
			result->sentence, (double)finalize->pause_ms / 1000);
		finalize->state = WAITING;
		finalize->pause_ms = finalize->pause_ms * 2 < PAUSE_MAX_MS ? finalize->pause_ms * 2
									   : PAUSE_MAX_MS;
		return;
	}
	report(finalize);
}

/* The script has ended and its output too, or long enough ago. */
static void end_attempt(struct tr_finalize *finalize)
{
	char fate[100];
	int status = finalize->result.wait_status;
	const char *script = finalize->settings.script;

	end_line(finalize);
	close_output(finalize);
	tr_child_describe(status, fate, sizeof(fate));
	if (finalize->is_late)
		note(finalize, -ETIMEDOUT, "the finalize script %s was ended after its %.1f s (%s)",
			script, (double)finalize->settings.timeout_ms / 1000, fate);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		note(finalize, 0, "the finalize script is done");
	else
		note(finalize, -EREMOTEIO, "the finalize script %s %s", script, fate);
	conclude(finalize);
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct tr_finalize *finalize = data;

	(void)source;
	(void)fd;
	(void)revents;
	if (read_output(finalize))
		return 0;
	close_output(finalize);
	if (finalize->state == DRAINING)
		end_attempt(finalize);
	return 0;
}

static int on_end(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct tr_finalize *finalize = data;
	pid_t group = finalize->child.pid;

	(void)source;
	(void)fd;
	(void)revents;
	finalize->end = sd_event_source_disable_unref(finalize->end);
	finalize->result.wait_status = tr_child_wait(&finalize->child, REAP_MS);
	if (finalize->is_late)
		kill(-group, SIGKILL); /* what it started and left; in time, that is its business */
	finalize->state = DRAINING;
	if (finalize->output < 0 || set_timer(finalize, OUTPUT_US) < 0)
		end_attempt(finalize);
	return 0;
}

/* What the service manager says to us, our secrets' place among it, is not for others. */
static char **make_environment(void)
{
	static const char *const dropped[] = {
		"NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "LISTEN_PID=", "LISTEN_FDS=",
		"LISTEN_FDNAMES=", "JOURNAL_STREAM=", "CREDENTIALS_DIRECTORY="};
	size_t count = 0, used = 0;

	while (environ && environ[count])
		count++;
	char **environment = calloc(count + 1, sizeof(*environment));
	if (!environment)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		bool is_dropped = false;
		for (size_t d = 0; d < TR_COUNT(dropped); d++)
			is_dropped |= !strncmp(environ[i], dropped[d], strlen(dropped[d]));
		if (!is_dropped)
			environment[used++] = environ[i];
	}
	return environment;
}

static int start_child(struct tr_finalize *finalize, int output)
{
	const char *const argv[] = {finalize->settings.script, finalize->settings.folder, NULL};
	const struct tr_child_fd fds[] = {{output, STDOUT_FILENO}, {output, STDERR_FILENO}};
	TR_CLEANUP(tr_freep) char **environment = make_environment();
	const struct tr_child_settings settings = {
		.argv = argv,
		.envp = (const char *const *)environment,
		.fds = fds,
		.fd_count = TR_COUNT(fds),
	};
	return environment ? tr_child_start(&settings, &finalize->child) : -ENOMEM;
}

static int run(struct tr_finalize *finalize)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int writer = fds[1];
	finalize->output = fds[0];
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	int rc = start_child(finalize, writer);
	if (rc < 0)
		return rc;
	finalize->state = RUNNING;
	rc = sd_event_add_io(
		finalize->event, &finalize->io, finalize->output, EPOLLIN, on_output, finalize);
	if (rc >= 0)
		rc = sd_event_source_set_priority(finalize->io, SD_EVENT_PRIORITY_IDLE);
	if (rc >= 0)
		rc = sd_event_add_io(finalize->event, &finalize->end, finalize->child.pidfd,
			EPOLLIN, on_end, finalize);
	if (rc >= 0 && finalize->settings.timeout_ms > 0)
		rc = set_timer(finalize, (uint64_t)finalize->settings.timeout_ms * US_PER_MS);
	return rc < 0 ? rc : 0;
}

static void stop_child(struct tr_finalize *finalize)
{
	finalize->end = sd_event_source_disable_unref(finalize->end);
	if (finalize->child.pid <= 0)
		return;
	tr_child_kill(&finalize->child, SIGKILL);
	if (tr_child_wait(&finalize->child, REAP_MS) < 0)
		tr_warning("session %s: the finalize script does not die",
			finalize->settings.session_id);
}

static void attempt(struct tr_finalize *finalize)
{
	finalize->result.attempts++;
	finalize->result.wait_status = -1;
	finalize->is_late = false;
	finalize->lines = 0;
	finalize->was_return = false;
	int rc = run(finalize);
	if (rc == 0)
		return;
	stop_child(finalize);
	close_output(finalize);
	note(finalize, rc, "the finalize script %s cannot be run: %s", finalize->settings.script,
		strerror(-rc));
	report(finalize);
}

static int on_timer(sd_event_source *source, uint64_t now_us, void *data)
{
	struct tr_finalize *finalize = data;

	(void)source;
	(void)now_us;
	switch (finalize->state) {
	case WAITING:
		attempt(finalize);
		break;
	case RUNNING:
		finalize->is_late = true;
		finalize->state = TERMINATED;
		tr_child_kill(&finalize->child, SIGTERM);
		if (set_timer(finalize, GRACE_US) < 0)
			tr_child_kill(&finalize->child, SIGKILL);
		break;
	case TERMINATED:
		finalize->state = KILLED;
		tr_child_kill(&finalize->child, SIGKILL);
		break;
	case KILLED:
		break;
	case DRAINING:
		end_attempt(finalize);
		break;
	}
	return 0;
}

/* ---- from outside ---- */

static int copy_settings(struct tr_finalize *finalize, const struct tr_finalize_settings *settings)
{
	finalize->settings = *settings;
	finalize->settings.script = strdup(settings->script);
	finalize->settings.folder = strdup(settings->folder);
	finalize->settings.session_id = strdup(settings->session_id);
	finalize->pause_ms = settings->pause_ms > 0 ? settings->pause_ms : PAUSE_MS;
	bool is_complete = finalize->settings.script && finalize->settings.folder &&
			   finalize->settings.session_id;
	return is_complete ? 0 : -ENOMEM;
}

int tr_finalize_start(sd_event *event, const struct tr_finalize_settings *settings,
	tr_finalize_done_fn *done, void *user, struct tr_finalize **ret_finalize)
{
	TR_CLEANUP(tr_finalize_destroyp)
	struct tr_finalize *finalize = calloc(1, sizeof(*finalize));

	if (!finalize)
		return -ENOMEM;
	finalize->event = sd_event_ref(event);
	finalize->done = done;
	finalize->user = user;
	finalize->output = -1;
	finalize->child.pidfd = -1;
	finalize->result.wait_status = -1;
	int rc = copy_settings(finalize, settings);
	if (rc == 0)
		rc = set_timer(finalize, 0);
	if (rc < 0)
		return rc;
	*ret_finalize = tr_take(finalize);
	return 0;
}

void tr_finalize_destroy(struct tr_finalize *finalize)
{
	if (!finalize)
		return;
	finalize->timer = sd_event_source_disable_unref(finalize->timer);
	stop_child(finalize);
	close_output(finalize);
	sd_event_unref(finalize->event);
	free((char *)finalize->settings.script);
	free((char *)finalize->settings.folder);
	free((char *)finalize->settings.session_id);
	free(finalize);
}
