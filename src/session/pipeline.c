#define TR_LOG_AREA "pipeline"
#include "session/pipeline.h"

#include "core/clock.h"
#include "core/log.h"
#include "media/picture_check.h"
#include "session/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* What a disk may hold up: minutes of a quiet meeting, 40 s of one that moves at 3 Mbit/s. A stick
 * that tidies up, or a disk with much else to write, takes nothing for half a minute at times. */
#define QUEUE_PACKETS 16384
#define QUEUE_BYTES (16 << 20)

struct tr_pipeline {
	/* fixed after start */
	int64_t start_ns;
	int width, height, rate;
	tr_pipeline_news_fn *on_news;
	void *user;
	struct tr_packetq *queue;	/* NULL: no file */
	struct tr_broadcast *broadcast; /* NULL: no streams */
	struct tr_video_track *video;
	struct tr_sound_track *sound; /* NULL: no sound track */
	struct tr_writer *writer;     /* NULL: no file */

	/* under `lock` */
	pthread_mutex_t lock;
	struct tr_picture_check picture_check;
};

/* ---- hooks, on the threads ---- */

static void on_video_end(enum tr_video_track_end end, void *user)
{
	struct tr_pipeline *pipeline = user;

	switch (end) {
	case TR_VIDEO_TRACK_DISPLAY_LOST:
		pipeline->on_news(TR_PIPELINE_DISPLAY_LOST, pipeline->user);
		break;
	case TR_VIDEO_TRACK_ENCODER_LOST:
		pipeline->on_news(TR_PIPELINE_ENCODER_LOST, pipeline->user);
		break;
	case TR_VIDEO_TRACK_QUEUE_FULL:
		pipeline->on_news(TR_PIPELINE_DISK_ERROR, pipeline->user);
		break;
	default:
		break;
	}
}

static void on_packet(struct tr_packet *packet, void *user)
{
	struct tr_pipeline *pipeline = user;
	tr_broadcast_push(pipeline->broadcast, packet);
}

static void on_key_wanted(void *user)
{
	struct tr_pipeline *pipeline = user;
	tr_video_track_request_key(pipeline->video);
}

static void on_no_stream_left(bool was_refused, const char *sentence, void *user)
{
	struct tr_pipeline *pipeline = user;

	(void)sentence; /* has been said, and is in the target's state */
	pipeline->on_news(was_refused ? TR_PIPELINE_STREAMS_REFUSED : TR_PIPELINE_STREAMS_LOST,
		pipeline->user);
}

static void on_picture(const struct tr_picture *picture, int64_t pts_ns, void *user)
{
	struct tr_pipeline *pipeline = user;

	pthread_mutex_lock(&pipeline->lock);
	tr_picture_check_add(&pipeline->picture_check, picture->y, picture->y_stride, pts_ns);
	pthread_mutex_unlock(&pipeline->lock);
}

static void on_writer_error(int rc, void *user)
{
	struct tr_pipeline *pipeline = user;
	bool is_full = rc == -ENOSPC || rc == -EDQUOT;

	pipeline->on_news(is_full ? TR_PIPELINE_DISK_FULL : TR_PIPELINE_DISK_ERROR, pipeline->user);
}

/* ---- start ---- */

static int open_file(struct tr_pipeline *pipeline, const struct tr_pipeline_settings *settings,
	struct tr_mp4 **ret)
{
	struct tr_mp4_settings mp4 = {
		.dirfd = settings->dirfd,
		.name = settings->file,
		.width = pipeline->width,
		.height = pipeline->height,
		.audio_bitrate = settings->audio_kbps * 1000,
		.bt709_limited = true,
	};

	mp4.video_extradata_size = tr_video_track_extradata(pipeline->video, &mp4.video_extradata);
	if (pipeline->sound) {
		mp4.audio_extradata_size =
			tr_sound_track_extradata(pipeline->sound, &mp4.audio_extradata);
		mp4.audio_priming = tr_sound_track_priming(pipeline->sound);
	}
	return tr_mp4_open(&mp4, ret);
}

