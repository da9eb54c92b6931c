#define TR_LOG_AREA "supervisor"

#include "supervisor/supervisor_internal.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_HURRY_NS (4 * TR_NS_PER_S)
#define VAIN_STARTS_MAX 4 /* that make the next one's limit longer */

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

/* ---- time ---- */

void tr_supervisor_set_timer(struct slot *slot, int64_t after_ns)
{
	sd_event_source_set_time_relative(slot->timer, (uint64_t)after_ns / 1000);
	sd_event_source_set_enabled(slot->timer, SD_EVENT_ONESHOT);
}

/* A machine that needs more than the limit (a slow stick, all slots at once) gets more each time.
 */
int64_t tr_supervisor_ready_ms(const struct slot *slot)
{
	unsigned vain = slot->vain_starts < VAIN_STARTS_MAX ? slot->vain_starts : VAIN_STARTS_MAX;

	return slot->supervisor->settings.limits.ready_ms * (1 + vain);
}

/* How long the slot may stay in its state without a word. */
static int64_t patience_ms(const struct slot *slot)
{
	const struct tr_supervisor_limits *limits = &slot->supervisor->settings.limits;

	switch (slot->state) {
	case TR_SLOTLIFE_STARTING:
	case TR_SLOTLIFE_RESUMING_STARTING:
		return tr_supervisor_ready_ms(slot);
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

void tr_supervisor_be_patient(struct slot *slot)
{
	int64_t ms = patience_ms(slot);

	if (ms > 0)
		tr_supervisor_set_timer(slot, ms * TR_NS_PER_MS);
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
	tr_supervisor_set_timer(slot, pause_ns);
	tr_info("slot %u: another process in %.1f s", slot->number, (double)pause_ns / 1e9);
}

/* ---- the table's orders ---- */

static void end_cut(struct slot *slot)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);
	bool is_on_disk = job->is_on_disk;

	tr_supervisor_report_stopped(
		slot, job, is_on_disk ? TR_REASON_NONE : TR_REASON_CANCELLED, "");
	tr_supervisor_release_job(slot, is_on_disk);
}

static void end_lost(struct slot *slot)
{
	struct tr_slotjob *job = tr_slotjob_running(slot->jobs);

	tr_supervisor_report_stopped(
		slot, job, TR_REASON_SLOT_LOST, tr_reason_sentence(TR_REASON_SLOT_LOST));
	tr_supervisor_release_job(slot, job->is_on_disk);
}

static void carry_out(struct slot *slot, unsigned orders)
{
	const struct tr_message stop = {.type = TR_MESSAGE_STOP};

	if (orders & TR_SLOTLIFE_DO_END_CUT)
		end_cut(slot);
	if (orders & TR_SLOTLIFE_DO_END_LOST)
		end_lost(slot);
	if (orders & TR_SLOTLIFE_DO_SEND_START)
		tr_supervisor_send_start(slot, false);
	if (orders & TR_SLOTLIFE_DO_SEND_RESUME)
		tr_supervisor_send_start(slot, true);
	if (orders & TR_SLOTLIFE_DO_SEND_STOP)
		tr_supervisor_send(slot, &stop, -1);
	if (orders & TR_SLOTLIFE_DO_SEND_FINISH)
		tr_supervisor_send_finishes(slot);
	if (orders & (TR_SLOTLIFE_DO_PAUSE | TR_SLOTLIFE_DO_HURRY))
		plan_launch(slot, orders & TR_SLOTLIFE_DO_HURRY);
}

void tr_supervisor_feed(struct slot *slot, enum tr_slotlife_event event)
{
	struct tr_slotlife_step step = tr_slotlife_next(slot->state, event);
	bool is_new = step.next != slot->state;

	if (is_new)
		tr_debug("slot %u: %s, %s -> %s", slot->number, tr_slotlife_event_name(event),
			tr_slotlife_state_name(slot->state), tr_slotlife_state_name(step.next));
	slot->state = step.next;
	carry_out(slot, step.orders);
	if (is_new)
		tr_supervisor_be_patient(slot);
	if (is_new)
		slot->supervisor->events.on_condition(slot->number, slot->supervisor->user);
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
		TR_SUPERVISOR_TIMER_ACCURACY_US, tr_supervisor_on_timer, slot);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(slot->timer, SD_EVENT_OFF);
	if (rc < 0 || !supervisor->settings.socket_dir)
		return rc < 0 ? rc : 0;
	rc = tr_text_format(
		path, sizeof(path), "%s/%u.sock", supervisor->settings.socket_dir, slot->number);
	return rc < 0 ? rc
		      : tr_slotdoor_create(
				supervisor->event, path, tr_supervisor_on_enter, slot, &slot->door);
}

