#include "common/reader.h"

#include "core/log.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>
#include <math.h>

#define TR_LOG_AREA "reader"

struct track {
	int index; /* -1: none */
	AVStream *stream;
	AVCodecContext *codec;
};

struct reader {
	AVFormatContext *format;
	struct track video, sound;
	AVPacket *packet;
	AVFrame *frame;
	float *mono;
	size_t mono_room;
	double next_sound_s; /* where sound without a time of its own goes */
	const struct bench_reader_sink *sink;
	struct bench_reader_result result;
};

static void fini(struct reader *reader)
{
	avcodec_free_context(&reader->video.codec);
	avcodec_free_context(&reader->sound.codec);
	avformat_close_input(&reader->format);
	av_packet_free(&reader->packet);
	av_frame_free(&reader->frame);
	free(reader->mono);
}

static int open_track(struct reader *reader, enum AVMediaType type, struct track *track)
{
	const AVCodec *decoder = NULL;
	track->index = av_find_best_stream(reader->format, type, -1, -1, &decoder, 0);
	if (track->index < 0 || !decoder) {
		track->index = -1;
		return 0;
	}
	track->stream = reader->format->streams[track->index];
	track->codec = avcodec_alloc_context3(decoder);
	if (!track->codec)
		return -ENOMEM;
	track->codec->pkt_timebase = track->stream->time_base;
	track->codec->thread_count = 2;
	int rc = avcodec_parameters_to_context(track->codec, track->stream->codecpar);
	if (rc < 0)
		return rc;
	return avcodec_open2(track->codec, decoder, NULL);
}

static bool is_luma_first(const AVFrame *frame)
{
	const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
	return format && !(format->flags & AV_PIX_FMT_FLAG_RGB) && format->comp[0].plane == 0 &&
	       format->comp[0].step == 1 && format->comp[0].depth == 8;
}

static double time_of(const AVFrame *frame, const struct track *track)
{
	if (frame->best_effort_timestamp == AV_NOPTS_VALUE)
		return NAN;
	return (double)frame->best_effort_timestamp * av_q2d(track->stream->time_base);
}

static int give_picture(struct reader *reader)
{
	double time_s = time_of(reader->frame, &reader->video);
	if (!is_luma_first(reader->frame))
		return tr_fail(-ENOTSUP, "pictures are not 8-bit YUV");
	if (isnan(time_s))
		return 0;
	reader->result.pictures++;
	return reader->sink->picture(reader->sink->user, reader->frame, time_s);
}

static float sample_of(const AVFrame *frame, int channel, int i, int channels)
{
	switch (frame->format) {
	case AV_SAMPLE_FMT_FLTP:
		return ((const float *)frame->extended_data[channel])[i];
	case AV_SAMPLE_FMT_FLT:
		return ((const float *)frame->data[0])[i * channels + channel];
	case AV_SAMPLE_FMT_S16P:
		return (float)((const int16_t *)frame->extended_data[channel])[i] / 32768.0f;
	case AV_SAMPLE_FMT_S16:
		return (float)((const int16_t *)frame->data[0])[i * channels + channel] / 32768.0f;
	case AV_SAMPLE_FMT_S32:
		return (float)((const int32_t *)frame->data[0])[i * channels + channel] /
		       2147483648.0f;
	default:
		return NAN;
	}
}

static int give_sound(struct reader *reader)
{
	const AVFrame *frame = reader->frame;
	int channels = frame->ch_layout.nb_channels, count = frame->nb_samples;

	if ((size_t)count > reader->mono_room) {
		float *grown = realloc(reader->mono, (size_t)count * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		reader->mono = grown;
		reader->mono_room = (size_t)count;
	}
	for (int i = 0; i < count; i++) {
		float sum = 0;
		for (int channel = 0; channel < channels; channel++)
			sum += sample_of(frame, channel, i, channels);
		reader->mono[i] = sum / (float)channels;
	}
	if (count && isnan(reader->mono[0]))
		return tr_fail(-ENOTSUP, "sound has a sample format that is not known here");

	double time_s = time_of(frame, &reader->sound);
	if (isnan(time_s))
		time_s = reader->next_sound_s;
	reader->next_sound_s = time_s + (double)count / frame->sample_rate;
	reader->result.samples += (size_t)count;
	reader->result.rate = frame->sample_rate;
	return reader->sink->sound(
		reader->sink->user, reader->mono, (size_t)count, frame->sample_rate, time_s);
}

static int decode(struct reader *reader, struct track *track, const AVPacket *packet)
{
	int rc = avcodec_send_packet(track->codec, packet);
	if (rc < 0 && rc != AVERROR_EOF)
		reader->result.errors++;
	while ((rc = avcodec_receive_frame(track->codec, reader->frame)) >= 0) {
		rc = track == &reader->video ? give_picture(reader) : give_sound(reader);
		if (rc < 0)
			return rc;
	}
	if (rc != AVERROR(EAGAIN) && rc != AVERROR_EOF)
		reader->result.errors++;
	return 0;
}

static int read_all(struct reader *reader)
{
	int rc;
	while ((rc = av_read_frame(reader->format, reader->packet)) >= 0) {
		struct track *track = NULL;
		if (reader->packet->stream_index == reader->video.index)
			track = &reader->video;
		else if (reader->packet->stream_index == reader->sound.index)
			track = &reader->sound;
		if (track == &reader->video) {
			double end = (double)(reader->packet->pts + reader->packet->duration) *
				     av_q2d(track->stream->time_base);
			if (end > reader->result.video_end_s)
				reader->result.video_end_s = end;
		}
		rc = track ? decode(reader, track, reader->packet) : 0;
		av_packet_unref(reader->packet);
		if (rc < 0)
			return rc;
	}
	if (rc != AVERROR_EOF)
		reader->result.errors++;
	rc = reader->video.codec ? decode(reader, &reader->video, NULL) : 0;
	if (rc >= 0 && reader->sound.codec)
		rc = decode(reader, &reader->sound, NULL);
	return rc;
}

static int open_all(struct reader *reader, const char *path)
{
	int rc = avformat_open_input(&reader->format, path, NULL, NULL);
	if (rc >= 0)
		rc = avformat_find_stream_info(reader->format, NULL);
	if (rc >= 0 && reader->sink->picture)
		rc = open_track(reader, AVMEDIA_TYPE_VIDEO, &reader->video);
	if (rc >= 0 && reader->sink->sound)
		rc = open_track(reader, AVMEDIA_TYPE_AUDIO, &reader->sound);
	if (rc < 0) {
		tr_error("cannot open %s: %s", path, av_err2str(rc));
		return -EIO;
	}
	if (reader->format->duration != AV_NOPTS_VALUE)
		reader->result.duration_s = (double)reader->format->duration / AV_TIME_BASE;
	return 0;
}

int bench_reader_run(
	const char *path, const struct bench_reader_sink *sink, struct bench_reader_result *ret)
{
	struct reader reader = {.sink = sink, .video.index = -1, .sound.index = -1};

	av_log_set_level(AV_LOG_ERROR);
	reader.packet = av_packet_alloc();
	reader.frame = av_frame_alloc();
	int rc = reader.packet && reader.frame ? open_all(&reader, path) : -ENOMEM;
	if (rc >= 0)
		rc = read_all(&reader);
	*ret = reader.result;
	fini(&reader);
	return rc < 0 ? rc : 0;
}
