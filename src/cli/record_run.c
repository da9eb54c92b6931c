#define TR_LOG_AREA "record"

#include "cli/record_run.h"

#include "config/slot_request.h"
#include "core/child.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "protocol/slot_client.h"
#include "system/runtime_dir.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#define RESTARTS_MAX 5
#define STEADY_NS (300 * TR_NS_PER_S) /* after which earlier deaths are forgiven */
#define READY_TIMEOUT_MS 90000
#define SILENCE_TIMEOUT_MS 30000  /* progress comes twice a second */
#define LOAD_EXTRA_MS 60000	  /* on top of the page's own time */
#define FINISH_TIMEOUT_MS 1800000 /* rewriting a long file on a slow disk */
#define QUIT_GRACE_MS 10000

enum phase {
	PHASE_PAUSING,	 /* before the next start of a slot that died */
	PHASE_PREPARING, /* configured, not ready */
	PHASE_LOADING,	 /* told to start, nothing recorded yet */
	PHASE_RECORDING,
	PHASE_STOPPING, /* told to stop */
	PHASE_ENDED,
};

struct run {
	const struct tr_record_run_settings *settings;
	struct tr_record_show *show;
	struct tr_record_result *result;
	struct tr_slot_client *client; /* NULL while pausing */
	int signals;
	enum phase phase;
	bool is_stop_wanted;
	bool is_stopped; /* all is recorded: only the files are to be made */
	unsigned attempts;
	unsigned deaths;
	char state[TR_MESSAGE_NAME_MAX]; /* as the slot said last */
	int64_t started_ns;		 /* the current slot process */
	int64_t recorded_ns;		 /* first progress of all, 0: none yet */
	int64_t deadline_ns;		 /* for the next message, or the end of the pause */
};

static int64_t after_ms(int64_t ms)
{
	return tr_clock_now_ns() + ms * TR_NS_PER_MS;
}

static void end(struct run *run, enum tr_reason reason, int exit_code, const char *format, ...)
	TR_PRINTF(4, 5);

static void end(struct run *run, enum tr_reason reason, int exit_code, const char *format, ...)
{
	va_list args;

	run->phase = PHASE_ENDED;
	run->result->reason = reason;
	run->result->exit_code = exit_code;
	va_start(args, format);
	vsnprintf(run->result->sentence, sizeof(run->result->sentence), format, args);
	va_end(args);
}

static void end_by_reason(struct run *run, enum tr_reason reason)
{
	end(run, reason, tr_reason_exit_code(reason), "%s", tr_reason_sentence(reason));
}

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
}

/* A machine that needs more than the limit gets more each time. */
static int ready_ms(const struct run *run)
{
	return READY_TIMEOUT_MS * (int)run->attempts;
}

static int send_configure(struct run *run)
{
	const struct tr_config *config = &run->settings->request->config;
	struct tr_message message = {.type = TR_MESSAGE_CONFIGURE};
	struct tr_message_configure *to = &message.configure;

	int rc = tr_runtime_dir_add(run->settings->runtime_dir, run->settings->account,
		run->attempts, to->runtime_dir, sizeof(to->runtime_dir));
	if (rc < 0)
		return rc;
	tr_runtime_dir_note(run->settings->runtime_dir, tr_slot_client_pid(run->client));
	to->slot = 1;
	copy(to->user, sizeof(to->user), run->settings->account->user);
	tr_slot_request_fill_configure(config, to);
	to->ready_ms = ready_ms(run);
	return tr_message_send(tr_slot_client_line(run->client), &message, -1);
}

/* What is left of the wanted time: a slot that died has recorded some of it. */
static int64_t remaining_ms(const struct run *run)
{
	int64_t wanted = run->settings->request->duration_ms;

	if (wanted == 0 || run->recorded_ns == 0)
		return wanted;
	int64_t left = wanted - (tr_clock_now_ns() - run->recorded_ns) / TR_NS_PER_MS;
	return left > 0 ? left : 1;
}

