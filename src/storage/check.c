#include "storage/check.h"

#include "core/clock.h"
#include "core/text.h"
#include "media/picture_check.h"
#include "media/sound_check.h"
#include "storage/movie.h"
#include "storage/report.h"

#include <errno.h>
#include <jansson.h>
#include <libavcodec/avcodec.h>
#include <math.h>
#include <string.h>

#define LOOK_NS TR_NS_PER_S /* between two pictures that are looked at */
#define AAC_FRAME 1024	    /* samples */

struct track {
	int index; /* of the stream, -1: none */
	AVCodecContext *codec;
	int64_t last_ns; /* the newest packet's time */
	int64_t end_ns;
	bool has_begun;
};

struct checker {
	struct tr_movie *movie;
	struct tr_check *check;
	struct track video;
	struct track audio;
	struct tr_picture_check pictures;
	struct tr_sound_check sounds;
	AVPacket *packet;
	AVFrame *frame;
	int64_t next_look_ns;
	int64_t first_picture_ns;
};

static int64_t to_ns(const struct checker *checker, const struct track *track, int64_t time)
{
	AVRational base = checker->movie->format->streams[track->index]->time_base;
	return av_rescale_q(time, base, (AVRational){1, 1000000000});
}

/* ---- packets: only their times ---- */

/* Of fragmented sound libavformat knows no durations without decoding: a frame of AAC it is. */
static int64_t duration_of(
	const struct checker *checker, const struct track *track, const AVPacket *packet)
{
	const AVStream *stream = checker->movie->format->streams[track->index];

	if (packet->duration > 0 || track != &checker->audio || stream->codecpar->sample_rate <= 0)
		return packet->duration;
	return av_rescale_q(
		AAC_FRAME, (AVRational){1, stream->codecpar->sample_rate}, stream->time_base);
}

static void look_at_times(struct checker *checker, struct track *track, const AVPacket *packet)
{
	struct tr_quality *quality = &checker->check->quality;

	if (packet->dts == AV_NOPTS_VALUE || packet->pts == AV_NOPTS_VALUE) {
		quality->time_errors++;
		return;
	}
	int64_t dts_ns = to_ns(checker, track, packet->dts);
	if (track->has_begun && dts_ns <= track->last_ns)
		quality->time_errors++;
	if (track == &checker->audio && track->has_begun) {
		double gap_s = (double)(dts_ns - track->end_ns) / 1e9;
		if (gap_s > quality->file_gap_s && gap_s > 0.002)
			quality->file_gap_s = gap_s;
	}
	int64_t end_ns = to_ns(checker, track, packet->pts + duration_of(checker, track, packet));
	if (!track->has_begun && track == &checker->video)
		checker->first_picture_ns = dts_ns;
	track->last_ns = dts_ns;
	track->end_ns = end_ns > track->end_ns ? end_ns : track->end_ns;
	track->has_begun = true;
}

/* ---- what comes out of the decoders ---- */

static void look_at_picture(struct checker *checker)
{
	const AVFrame *frame = checker->frame;
	int64_t pts_ns = to_ns(checker, &checker->video, frame->best_effort_timestamp);
	bool has_luma = frame->format == AV_PIX_FMT_YUV420P || frame->format == AV_PIX_FMT_NV12 ||
			frame->format == AV_PIX_FMT_YUVJ420P || frame->format == AV_PIX_FMT_YUV444P;

	if (checker->check->pictures++ == 0)
		tr_picture_check_init(&checker->pictures, frame->width, frame->height);
	if (!has_luma || pts_ns < checker->next_look_ns || frame->linesize[0] <= 0 ||
		frame->width != checker->pictures.width ||
		frame->height != checker->pictures.height)
		return;
	tr_picture_check_add(&checker->pictures, frame->data[0], frame->linesize[0], pts_ns);
	checker->next_look_ns = pts_ns + LOOK_NS;
}

static void look_at_sound(struct checker *checker)
{
	const AVFrame *frame = checker->frame;

	checker->check->samples += frame->nb_samples;
	if (frame->format != AV_SAMPLE_FMT_FLTP)
		return;
	int right = frame->ch_layout.nb_channels > 1 ? 1 : 0;
	tr_sound_check_add(&checker->sounds, (const float *)frame->extended_data[0],
		(const float *)frame->extended_data[right], (unsigned)frame->nb_samples);
}

