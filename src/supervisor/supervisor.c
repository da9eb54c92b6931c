#define TR_LOG_AREA "supervisor"

#include "supervisor/supervisor.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "supervisor/backoff.h"
#include "supervisor/slotdoor.h"
#include "supervisor/slotjob.h"
#include "supervisor/slotlink.h"
#include "system/runtime_dir.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define LONGEST_HURRY_NS (4 * TR_NS_PER_S)
#define STEADY_NS (300 * TR_NS_PER_S) /* after which a recording's earlier deaths are forgiven */
#define FINISH_DEATHS_MAX 3
#define LOG_LINE_BYTES 2100
#define TIMER_ACCURACY_US 10000

static const struct tr_supervisor_limits default_limits = {
	.ready_ms = 90000,
	.started_ms = 60000,
	.silence_ms = 30000,
	.stopped_ms = 20000,
	.clear_ms = 90000,
	.finish_ms = INT64_C(7200000),
	.quit_ms = 10000,
	.restarts = 5,
};

struct slot {
	struct tr_supervisor *supervisor;
	unsigned number; /* from 1 */
	enum tr_slotlife_state state;
	struct tr_slotdoor *door; /* NULL: we start the process */
	struct tr_slotlink *link; /* NULL while away */
	sd_event_source *messages, *exit, *log;
	sd_event_source *timer; /* of the state: another process, or patience at its end */
	struct tr_backoff backoff;
	int64_t launched_ns;
	unsigned starts;
	bool is_word_idle;  /* the slot's own last word */
	bool is_waited_for; /* its door is open, and a recording waits at it: `timer` ends that */
	char problem[512];
	char runtime_base[PATH_MAX];
	struct tr_message_ready ready;
	struct tr_slotjob *jobs;
	struct tr_message *start;		 /* of the job that runs; holds secrets */
	char ended_session[TR_MESSAGE_NAME_MAX]; /* stopped without files: its failure follows */
};

/* What the node is to hear, from the loop. */
struct report {
	struct report *next;
	unsigned slot;
	uint64_t job;
	struct tr_message message;
};

struct tr_supervisor {
	sd_event *event;
	struct tr_supervisor_settings settings;
	struct tr_supervisor_events events;
	void *user;
	char program[PATH_MAX];
	struct tr_account account;
	struct report *reports;
	sd_event_source *reporter;
	sd_event_source *housekeeper; /* for files that are never made */
	uint64_t last_job;
	unsigned slot_count;
	struct slot slots[];
};

/* ---- words to the node ---- */

static int on_report(sd_event_source *source, void *user)
{
	struct tr_supervisor *supervisor = user;

	(void)source;
	while (supervisor->reports) {
		TR_CLEANUP(tr_freep) struct report *report = supervisor->reports;
		supervisor->reports = report->next;
		supervisor->events.on_message(
			report->slot, report->job, &report->message, supervisor->user);
	}
	return 0;
}

/* Lines it up: the node may be in the middle of a call to us. */
static struct tr_message *add_report(struct slot *slot, uint64_t job, enum tr_message_type type)
{
	struct tr_supervisor *supervisor = slot->supervisor;
	struct report **end = &supervisor->reports;

	while (*end)
		end = &(*end)->next;
	*end = calloc(1, sizeof(**end));
	if (!*end) {
		tr_error("no memory: the end of a recording in slot %u goes unheard", slot->number);
		return NULL;
	}
	(*end)->slot = slot->number;
	(*end)->job = job;
	(*end)->message.type = type;
	sd_event_source_set_enabled(supervisor->reporter, SD_EVENT_ONESHOT);
	return &(*end)->message;
}

static void report_stopped(struct slot *slot, const struct tr_slotjob *job, enum tr_reason reason,
	const char *sentence)
{
	struct tr_message *message = add_report(slot, job->number, TR_MESSAGE_STOPPED);

	if (!message)
		return;
	snprintf(message->stopped.session_id, sizeof(message->stopped.session_id), "%s",
		job->session_id);
	message->stopped.reason = reason;
	message->stopped.has_files = job->is_on_disk;
	snprintf(message->stopped.sentence, sizeof(message->stopped.sentence), "%s", sentence);
}

static void report_failed(struct slot *slot, const struct tr_slotjob *job, const char *sentence)
{
	struct tr_message *message = add_report(slot, job->number, TR_MESSAGE_FAILED);

	if (!message)
		return;
	snprintf(message->failed.session_id, sizeof(message->failed.session_id), "%s",
		job->session_id);
	message->failed.reason = TR_REASON_SLOT_LOST;
	message->failed.exit_code = tr_reason_exit_code(TR_REASON_SLOT_LOST);
	snprintf(message->failed.sentence, sizeof(message->failed.sentence), "%s", sentence);
}

static void tell(struct slot *slot, uint64_t job, const struct tr_message *message)
{
	slot->supervisor->events.on_message(slot->number, job, message, slot->supervisor->user);
}