static int send_start(struct run *run)
{
	const struct tr_record_request *request = run->settings->request;
	struct tr_message message = {.type = TR_MESSAGE_START};
	struct tr_message_start *to = &message.start;
	int rc = 0;

	copy(to->session_id, sizeof(to->session_id), request->name);
	tr_slot_request_fill_start(&request->config, to);
	copy(to->mode, sizeof(to->mode), "page");
	copy(to->name, sizeof(to->name), request->name);
	copy(to->url, sizeof(to->url), request->url);
	to->duration_ms = remaining_ms(run);
	to->sound_expected = request->sound_expected;
	to->is_resume = run->recorded_ns != 0;
	to->is_without_file = request->targets.count > 0 && !request->to;
	if (request->targets.count > 0)
		rc = tr_slot_request_fill_streams(&request->config, &request->targets, to);
	if (rc == 0)
		rc = tr_message_send(
			tr_slot_client_line(run->client), &message, run->settings->folder);
	explicit_bzero(to->streams, sizeof(to->streams));
	return rc;
}

static int send_stop(struct run *run)
{
	const struct tr_message stop = {.type = TR_MESSAGE_STOP};
	return tr_message_send(tr_slot_client_line(run->client), &stop, -1);
}

static int send_finish(struct run *run)
{
	struct tr_message message = {.type = TR_MESSAGE_FINISH};

	copy(message.finish.session_id, sizeof(message.finish.session_id),
		run->settings->request->name);
	return tr_message_send(tr_slot_client_line(run->client), &message, run->settings->folder);
}

/* 0.2, 0.4, 0.8, 1.6, 3.2 s; or the end, when it has died too often. */
static void pause_or_give_up(struct run *run)
{
	if (run->deaths > RESTARTS_MAX) {
		end_by_reason(run, TR_REASON_SLOT_LOST);
		return;
	}
	run->phase = PHASE_PAUSING;
	run->deadline_ns = after_ms(INT64_C(100) << run->deaths);
	tr_record_show_news(run->show, true, "starting it again (%u of %d)%s", run->deaths,
		RESTARTS_MAX,
		!run->recorded_ns	     ? ""
		: run->settings->request->to ? "; the recording goes on in a new part"
					     : "; the stream goes on");
}

static void show_log(struct run *run)
{
	char line[2200];

	while (tr_slot_client_read_log(run->client, line, sizeof(line)) == 0)
		tr_record_show_news(run->show, true, "%s", line);
}

/* The slot process died, or must go because it makes no sense any more. */
static void lose_slot(struct run *run, const char *why)
{
	char fate[100];

	int status = tr_slot_client_abort(run->client);
	show_log(run);
	tr_child_describe(status, fate, sizeof(fate));
	if (why)
		tr_record_show_news(run->show, true, "warning: the recording process %s", why);
	else
		tr_record_show_news(run->show, true, "warning: the recording process %s", fate);
	tr_slot_client_destroy(tr_take(run->client));
	if (tr_clock_now_ns() - run->started_ns > STEADY_NS)
		run->deaths = 0;
	run->deaths++;
	if (run->is_stop_wanted && run->recorded_ns == 0)
		end_by_reason(run, TR_REASON_INTERRUPTED);
	else
		pause_or_give_up(run);
}

static void start_slot(struct run *run)
{
	const struct tr_record_request *request = run->settings->request;
	int level = request->is_verbose ? TR_LOG_DEBUG
		    : request->is_quiet ? TR_LOG_WARNING
					: TR_LOG_INFO;

	run->attempts++;
	run->started_ns = tr_clock_now_ns();
	int rc = tr_slot_client_start(run->settings->program, true, level, &run->client);
	if (rc < 0) {
		end(run, TR_REASON_INTERNAL, 1, "%s cannot be started: %s", run->settings->program,
			strerror(-rc));
		return;
	}
	run->phase = PHASE_PREPARING;
	run->deadline_ns = after_ms(ready_ms(run));
	rc = send_configure(run);
	if (rc < 0 && rc != -EPIPE) /* with EPIPE its end is noticed below */
		end(run, TR_REASON_INTERNAL, 1,
			"the recording process cannot be told what to do: %s", strerror(-rc));
}