/* `packet` NULL: what the decoder still holds. */
static void decode(struct checker *checker, struct track *track, const AVPacket *packet)
{
	struct tr_quality *quality = &checker->check->quality;

	if (avcodec_send_packet(track->codec, packet) < 0)
		quality->decode_errors++;
	for (;;) {
		int rc = avcodec_receive_frame(track->codec, checker->frame);
		if (rc < 0) {
			if (rc != AVERROR(EAGAIN) && rc != AVERROR_EOF)
				quality->decode_errors++;
			return;
		}
		if (checker->frame->decode_error_flags ||
			(checker->frame->flags & AV_FRAME_FLAG_CORRUPT))
			quality->decode_errors++;
		if (track == &checker->video)
			look_at_picture(checker);
		else
			look_at_sound(checker);
		av_frame_unref(checker->frame);
	}
}

static void decode_all(struct checker *checker)
{
	struct track *tracks[] = {&checker->video, &checker->audio};
	int rc;

	while ((rc = av_read_frame(checker->movie->format, checker->packet)) >= 0) {
		for (unsigned i = 0; i < TR_COUNT(tracks); i++) {
			if (!tracks[i]->codec || checker->packet->stream_index != tracks[i]->index)
				continue;
			look_at_times(checker, tracks[i], checker->packet);
			if (checker->packet->flags & AV_PKT_FLAG_CORRUPT)
				checker->check->quality.decode_errors++;
			decode(checker, tracks[i], checker->packet);
		}
		av_packet_unref(checker->packet);
	}
	if (rc != AVERROR_EOF)
		checker->check->quality.decode_errors++;
	for (unsigned i = 0; i < TR_COUNT(tracks); i++) {
		if (tracks[i]->codec)
			decode(checker, tracks[i], NULL);
	}
}

/* ---- the figures ---- */

static void fill_pictures(struct checker *checker)
{
	struct tr_quality *quality = &checker->check->quality;
	int64_t shown_ns = checker->video.end_ns - checker->first_picture_ns;

	if (checker->check->pictures == 0)
		return;
	tr_picture_check_end(&checker->pictures, checker->video.end_ns);
	quality->has_video = true;
	quality->width = checker->pictures.width;
	quality->height = checker->pictures.height;
	quality->frames_encoded = checker->check->pictures;
	quality->black_s = (double)checker->pictures.black_ns / 1e9;
	quality->longest_black_s = (double)checker->pictures.longest_black_ns / 1e9;
	quality->white_s = (double)checker->pictures.white_ns / 1e9;
	quality->longest_white_s = (double)checker->pictures.longest_white_ns / 1e9;
	quality->longest_frozen_s = (double)checker->pictures.longest_frozen_ns / 1e9;
	if (shown_ns > 0)
		checker->check->mean_rate =
			(double)checker->check->pictures * 1e9 / (double)shown_ns;
	quality->rate = (int)lround(checker->check->mean_rate);
}

static void fill_sound(struct checker *checker)
{
	struct tr_quality *quality = &checker->check->quality;

	quality->had_player = true; /* a file cannot tell */
	quality->peak_db = quality->rms_db = TR_SOUND_CHECK_FLOOR_DB;
	if (checker->check->samples == 0)
		return;
	quality->has_audio = true;
	if (checker->sounds.frames == 0)
		return;
	quality->peak_db = tr_sound_check_peak_db(&checker->sounds);
	quality->rms_db = tr_sound_check_rms_db(&checker->sounds);
	quality->silence_s = (double)checker->sounds.silent_frames / 48000;
	quality->longest_silence_s = (double)checker->sounds.longest_silent_frames / 48000;
	quality->clipped = checker->sounds.clipped;
}

static void fill_whole(struct checker *checker)
{
	struct tr_check *check = checker->check;
	struct tr_quality *quality = &check->quality;
	int64_t end_ns = checker->video.end_ns > checker->audio.end_ns ? checker->video.end_ns
								       : checker->audio.end_ns;

	quality->bytes = checker->movie->size;
	quality->duration_ms = end_ns / TR_NS_PER_MS;
	if (quality->has_video && quality->has_audio)
		quality->track_difference_s =
			(double)(checker->video.end_ns - checker->audio.end_ns) / 1e9;
	if (!checker->movie->is_torn)
		return;
	check->is_truncated = true;
	quality->ended_early = true;
	snprintf(check->trouble, sizeof(check->trouble),
		"the file is cut off in the middle of a write; %.1f s of it are there",
		(double)end_ns / 1e9);
}

/* ---- open and close ---- */

static int open_track(struct checker *checker, struct track *track, int index)
{
	track->index = index;
	if (index < 0)
		return 0;
	return tr_movie_open_decoder(checker->movie, index, &track->codec);
}