/* ---- words to the slot ---- */

static void note_problem(struct slot *slot, const char *format, ...) TR_PRINTF(2, 3);

static void note_problem(struct slot *slot, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(slot->problem, sizeof(slot->problem), format, args);
	va_end(args);
}

static void watch_line(struct slot *slot)
{
	bool is_waiting = tr_line_wants_to_send(tr_slotlink_line(slot->link));

	sd_event_source_set_io_events(slot->messages, EPOLLIN | (is_waiting ? EPOLLOUT : 0));
}

/* With EPIPE its end is noticed by the loop. */
static void send(struct slot *slot, const struct tr_message *message, int fd)
{
	int rc = tr_message_send(tr_slotlink_line(slot->link), message, fd);

	if (rc < 0 && rc != -EPIPE)
		tr_fail(rc, "slot %u cannot be told %s", slot->number,
			tr_message_type_name(message->type));
	watch_line(slot);
}

static void send_finishes(struct slot *slot)
{
	struct tr_message message = {.type = TR_MESSAGE_FINISH};

	for (struct tr_slotjob *job = slot->jobs; job; job = job->next) {
		if (job->is_running || job->is_with_slot)
			continue;
		snprintf(message.finish.session_id, sizeof(message.finish.session_id), "%s",
			job->session_id);
		job->is_with_slot = true;
		send(slot, &message, job->folder);
		tr_info("slot %u finishes session %s", slot->number, job->session_id);
	}
}

static void send_start(struct slot *slot, bool is_resume)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);

	if (!job || !slot->start)
		return; /* the table starts only what runs */
	slot->start->start.is_resume = is_resume;
	job->is_with_slot = true;
	send(slot, slot->start, job->folder);
}

static int configure(struct slot *slot)
{
	struct tr_supervisor *supervisor = slot->supervisor;
	TR_CLEANUP(tr_freep) struct tr_message *message = calloc(1, sizeof(*message));
	if (!message)
		return -ENOMEM;
	struct tr_message_configure *to = &message->configure;

	message->type = TR_MESSAGE_CONFIGURE;
	*to = supervisor->settings.configure;
	to->slot = (int)slot->number;
	if (!slot->door) {
		int rc = tr_runtime_dir_make(
			&supervisor->account, slot->runtime_base, sizeof(slot->runtime_base));
		if (rc == 0)
			rc = tr_runtime_dir_add(slot->runtime_base, &supervisor->account, 1,
				to->runtime_dir, sizeof(to->runtime_dir));
		if (rc < 0)
			return rc;
		tr_runtime_dir_note(slot->runtime_base, tr_slotlink_pid(slot->link));
		snprintf(to->user, sizeof(to->user), "%s", supervisor->account.user);
	}
	int rc = tr_message_send(tr_slotlink_line(slot->link), message, -1);
	return rc == -EPIPE ? 0 : rc;
}

/* ---- jobs ---- */

static void wipe_start(struct slot *slot)
{
	if (slot->start)
		explicit_bzero(slot->start, sizeof(*slot->start));
	free(tr_take(slot->start));
}

/* The folder belongs to whoever works in it. */
static int lend_folder(struct slot *slot, int folder)
{
	return slot->door ? tr_account_share(folder, tr_slotlink_uid(slot->link))
			  : tr_account_lend(folder, &slot->supervisor->account);
}

static void forget_job(struct slot *slot, struct tr_slotjob *job)
{
	if (slot->door)
		tr_account_unshare(job->folder);
	else
		tr_account_take_back(job->folder, &slot->supervisor->account);
	tr_slotjob_remove(&slot->jobs, job);
}

/* The job that runs has stopped: its files are made now, if there are any. */
static void release_job(struct slot *slot, bool has_files)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);

	job->is_running = false;
	job->deadline_ns =
		tr_clock_now_ns() + slot->supervisor->settings.limits.finish_ms * TR_NS_PER_MS;
	wipe_start(slot);
	if (!has_files)
		forget_job(slot, job);
}

/* A process that dies again and again over the files of a recording must not take the next ones
 * with it. */
static void return_jobs(struct slot *slot)
{
	struct tr_slotjob *next;

	for (struct tr_slotjob *job = slot->jobs; job; job = next) {
		next = job->next;
		bool was_with_slot = job->is_with_slot;
		job->is_with_slot = false;
		if (job->is_running || !was_with_slot || ++job->finish_deaths < FINISH_DEATHS_MAX)
			continue;
		report_failed(slot, job,
			"the slot keeps dying over the recording's files; they stay as they are");
		forget_job(slot, job);
	}
}

static void drop_late_jobs(struct slot *slot)
{
	int64_t now_ns = tr_clock_now_ns();
	struct tr_slotjob *next;

	for (struct tr_slotjob *job = slot->jobs; job; job = next) {
		next = job->next;
		if (job->is_running || now_ns < job->deadline_ns)
			continue;
		report_failed(slot, job,
			"making the recording's files takes too long; they stay as they are");
		forget_job(slot, job);
	}
}

