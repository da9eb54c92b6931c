#define TR_LOG_AREA "slot"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "session/recorder_parts.h"
#include "storage/metadata.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_US 500000
#define STARTED_US 20000
/* Chromium picks a video's picture for the moment when a real screen would light it, and counts on
 * the way there; ours is read as soon as it is drawn. Measured with tests/bench/avsync on video
 * elements at 30 and 60 Hz: mostly 25 to 50 ms too early, the same through a recording (how the
 * video and the display's refresh meet at its beginning decides, sometimes by a picture or two
 * more), while the recorder alone is off by 1 ms. */
#define BROWSER_LEAD_NS (32 * TR_NS_PER_MS)
#define NO_SOUND_AFTER_NS (10 * TR_NS_PER_S)
#define LOW_DISK_BYTES (200 << 20)
#define NO_DISK_BYTES (20 << 20) /* room for the tail and the finished file's index */
#define FRAMES_PER_MS 48

enum tr_reason tr_recorder_reason_of(int rc)
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

/* ---- while it records ---- */

/* On a thread of the pipeline. */
static void on_pipeline_news(enum tr_pipeline_news what, void *user)
{
	struct tr_recorder *recorder = user;
	struct tr_recorder_news news = {.pipeline = what};

	if (tr_mailbox_push(recorder->news, &news) < 0)
		tr_error("news of the pipeline were lost");
}

/* The words of the first target that has some. */
static void read_problem(struct tr_recorder *recorder, char *out, size_t size)
{
	struct tr_broadcast *broadcast = tr_pipeline_broadcast(recorder->pipeline);
	struct tr_broadcast_target target;

	out[0] = '\0';
	for (unsigned i = 0; broadcast && i < tr_broadcast_count(broadcast) && !out[0]; i++) {
		tr_broadcast_read(broadcast, i, &target);
		if (target.status.problem[0])
			snprintf(out, size, "%s: %s", target.name, target.status.problem);
	}
}

/* A file that streams besides goes on without them. */
static void lose_streams(struct tr_recorder *recorder, bool was_refused)
{
	char problem[700];

	if (!recorder->pipeline)
		return;
	read_problem(recorder, problem, sizeof(problem));
	if (strcmp(recorder->request.mode, "stream") != 0 && !recorder->request.is_without_file) {
		tr_recorder_warn(recorder, "no stream is left (%s); the file goes on", problem);
		return;
	}
	tr_recorder_note_reason(recorder,
		was_refused ? TR_REASON_STREAM_REFUSED : TR_REASON_STREAM_LOST,
		was_refused ? "no server takes the stream: %s" : "no server is left: %s", problem);
	tr_recorder_post(recorder, TR_MACHINE_TROUBLE);
}

static void handle_news(struct tr_recorder *recorder, enum tr_pipeline_news news)
{
	switch (news) {
	case TR_PIPELINE_DISPLAY_LOST:
		return; /* the X server's own end says the same */
	case TR_PIPELINE_STREAMS_REFUSED:
	case TR_PIPELINE_STREAMS_LOST:
		lose_streams(recorder, news == TR_PIPELINE_STREAMS_REFUSED);
		return;
	case TR_PIPELINE_ENCODER_LOST:
		tr_recorder_note_reason(
			recorder, TR_REASON_ENCODER_LOST, "the encoder keeps dying");
		break;
	case TR_PIPELINE_DISK_FULL:
		tr_recorder_note_reason(recorder, TR_REASON_DISK_FULL,
			"the disk is full: the recording ends here; make room, what is there is playable");
		break;
	case TR_PIPELINE_DISK_ERROR:
		tr_recorder_note_reason(recorder, TR_REASON_DISK_ERROR,
			"the disk does not take the recording any more: it ends here");
		break;
	}
	tr_recorder_post(recorder, TR_MACHINE_TROUBLE);
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
	sd_event_source_set_time_relative(recorder->started_timer, STARTED_US);
	sd_event_source_set_enabled(recorder->started_timer, SD_EVENT_ON);
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
		.file = request->is_without_file ? NULL : recorder->filing->finisher.part,
		.streams = request->streams,
		.stream_ca_file = request->stream_ca_file[0] ? request->stream_ca_file : NULL,
		.video =
			{
				.display = recorder->xserver.display,
				.ladder = &recorder->ladder,
				.frame_buffer = recorder->xserver.frame_buffer,
				.has_zero_copy = config->has_zero_copy,
				.constant_rate = request->constant_rate,
				.key_interval_ns = request->key_interval_ms * TR_NS_PER_MS,
				.lead_ns = BROWSER_LEAD_NS,
				.encoder =
					{
						.program = recorder->programs.encoder,
						.program_fd = recorder->programs.encoder_fd,
						.module_fd = recorder->programs.module_fd,
						.video =
							{
								.width = config->width,
								.height = config->height,
								.rate = config->frame_rate,
								.quality = request->quality,
								.kbps = request->video_kbps,
								.buffer_kbit = request->buffer_kbit,
							},
					},
			},
		.audio_kbps = request->audio_kbps,
	};
	if (tr_recorder_has_sound(recorder))
		settings.soundcard = recorder->soundcard;
	return tr_pipeline_start(&settings, on_pipeline_news, recorder, &recorder->pipeline);
}

