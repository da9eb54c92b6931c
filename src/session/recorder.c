#define TR_LOG_AREA "slot"
#include "session/recorder.h"

#include "core/log.h"
#include "session/recorder_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define TIMER_ACCURACY_US 10000

void tr_recorder_note_reason(
	struct tr_recorder *recorder, enum tr_reason reason, const char *format, ...)
{
	va_list args;

	if (recorder->reason != TR_REASON_NONE)
		return;
	recorder->reason = reason;
	va_start(args, format);
	vsnprintf(recorder->sentence, sizeof(recorder->sentence), format, args);
	va_end(args);
}

void tr_recorder_forget_request(struct tr_recorder *recorder)
{
	sd_event_source_set_enabled(recorder->progress_timer, SD_EVENT_OFF);
	sd_event_source_set_enabled(recorder->started_timer, SD_EVENT_OFF);
	sd_event_source_set_enabled(recorder->end_timer, SD_EVENT_OFF);
	if (recorder->folder >= 0)
		close(tr_take_fd(&recorder->folder));
	recorder->reason = TR_REASON_NONE;
	recorder->sentence[0] = '\0';
	recorder->repairs = recorder->reloads = 0;
	recorder->browser_starts = 0;
	explicit_bzero(&recorder->request, sizeof(recorder->request));
	memcpy(recorder->request.hosts, recorder->config.hosts, sizeof(recorder->request.hosts));
	tr_log_set_label(NULL);
}

/* As it would be used now. */
static const char *encoder_name(struct tr_recorder *recorder)
{
	const struct tr_rung *rung = tr_ladder_best(&recorder->ladder, tr_clock_now_ns());

	return rung->kind == TR_RUNG_SOFTWARE ? "software" : rung->name;
}

void tr_recorder_do_ready(struct tr_recorder *recorder)
{
	struct tr_message message = {.type = TR_MESSAGE_READY};

	recorder->is_ready_held = recorder->awaits_encoders;
	if (recorder->is_ready_held)
		return;
	recorder->browser_starts = 0;
	snprintf(message.ready.sound, sizeof(message.ready.sound), "%s",
		tr_recorder_has_sound(recorder) ? recorder->soundcard->about : "none");
	snprintf(
		message.ready.encoder, sizeof(message.ready.encoder), "%s", encoder_name(recorder));
	snprintf(message.ready.browser_version, sizeof(message.ready.browser_version), "%s",
		tr_browser_version(recorder->browser));
	snprintf(message.ready.display, sizeof(message.ready.display), "%s",
		recorder->xserver.display);
	tr_recorder_send(recorder, &message);
}

/* ---- the table's orders ---- */

void tr_recorder_do_refuse(struct tr_recorder *recorder)
{
	tr_recorder_send_failed(recorder, recorder->refused_id, TR_REASON_BAD_REQUEST,
		"this slot cannot start a recording now: it is not idle", "");
}

static void do_end(struct tr_recorder *recorder)
{
	/* The loop stands still while the last files are made. */
	sd_notify(0, "WATCHDOG_USEC=1800000000");
	tr_recorder_finish_filings(recorder);
	tr_recorder_stop_browser(recorder);
	recorder->display_source = sd_event_source_unref(recorder->display_source);
	tr_xserver_stop(&recorder->xserver);
	sd_event_exit(recorder->event, 0);
}

static const struct {
	enum tr_machine_order order;
	void (*carry_out)(struct tr_recorder *recorder);
} orders[] = {
	{TR_MACHINE_DO_REFUSE, tr_recorder_do_refuse},
	{TR_MACHINE_DO_STOP, tr_recorder_do_stop},
	{TR_MACHINE_DO_FAIL, tr_recorder_do_fail},
	{TR_MACHINE_DO_DISPLAY, tr_recorder_do_display},
	{TR_MACHINE_DO_REDISPLAY, tr_recorder_do_redisplay},
	{TR_MACHINE_DO_BROWSER, tr_recorder_do_browser},
	{TR_MACHINE_DO_READY, tr_recorder_do_ready},
	{TR_MACHINE_DO_OPEN, tr_recorder_do_open},
	{TR_MACHINE_DO_RECORD, tr_recorder_do_record},
	{TR_MACHINE_DO_LEAVE, tr_recorder_do_leave},
	{TR_MACHINE_DO_END, do_end},
};

static void handle_event(struct tr_recorder *recorder, enum tr_machine_event event)
{
	struct tr_machine_step step = tr_machine_next(recorder->state, event);
	bool is_new = step.next != recorder->state;

	tr_debug("%s: %s -> %s", tr_machine_state_name(recorder->state),
		tr_machine_event_name(event), tr_machine_state_name(step.next));
	recorder->state = step.next;
	if (is_new)
		tr_recorder_send_state(recorder);
	for (size_t i = 0; i < TR_COUNT(orders); i++)
		if (step.orders & orders[i].order)
			orders[i].carry_out(recorder);
	tr_recorder_consider_end(recorder);
}