/* ---- time ---- */

static void set_timer(struct slot *slot, int64_t after_ns)
{
	sd_event_source_set_time_relative(slot->timer, (uint64_t)after_ns / 1000);
	sd_event_source_set_enabled(slot->timer, SD_EVENT_ONESHOT);
}

/* How long the slot may stay in its state without a word. */
static int64_t patience_ms(const struct slot *slot)
{
	const struct tr_supervisor_limits *limits = &slot->supervisor->settings.limits;

	switch (slot->state) {
	case TR_SLOTLIFE_STARTING:
	case TR_SLOTLIFE_RESUMING_STARTING:
		return limits->ready_ms;
	case TR_SLOTLIFE_PENDING:
		return limits->started_ms +
		       (slot->start ? slot->start->start.page_timeout_ms +
					       slot->start->start.join_timeout_ms
				    : 0);
	case TR_SLOTLIFE_RECORDING:
		return limits->silence_ms;
	case TR_SLOTLIFE_STOPPING:
		return limits->stopped_ms;
	case TR_SLOTLIFE_CLEARING:
		return limits->clear_ms;
	default:
		return 0;
	}
}

static void be_patient(struct slot *slot)
{
	int64_t ms = patience_ms(slot);

	if (ms > 0)
		set_timer(slot, ms * TR_NS_PER_MS);
	else if (tr_slotlife_is_here(slot->state))
		sd_event_source_set_enabled(slot->timer, SD_EVENT_OFF);
}

static void plan_launch(struct slot *slot, bool is_hurry)
{
	int64_t lived_ns = tr_clock_now_ns() - slot->launched_ns;
	int64_t pause_ns = tr_backoff_next_ns(&slot->backoff, lived_ns);

	if (is_hurry && slot->backoff.failures == 1)
		pause_ns = 0;
	if (is_hurry && pause_ns > LONGEST_HURRY_NS)
		pause_ns = LONGEST_HURRY_NS;
	set_timer(slot, pause_ns);
	tr_info("slot %u: another process in %.1f s", slot->number, (double)pause_ns / 1e9);
}

/* ---- the table's orders ---- */

static void end_cut(struct slot *slot)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);
	bool is_on_disk = job->is_on_disk;

	report_stopped(slot, job, is_on_disk ? TR_REASON_NONE : TR_REASON_CANCELLED, "");
	release_job(slot, is_on_disk);
}

static void end_lost(struct slot *slot)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);

	report_stopped(slot, job, TR_REASON_SLOT_LOST, tr_reason_sentence(TR_REASON_SLOT_LOST));
	release_job(slot, job->is_on_disk);
}

static void carry_out(struct slot *slot, unsigned orders)
{
	const struct tr_message stop = {.type = TR_MESSAGE_STOP};

	if (orders & TR_SLOTLIFE_DO_END_CUT)
		end_cut(slot);
	if (orders & TR_SLOTLIFE_DO_END_LOST)
		end_lost(slot);
	if (orders & TR_SLOTLIFE_DO_SEND_START)
		send_start(slot, false);
	if (orders & TR_SLOTLIFE_DO_SEND_RESUME)
		send_start(slot, true);
	if (orders & TR_SLOTLIFE_DO_SEND_STOP)
		send(slot, &stop, -1);
	if (orders & TR_SLOTLIFE_DO_SEND_FINISH)
		send_finishes(slot);
	if (orders & (TR_SLOTLIFE_DO_PAUSE | TR_SLOTLIFE_DO_HURRY))
		plan_launch(slot, orders & TR_SLOTLIFE_DO_HURRY);
}

static void feed(struct slot *slot, enum tr_slotlife_event event)
{
	struct tr_slotlife_step step = tr_slotlife_next(slot->state, event);
	bool is_new = step.next != slot->state;

	if (is_new)
		tr_debug("slot %u: %s, %s -> %s", slot->number, tr_slotlife_event_name(event),
			tr_slotlife_state_name(slot->state), tr_slotlife_state_name(step.next));
	slot->state = step.next;
	carry_out(slot, step.orders);
	if (is_new)
		be_patient(slot);
	if (is_new)
		slot->supervisor->events.on_condition(slot->number, slot->supervisor->user);
}

/* ---- a process goes ---- */

static bool is_too_often(struct slot *slot)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);

	if (!job)
		return false;
	if (tr_clock_now_ns() - slot->launched_ns > STEADY_NS)
		job->deaths = 0;
	return ++job->deaths > slot->supervisor->settings.limits.restarts;
}

