#define TR_LOG_AREA "slot"
#include "session/recorder.h"

#include "audio/soundcard.h"
#include "browser/browser.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mailbox.h"
#include "core/text.h"
#include "display/xserver.h"
#include "protocol/message.h"
#include "session/finisher.h"
#include "session/machine.h"
#include "session/pipeline.h"
#include "session/privileges.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROGRESS_US 500000
#define TIMER_ACCURACY_US 10000
#define EVENTS_MAX 16
#define REPAIRS_MAX 10		      /* of browser and page, in a recording */
#define STARTS_MAX 3		      /* of the browser, before a recording */
#define HEALTHY_NS (60 * TR_NS_PER_S) /* after which earlier repairs are forgotten */
/* Chromium picks a video's picture for the moment when a real screen would light it, and counts on
 * the way there; ours is read as soon as it is drawn. Measured with tests/bench/avsync on video
 * elements at 30 and 60 Hz: 23 to 59 ms too early, constant within a recording (the phase of the
 * refresh decides), while the recorder alone is off by 1 ms. */
#define BROWSER_LEAD_NS (40 * TR_NS_PER_MS)
#define NO_SOUND_AFTER_NS (10 * TR_NS_PER_S)
#define LOW_DISK_BYTES (200 << 20)
#define NO_DISK_BYTES (20 << 20) /* room for the tail and the finished file's index */

/* From the threads to the loop. */
struct news {
	bool is_finished; /* the finisher is done; else: */
	enum tr_pipeline_news pipeline;
};

struct tr_recorder {
	sd_event *event;
	sd_event_source *control_source;
	sd_event_source *news_source;
	sd_event_source *progress_timer;
	sd_event_source *end_timer;
	sd_event_source *display_source;
	struct tr_line *line; /* NULL when the parent has gone */
	struct tr_mailbox *news;
	struct tr_programs programs;

	enum tr_machine_state state;
	enum tr_machine_event events[EVENTS_MAX]; /* to be handled, oldest first */
	unsigned event_count;
	bool is_handling;
	bool must_quit;

	struct tr_message_configure config;
	struct tr_xserver xserver;
	struct tr_soundcard *soundcard;
	struct tr_browser *browser;
	unsigned browser_starts;
	unsigned repairs;
	int64_t repaired_ns;
	unsigned reloads; /* of the page, in this recording */

	/* the recording */
	struct tr_message_start request;
	int folder; /* -1: none */
	struct tr_finisher finisher;
	struct tr_pipeline *pipeline;
	int64_t end_ns; /* when to stop, 0: when asked */
	int64_t progress_ns;
	int64_t progress_bytes;
	bool was_no_sound_said;
	bool was_low_disk_said;
	enum tr_reason reason; /* why it ends, TR_REASON_NONE: as it should */
	char sentence[TR_MESSAGE_SENTENCE_MAX];
};

static void post(struct tr_recorder *recorder, enum tr_machine_event event);

/* ---- words to the parent ---- */

static void send_message(struct tr_recorder *recorder, const struct tr_message *message)
{
	if (!recorder->line)
		return;
	int rc = tr_message_send(recorder->line, message, -1);
	if (rc < 0 && rc != -EPIPE)
		tr_warning("cannot tell the parent: %s", strerror(-rc));
	unsigned events = EPOLLIN;
	if (tr_line_wants_to_send(recorder->line))
		events |= EPOLLOUT;
	sd_event_source_set_io_events(recorder->control_source, events);
}

__attribute__((format(printf, 2, 3))) static void warn_parent(
	struct tr_recorder *recorder, const char *format, ...)
{
	struct tr_message message = {.type = TR_MESSAGE_WARNING};
	va_list args;

	va_start(args, format);
	vsnprintf(message.warning.sentence, sizeof(message.warning.sentence), format, args);
	va_end(args);
	tr_warning("%s", message.warning.sentence);
	send_message(recorder, &message);
}

static void send_failed(
	struct tr_recorder *recorder, enum tr_reason reason, const char *sentence, const char *file)
{
	struct tr_message message = {.type = TR_MESSAGE_FAILED};