static int fill(struct tr_supervisor *supervisor)
{
	int rc = tr_text_format(supervisor->program, sizeof(supervisor->program), "%s",
		supervisor->settings.program);
	if (rc == 0 && !supervisor->settings.socket_dir && access(supervisor->program, X_OK) < 0)
		rc = tr_fail(-errno, "cannot run %s", supervisor->program);
	if (rc == 0)
		rc = sd_event_add_defer(supervisor->event, &supervisor->reporter,
			tr_supervisor_on_report, supervisor);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(supervisor->reporter, SD_EVENT_OFF);
	if (rc >= 0)
		rc = sd_event_add_time(supervisor->event, &supervisor->housekeeper, CLOCK_MONOTONIC,
			0, TR_SUPERVISOR_TIMER_ACCURACY_US, tr_supervisor_on_housekeeping,
			supervisor);
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
		tr_supervisor_set_timer(&supervisor->slots[i], 0);
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
	tr_supervisor_read_log(slot);
	sd_event_source_disable_unref(slot->log);
	tr_slotlink_destroy(slot->link);
	tr_slotdoor_destroy(slot->door);
	if (slot->runtime_base[0])
		tr_runtime_dir_remove(slot->runtime_base);
	while (slot->jobs)
		tr_supervisor_forget_job(slot, slot->jobs);
	tr_supervisor_wipe_start(slot);
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
	free(supervisor->encoders);
	free(supervisor);
}

static struct slot *find_slot(const struct tr_supervisor *supervisor, unsigned number)
{
	return (struct slot *)&supervisor->slots[number - 1];
}

static int add_job(
	struct slot *slot, const char *session_id, int folder, struct tr_slotjob **ret_job)
{
	int rc = tr_supervisor_lend_folder(slot, folder);
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
	tr_supervisor_feed(slot, TR_SLOTLIFE_START);
	return 0;
}

void tr_supervisor_stop(struct tr_supervisor *supervisor, unsigned number)
{
	tr_supervisor_feed(find_slot(supervisor, number), TR_SLOTLIFE_STOP);
}

void tr_supervisor_economize(struct tr_supervisor *supervisor, unsigned number, int level)
{
	struct slot *slot = find_slot(supervisor, number);
	const struct tr_message message = {
		.type = TR_MESSAGE_ECONOMIZE, .economize = {.level = level}};

	if (slot->link && slot->state == TR_SLOTLIFE_RECORDING)
		tr_supervisor_send(slot, &message, -1);
}

int tr_supervisor_preview(struct tr_supervisor *supervisor, unsigned number, int width)
{
	struct slot *slot = find_slot(supervisor, number);
	const struct tr_message message = {.type = TR_MESSAGE_PREVIEW, .preview = {.width = width}};

	if (!slot->link || slot->state == TR_SLOTLIFE_STARTING ||
		slot->state == TR_SLOTLIFE_RESUMING_STARTING)
		return -ENODATA;
	int rc = tr_message_send(tr_slotlink_line(slot->link), &message, -1);
	tr_supervisor_watch_line(slot);
	return rc == -EPIPE ? -ENODATA : rc;
}

int tr_supervisor_restart(struct tr_supervisor *supervisor, unsigned number)
{
	struct slot *slot = find_slot(supervisor, number);

	if (slot->jobs)
		return -EBUSY;
	slot->backoff.failures = 0;
	if (!slot->problem[0])
		tr_supervisor_note_problem(
			slot, "slot %u is being started anew, as asked", slot->number);
	if (!slot->link) {
		if (!slot->door)
			tr_supervisor_set_timer(slot, 0);
	} else if (slot->state == TR_SLOTLIFE_IDLE) {
		/* It is busy with its end; one that hangs over it is killed in time. */
		tr_slotlink_ask_to_quit(slot->link);
		tr_supervisor_watch_line(slot);
		slot->is_word_idle = false;
		tr_supervisor_feed(slot, TR_SLOTLIFE_SAID_BUSY);
	} else {
		tr_supervisor_lose_slot(slot, "is started anew, as asked", true);
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
	tr_supervisor_send_finishes(slot);
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