/* What it wrote goes on to where it would have gone, a line at a time. */
static void read_log(struct slot *slot)
{
	struct tr_supervisor *supervisor = slot->supervisor;
	char line[LOG_LINE_BYTES];
	int rc = -EPIPE;

	while (slot->log && (rc = tr_slotlink_read_log(slot->link, line, sizeof(line) - 1)) == 0) {
		supervisor->events.on_log(slot->number, line, supervisor->user);
		strcat(line, "\n");
		if (write(STDERR_FILENO, line, strlen(line)) < 0)
			continue; /* nobody is left to tell */
	}
	if (rc != -EAGAIN)
		slot->log = sd_event_source_disable_unref(slot->log);
}

static int on_log(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source, (void)fd, (void)events;
	read_log(data);
	return 0;
}

/* Ends what is left of the process. `why`: what we know of the reason, else its fate says it. */
static void lose_slot(struct slot *slot, const char *why, bool is_hung)
{
	char fate[100];

	slot->messages = sd_event_source_disable_unref(slot->messages);
	slot->exit = sd_event_source_disable_unref(slot->exit);
	read_log(slot);
	slot->log = sd_event_source_disable_unref(slot->log);
	tr_slotlink_abort(slot->link, is_hung, fate, sizeof(fate));
	tr_slotlink_destroy(tr_take(slot->link));
	if (slot->runtime_base[0])
		tr_runtime_dir_remove(slot->runtime_base);
	slot->runtime_base[0] = '\0';
	slot->is_word_idle = false;
	slot->ended_session[0] = '\0';
	tr_warning("slot %u %s%s", slot->number, why ? why : fate,
		tr_slotlife_is_working(slot->state) ? " in the middle of a recording" : "");
	if (!slot->problem[0])
		note_problem(slot, "slot %u %s", slot->number, why ? why : fate);
	return_jobs(slot);
	feed(slot, is_too_often(slot) ? TR_SLOTLIFE_GIVEN_UP : TR_SLOTLIFE_LOST);
}

/* ---- what a slot says ---- */

static void on_ready(struct slot *slot, const struct tr_message_ready *ready)
{
	slot->ready = *ready;
	slot->problem[0] = '\0';
	if (slot->state == TR_SLOTLIFE_STARTING || slot->state == TR_SLOTLIFE_RESUMING_STARTING)
		tr_info("slot %u is ready: %s, sound %s, encoder %s", slot->number,
			ready->browser_version, ready->sound, ready->encoder);
	feed(slot, TR_SLOTLIFE_READY);
}

static void on_state(struct slot *slot, const struct tr_message_state *state)
{
	slot->is_word_idle = !strcmp(state->state, "idle");
	feed(slot, slot->is_word_idle ? TR_SLOTLIFE_SAID_IDLE : TR_SLOTLIFE_SAID_BUSY);
}

static void on_stopped(struct slot *slot, const struct tr_message *message)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);

	if (!job || strcmp(job->session_id, message->stopped.session_id) != 0) {
		tr_warning("slot %u: a recording has stopped that does not run", slot->number);
		return;
	}
	uint64_t number = job->number;
	release_job(slot, message->stopped.has_files);
	feed(slot, TR_SLOTLIFE_STOPPED);
	tell(slot, number, message);
	if (slot->is_word_idle)
		feed(slot, TR_SLOTLIFE_SAID_IDLE);
}

/* The slot cannot do what it was told to, without more ado: an end, and no files. */
static void on_refused(struct slot *slot, struct tr_slotjob *job, const struct tr_message *failed)
{
	TR_CLEANUP(tr_freep) struct tr_message *message = calloc(1, sizeof(*message));
	if (!message)
		return;
	message->type = TR_MESSAGE_STOPPED;
	snprintf(message->stopped.session_id, sizeof(message->stopped.session_id), "%s",
		job->session_id);
	message->stopped.reason = failed->failed.reason;
	snprintf(message->stopped.sentence, sizeof(message->stopped.sentence), "%s",
		failed->failed.sentence);
	on_stopped(slot, message);
}

/* Says whether the process has to go. */
static bool on_failed(struct slot *slot, const struct tr_message *message)
{
	const struct tr_message_failed *failed = &message->failed;
	const char *sentence =
		failed->sentence[0] ? failed->sentence : tr_reason_sentence(failed->reason);
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);
	struct tr_slotjob *done = tr_slotjob_finishing(slot->jobs, failed->session_id);

	if (failed->session_id[0] && !strcmp(failed->session_id, slot->ended_session)) {
		slot->ended_session[0] = '\0'; /* an older one of the same name may be finishing */
		return false;
	}
	if (done) {
		uint64_t number = done->number;
		forget_job(slot, done);
		tell(slot, number, message);
		return false;
	}
	if (job && (!strcmp(failed->session_id, job->session_id) ||
			   (slot->state == TR_SLOTLIFE_PENDING && !failed->session_id[0]))) {
		on_refused(slot, job, message);
		return false;
	}
	if (failed->session_id[0]) /* of a recording whose end has been heard */
		return false;
	note_problem(slot, "%s", sentence);
	tr_error("slot %u: %s", slot->number, sentence);
	return !job || slot->state == TR_SLOTLIFE_RESUMING_STARTING;
}