	message.failed.reason = reason;
	message.failed.exit_code = tr_reason_exit_code(reason);
	snprintf(message.failed.sentence, sizeof(message.failed.sentence), "%s",
		sentence[0] ? sentence : tr_reason_sentence(reason));
	snprintf(message.failed.file, sizeof(message.failed.file), "%s", file);
	tr_error("%s", message.failed.sentence);
	send_message(recorder, &message);
}

static void send_state(struct tr_recorder *recorder)
{
	struct tr_message message = {.type = TR_MESSAGE_STATE};

	snprintf(message.state.state, sizeof(message.state.state), "%s",
		tr_machine_state_name(recorder->state));
	send_message(recorder, &message);
}

/* The first reason counts: what comes after it is mostly its consequence. */
__attribute__((format(printf, 3, 4))) static void note_reason(
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

/* ---- display and sound ---- */

static int on_display_end(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct tr_recorder *recorder = user;

	(void)fd, (void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	warn_parent(recorder, "the X server died: starting another");
	post(recorder, TR_MACHINE_DISPLAY_LOST);
	return 0;
}

static int start_display(struct tr_recorder *recorder)
{
	struct tr_xserver_settings settings = {
		.runtime_dir = recorder->config.runtime_dir,
		.width = recorder->config.width,
		.height = recorder->config.height,
		.rate = recorder->config.frame_rate,
	};

	recorder->display_source = sd_event_source_unref(recorder->display_source);
	tr_browser_stop(tr_take(recorder->browser)); /* it cannot live without its display */
	tr_xserver_stop(&recorder->xserver);
	int rc = tr_xserver_start(&settings, &recorder->xserver);
	if (rc < 0)
		return rc;
	return sd_event_add_io(recorder->event, &recorder->display_source,
		recorder->xserver.child.pidfd, EPOLLIN, on_display_end, recorder);
}

static int choose_sound(struct tr_recorder *recorder)
{
	const struct tr_message_configure *config = &recorder->config;
	struct tr_soundcard_settings settings = {
		.source = config->sound,
		.runtime_dir = config->runtime_dir,
		.plugin_path = recorder->programs.plugin[0] ? recorder->programs.plugin : NULL,
		.slot = (unsigned)config->slot,
		.capture_pcm = config->sound_capture_pcm[0] ? config->sound_capture_pcm : NULL,
		.player_pcm = config->sound_player_pcm[0] ? config->sound_player_pcm : NULL,
	};

	if (recorder->soundcard)
		return 0;
	int rc = tr_soundcard_open(&settings, &recorder->soundcard);
	if (rc < 0)
		note_reason(recorder, TR_REASON_NO_SOUND, "%s",
			recorder->soundcard ? recorder->soundcard->problem
					    : "the sound cannot be set up; the log says more");
	return rc;
}

static void do_display(struct tr_recorder *recorder)
{
	int rc = start_display(recorder);

	if (rc < 0)
		note_reason(recorder, TR_REASON_NO_DISPLAY, "%s",
			rc == -ENOENT
				? "no X server is installed: apt-get install xvfb"
				: "the X server (Xvfb) does not start; its own words are in the log");
	else
		rc = choose_sound(recorder);
	if (rc < 0)
		post(recorder, TR_MACHINE_GIVE_UP);
}

static void do_redisplay(struct tr_recorder *recorder)
{
	if (start_display(recorder) < 0) {
		note_reason(recorder, TR_REASON_DISPLAY_LOST,
			"the X server died and does not start again");
		post(recorder, TR_MACHINE_GIVE_UP);
		return;
	}
	tr_pipeline_set_display(
		recorder->pipeline, recorder->xserver.display, recorder->xserver.frame_buffer);
}

static bool has_sound(const struct tr_recorder *recorder)
{
	return recorder->soundcard && recorder->soundcard->way != TR_SOUNDCARD_NONE;
}

/* ---- the browser ---- */

static void on_browser_ready(void *user)
{
	post(user, TR_MACHINE_BROWSER_READY);
}

static void on_page_loaded(const char *url, void *user)
{
	(void)url;
	post(user, TR_MACHINE_PAGE_LOADED);
}

static void on_page_failed(enum tr_load_error error, const char *sentence, void *user)
{
	struct tr_recorder *recorder = user;
	bool is_recording = recorder->pipeline != NULL;

	if (is_recording || error == TR_LOAD_ERROR_BROWSER || error == TR_LOAD_ERROR_HUNG)
		warn_parent(recorder, "%s", sentence);
	else
		note_reason(recorder,
			error == TR_LOAD_ERROR_TIMEOUT ? TR_REASON_PAGE_TIMEOUT
						       : TR_REASON_PAGE_FAILED,
			"%s", sentence);
	if (error == TR_LOAD_ERROR_BROWSER)
		post(recorder, TR_MACHINE_BROWSER_EXITED);
	else if (error == TR_LOAD_ERROR_HUNG)
		post(recorder, TR_MACHINE_PAGE_CRASHED);
	else
		post(recorder, TR_MACHINE_PAGE_FAILED);
}

static void on_page_crashed(const char *sentence, void *user)
{
	warn_parent(user, "%s", sentence);
	post(user, TR_MACHINE_PAGE_CRASHED);
}

static void on_browser_exited(int wait_status, const char *sentence, void *user)
{
	(void)wait_status;
	warn_parent(user, "%s", sentence);
	post(user, TR_MACHINE_BROWSER_EXITED);
}

static const struct tr_browser_events browser_events = {
	.on_ready = on_browser_ready,
	.on_loaded = on_page_loaded,
	.on_failed = on_page_failed,
	.on_crashed = on_page_crashed,
	.on_exited = on_browser_exited,
};

static int start_browser(struct tr_recorder *recorder)
{
	const struct tr_message_configure *config = &recorder->config;
	char xauthority[sizeof(recorder->xserver.xauthority) + 16];

	snprintf(xauthority, sizeof(xauthority), "XAUTHORITY=%s", recorder->xserver.xauthority);
	const char *env[] = {xauthority, NULL};
	struct tr_browser_settings settings = {
		.chromium =
			{
				.binary = config->browser[0] ? config->browser : NULL,
				.runtime_dir = config->runtime_dir,
				.display = recorder->xserver.display,
				.width = config->width,
				.height = config->height,
				.allow_no_sandbox = true,
				.env = env,
			},
	};
	if (has_sound(recorder)) {
		settings.chromium.alsa_pcm = recorder->soundcard->player_pcm;
		settings.chromium.alsa_config = recorder->soundcard->config;
	}
	return tr_browser_start(
		recorder->event, &settings, &browser_events, recorder, &recorder->browser);
}

/* Counts what goes wrong in a recording; a long healthy stretch wipes the slate. */
static bool may_repair(struct tr_recorder *recorder)
{
	int64_t now_ns = tr_clock_now_ns();

	if (now_ns - recorder->repaired_ns > HEALTHY_NS)
		recorder->repairs = 0;
	recorder->repaired_ns = now_ns;
	return ++recorder->repairs <= REPAIRS_MAX;
}

static void give_up_browser(struct tr_recorder *recorder)
{
	if (recorder->pipeline)
		note_reason(recorder, TR_REASON_PAGE_CRASHED,
			"the browser or its page died %d times in a row", REPAIRS_MAX);
	else
		note_reason(recorder, TR_REASON_NO_BROWSER,
			"the browser does not start; what it said last is in the log");
	post(recorder, TR_MACHINE_GIVE_UP);
}

static void do_browser(struct tr_recorder *recorder)
{
	bool may_try = recorder->pipeline ? may_repair(recorder)
					  : ++recorder->browser_starts <= STARTS_MAX;

	if (recorder->xserver.child.pid <= 0)
		return; /* the display did not come up: that has been said */
	tr_browser_stop(tr_take(recorder->browser));
	if (!may_try) {
		give_up_browser(recorder);
		return;
	}
	int rc = start_browser(recorder);
	if (rc == -ENOENT) {
		note_reason(recorder, TR_REASON_NO_BROWSER, "%s%s%s",
			recorder->config.browser[0] ? "there is no browser at "
						    : "no Chromium is installed",
			recorder->config.browser,
			recorder->config.browser[0] ? "" : ": apt-get install chromium");
		post(recorder, TR_MACHINE_GIVE_UP);
	} else if (rc == -EPERM) {
		note_reason(recorder, TR_REASON_NO_BROWSER,
			"the browser cannot run here with its sandbox; the log says what to change");
		post(recorder, TR_MACHINE_GIVE_UP);
	} else if (rc < 0) {
		post(recorder, TR_MACHINE_BROWSER_EXITED);
	}
}

static void do_open(struct tr_recorder *recorder)
{
	const struct tr_message_start *request = &recorder->request;

	if (!recorder->browser) {
		post(recorder, TR_MACHINE_BROWSER_EXITED);
		return;
	}
	if (recorder->state != TR_MACHINE_JOINING || recorder->repairs > 0)
		if (!may_repair(recorder)) {
			give_up_browser(recorder);
			return;
		}
	recorder->reloads += recorder->pipeline != NULL;
	int rc = tr_browser_open(recorder->browser, request->url, (int)request->page_timeout_ms);
	if (rc < 0)
		post(recorder, TR_MACHINE_BROWSER_EXITED);
}

static void do_blank(struct tr_recorder *recorder)
{
	if (recorder->browser && tr_browser_open(recorder->browser, "about:blank", 10000) < 0)
		tr_debug("the browser did not leave the page");
}

/* ---- the recording ---- */

/* On a thread of the pipeline. */
static void on_pipeline_news(enum tr_pipeline_news what, void *user)
{
	struct tr_recorder *recorder = user;
	struct news news = {.pipeline = what};

	if (tr_mailbox_push(recorder->news, &news) < 0)
		tr_error("news of the pipeline were lost");
}

static void handle_news(struct tr_recorder *recorder, enum tr_pipeline_news news)
{
	switch (news) {
	case TR_PIPELINE_DISPLAY_LOST:
		return; /* the X server's own end says the same */
	case TR_PIPELINE_ENCODER_LOST:
		note_reason(recorder, TR_REASON_ENCODER_LOST, "the encoder keeps dying");
		break;
	case TR_PIPELINE_DISK_FULL:
		note_reason(recorder, TR_REASON_DISK_FULL,
			"the disk is full: the recording ends here; make room, what is there is playable");
		break;
	case TR_PIPELINE_DISK_ERROR:
		note_reason(recorder, TR_REASON_DISK_ERROR,
			"the disk does not take the recording any more: it ends here");
		break;
	}
	post(recorder, TR_MACHINE_TROUBLE);
}

/* A stop that was asked for counts from now, one by the clock from when it should have been. */
static int64_t end_of_recording(const struct tr_recorder *recorder)
{
	return recorder->end_ns > 0 && tr_clock_now_ns() >= recorder->end_ns ? recorder->end_ns : 0;
}

static void start_timers(struct tr_recorder *recorder)
{
	int64_t start_ns = tr_pipeline_start_ns(recorder->pipeline);

	recorder->end_ns = 0;
	recorder->progress_ns = start_ns;
	recorder->progress_bytes = 0;
	sd_event_source_set_time_relative(recorder->progress_timer, PROGRESS_US);
	sd_event_source_set_enabled(recorder->progress_timer, SD_EVENT_ON);
	if (recorder->request.duration_ms > 0) {
		recorder->end_ns = start_ns + recorder->request.duration_ms * TR_NS_PER_MS;
		sd_event_source_set_time(
			recorder->end_timer, (uint64_t)recorder->end_ns / 1000 + 1);
		sd_event_source_set_enabled(recorder->end_timer, SD_EVENT_ONESHOT);
	}
}

static int start_pipeline(struct tr_recorder *recorder)
{
	const struct tr_message_start *request = &recorder->request;
	const struct tr_message_configure *config = &recorder->config;
	struct tr_pipeline_settings settings = {
		.dirfd = recorder->folder,
		.file = recorder->finisher.part,
		.video =
			{
				.display = recorder->xserver.display,
				.frame_buffer = recorder->xserver.frame_buffer,
				.constant_rate = request->constant_rate,
				.lead_ns = BROWSER_LEAD_NS,
				.encoder =
					{
						.program = recorder->programs.encoder,
						.program_fd = recorder->programs.encoder_fd,
						.video =
							{
								.width = config->width,
								.height = config->height,
								.rate = config->frame_rate,
								.quality = request->quality,
								.kbps = request->video_kbps,
							},
					},
			},
		.audio_kbps = request->audio_kbps,
	};
	if (has_sound(recorder))
		settings.soundcard = recorder->soundcard;
	return tr_pipeline_start(&settings, on_pipeline_news, recorder, &recorder->pipeline);
}

static enum tr_reason reason_of_start(int rc)
{
	switch (rc) {
	case -ENOSPC:
	case -EDQUOT:
		return TR_REASON_DISK_FULL;
	case -EACCES:
	case -EROFS:
	case -EIO:
		return TR_REASON_DISK_ERROR;
	case -ENODEV:
	case -ECONNREFUSED:
		return TR_REASON_NO_DISPLAY;
	default:
		return TR_REASON_INTERNAL;
	}
}

static void do_record(struct tr_recorder *recorder)
{
	int rc = tr_finisher_begin(&recorder->finisher, recorder->folder, &recorder->request);
	if (rc == 0)
		rc = start_pipeline(recorder);
	if (rc < 0) {
		note_reason(recorder, reason_of_start(rc), "the recording cannot start: %s",
			strerror(-rc));
		post(recorder, TR_MACHINE_TROUBLE);
		return;
	}
	start_timers(recorder);
	tr_info("recording to %s", recorder->finisher.part);
}

static void forget_request(struct tr_recorder *recorder)
{
	sd_event_source_set_enabled(recorder->progress_timer, SD_EVENT_OFF);
	sd_event_source_set_enabled(recorder->end_timer, SD_EVENT_OFF);
	if (recorder->folder >= 0)
		close(tr_take_fd(&recorder->folder));
	recorder->reason = TR_REASON_NONE;
	recorder->sentence[0] = '\0';
	recorder->repairs = recorder->reloads = 0;
	recorder->browser_starts = 0;
	tr_log_set_label(NULL);
}

static void send_end(struct tr_recorder *recorder, const struct tr_finisher_result *result)
{
	struct tr_message message = {.type = TR_MESSAGE_FINISHED};

	if (recorder->reason != TR_REASON_NONE) {
		send_failed(recorder, recorder->reason, recorder->sentence, result->file);
		return;
	}
	snprintf(message.finished.file, sizeof(message.finished.file), "%s", result->file);
	snprintf(message.finished.poster, sizeof(message.finished.poster), "%s", result->poster);
	snprintf(message.finished.report, sizeof(message.finished.report), "%s", result->report);
	snprintf(message.finished.grade, sizeof(message.finished.grade), "%s", result->grade);
	message.finished.duration_ms = result->duration_ms;
	message.finished.bytes = result->bytes;
	send_message(recorder, &message);
}

/* On the finisher's thread. */
static void on_finished(void *user)
{
	struct tr_recorder *recorder = user;
	struct news news = {.is_finished = true};

	if (tr_mailbox_push(recorder->news, &news) < 0)
		tr_error("the end of a recording was lost");
}

static void end_recording(struct tr_recorder *recorder, const struct tr_finisher_result *result)
{
	if (result->rc < 0)
		note_reason(recorder, reason_of_start(result->rc),
			"the recording is complete, but could not be made one file: %s",
			strerror(-result->rc));
	send_end(recorder, result);
	forget_request(recorder);
	post(recorder, TR_MACHINE_FINISHED);
}

static void do_stop(struct tr_recorder *recorder)
{
	struct tr_finisher_result nothing = {0};
	struct tr_quality quality;

	if (!recorder->pipeline) { /* it did not even start */
		end_recording(recorder, &nothing);
		return;
	}
	int rc =
		tr_pipeline_stop(tr_take(recorder->pipeline), end_of_recording(recorder), &quality);
	if (rc < 0)
		note_reason(recorder, reason_of_start(rc), "the file could not be ended: %s",
			strerror(-rc));
	quality.sound_expected = recorder->request.sound_expected && has_sound(recorder);
	quality.page_reloads = recorder->reloads;
	rc = tr_finisher_start(&recorder->finisher, recorder->folder, &quality,
		recorder->reason == TR_REASON_NONE ? NULL : recorder->sentence, on_finished,
		recorder);
	if (rc < 0) {
		nothing.rc = rc;
		end_recording(recorder, &nothing);
	}
}

static int on_news(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct tr_recorder *recorder = user;
	struct news news;

	(void)source, (void)fd, (void)revents;
	while (tr_mailbox_pop(recorder->news, &news) == 0) {
		if (news.is_finished)
			end_recording(recorder, tr_finisher_join(&recorder->finisher));
		else
			handle_news(recorder, news.pipeline);
	}
	return 0;
}

static void do_fail(struct tr_recorder *recorder)
{
	if (recorder->reason == TR_REASON_NONE)
		note_reason(recorder, TR_REASON_INTERRUPTED, "stopped before the recording began");
	send_failed(recorder, recorder->reason, recorder->sentence, "");
	forget_request(recorder);
}

static void do_ready(struct tr_recorder *recorder)
{
	struct tr_message message = {.type = TR_MESSAGE_READY};

	recorder->browser_starts = 0;
	snprintf(message.ready.sound, sizeof(message.ready.sound), "%s",
		has_sound(recorder) ? recorder->soundcard->about : "none");
	snprintf(message.ready.encoder, sizeof(message.ready.encoder), "software");
	snprintf(message.ready.display, sizeof(message.ready.display), "%s",
		recorder->xserver.display);
	send_message(recorder, &message);
}

/* ---- progress ---- */

static void watch_disk(struct tr_recorder *recorder, int64_t free_bytes)
{
	char text[24];

	if (free_bytes < 0)
		return;
	tr_text_format_bytes(free_bytes, text, sizeof(text));
	if (free_bytes < NO_DISK_BYTES) {
		note_reason(recorder, TR_REASON_DISK_FULL,
			"the disk is full (%s left): the recording ends here; what is there is playable",
			text);
		post(recorder, TR_MACHINE_TROUBLE);
	} else if (free_bytes < LOW_DISK_BYTES && !recorder->was_low_disk_said) {
		recorder->was_low_disk_said = true;
		warn_parent(recorder, "only %s left on the disk", text);
	}
}

static void watch_sound(struct tr_recorder *recorder, const struct tr_pipeline_status *status)
{
	if (!recorder->request.sound_expected || recorder->was_no_sound_said ||
		!has_sound(recorder) || status->time_ns < NO_SOUND_AFTER_NS ||
		status->sound.has_player)
		return;
	recorder->was_no_sound_said = true;
	warn_parent(recorder,
		"nobody has opened the sound device for %d s: the page is silent, or the "
		"browser could not open it",
		(int)(NO_SOUND_AFTER_NS / TR_NS_PER_S));
}

static int on_progress(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_recorder *recorder = user;
	struct tr_message message = {.type = TR_MESSAGE_PROGRESS};
	struct tr_pipeline_status status;

	(void)usec;
	if (!recorder->pipeline)
		return 0;
	tr_pipeline_read(recorder->pipeline, &status);
	int64_t now_ns = tr_clock_now_ns();
	double seconds = (double)(now_ns - recorder->progress_ns) / 1e9;
	struct tr_message_progress *progress = &message.progress;
	progress->time_ms = status.time_ns / TR_NS_PER_MS;
	progress->frames_grabbed = status.video.grabbed;
	progress->frames_encoded = status.video.encoded;
	progress->frames_dropped = status.video.dropped;
	progress->video_kbps =
		(double)(status.video.bytes - recorder->progress_bytes) * 8 / 1000 / seconds;
	progress->bytes = status.bytes;
	progress->peak_db = status.sound.peak_db;
	progress->rms_db = status.sound.rms_db;
	progress->free_bytes = tr_file_free_bytes(recorder->folder);
	if (recorder->state == TR_MACHINE_REPAIRING)
		snprintf(progress->note, sizeof(progress->note), "loading the page again");
	recorder->progress_ns = now_ns;
	recorder->progress_bytes = status.video.bytes;
	send_message(recorder, &message);
	watch_disk(recorder, progress->free_bytes);
	watch_sound(recorder, &status);
	return sd_event_source_set_time_relative(source, PROGRESS_US);
}

static int on_time_over(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source, (void)usec;
	post(user, TR_MACHINE_STOP);
	return 0;
}

/* ---- the table's orders ---- */

static void do_refuse(struct tr_recorder *recorder)
{
	send_failed(recorder, TR_REASON_BAD_REQUEST,
		"this slot cannot start a recording now: it is not idle", "");
}

static void do_end(struct tr_recorder *recorder)
{
	tr_browser_stop(tr_take(recorder->browser));
	recorder->display_source = sd_event_source_unref(recorder->display_source);
	tr_xserver_stop(&recorder->xserver);
	sd_event_exit(recorder->event, 0);
}

static const struct {
	enum tr_machine_order order;
	void (*carry_out)(struct tr_recorder *recorder);
} orders[] = {
	{TR_MACHINE_DO_REFUSE, do_refuse},
	{TR_MACHINE_DO_STOP, do_stop},
	{TR_MACHINE_DO_FAIL, do_fail},
	{TR_MACHINE_DO_DISPLAY, do_display},
	{TR_MACHINE_DO_REDISPLAY, do_redisplay},
	{TR_MACHINE_DO_BROWSER, do_browser},
	{TR_MACHINE_DO_READY, do_ready},
	{TR_MACHINE_DO_OPEN, do_open},
	{TR_MACHINE_DO_RECORD, do_record},
	{TR_MACHINE_DO_BLANK, do_blank},
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
		send_state(recorder);
	for (size_t i = 0; i < TR_COUNT(orders); i++)
		if (step.orders & orders[i].order)
			orders[i].carry_out(recorder);
	if (recorder->must_quit && recorder->state == TR_MACHINE_IDLE) {
		recorder->state = TR_MACHINE_ENDED;
		do_end(recorder);
	}
}

/* Orders may post events; those wait until the table's step is complete. */
static void post(struct tr_recorder *recorder, enum tr_machine_event event)
{
	if (recorder->event_count == EVENTS_MAX) {
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

/* ---- the parent's messages ---- */

static bool size_is_sane(const struct tr_message_configure *config)
{
	return config->width >= 64 && config->width <= 7680 && config->width % 2 == 0 &&
	       config->height >= 64 && config->height <= 4320 && config->height % 2 == 0 &&
	       config->frame_rate >= 1 && config->frame_rate <= 60;
}

static void on_configure(struct tr_recorder *recorder, const struct tr_message_configure *config)
{
	if (recorder->state != TR_MACHINE_NONE || !size_is_sane(config)) {
		send_failed(recorder, TR_REASON_BAD_REQUEST,
			"a slot is configured once, with a size from 64x64 to 7680x4320 (even numbers) "
			"and a rate from 1 to 60",
			"");
		return;
	}
	recorder->config = *config;
	tr_privileges_prepare_system();
	int rc = tr_programs_copy_plugin(&recorder->programs, config->runtime_dir);
	if (rc == 0)
		rc = tr_privileges_drop(config->user);
	if (rc < 0) {
		send_failed(recorder, TR_REASON_INTERNAL, "the slot cannot become an ordinary user",
			"");
		post(recorder, TR_MACHINE_QUIT);
		return;
	}
	post(recorder, TR_MACHINE_CONFIGURED);
}

static void on_start(
	struct tr_recorder *recorder, const struct tr_message_start *request, int folder)
{
	TR_CLEANUP(tr_closep) int given = folder;

	if (recorder->state != TR_MACHINE_IDLE) {
		post(recorder, TR_MACHINE_START); /* refused by the table */
		return;
	}
	if (given < 0) {
		send_failed(recorder, TR_REASON_BAD_REQUEST, "a start came without its folder", "");
		return;
	}
	char label[200];
	snprintf(label, sizeof(label), "slot %d, session %.80s", recorder->config.slot,
		request->session_id);
	tr_log_set_label(label);
	recorder->request = *request;
	recorder->folder = tr_take_fd(&given);
	recorder->was_no_sound_said = recorder->was_low_disk_said = false;
	post(recorder, TR_MACHINE_START);
}

static void on_message(struct tr_recorder *recorder, const struct tr_message *message, int fd)
{
	switch (message->type) {
	case TR_MESSAGE_CONFIGURE:
		on_configure(recorder, &message->configure);
		break;
	case TR_MESSAGE_START:
		on_start(recorder, &message->start, fd);
		return; /* the descriptor is taken */
	case TR_MESSAGE_STOP:
		post(recorder, TR_MACHINE_STOP);
		break;
	case TR_MESSAGE_QUIT:
		tr_recorder_quit(recorder);
		break;
	default:
		tr_warning("the parent sent %s, which is ours to send",
			tr_message_type_name(message->type));
	}
	if (fd >= 0)
		close(fd);
}

static void lose_parent(struct tr_recorder *recorder)
{
	tr_info("the parent has gone: ending");
	recorder->control_source = sd_event_source_unref(recorder->control_source);
	tr_line_destroy(tr_take(recorder->line));
	tr_recorder_quit(recorder);
}

static int on_control(sd_event_source *source, int socket, uint32_t revents, void *user)
{
	struct tr_recorder *recorder = user;
	struct tr_message message;
	char why[256];
	int fd;

	(void)socket;
	if (revents & EPOLLOUT) {
		if (tr_line_flush(recorder->line) < 0) {
			lose_parent(recorder);
			return 0;
		}
		if (!tr_line_wants_to_send(recorder->line))
			sd_event_source_set_io_events(source, EPOLLIN);
	}
	for (;;) {
		int rc = tr_message_receive(recorder->line, &message, &fd, why, sizeof(why));
		if (rc == -EAGAIN)
			return 0;
		if (rc == -EPROTO) {
			send_failed(recorder, TR_REASON_BAD_REQUEST, why, "");
			continue;
		}
		if (rc < 0) {
			lose_parent(recorder);
			return 0;
		}
		on_message(recorder, &message, fd);
		if (!recorder->line)
			return 0;
	}
}

/* ---- life ---- */

static int add_sources(struct tr_recorder *recorder)
{
	int rc = sd_event_add_io(recorder->event, &recorder->control_source,
		tr_line_fd(recorder->line), EPOLLIN, on_control, recorder);
	if (rc >= 0)
		rc = sd_event_add_io(recorder->event, &recorder->news_source,
			tr_mailbox_fd(recorder->news), EPOLLIN, on_news, recorder);
	if (rc >= 0)
		rc = sd_event_add_time(recorder->event, &recorder->progress_timer, CLOCK_MONOTONIC,
			0, TIMER_ACCURACY_US, on_progress, recorder);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(recorder->progress_timer, SD_EVENT_OFF);
	if (rc >= 0)
		rc = sd_event_add_time(recorder->event, &recorder->end_timer, CLOCK_MONOTONIC, 0,
			TIMER_ACCURACY_US, on_time_over, recorder);
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
	recorder->xserver.child.pidfd = -1;
	int rc = tr_line_create(control_fd, &recorder->line);
	if (rc == 0)
		rc = tr_mailbox_create(16, sizeof(struct news), &recorder->news);
	if (rc == 0)
		rc = add_sources(recorder);
	if (rc < 0)
		return rc;
	*ret_recorder = tr_take(recorder);
	return 0;
}

void tr_recorder_quit(struct tr_recorder *recorder)
{
	recorder->must_quit = true;
	post(recorder, TR_MACHINE_QUIT);
}

void tr_recorder_destroy(struct tr_recorder *recorder)
{
	if (!recorder)
		return;
	tr_finisher_join(&recorder->finisher);
	if (recorder->pipeline) { /* never with a healthy table */
		struct tr_quality quality;
		if (tr_pipeline_stop(recorder->pipeline, 0, &quality) < 0)
			tr_warning("the file was not ended well");
	}
	sd_event_source_unref(recorder->control_source);
	sd_event_source_unref(recorder->news_source);
	sd_event_source_unref(recorder->progress_timer);
	sd_event_source_unref(recorder->end_timer);
	sd_event_source_unref(recorder->display_source);
	tr_browser_stop(recorder->browser);
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