static void on_ready(struct run *run, const struct tr_message_ready *ready)
{
	if (run->phase != PHASE_PREPARING)
		return;
	tr_record_show_news(run->show, false, "%s%sdisplay %s, sound: %s, encoder: %s",
		ready->browser_version, ready->browser_version[0] ? ", " : "", ready->display,
		ready->sound, ready->encoder);
	run->phase = PHASE_LOADING;
	run->deadline_ns =
		after_ms(run->settings->request->config.browser.page_timeout_ms + LOAD_EXTRA_MS);
	int rc = run->is_stopped ? send_finish(run) : send_start(run);
	if (rc == 0 && (run->is_stopped || run->is_stop_wanted)) {
		run->phase = PHASE_STOPPING;
		run->deadline_ns = after_ms(FINISH_TIMEOUT_MS);
		rc = run->is_stopped ? 0 : send_stop(run);
	}
	if (rc < 0 && rc != -EPIPE)
		end(run, TR_REASON_INTERNAL, 1, "the recording process cannot be told to start: %s",
			strerror(-rc));
}

static void on_progress(struct run *run, const struct tr_message_progress *progress)
{
	if (run->phase == PHASE_LOADING)
		run->phase = PHASE_RECORDING;
	if (!run->recorded_ns)
		run->recorded_ns = tr_clock_now_ns() - progress->time_ms * TR_NS_PER_MS;
	tr_record_show_progress(run->show, progress, tr_clock_now_ns());
}

static void on_failed(struct run *run, const struct tr_message_failed *failed)
{
	const char *sentence =
		failed->sentence[0] ? failed->sentence : tr_reason_sentence(failed->reason);

	copy(run->result->finished.file, sizeof(run->result->finished.file), failed->file);
	end(run, failed->reason,
		failed->exit_code > 0 ? failed->exit_code : tr_reason_exit_code(failed->reason),
		"%s", sentence);
	if (run->result->exit_code == 0)
		run->result->exit_code = 1;
}

/* Each state once: a slot may repeat it. */
static void show_state(struct run *run, const char *state)
{
	if (strcmp(run->state, state) != 0)
		tr_record_show_news(run->show, false, "%s", state);
	copy(run->state, sizeof(run->state), state);
}

static void on_message(struct run *run, const struct tr_message *message)
{
	switch (message->type) {
	case TR_MESSAGE_READY:
		on_ready(run, &message->ready);
		break;
	case TR_MESSAGE_STATE:
		show_state(run, message->state.state);
		break;
	case TR_MESSAGE_PROGRESS:
		on_progress(run, &message->progress);
		break;
	case TR_MESSAGE_WARNING:
		tr_record_show_news(run->show, true, "warning: %s", message->warning.sentence);
		break;
	case TR_MESSAGE_STREAM:
		tr_record_show_stream(run->show, &message->stream);
		break;
	case TR_MESSAGE_STOPPED: /* its files may take a while now, without a word */
		run->is_stopped = true;
		run->phase = PHASE_STOPPING;
		run->deadline_ns = after_ms(FINISH_TIMEOUT_MS);
		break;
	case TR_MESSAGE_STARTED:
	case TR_MESSAGE_MEETING:
		break;
	case TR_MESSAGE_FINISHED:
		run->result->finished = message->finished;
		end(run, TR_REASON_NONE, 0, "%s", "");
		break;
	case TR_MESSAGE_FAILED:
		on_failed(run, &message->failed);
		break;
	default:
		tr_debug("a %s is nothing a slot says", tr_message_type_name(message->type));
	}
	if (run->phase == PHASE_RECORDING)
		run->deadline_ns = after_ms(SILENCE_TIMEOUT_MS);
}

/* All messages there are. Returns false when the slot is lost. */
static bool read_messages(struct run *run, char *why, size_t why_size)
{
	struct tr_message message;
	struct tr_line *line = tr_slot_client_line(run->client);
	int rc;

	why[0] = '\0';
	if (tr_line_flush(line) < 0)
		tr_debug("the recording process listens no more");
	while (run->phase != PHASE_ENDED &&
		(rc = tr_message_receive(line, &message, NULL, why, why_size)) != -EAGAIN) {
		if (rc == -EPROTO)
			tr_warning("%s", why);
		if (rc < 0)
			return false;
		on_message(run, &message);
	}
	return true;
}