static void on_finished(struct slot *slot, const struct tr_message *message)
{
	const char *session_id = message->finished.session_id;
	struct tr_slotjob *job = tr_slotjob_finishing(slot->jobs, session_id);

	if (session_id[0] && !strcmp(session_id, slot->ended_session)) { /* it only streamed */
		slot->ended_session[0] = '\0';
		return;
	}
	if (!job) {
		tr_warning("slot %u has finished a recording that nobody knows", slot->number);
		return;
	}
	uint64_t number = job->number;
	forget_job(slot, job);
	tell(slot, number, message);
}

static void on_news(struct slot *slot, const struct tr_message *message)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);

	if (job && (message->type == TR_MESSAGE_STARTED || message->type == TR_MESSAGE_PROGRESS))
		job->is_on_disk = true;
	if (job && message->type == TR_MESSAGE_STARTED)
		feed(slot, TR_SLOTLIFE_STARTED);
	if (job || message->type == TR_MESSAGE_WARNING)
		tell(slot, job ? job->number : 0, message);
}

/* Says whether the process has to go. */
static bool on_message(struct slot *slot, const struct tr_message *message, int fd)
{
	switch (message->type) {
	case TR_MESSAGE_READY:
		on_ready(slot, &message->ready);
		break;
	case TR_MESSAGE_STATE:
		on_state(slot, &message->state);
		break;
	case TR_MESSAGE_STARTED:
	case TR_MESSAGE_MEETING:
	case TR_MESSAGE_PROGRESS:
	case TR_MESSAGE_STREAM:
	case TR_MESSAGE_WARNING:
		on_news(slot, message);
		break;
	case TR_MESSAGE_STOPPED:
		if (!message->stopped.has_files)
			memcpy(slot->ended_session, message->stopped.session_id,
				sizeof(slot->ended_session));
		on_stopped(slot, message);
		break;
	case TR_MESSAGE_FINISHED:
		on_finished(slot, message);
		break;
	case TR_MESSAGE_FAILED:
		return on_failed(slot, message);
	case TR_MESSAGE_PICTURE:
		if (slot->supervisor->events.on_picture)
			slot->supervisor->events.on_picture(
				slot->number, &message->picture, fd, slot->supervisor->user);
		break;
	default:
		tr_debug("a %s is nothing a slot says", tr_message_type_name(message->type));
	}
	if (slot->state == TR_SLOTLIFE_RECORDING)
		be_patient(slot);
	return false;
}

/* All messages there are. Says whether the process has to go, and why when it is known. */
static bool read_messages(struct slot *slot, const char **ret_why)
{
	TR_CLEANUP(tr_freep) struct tr_message *message = calloc(1, sizeof(*message));
	char why[300];
	int rc = -ENOMEM, fd = -1;

	while (message && (rc = tr_message_receive(tr_slotlink_line(slot->link), message, &fd, why,
				   sizeof(why))) == 0) {
		bool must_go = on_message(slot, message, fd);
		if (fd >= 0)
			close(tr_take_fd(&fd));
		if (!must_go)
			continue;
		*ret_why = "cannot be made ready";
		return true;
	}
	if (rc == -EPROTO) {
		tr_warning("slot %u: %s", slot->number, why);
		*ret_why = "speaks another language";
	}
	return rc != -EAGAIN;
}

static int on_line(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct slot *slot = data;
	const char *why = NULL;

	(void)source, (void)fd;
	if ((events & EPOLLOUT) && tr_line_flush(tr_slotlink_line(slot->link)) < 0)
		tr_debug("slot %u listens no more", slot->number);
	if (read_messages(slot, &why))
		lose_slot(slot, why, why != NULL);
	else
		watch_line(slot);
	return 0;
}

/* What it said last is still to be read. */
static int on_exit_fd(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct slot *slot = data;
	const char *why = NULL;

	(void)source, (void)fd, (void)events;
	read_messages(slot, &why);
	lose_slot(slot, why, false);
	return 0;
}

/* ---- a process comes ---- */

static int watch_process(struct slot *slot)
{
	sd_event *event = slot->supervisor->event;
	int fd = tr_slotlink_exit_fd(slot->link), log_fd = tr_slotlink_log_fd(slot->link);

	int rc = log_fd < 0 ? 0 : sd_event_add_io(event, &slot->log, log_fd, EPOLLIN, on_log, slot);
	if (rc >= 0)
		rc = sd_event_add_io(event, &slot->messages,
			tr_line_fd(tr_slotlink_line(slot->link)), EPOLLIN, on_line, slot);
	if (rc >= 0 && fd >= 0)
		rc = sd_event_add_io(event, &slot->exit, fd, EPOLLIN, on_exit_fd, slot);
	if (rc >= 0 && fd >= 0) /* after the line, which may hold its last words */
		rc = sd_event_source_set_priority(slot->exit, SD_EVENT_PRIORITY_NORMAL + 1);
	return rc < 0 ? rc : 0;
}

