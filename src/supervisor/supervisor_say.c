#define TR_LOG_AREA "supervisor"

#include "supervisor/supervisor_internal.h"

#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define FINISH_DEATHS_MAX 3

/* ---- words to the node ---- */

int tr_supervisor_on_report(sd_event_source *source, void *user)
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

void tr_supervisor_report_stopped(struct slot *slot, const struct tr_slotjob *job,
	enum tr_reason reason, const char *sentence)
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

void tr_supervisor_tell(struct slot *slot, uint64_t job, const struct tr_message *message)
{
	slot->supervisor->events.on_message(slot->number, job, message, slot->supervisor->user);
}

/* ---- words to the slot ---- */

void tr_supervisor_note_problem(struct slot *slot, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(slot->problem, sizeof(slot->problem), format, args);
	va_end(args);
}

void tr_supervisor_watch_line(struct slot *slot)
{
	bool is_waiting = tr_line_wants_to_send(tr_slotlink_line(slot->link));

	sd_event_source_set_io_events(slot->messages, EPOLLIN | (is_waiting ? EPOLLOUT : 0));
}

/* With EPIPE its end is noticed by the loop. */
void tr_supervisor_send(struct slot *slot, const struct tr_message *message, int fd)
{
	int rc = tr_message_send(tr_slotlink_line(slot->link), message, fd);

	if (rc < 0 && rc != -EPIPE)
		tr_fail(rc, "slot %u cannot be told %s", slot->number,
			tr_message_type_name(message->type));
	tr_supervisor_watch_line(slot);
}

void tr_supervisor_send_finishes(struct slot *slot)
{
	struct tr_message message = {.type = TR_MESSAGE_FINISH};

	for (struct tr_slotjob *job = slot->jobs; job; job = job->next) {
		if (job->is_running || job->is_with_slot)
			continue;
		snprintf(message.finish.session_id, sizeof(message.finish.session_id), "%s",
			job->session_id);
		job->is_with_slot = true;
		tr_supervisor_send(slot, &message, job->folder);
		tr_info("slot %u finishes session %s", slot->number, job->session_id);
	}
}

void tr_supervisor_send_start(struct slot *slot, bool is_resume)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);

	if (!job || !slot->start)
		return; /* the table starts only what runs */
	slot->start->start.is_resume = is_resume;
	job->is_with_slot = true;
	tr_supervisor_send(slot, slot->start, job->folder);
}

int tr_supervisor_configure(struct slot *slot)
{
	struct tr_supervisor *supervisor = slot->supervisor;
	TR_CLEANUP(tr_freep) struct tr_message *message = calloc(1, sizeof(*message));
	if (!message)
		return -ENOMEM;
	struct tr_message_configure *to = &message->configure;

	message->type = TR_MESSAGE_CONFIGURE;
	*to = supervisor->settings.configure;
	to->slot = (int)slot->number;
	to->ready_ms = (int)tr_supervisor_ready_ms(slot);
	if (slot->number != 1) /* two browsers on one screen would cover each other */
		to->display[0] = to->xauthority[0] = '\0';
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

void tr_supervisor_wipe_start(struct slot *slot)
{
	if (slot->start)
		explicit_bzero(slot->start, sizeof(*slot->start));
	free(tr_take(slot->start));
}

/* The folder belongs to whoever works in it. */
int tr_supervisor_lend_folder(struct slot *slot, int folder)
{
	return slot->door ? tr_account_share(folder, tr_slotlink_uid(slot->link))
			  : tr_account_lend(folder, &slot->supervisor->account);
}

void tr_supervisor_forget_job(struct slot *slot, struct tr_slotjob *job)
{
	if (slot->door)
		tr_account_unshare(job->folder);
	else
		tr_account_take_back(job->folder, &slot->supervisor->account);
	tr_slotjob_remove(&slot->jobs, job);
}

/* The job that runs has stopped: its files are made now, if there are any. */
void tr_supervisor_release_job(struct slot *slot, bool has_files)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);

	job->is_running = false;
	job->deadline_ns =
		tr_clock_now_ns() + slot->supervisor->settings.limits.finish_ms * TR_NS_PER_MS;
	tr_supervisor_wipe_start(slot);
	if (!has_files)
		tr_supervisor_forget_job(slot, job);
}

/* A process that dies again and again over the files of a recording must not take the next ones
 * with it. */
void tr_supervisor_return_jobs(struct slot *slot)
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
		tr_supervisor_forget_job(slot, job);
	}
}

void tr_supervisor_drop_late_jobs(struct slot *slot)
{
	int64_t now_ns = tr_clock_now_ns();
	struct tr_slotjob *next;

	for (struct tr_slotjob *job = slot->jobs; job; job = next) {
		next = job->next;
		if (job->is_running || now_ns < job->deadline_ns)
			continue;
		report_failed(slot, job,
			"making the recording's files takes too long; they stay as they are");
		tr_supervisor_forget_job(slot, job);
	}
}