/* Who was there, and what the request brought: written when it begins, so that it is there whatever
 * happens, and again at the end. */
static void write_metadata(struct tr_recorder *recorder)
{
	const struct tr_message_start *request = &recorder->request;

	if (!recorder->meeting || request->is_without_file)
		return;
	struct tr_metadata metadata = {
		.meeting_url = request->url,
		.participants = tr_meeting_participants(recorder->meeting),
		.request_metadata = request->metadata,
		.session_id = request->session_id,
		.room = request->room,
		.created_wall_ns = recorder->filing->finisher.recording.created_wall_ns,
	};
	if (tr_metadata_write(recorder->folder, &metadata) < 0)
		tr_recorder_warn(recorder, "the recording's metadata could not be written");
}

void tr_recorder_do_record(struct tr_recorder *recorder)
{
	int rc = -ENOMEM;

	recorder->filing = tr_recorder_filing_create(recorder, recorder->request.session_id);
	if (recorder->filing)
		rc = tr_finisher_begin(
			&recorder->filing->finisher, recorder->folder, &recorder->request);
	if (rc == 0)
		rc = start_pipeline(recorder);
	if (rc < 0) {
		tr_recorder_note_reason(recorder, tr_recorder_reason_of(rc),
			"the recording cannot start: %s", strerror(-rc));
		tr_recorder_post(recorder, TR_MACHINE_TROUBLE);
		return;
	}
	start_timers(recorder);
	write_metadata(recorder);
	if (recorder->filing->finisher.part)
		tr_info("recording to %s", recorder->filing->finisher.part);
}

/* Nothing was recorded. */
static void end_without_files(struct tr_recorder *recorder)
{
	tr_recorder_send_stopped(recorder, false);
	tr_recorder_send_failed(
		recorder, recorder->request.session_id, recorder->reason, recorder->sentence, "");
	tr_recorder_filing_destroy(tr_take(recorder->filing));
	tr_recorder_forget_request(recorder);
}

void tr_recorder_do_stop(struct tr_recorder *recorder)
{
	struct tr_quality quality;

	if (!recorder->pipeline) { /* it did not even start */
		end_without_files(recorder);
		return;
	}
	int rc = tr_pipeline_stop(tr_take(recorder->pipeline), end_of_recording(recorder), &quality,
		&recorder->filing->finisher.broadcast);
	if (rc < 0)
		tr_recorder_note_reason(recorder, tr_recorder_reason_of(rc),
			"the file could not be ended: %s", strerror(-rc));
	quality.sound_expected =
		recorder->request.sound_expected && tr_recorder_has_sound(recorder);
	quality.page_reloads = recorder->reloads;
	tr_recorder_end_economy(recorder, &quality);
	write_metadata(recorder);
	tr_recorder_send_stopped(recorder, !recorder->request.is_without_file);

	struct tr_recorder_filing *filing = tr_take(recorder->filing);
	filing->folder = tr_take_fd(&recorder->folder);
	filing->reason = recorder->reason;
	memcpy(filing->sentence, recorder->sentence, sizeof(filing->sentence));
	tr_recorder_forget_request(recorder);
	tr_recorder_filing_start(filing, &quality);
}

int tr_recorder_on_news(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct tr_recorder *recorder = user;
	struct tr_recorder_news news;

	(void)source, (void)fd, (void)revents;
	while (tr_mailbox_pop(recorder->news, &news) == 0) {
		if (news.finished)
			tr_recorder_filing_end(news.finished);
		else
			handle_news(recorder, news.pipeline);
	}
	tr_recorder_consider_end(recorder);
	return 0;
}

/* The folder stays: it says why, and may hold what the browser showed. */
static void note_failure(struct tr_recorder *recorder)
{
	struct tr_recording *recording = calloc(1, sizeof(*recording));
	const struct tr_message_start *request = &recorder->request;

	if (!recording || !recorder->meeting || recorder->folder < 0 ||
		recorder->reason == TR_REASON_CANCELLED ||
		tr_recording_load(recorder->folder, recording) != -ENOENT ||
		tr_recording_init(recording, request->session_id, request->url, request->name,
			tr_clock_wall_ns()) < 0) {
		free(recording);
		return;
	}
	recording->state = TR_RECORDING_FAILED;
	snprintf(recording->reason, sizeof(recording->reason), "%.255s", recorder->sentence);
	if (tr_recording_save(recorder->folder, recording) < 0)
		tr_warning("why it failed could not be written beside it");
	free(recording);
}

void tr_recorder_do_fail(struct tr_recorder *recorder)
{
	bool is_page = !strcmp(recorder->request.mode, "page");

	if (recorder->state == TR_MACHINE_ENDED && recorder->folder < 0) { /* of no recording */
		tr_recorder_send_failed(recorder, "", recorder->reason, recorder->sentence, "");
		return;
	}
	tr_recorder_note_reason(recorder, is_page ? TR_REASON_INTERRUPTED : TR_REASON_CANCELLED,
		"stopped before the recording began");
	note_failure(recorder);
	end_without_files(recorder);
}