static void take_in(struct slot *slot)
{
	slot->launched_ns = tr_clock_now_ns();
	slot->starts++;
	slot->is_waited_for = false;
	int rc = watch_process(slot);
	if (rc == 0)
		rc = configure(slot);
	if (rc < 0) {
		tr_fail(rc, "cannot set slot %u up", slot->number);
		note_problem(slot, "slot %u cannot be set up: %s", slot->number, strerror(-rc));
		lose_slot(slot, "cannot be set up", true);
		return;
	}
	watch_line(slot);
	feed(slot, TR_SLOTLIFE_LAUNCHED);
}

static void on_enter(int fd, pid_t pid, uid_t uid, void *user)
{
	struct slot *slot = user;

	if (tr_slotlink_adopt(fd, pid, uid, &slot->link) < 0)
		tr_slotdoor_open(slot->door);
	else
		take_in(slot);
}

static void launch(struct slot *slot)
{
	struct tr_supervisor *supervisor = slot->supervisor;

	if (slot->door) {
		if (!slot->problem[0])
			note_problem(slot, "slot %u waits for its service (telerec-slot@%u)",
				slot->number, slot->number);
		tr_slotdoor_open(slot->door);
		/* A recording does not wait for ever for a service that does not come back. */
		slot->is_waited_for = slot->state == TR_SLOTLIFE_RESUMING_AWAY;
		if (slot->is_waited_for)
			set_timer(slot, supervisor->settings.limits.ready_ms * TR_NS_PER_MS);
		return;
	}
	int rc = tr_slotlink_start(supervisor->program, supervisor->events.on_log != NULL,
		supervisor->settings.log_level, &slot->link);
	if (rc == 0) {
		take_in(slot);
		return;
	}
	note_problem(slot, "%s cannot be started: %s", supervisor->program, strerror(-rc));
	slot->launched_ns = tr_clock_now_ns();
	feed(slot, is_too_often(slot) ? TR_SLOTLIFE_GIVEN_UP : TR_SLOTLIFE_LOST);
}

static void stop_waiting(struct slot *slot)
{
	slot->is_waited_for = false;
	tr_warning("slot %u: its service did not come back in time", slot->number);
	feed(slot, TR_SLOTLIFE_GIVEN_UP);
}

static int on_timer(sd_event_source *source, uint64_t now_us, void *data)
{
	struct slot *slot = data;

	(void)source, (void)now_us;
	if (slot->is_waited_for)
		stop_waiting(slot);
	else if (!slot->link)
		launch(slot);
	else if (slot->state == TR_SLOTLIFE_STARTING ||
		 slot->state == TR_SLOTLIFE_RESUMING_STARTING)
		lose_slot(slot, "did not get ready in time", true);
	else
		lose_slot(slot, "has said nothing for too long", true);
	return 0;
}