static int open_broadcast(struct tr_pipeline *pipeline, const struct tr_pipeline_settings *settings)
{
	const struct tr_video_settings *video = &settings->video.encoder.video;
	struct tr_broadcast_settings broadcast = {
		.targets = settings->streams,
		.stream =
			{
				.width = pipeline->width,
				.height = pipeline->height,
				.frame_rate = pipeline->rate,
				.video_kbps = video->kbps,
				.audio_kbps = settings->audio_kbps,
				.ca_file = settings->stream_ca_file,
			},
		.request_key = on_key_wanted,
		.on_none_left = on_no_stream_left,
		.user = pipeline,
	};
	struct tr_stream_settings *stream = &broadcast.stream;

	stream->video_extradata_size =
		tr_video_track_extradata(pipeline->video, &stream->video_extradata);
	if (pipeline->sound)
		stream->audio_extradata_size =
			tr_sound_track_extradata(pipeline->sound, &stream->audio_extradata);
	return tr_broadcast_open(&broadcast, &pipeline->broadcast);
}

static int open_writer(struct tr_pipeline *pipeline, const struct tr_pipeline_settings *settings)
{
	struct tr_mp4 *mp4 = NULL;

	int rc = tr_packetq_create(QUEUE_PACKETS, QUEUE_BYTES, &pipeline->queue);
	if (rc == 0)
		rc = open_file(pipeline, settings, &mp4);
	if (rc == 0)
		rc = tr_writer_start(
			mp4, pipeline->queue, on_writer_error, pipeline, &pipeline->writer);
	return rc;
}

/* Slow things (the encoder process, the file's first sync) come before the clock starts. */
static int open_parts(struct tr_pipeline *pipeline, const struct tr_pipeline_settings *settings)
{
	struct tr_video_track_hooks hooks = {
		.on_end = on_video_end, .on_picture = on_picture, .user = pipeline};

	int rc = tr_video_track_start(&settings->video, &hooks, &pipeline->video);
	if (rc == 0 && settings->soundcard)
		rc = tr_sound_track_create(
			settings->soundcard, settings->audio_kbps, &pipeline->sound);
	if (rc == 0 && settings->file)
		rc = open_writer(pipeline, settings);
	if (rc == 0 && settings->streams && settings->streams[0])
		rc = open_broadcast(pipeline, settings);
	return rc;
}

static int go(struct tr_pipeline *pipeline)
{
	const struct tr_outlets outlets = {
		.queue = pipeline->queue,
		.tap = pipeline->broadcast ? on_packet : NULL,
		.user = pipeline,
	};

	pipeline->start_ns = tr_clock_now_ns();
	if (pipeline->sound) {
		int rc = tr_sound_track_go(pipeline->sound, pipeline->start_ns, &outlets);
		if (rc < 0)
			return rc;
	}
	tr_video_track_go(pipeline->video, pipeline->start_ns, &outlets);
	return 0;
}

/* Also for half a start. The order is that of the flow: sources, queue, writer. */
static int close_parts(struct tr_pipeline *pipeline, int64_t end_ns)
{
	int rc = 0;

	if (pipeline->video)
		tr_video_track_stop(pipeline->video, end_ns);
	if (pipeline->sound)
		tr_sound_track_stop(pipeline->sound, end_ns);
	if (pipeline->broadcast)
		tr_broadcast_end(pipeline->broadcast);
	if (pipeline->queue)
		tr_packetq_close(pipeline->queue);
	if (pipeline->writer)
		rc = tr_writer_finish(tr_take(pipeline->writer));
	return rc;
}

static void destroy(struct tr_pipeline *pipeline)
{
	tr_broadcast_close(pipeline->broadcast, NULL);
	tr_video_track_destroy(pipeline->video);
	tr_sound_track_destroy(pipeline->sound);
	tr_packetq_destroy(pipeline->queue);
	pthread_mutex_destroy(&pipeline->lock);
	free(pipeline);
}