/* ---- progress ---- */

/* A stream is on when somebody takes it, a file when pictures and sound are on the disk. */
static bool is_on(const struct tr_recorder *recorder, const struct tr_pipeline_status *status)
{
	struct tr_broadcast *broadcast = tr_pipeline_broadcast(recorder->pipeline);
	bool is_stream =
		!strcmp(recorder->request.mode, "stream") || recorder->request.is_without_file;

	return is_stream && broadcast ? tr_broadcast_was_connected(broadcast)
				      : status->synced_ns > 0;
}

/* The word that it records. */
int tr_recorder_on_started_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_recorder *recorder = user;
	struct tr_message message = {.type = TR_MESSAGE_STARTED};
	struct tr_pipeline_status status;
	int64_t now_ns = tr_clock_now_ns();

	(void)usec;
	if (!recorder->pipeline)
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	tr_pipeline_read(recorder->pipeline, &status);
	if (!is_on(recorder, &status))
		return sd_event_source_set_time_relative(source, STARTED_US);
	memcpy(message.started.session_id, recorder->request.session_id,
		sizeof(message.started.session_id));
	message.started.join_ms = (recorder->joined_ns - recorder->asked_ns) / TR_NS_PER_MS;
	message.started.took_ms = (now_ns - recorder->asked_ns) / TR_NS_PER_MS;
	tr_recorder_send(recorder, &message);
	return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static void watch_disk(struct tr_recorder *recorder, int64_t free_bytes)
{
	char text[24];

	if (free_bytes < 0)
		return;
	tr_text_format_bytes(free_bytes, text, sizeof(text));
	if (free_bytes < NO_DISK_BYTES) {
		tr_recorder_note_reason(recorder, TR_REASON_DISK_FULL,
			"the disk is full (%s left): the recording ends here; what is there is playable",
			text);
		tr_recorder_post(recorder, TR_MACHINE_TROUBLE);
	} else if (free_bytes < LOW_DISK_BYTES && !recorder->was_low_disk_said) {
		recorder->was_low_disk_said = true;
		tr_recorder_warn(recorder, "only %s left on the disk", text);
	}
}

static void watch_sound(struct tr_recorder *recorder, const struct tr_pipeline_status *status)
{
	if (!recorder->request.sound_expected || recorder->was_no_sound_said ||
		!tr_recorder_has_sound(recorder) || status->time_ns < NO_SOUND_AFTER_NS ||
		status->sound.has_player)
		return;
	recorder->was_no_sound_said = true;
	tr_recorder_warn(recorder,
		"nobody has opened the sound device for %d s: the page is silent, or the "
		"browser could not open it",
		(int)(NO_SOUND_AFTER_NS / TR_NS_PER_S));
}

static void tell_streams(struct tr_recorder *recorder)
{
	struct tr_broadcast *broadcast = tr_pipeline_broadcast(recorder->pipeline);
	struct tr_message message = {.type = TR_MESSAGE_STREAM};
	struct tr_message_stream *to = &message.stream;
	struct tr_broadcast_target target;

	for (unsigned i = 0; broadcast && i < tr_broadcast_count(broadcast); i++) {
		tr_broadcast_read(broadcast, i, &target);
		memcpy(to->session_id, recorder->request.session_id, sizeof(to->session_id));
		memcpy(to->name, target.name, sizeof(to->name));
		snprintf(to->state, sizeof(to->state), "%s",
			tr_stream_state_name(target.status.state));
		snprintf(to->problem, sizeof(to->problem), "%s", target.status.problem);
		to->kbps = target.status.kbit_s;
		to->queued_ms = target.status.queued_ms;
		to->reconnects = target.status.reconnects;
		to->dropped = target.status.dropped_pictures;
		to->bytes = target.status.bytes;
		tr_recorder_send(recorder, &message);
	}
}

int tr_recorder_on_progress(sd_event_source *source, uint64_t usec, void *user)
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
	progress->drift_ppm = status.sound.capture.drift_ppm;
	progress->sound_gap_ms = status.sound.capture.gap_frames / FRAMES_PER_MS;
	progress->encoder_restarts = status.video.encoder_restarts;
	memcpy(progress->encoder, status.video.encoder, sizeof(status.video.encoder));
	if (recorder->state == TR_MACHINE_REPAIRING)
		snprintf(progress->note, sizeof(progress->note), "loading the page again");
	recorder->progress_ns = now_ns;
	recorder->progress_bytes = status.video.bytes;
	tr_recorder_send(recorder, &message);
	tell_streams(recorder);
	watch_disk(recorder, progress->free_bytes);
	watch_sound(recorder, &status);
	return sd_event_source_set_time_relative(source, PROGRESS_US);
}

int tr_recorder_on_time_over(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source, (void)usec;
	tr_recorder_post(user, TR_MACHINE_STOP);
	return 0;
}