void tr_recorder_consider_end(struct tr_recorder *recorder)
{
	bool is_quiet = recorder->state == TR_MACHINE_IDLE || recorder->state == TR_MACHINE_WARMING;

	if (!recorder->must_quit || !is_quiet)
		return;
	recorder->state = TR_MACHINE_ENDED;
	do_end(recorder);
}

void tr_recorder_post(struct tr_recorder *recorder, enum tr_machine_event event)
{
	if (recorder->event_count == TR_RECORDER_EVENTS_MAX) {
		tr_error("too many events at once: %s is lost", tr_machine_event_name(event));
		return;
	}
	recorder->events[recorder->event_count++] = event;
	if (recorder->is_handling)
		return;
	recorder->is_handling = true;
	while (recorder->event_count > 0) {
		enum tr_machine_event next = recorder->events[0];
		recorder->event_count--;
		memmove(recorder->events, recorder->events + 1,
			recorder->event_count * sizeof(recorder->events[0]));
		handle_event(recorder, next);
	}
	recorder->is_handling = false;
}

/* ---- life ---- */

static int add_sources(struct tr_recorder *recorder)
{
	int rc = sd_event_add_io(recorder->event, &recorder->control_source,
		tr_line_fd(recorder->line), EPOLLIN, tr_recorder_on_control, recorder);
	if (rc >= 0)
		rc = sd_event_add_io(recorder->event, &recorder->news_source,
			tr_mailbox_fd(recorder->news), EPOLLIN, tr_recorder_on_news, recorder);
	if (rc >= 0)
		rc = sd_event_add_time(recorder->event, &recorder->progress_timer, CLOCK_MONOTONIC,
			0, TIMER_ACCURACY_US, tr_recorder_on_progress, recorder);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(recorder->progress_timer, SD_EVENT_OFF);
	if (rc >= 0)
		rc = sd_event_add_time(recorder->event, &recorder->started_timer, CLOCK_MONOTONIC,
			0, TIMER_ACCURACY_US, tr_recorder_on_started_timer, recorder);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(recorder->started_timer, SD_EVENT_OFF);
	if (rc >= 0)
		rc = sd_event_add_time(recorder->event, &recorder->end_timer, CLOCK_MONOTONIC, 0,
			TIMER_ACCURACY_US, tr_recorder_on_time_over, recorder);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(recorder->end_timer, SD_EVENT_OFF);
	return rc < 0 ? rc : 0;
}

TR_CLEANUP_DEFINE(struct tr_recorder, tr_recorder_destroy)

int tr_recorder_create(sd_event *event, int control_fd, const struct tr_programs *programs,
	struct tr_recorder **ret_recorder)
{
	TR_CLEANUP(tr_recorder_destroyp)
	struct tr_recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		return -ENOMEM;
	recorder->event = sd_event_ref(event);
	recorder->programs = *programs;
	recorder->folder = -1;
	tr_ladder_init(&recorder->ladder, &(struct tr_rung_list){0});
	recorder->xserver.child.pidfd = -1;
	int rc = tr_line_create(control_fd, &recorder->line);
	if (rc == 0)
		rc = tr_mailbox_create(32, sizeof(struct tr_recorder_news), &recorder->news);
	if (rc == 0)
		rc = add_sources(recorder);
	if (rc == 0)
		rc = tr_preview_create(
			recorder->event, tr_recorder_send_picture, recorder, &recorder->preview);
	if (rc < 0)
		return rc;
	*ret_recorder = tr_take(recorder);
	return 0;
}

void tr_recorder_quit(struct tr_recorder *recorder)
{
	recorder->must_quit = true;
	tr_recorder_post(recorder, TR_MACHINE_QUIT);
}

void tr_recorder_destroy(struct tr_recorder *recorder)
{
	if (!recorder)
		return;
	tr_recorder_finish_filings(recorder);
	if (recorder->pipeline) { /* never with a healthy table */
		struct tr_quality quality;
		if (tr_pipeline_stop(recorder->pipeline, 0, &quality, NULL) < 0)
			tr_warning("the file was not ended well");
	}
	tr_preview_destroy(recorder->preview);
	sd_event_source_disable_unref(recorder->rungs_source);
	tr_rung_choice_destroy(recorder->rung_choice);
	sd_event_source_unref(recorder->control_source);
	sd_event_source_unref(recorder->news_source);
	sd_event_source_unref(recorder->progress_timer);
	sd_event_source_unref(recorder->started_timer);
	sd_event_source_unref(recorder->end_timer);
	sd_event_source_unref(recorder->display_source);
	sd_event_source_disable_unref(recorder->display_timer);
	tr_recorder_stop_browser(recorder);
	tr_recorder_forget_meeting(recorder);
	free(recorder->filing);
	tr_xserver_stop(&recorder->xserver);
	tr_soundcard_close(recorder->soundcard);
	tr_mailbox_destroy(recorder->news);
	tr_line_destroy(recorder->line);
	if (recorder->folder >= 0)
		close(recorder->folder);
	tr_programs_close(&recorder->programs);
	sd_event_unref(recorder->event);
	free(recorder);
}