static int open_all(struct checker *checker)
{
	checker->packet = av_packet_alloc();
	checker->frame = av_frame_alloc();
	if (!checker->packet || !checker->frame)
		return -ENOMEM;
	tr_sound_check_init(&checker->sounds);
	/* Files of others may tell too little in their header. */
	if (strcmp(checker->movie->format->iformat->name, "mov,mp4,m4a,3gp,3g2,mj2") != 0 &&
		avformat_find_stream_info(checker->movie->format, NULL) < 0)
		return -EBADMSG;
	int rc = open_track(checker, &checker->video, checker->movie->video);
	return rc < 0 ? rc : open_track(checker, &checker->audio, checker->movie->audio);
}

static void close_all(struct checker *checker)
{
	avcodec_free_context(&checker->video.codec);
	avcodec_free_context(&checker->audio.codec);
	av_packet_free(&checker->packet);
	av_frame_free(&checker->frame);
	tr_movie_close(checker->movie);
}

static int explain(struct tr_check *check, int rc)
{
	const char *sentence;

	switch (rc) {
	case -ENODATA:
		sentence = "the file is empty";
		break;
	case -EBADMSG:
		sentence = "this is not a video file, or it was cut off before its index";
		break;
	case -ENOTSUP:
		sentence = "the file is in a format that telerec cannot decode";
		break;
	case -ENOENT:
		sentence = "there is no such file";
		break;
	default:
		sentence = strerror(-rc);
	}
	snprintf(check->trouble, sizeof(check->trouble), "%s", sentence);
	return rc;
}

int tr_check_file(int dirfd, const char *path, bool sound_expected, struct tr_check *ret_check)
{
	TR_CLEANUP(close_all)
	struct checker checker = {.check = ret_check, .video.index = -1, .audio.index = -1};

	*ret_check = (struct tr_check){.quality.sound_expected = sound_expected};
	int rc = tr_movie_open(dirfd, path, &checker.movie);
	if (rc == 0 && checker.movie->video < 0 && checker.movie->audio < 0)
		rc = -EBADMSG;
	if (rc == 0)
		rc = open_all(&checker);
	if (rc < 0)
		return explain(ret_check, rc);

	decode_all(&checker);
	fill_pictures(&checker);
	fill_sound(&checker);
	fill_whole(&checker);
	return 0;
}

/* ---- for people and programs ---- */

static void print_reasons(FILE *out, const struct tr_check *check)
{
	struct tr_grade grade;

	tr_grade_of(&check->quality, &grade);
	fprintf(out, "  grade    %c\n", grade.letter);
	for (unsigned i = 0; i < grade.count; i++)
		fprintf(out, "           - %s\n", grade.reasons[i]);
}

int tr_check_print(FILE *out, const char *name, const struct tr_check *check)
{
	const struct tr_quality *q = &check->quality;
	char bytes[16];

	fprintf(out, "%s\n", name);
	if (check->trouble[0])
		fprintf(out, "  trouble  %s\n", check->trouble);
	if (q->duration_ms > 0) {
		tr_text_format_bytes(q->bytes, bytes, sizeof(bytes));
		fprintf(out, "  length   %.1f s, %s\n", (double)q->duration_ms / 1000, bytes);
		if (q->has_video)
			fprintf(out,
				"  picture  %dx%d, %lld pictures, %.1f a second; black %.0f s, "
				"white %.0f s, longest still %.0f s\n",
				q->width, q->height, (long long)check->pictures, check->mean_rate,
				q->black_s, q->white_s, q->longest_frozen_s);
		if (q->has_audio)
			fprintf(out,
				"  sound    peak %.1f dBFS, RMS %.1f dBFS, silent %.1f s, longest "
				"hole %.3f s\n",
				q->peak_db, q->rms_db, q->silence_s, q->file_gap_s);
		fprintf(out, "  decoded  %lld errors, %lld wrong times\n",
			(long long)q->decode_errors, (long long)q->time_errors);
		print_reasons(out, check);
	}
	return fflush(out) == EOF || ferror(out) ? -EIO : 0;
}

int tr_check_print_json(FILE *out, const char *name, const struct tr_check *check)
{
	json_t *quality = tr_report_make_json(&check->quality);
	json_t *root =
		quality ? json_pack("{s:s, s:s, s:b, s:I, s:f, s:o}", "file", name, "trouble",
				  check->trouble, "truncated", check->is_truncated, "pictures",
				  (json_int_t)check->pictures, "mean_rate", check->mean_rate,
				  "quality", quality)
			: NULL;
	if (!root)
		return -ENOMEM;
	int rc = json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
	json_decref(root);
	return rc < 0 || fputc('\n', out) == EOF || fflush(out) == EOF ? -EIO : 0;
}