static int on_housekeeping(sd_event_source *source, uint64_t now_us, void *data)
{
	struct tr_supervisor *supervisor = data;
	int64_t period_ms = supervisor->settings.limits.finish_ms / 4;

	(void)now_us;
	for (unsigned i = 0; i < supervisor->slot_count; i++)
		drop_late_jobs(&supervisor->slots[i]);
	sd_event_source_set_time_relative(source, (uint64_t)period_ms * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- public ---- */

static void set_default(int64_t *value, int64_t standard)
{
	if (*value <= 0)
		*value = standard;
}

static void set_limits(struct tr_supervisor_limits *limits)
{
	set_default(&limits->ready_ms, default_limits.ready_ms);
	set_default(&limits->started_ms, default_limits.started_ms);
	set_default(&limits->silence_ms, default_limits.silence_ms);
	set_default(&limits->stopped_ms, default_limits.stopped_ms);
	set_default(&limits->clear_ms, default_limits.clear_ms);
	set_default(&limits->finish_ms, default_limits.finish_ms);
	set_default(&limits->quit_ms, default_limits.quit_ms);
	if (limits->restarts == 0)
		limits->restarts = default_limits.restarts;
}

static int init_slot(struct tr_supervisor *supervisor, unsigned index)
{
	struct slot *slot = &supervisor->slots[index];
	char path[PATH_MAX];

	slot->supervisor = supervisor;
	slot->number = index + 1;
	int rc = sd_event_add_time(supervisor->event, &slot->timer, CLOCK_MONOTONIC, 0,
		TIMER_ACCURACY_US, on_timer, slot);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(slot->timer, SD_EVENT_OFF);
	if (rc < 0 || !supervisor->settings.socket_dir)
		return rc < 0 ? rc : 0;
	rc = tr_text_format(
		path, sizeof(path), "%s/%u.sock", supervisor->settings.socket_dir, slot->number);
	return rc < 0 ? rc
		      : tr_slotdoor_create(supervisor->event, path, on_enter, slot, &slot->door);
}

static int fill(struct tr_supervisor *supervisor)
{
	int rc = tr_text_format(supervisor->program, sizeof(supervisor->program), "%s",
		supervisor->settings.program);
	if (rc == 0 && !supervisor->settings.socket_dir && access(supervisor->program, X_OK) < 0)
		rc = tr_fail(-errno, "cannot run %s", supervisor->program);
	if (rc == 0)
		rc = sd_event_add_defer(
			supervisor->event, &supervisor->reporter, on_report, supervisor);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(supervisor->reporter, SD_EVENT_OFF);
	if (rc >= 0)
		rc = sd_event_add_time(supervisor->event, &supervisor->housekeeper, CLOCK_MONOTONIC,
			0, TIMER_ACCURACY_US, on_housekeeping, supervisor);
	for (unsigned i = 0; rc >= 0 && i < supervisor->settings.slots; i++) {
		supervisor->slot_count = i + 1;
		rc = init_slot(supervisor, i);
	}
	return rc < 0 ? rc : 0;
}

int tr_supervisor_create(sd_event *event, const struct tr_supervisor_settings *settings,
	const struct tr_supervisor_events *events, void *user,
	struct tr_supervisor **ret_supervisor)
{
	TR_CLEANUP(tr_supervisor_destroyp)
	struct tr_supervisor *supervisor =
		calloc(1, sizeof(*supervisor) + settings->slots * sizeof(supervisor->slots[0]));
	if (!supervisor)
		return -ENOMEM;
	supervisor->event = sd_event_ref(event);
	supervisor->settings = *settings;
	supervisor->events = *events;
	supervisor->user = user;
	set_limits(&supervisor->settings.limits);
	tr_account_for_slots(&supervisor->account);
	if (!settings->socket_dir)
		tr_runtime_dir_sweep();
	int rc = fill(supervisor);
	if (rc < 0)
		return rc;
	/* The first processes too come from the loop, when the caller has everything in place. */
	for (unsigned i = 0; i < supervisor->slot_count; i++)
		set_timer(&supervisor->slots[i], 0);
	*ret_supervisor = tr_take(supervisor);
	return 0;
}

static void end_slot(struct slot *slot, int grace_ms)
{
	sd_event_source_disable_unref(slot->messages);
	sd_event_source_disable_unref(slot->exit);
	sd_event_source_disable_unref(slot->timer);
	if (slot->link)
		tr_slotlink_wait(slot->link, grace_ms);
	read_log(slot);
	sd_event_source_disable_unref(slot->log);
	tr_slotlink_destroy(slot->link);
	tr_slotdoor_destroy(slot->door);
	if (slot->runtime_base[0])
		tr_runtime_dir_remove(slot->runtime_base);
	while (slot->jobs)
		forget_job(slot, slot->jobs);
	wipe_start(slot);
}

void tr_supervisor_destroy(struct tr_supervisor *supervisor)
{
	if (!supervisor)
		return;
	/* All at once, then one after the other, together no longer than one may take. */
	for (unsigned i = 0; i < supervisor->slot_count; i++)
		if (supervisor->slots[i].link)
			tr_slotlink_ask_to_quit(supervisor->slots[i].link);
	int64_t end_ns = tr_clock_now_ns() + supervisor->settings.limits.quit_ms * TR_NS_PER_MS;
	for (unsigned i = 0; i < supervisor->slot_count; i++) {
		int64_t left_ms = (end_ns - tr_clock_now_ns()) / TR_NS_PER_MS;
		end_slot(&supervisor->slots[i], left_ms > 0 ? (int)left_ms : 0);
	}
	sd_event_source_disable_unref(supervisor->reporter);
	sd_event_source_disable_unref(supervisor->housekeeper);
	while (supervisor->reports) {
		struct report *report = supervisor->reports;
		supervisor->reports = report->next;
		free(report);
	}
	sd_event_unref(supervisor->event);
	free(supervisor);
}

static struct slot *find_slot(const struct tr_supervisor *supervisor, unsigned number)
{
	return (struct slot *)&supervisor->slots[number - 1];
}

static int add_job(
	struct slot *slot, const char *session_id, int folder, struct tr_slotjob **ret_job)
{
	int rc = lend_folder(slot, folder);
	if (rc < 0)
		return tr_fail(rc, "the folder of session %s cannot be lent to slot %u", session_id,
			slot->number);
	return tr_slotjob_add(
		&slot->jobs, ++slot->supervisor->last_job, session_id, folder, ret_job);
}

int tr_supervisor_start(struct tr_supervisor *supervisor, unsigned number,
	const struct tr_message_start *start, int folder, uint64_t *ret_job)
{
	struct slot *slot = find_slot(supervisor, number);
	struct tr_slotjob *job = NULL;

	if (slot->state != TR_SLOTLIFE_IDLE)
		return -EBUSY;
	slot->start = calloc(1, sizeof(*slot->start));
	if (!slot->start)
		return -ENOMEM;
	int rc = add_job(slot, start->session_id, folder, &job);
	if (rc < 0 || !job) {
		free(tr_take(slot->start));
		return rc;
	}
	slot->start->type = TR_MESSAGE_START;
	slot->start->start = *start;
	job->is_running = true;
	*ret_job = job->number;
	feed(slot, TR_SLOTLIFE_START);
	return 0;
}

void tr_supervisor_stop(struct tr_supervisor *supervisor, unsigned number)
{
	feed(find_slot(supervisor, number), TR_SLOTLIFE_STOP);
}

void tr_supervisor_economize(struct tr_supervisor *supervisor, unsigned number, int level)
{
	struct slot *slot = find_slot(supervisor, number);
	const struct tr_message message = {
		.type = TR_MESSAGE_ECONOMIZE, .economize = {.level = level}};

	if (slot->link && slot->state == TR_SLOTLIFE_RECORDING)
		send(slot, &message, -1);
}

int tr_supervisor_preview(struct tr_supervisor *supervisor, unsigned number, int width)
{
	struct slot *slot = find_slot(supervisor, number);
	const struct tr_message message = {.type = TR_MESSAGE_PREVIEW, .preview = {.width = width}};

	if (!slot->link || slot->state == TR_SLOTLIFE_STARTING ||
		slot->state == TR_SLOTLIFE_RESUMING_STARTING)
		return -ENODATA;
	int rc = tr_message_send(tr_slotlink_line(slot->link), &message, -1);
	watch_line(slot);
	return rc == -EPIPE ? -ENODATA : rc;
}

int tr_supervisor_restart(struct tr_supervisor *supervisor, unsigned number)
{
	struct slot *slot = find_slot(supervisor, number);

	if (slot->jobs)
		return -EBUSY;
	slot->backoff.failures = 0;
	if (!slot->problem[0])
		note_problem(slot, "slot %u is being started anew, as asked", slot->number);
	if (!slot->link) {
		if (!slot->door)
			set_timer(slot, 0);
	} else if (slot->state == TR_SLOTLIFE_IDLE) {
		/* It is busy with its end; one that hangs over it is killed in time. */
		tr_slotlink_ask_to_quit(slot->link);
		watch_line(slot);
		slot->is_word_idle = false;
		feed(slot, TR_SLOTLIFE_SAID_BUSY);
	} else {
		lose_slot(slot, "is started anew, as asked", true);
	}
	return 0;
}

int tr_supervisor_finish(struct tr_supervisor *supervisor, unsigned number, const char *session_id,
	int folder, uint64_t *ret_job)
{
	struct slot *slot = find_slot(supervisor, number);
	struct tr_slotjob *job = NULL;

	if (!slot->link || slot->state == TR_SLOTLIFE_STARTING)
		return -EBUSY;
	int rc = add_job(slot, session_id, folder, &job);
	if (rc < 0 || !job)
		return rc;
	job->deadline_ns = tr_clock_now_ns() + supervisor->settings.limits.finish_ms * TR_NS_PER_MS;
	*ret_job = job->number;
	send_finishes(slot);
	return 0;
}

int tr_supervisor_slot_user(const struct tr_supervisor *supervisor, unsigned number, uid_t *ret_uid)
{
	const struct slot *slot = &supervisor->slots[number - 1];

	if (!slot->door || !slot->link)
		return -ENOENT;
	*ret_uid = tr_slotlink_uid(slot->link);
	return 0;
}

void tr_supervisor_read(const struct tr_supervisor *supervisor, unsigned number,
	struct tr_supervisor_condition *ret_condition)
{
	const struct slot *slot = find_slot(supervisor, number);

	*ret_condition = (struct tr_supervisor_condition){
		.state = slot->state,
		.is_well = slot->state != TR_SLOTLIFE_AWAY && slot->state != TR_SLOTLIFE_STARTING,
		.ready = slot->ready,
		.starts = slot->starts,
	};
	if (!ret_condition->is_well)
		snprintf(ret_condition->sentence, sizeof(ret_condition->sentence), "%s",
			slot->problem[0] ? slot->problem : "the slot is being started");
}

enum tr_slotlife_state tr_supervisor_state(const struct tr_supervisor *supervisor, unsigned number)
{
	return find_slot(supervisor, number)->state;
}

unsigned tr_supervisor_ready_slots(const struct tr_supervisor *supervisor)
{
	unsigned ready = 0;

	for (unsigned i = 0; i < supervisor->slot_count; i++)
		ready += supervisor->slots[i].state == TR_SLOTLIFE_IDLE;
	return ready;
}
