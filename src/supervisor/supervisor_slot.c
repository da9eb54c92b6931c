#define TR_LOG_AREA "supervisor"

#include "supervisor/supervisor_internal.h"

#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define STEADY_NS (300 * TR_NS_PER_S) /* after which a recording's earlier deaths are forgiven */
#define LOG_LINE_BYTES 2100

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
void tr_supervisor_read_log(struct slot *slot)
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
	tr_supervisor_read_log(data);
	return 0;
}

/* Ends what is left of the process. `why`: what we know of the reason, else its fate says it. */
void tr_supervisor_lose_slot(struct slot *slot, const char *why, bool is_hung)
{
	char fate[100];

	slot->messages = sd_event_source_disable_unref(slot->messages);
	slot->exit = sd_event_source_disable_unref(slot->exit);
	tr_supervisor_read_log(slot);
	slot->log = sd_event_source_disable_unref(slot->log);
	tr_slotlink_abort(slot->link, is_hung, fate, sizeof(fate));
	tr_slotlink_destroy(tr_take(slot->link));
	if (slot->runtime_base[0])
		tr_runtime_dir_remove(slot->runtime_base);
	slot->runtime_base[0] = '\0';
	if (slot->state == TR_SLOTLIFE_STARTING || slot->state == TR_SLOTLIFE_RESUMING_STARTING)
		slot->vain_starts++;
	slot->is_word_idle = false;
	slot->ended_session[0] = '\0';
	tr_warning("slot %u %s%s", slot->number, why ? why : fate,
		tr_slotlife_is_working(slot->state) ? " in the middle of a recording" : "");
	if (!slot->problem[0])
		tr_supervisor_note_problem(slot, "slot %u %s", slot->number, why ? why : fate);
	tr_supervisor_return_jobs(slot);
	tr_supervisor_lose_asker(slot);
	tr_supervisor_feed(slot, is_too_often(slot) ? TR_SLOTLIFE_GIVEN_UP : TR_SLOTLIFE_LOST);
}

/* ---- what a slot says ---- */

static void on_ready(struct slot *slot, const struct tr_message_ready *ready)
{
	slot->ready = *ready;
	slot->vain_starts = 0;
	slot->problem[0] = '\0';
	tr_supervisor_lose_asker(slot); /* it has looked before it was ready, or never will */
	if (slot->state == TR_SLOTLIFE_STARTING || slot->state == TR_SLOTLIFE_RESUMING_STARTING)
		tr_info("slot %u is ready: %s, sound %s, encoder %s", slot->number,
			ready->browser_version, ready->sound, ready->encoder);
	tr_supervisor_feed(slot, TR_SLOTLIFE_READY);
}

static void on_state(struct slot *slot, const struct tr_message_state *state)
{
	slot->is_word_idle = !strcmp(state->state, "idle");
	tr_supervisor_feed(
		slot, slot->is_word_idle ? TR_SLOTLIFE_SAID_IDLE : TR_SLOTLIFE_SAID_BUSY);
}

static void on_stopped(struct slot *slot, const struct tr_message *message)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);

	if (!job || strcmp(job->session_id, message->stopped.session_id) != 0) {
		tr_warning("slot %u: a recording has stopped that does not run", slot->number);
		return;
	}
	uint64_t number = job->number;
	tr_supervisor_release_job(slot, message->stopped.has_files);
	tr_supervisor_feed(slot, TR_SLOTLIFE_STOPPED);
	tr_supervisor_tell(slot, number, message);
	if (slot->is_word_idle)
		tr_supervisor_feed(slot, TR_SLOTLIFE_SAID_IDLE);
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
		tr_supervisor_forget_job(slot, done);
		tr_supervisor_tell(slot, number, message);
		return false;
	}
	if (job && (!strcmp(failed->session_id, job->session_id) ||
			   (slot->state == TR_SLOTLIFE_PENDING && !failed->session_id[0]))) {
		on_refused(slot, job, message);
		return false;
	}
	if (failed->session_id[0]) /* of a recording whose end has been heard */
		return false;
	tr_supervisor_note_problem(slot, "%s", sentence);
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
	tr_supervisor_forget_job(slot, job);
	tr_supervisor_tell(slot, number, message);
}

/* What encodes may change in the middle of a recording. */
static void note_encoder(struct slot *slot, const char *encoder)
{
	if (encoder[0])
		snprintf(slot->ready.encoder, sizeof(slot->ready.encoder), "%s",
			strcmp(encoder, "libx264") ? encoder : "software");
}