static void stop_softly(struct run *run)
{
	run->is_stop_wanted = true;
	switch (run->phase) {
	case PHASE_LOADING:
	case PHASE_RECORDING:
		tr_record_show_news(run->show, false,
			run->settings->request->to
				? "stopping and finishing the file (Ctrl-C again: stop at once)"
				: "stopping (Ctrl-C again: stop at once)");
		run->phase = PHASE_STOPPING;
		run->deadline_ns = after_ms(FINISH_TIMEOUT_MS);
		if (send_stop(run) < 0)
			tr_debug("the recording process listens no more");
		break;
	case PHASE_PREPARING:
	case PHASE_PAUSING:
		if (run->recorded_ns == 0)
			end(run, TR_REASON_INTERRUPTED, tr_reason_exit_code(TR_REASON_INTERRUPTED),
				"Stopped before the recording began.");
		break;
	default:
		break;
	}
}

static void on_signal(struct run *run)
{
	struct signalfd_siginfo info;

	while (run->phase != PHASE_ENDED &&
		read(run->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (!run->is_stop_wanted) {
			stop_softly(run);
			continue;
		}
		end_by_reason(run, TR_REASON_INTERRUPTED);
		if (run->client)
			tr_slot_client_abort(run->client);
	}
}

static void on_deadline(struct run *run)
{
	switch (run->phase) {
	case PHASE_PAUSING:
		start_slot(run);
		break;
	case PHASE_PREPARING:
		lose_slot(run, "did not get ready in time");
		break;
	default:
		lose_slot(run, "has said nothing for too long");
	}
}

static int timeout_ms(const struct run *run)
{
	int64_t left = (run->deadline_ns - tr_clock_now_ns()) / TR_NS_PER_MS + 1;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* One round of waiting and acting. */
static int turn(struct run *run)
{
	struct tr_line *line = run->client ? tr_slot_client_line(run->client) : NULL;
	bool is_sending = line && tr_line_wants_to_send(line);
	struct pollfd fds[] = {
		{.fd = run->signals, .events = POLLIN},
		{.fd = line ? tr_line_fd(line) : -1,
			.events = (short)(POLLIN | (is_sending ? POLLOUT : 0))},
		{.fd = run->client ? tr_slot_client_log_fd(run->client) : -1, .events = POLLIN},
		{.fd = run->client ? tr_slot_client_exit_fd(run->client) : -1, .events = POLLIN},
	};
	char why[300];

	if (poll(fds, TR_COUNT(fds), timeout_ms(run)) < 0 && errno != EINTR)
		return -errno;
	if (run->client)
		show_log(run);
	if (fds[1].revents || fds[3].revents) {
		if (!read_messages(run, why, sizeof(why)))
			lose_slot(run, why[0] ? "speaks another language" : NULL);
		else if (fds[3].revents && run->phase != PHASE_ENDED)
			lose_slot(run, NULL);
	}
	if (fds[0].revents && run->phase != PHASE_ENDED)
		on_signal(run);
	if (run->phase != PHASE_ENDED && tr_clock_now_ns() >= run->deadline_ns)
		on_deadline(run);
	return 0;
}

int tr_record_run(const struct tr_record_run_settings *settings, struct tr_record_show *show,
	struct tr_record_result *ret_result)
{
	sigset_t stopping;
	struct run run = {.settings = settings, .show = show, .result = ret_result};

	*ret_result = (struct tr_record_result){0};
	sigemptyset(&stopping);
	sigaddset(&stopping, SIGINT);
	sigaddset(&stopping, SIGTERM);
	sigaddset(&stopping, SIGHUP);
	TR_CLEANUP(tr_closep)
	int signals = signalfd(-1, &stopping, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return -errno;
	run.signals = signals;
	start_slot(&run);
	int rc = 0;
	while (rc == 0 && run.phase != PHASE_ENDED)
		rc = turn(&run);
	if (run.client) {
		tr_slot_client_stop(run.client, QUIT_GRACE_MS);
		show_log(&run);
	}
	tr_slot_client_destroy(run.client);
	tr_record_show_clear(show);
	return rc;
}