int tr_pipeline_start(const struct tr_pipeline_settings *settings, tr_pipeline_news_fn *on_news,
	void *user, struct tr_pipeline **ret_pipeline)
{
	struct tr_pipeline *pipeline = calloc(1, sizeof(*pipeline));

	if (!pipeline)
		return -ENOMEM;
	pipeline->on_news = on_news;
	pipeline->user = user;
	pipeline->width = settings->video.encoder.video.width;
	pipeline->height = settings->video.encoder.video.height;
	pipeline->rate = settings->video.encoder.video.rate;
	pthread_mutex_init(&pipeline->lock, NULL);
	tr_picture_check_init(&pipeline->picture_check, pipeline->width, pipeline->height);
	int rc = open_parts(pipeline, settings);
	if (rc == 0)
		rc = go(pipeline);
	if (rc < 0) {
		if (close_parts(pipeline, tr_clock_now_ns()) < 0)
			tr_debug("the file of a failed start was not ended well");
		destroy(pipeline);
		return rc;
	}
	*ret_pipeline = pipeline;
	return 0;
}

/* ---- while it runs ---- */

int64_t tr_pipeline_start_ns(const struct tr_pipeline *pipeline)
{
	return pipeline->start_ns;
}

void tr_pipeline_read(struct tr_pipeline *pipeline, struct tr_pipeline_status *ret_status)
{
	*ret_status = (struct tr_pipeline_status){
		.time_ns = tr_clock_now_ns() - pipeline->start_ns,
	};
	if (pipeline->writer) {
		ret_status->synced_ns = tr_writer_synced_ns(pipeline->writer);
		ret_status->bytes = tr_writer_bytes(pipeline->writer);
	}
	tr_video_track_read_stats(pipeline->video, &ret_status->video);
	if (pipeline->sound)
		tr_sound_track_read_stats(pipeline->sound, &ret_status->sound);
}

void tr_pipeline_set_display(
	struct tr_pipeline *pipeline, const char *display, const char *frame_buffer)
{
	tr_video_track_set_display(pipeline->video, display, frame_buffer);
}

void tr_pipeline_set_economy(struct tr_pipeline *pipeline, int level)
{
	tr_video_track_set_economy(pipeline->video, level);
}

struct tr_broadcast *tr_pipeline_broadcast(const struct tr_pipeline *pipeline)
{
	return pipeline->broadcast;
}

/* ---- stop ---- */

static void fill_pictures(struct tr_pipeline *pipeline, struct tr_quality *q)
{
	struct tr_video_track_stats video;
	const struct tr_picture_check *check = &pipeline->picture_check;

	tr_video_track_read_stats(pipeline->video, &video);
	q->has_video = video.encoded > 0;
	q->frames_grabbed = video.grabbed;
	q->frames_encoded = video.encoded;
	q->frames_repeated = video.repeated;
	q->frames_dropped = video.dropped;
	q->frames_late = video.late;
	snprintf(q->grabbed_by, sizeof(q->grabbed_by), "%s", video.way);
	snprintf(q->encoder, sizeof(q->encoder), "%s", video.encoder);
	q->encoder_restarts = video.encoder_restarts;
	q->has_zero_copy = video.has_zero_copy;
	memcpy(q->no_zero_copy, video.no_zero_copy, sizeof(q->no_zero_copy));
	if (video.qp_count > 0)
		q->mean_qp = (double)video.qp_sum / (double)video.qp_count;
	if (video.encoded > 0)
		q->encode_ms = (double)video.encode_us / 1000 / (double)video.encoded;
	if (video.grabbed > 0)
		q->share_changed = video.share_changed_sum / (double)video.grabbed;
	q->black_s = (double)check->black_ns / 1e9;
	q->longest_black_s = (double)check->longest_black_ns / 1e9;
	q->white_s = (double)check->white_ns / 1e9;
	q->longest_white_s = (double)check->longest_white_ns / 1e9;
	q->longest_frozen_s = (double)check->longest_frozen_ns / 1e9;
}