static void on_news(struct slot *slot, const struct tr_message *message)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);

	if (job && (message->type == TR_MESSAGE_STARTED || message->type == TR_MESSAGE_PROGRESS))
		job->is_on_disk = true;
	if (job && message->type == TR_MESSAGE_STARTED)
		tr_supervisor_feed(slot, TR_SLOTLIFE_STARTED);
	if (message->type == TR_MESSAGE_PROGRESS)
		note_encoder(slot, message->progress.encoder);
	if (job || message->type == TR_MESSAGE_WARNING)
		tr_supervisor_tell(slot, job ? job->number : 0, message);
}

/* Says whether the process has to go. */
static bool on_message(struct slot *slot, const struct tr_message *message, int fd)
{
	switch (message->type) {
	case TR_MESSAGE_READY:
		on_ready(slot, &message->ready);
		break;
	case TR_MESSAGE_ENCODERS:
		tr_supervisor_on_encoders(slot, message->encoders.found);
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
		tr_supervisor_be_patient(slot);
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
		tr_supervisor_lose_slot(slot, why, why != NULL);
	else
		tr_supervisor_watch_line(slot);
	return 0;
}

/* What it said last is still to be read. */
static int on_exit_fd(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct slot *slot = data;
	const char *why = NULL;

	(void)source, (void)fd, (void)events;
	read_messages(slot, &why);
	tr_supervisor_lose_slot(slot, why, false);
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
		rc = tr_supervisor_configure(slot);
	if (rc < 0) {
		tr_fail(rc, "cannot set slot %u up", slot->number);
		tr_supervisor_note_problem(
			slot, "slot %u cannot be set up: %s", slot->number, strerror(-rc));
		tr_supervisor_lose_slot(slot, "cannot be set up", true);
		return;
	}
	tr_supervisor_greet_encoders(slot);
	tr_supervisor_watch_line(slot);
	tr_supervisor_feed(slot, TR_SLOTLIFE_LAUNCHED);
}

void tr_supervisor_on_enter(int fd, pid_t pid, uid_t uid, void *user)
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
			tr_supervisor_note_problem(slot,
				"slot %u waits for its service (telerec-slot@%u)", slot->number,
				slot->number);
		tr_slotdoor_open(slot->door);
		/* A recording does not wait for ever for a service that does not come back. */
		slot->is_waited_for = slot->state == TR_SLOTLIFE_RESUMING_AWAY;
		if (slot->is_waited_for)
			tr_supervisor_set_timer(
				slot, supervisor->settings.limits.ready_ms * TR_NS_PER_MS);
		return;
	}
	int rc = tr_slotlink_start(supervisor->program, supervisor->events.on_log != NULL,
		supervisor->settings.log_level, &slot->link);
	if (rc == 0) {
		take_in(slot);
		return;
	}
	tr_supervisor_note_problem(
		slot, "%s cannot be started: %s", supervisor->program, strerror(-rc));
	slot->launched_ns = tr_clock_now_ns();
	tr_supervisor_feed(slot, is_too_often(slot) ? TR_SLOTLIFE_GIVEN_UP : TR_SLOTLIFE_LOST);
}

static void stop_waiting(struct slot *slot)
{
	slot->is_waited_for = false;
	tr_warning("slot %u: its service did not come back in time", slot->number);
	tr_supervisor_feed(slot, TR_SLOTLIFE_GIVEN_UP);
}

int tr_supervisor_on_timer(sd_event_source *source, uint64_t now_us, void *data)
{
	struct slot *slot = data;

	(void)source, (void)now_us;
	if (slot->is_waited_for)
		stop_waiting(slot);
	else if (!slot->link)
		launch(slot);
	else if (slot->state == TR_SLOTLIFE_STARTING ||
		 slot->state == TR_SLOTLIFE_RESUMING_STARTING)
		tr_supervisor_lose_slot(slot, "did not get ready in time", true);
	else
		tr_supervisor_lose_slot(slot, "has said nothing for too long", true);
	return 0;
}

int tr_supervisor_on_housekeeping(sd_event_source *source, uint64_t now_us, void *data)
{
	struct tr_supervisor *supervisor = data;
	int64_t period_ms = supervisor->settings.limits.finish_ms / 4;

	(void)now_us;
	for (unsigned i = 0; i < supervisor->slot_count; i++)
		tr_supervisor_drop_late_jobs(&supervisor->slots[i]);
	sd_event_source_set_time_relative(source, (uint64_t)period_ms * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}