static void fill_encoders(struct tr_pipeline *pipeline, struct tr_quality *q)
{
	struct tr_relay_log log;

	tr_video_track_read_log(pipeline->video, &log);
	for (unsigned i = 0; i < log.leg_count && i < TR_GRADE_LEGS; i++) {
		memcpy(q->legs[i].name, log.legs[i].name, sizeof(q->legs[i].name));
		q->legs[i].from_s = (double)log.legs[i].from_ns / 1e9;
		q->legs[i].to_s = (double)log.legs[i].to_ns / 1e9;
		q->legs[i].pictures = log.legs[i].pictures;
		q->legs[i].has_zero_copy = log.legs[i].has_surfaces;
		q->leg_count++;
	}
	q->failure_count = log.failure_count;
	for (unsigned i = 0; i < log.failure_count && i < TR_GRADE_FAILURES; i++) {
		const struct tr_relay_failure *from = &log.failures[i];
		memcpy(q->failures[i].name, from->name, sizeof(q->failures[i].name));
		memcpy(q->failures[i].sentence, from->sentence, sizeof(from->sentence));
		q->failures[i].at_s = from->at_ns < 0 ? -1 : (double)from->at_ns / 1e9;
		q->failures[i].what = tr_ladder_failure_name(from->what);
	}
}

static void fill_sound(struct tr_pipeline *pipeline, struct tr_quality *q)
{
	struct tr_sound_track_stats sound;
	const struct tr_capture_stats *capture = &sound.capture;

	if (!pipeline->sound)
		return;
	tr_sound_track_read_stats(pipeline->sound, &sound);
	q->has_audio = sound.packets > 0;
	q->sound_gaps = capture->gaps;
	q->sound_gap_s = (double)capture->gap_frames / TR_MP4_AUDIO_RATE;
	q->sound_lost_s = (double)capture->lost_frames / TR_MP4_AUDIO_RATE +
			  (double)sound.lost_packets * 1024 / TR_MP4_AUDIO_RATE;
	q->sound_recoveries = capture->recoveries;
	q->drift_ppm = capture->drift_ppm;
	q->had_player = sound.has_player;
	q->peak_db = tr_sound_check_peak_db(&sound.check);
	q->rms_db = tr_sound_check_rms_db(&sound.check);
	q->silence_s = (double)sound.check.silent_frames / TR_MP4_AUDIO_RATE;
	q->longest_silence_s = (double)sound.check.longest_silent_frames / TR_MP4_AUDIO_RATE;
	q->clipped = sound.check.clipped;
}

int tr_pipeline_stop(struct tr_pipeline *pipeline, int64_t end_ns, struct tr_quality *ret_quality,
	struct tr_broadcast **ret_broadcast)
{
	if (end_ns == 0)
		end_ns = tr_clock_now_ns();
	int64_t bytes = pipeline->writer ? tr_writer_bytes(pipeline->writer) : 0;
	int rc = close_parts(pipeline, end_ns);

	tr_picture_check_end(&pipeline->picture_check, end_ns - pipeline->start_ns);
	*ret_quality = (struct tr_quality){
		.duration_ms = (end_ns - pipeline->start_ns) / TR_NS_PER_MS,
		.bytes = bytes,
		.width = pipeline->width,
		.height = pipeline->height,
		.rate = pipeline->rate,
		.parts = 1,
	};
	fill_pictures(pipeline, ret_quality);
	fill_encoders(pipeline, ret_quality);
	fill_sound(pipeline, ret_quality);
	if (ret_broadcast)
		*ret_broadcast = tr_take(pipeline->broadcast);
	destroy(pipeline);
	return rc;
}
