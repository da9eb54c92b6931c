#include "storage/finish.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "storage/finish_room.h"
#include "storage/movie.h"

#include <errno.h>
#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TR_LOG_AREA "finish"

#define VIDEO_SCALE 90000
#define AUDIO_RATE 48000
#define FRAME_SAMPLES 1024
#define PRIMING 1024
#define USUAL_PICTURE (VIDEO_SCALE / 30)
#define PAUSE_MAX_NS (3600 * TR_NS_PER_S) /* between parts */
#define SPARE_BYTES (INT64_C(64) << 20)	  /* that making the file leaves free, or ... */
#define SILENCE_FRAMES 6		  /* the encoder's state has settled by then */

struct joiner {
	AVFormatContext *out;
	AVStream *video; /* NULL: none */
	AVStream *audio;
	AVPacket *held;	   /* the last picture, until its length is known */
	AVPacket *silence; /* one encoded frame */
	bool has_held;
	bool differs;	    /* the part's parameter sets are not the header's */
	int64_t next_sound; /* where the sound goes on, in samples */
	struct tr_finish_result result;
};

/* ---- silence ---- */

static AVCodecContext *open_silence_encoder(const AVCodecParameters *like)
{
	const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
	AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;

	if (!context)
		return NULL;
	context->sample_rate = like->sample_rate;
	context->sample_fmt = AV_SAMPLE_FMT_FLTP;
	context->bit_rate = like->bit_rate > 0 ? like->bit_rate : 128000;
	context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	/* A file's header tells the number of channels only, which is no layout to the encoder. */
	av_channel_layout_default(&context->ch_layout, like->ch_layout.nb_channels);
	if (avcodec_open2(context, codec, NULL) < 0)
		avcodec_free_context(&context);
	return context;
}

static AVFrame *make_silent_frame(const AVCodecContext *context)
{
	AVFrame *frame = av_frame_alloc();

	if (!frame)
		return NULL;
	frame->format = context->sample_fmt;
	frame->nb_samples = FRAME_SAMPLES;
	frame->sample_rate = context->sample_rate;
	if (av_channel_layout_copy(&frame->ch_layout, &context->ch_layout) < 0 ||
		av_frame_get_buffer(frame, 0) < 0) {
		av_frame_free(&frame);
		return NULL;
	}
	for (int i = 0; i < frame->ch_layout.nb_channels; i++)
		memset(frame->extended_data[i], 0, FRAME_SAMPLES * sizeof(float));
	return frame;
}

static int make_silence(const AVCodecParameters *like, AVPacket *silence)
{
	AVCodecContext *context = open_silence_encoder(like);
	AVFrame *frame = context ? make_silent_frame(context) : NULL;
	int rc = frame ? 0 : -ENOTSUP;

	for (int i = 0; rc == 0 && i < SILENCE_FRAMES; i++) {
		frame->pts = (int64_t)i * FRAME_SAMPLES;
		rc = avcodec_send_frame(context, frame) < 0 ? -EIO : 0;
		av_packet_unref(silence);
		if (rc == 0 && avcodec_receive_packet(context, silence) < 0 && i > 2)
			rc = -EIO;
	}
	av_frame_free(&frame);
	avcodec_free_context(&context);
	return rc;
}

/* ---- writing ---- */

static int write_packet(struct joiner *joiner, AVPacket *packet, AVStream *stream, int scale)
{
	packet->stream_index = stream->index;
	packet->pos = -1;
	packet->time_base = (AVRational){1, scale};
	packet->flags &= AV_PKT_FLAG_KEY;
	av_packet_free_side_data(packet);
	av_packet_rescale_ts(packet, packet->time_base, stream->time_base);
	int rc = av_interleaved_write_frame(joiner->out, packet);
	if (rc >= 0 && joiner->out->pb->error < 0)
		rc = joiner->out->pb->error;
	return rc < 0 ? tr_movie_errno(rc) : 0;
}

static int write_held(struct joiner *joiner, int64_t end)
{
	AVPacket *held = joiner->held;

	if (!joiner->has_held)
		return 0;
	joiner->has_held = false;
	held->duration = end > held->pts ? end - held->pts : USUAL_PICTURE;
	joiner->result.pictures++;
	int64_t end_ns = av_rescale(held->pts + held->duration, TR_NS_PER_S, VIDEO_SCALE);
	if (end_ns > joiner->result.duration_ns)
		joiner->result.duration_ns = end_ns;
	int rc = write_packet(joiner, held, joiner->video, VIDEO_SCALE);
	av_packet_unref(held);
	return rc;
}

/* The parameter sets of another encoder go in front of its key pictures. */
static int prepend_parameter_sets(AVPacket *packet, const AVCodecParameters *from)
{
	const uint8_t *at = from->extradata + 5, *end = from->extradata + from->extradata_size;
	uint8_t sets[1024];
	size_t used = 0;

	for (int list = 0; list < 2 && at < end; list++) {
		int count = *at++ & (list == 0 ? 31 : 255);
		while (count-- > 0 && at + 2 <= end) {
			size_t size = (size_t)at[0] << 8 | at[1];
			at += 2;
			if (size > (size_t)(end - at) || used + 4 + size > sizeof(sets))
				return -EBADMSG;
			memcpy(sets + used, (uint8_t[]){0, 0, (uint8_t)(size >> 8), (uint8_t)size},
				4);
			memcpy(sets + used + 4, at, size);
			used += 4 + size;
			at += size;
		}
	}
	int old = packet->size;
	if (av_grow_packet(packet, (int)used) < 0)
		return -ENOMEM;
	memmove(packet->data + used, packet->data, (size_t)old);
	memcpy(packet->data, sets, used);
	return 0;
}

static int add_picture(
	struct joiner *joiner, AVPacket *packet, const AVStream *from, int64_t offset_ns)
{
	av_packet_rescale_ts(packet, from->time_base, (AVRational){1, VIDEO_SCALE});
	if (packet->dts == AV_NOPTS_VALUE)
		return 0;
	packet->pts = packet->dts = packet->dts + av_rescale(offset_ns, VIDEO_SCALE, TR_NS_PER_S);
	if (joiner->has_held && packet->pts <= joiner->held->pts)
		packet->pts = packet->dts = joiner->held->pts + 1;
	int rc = write_held(joiner, packet->pts);
	if (rc == 0 && joiner->differs && (packet->flags & AV_PKT_FLAG_KEY))
		rc = prepend_parameter_sets(packet, from->codecpar);
	if (rc < 0)
		return rc;
	av_packet_move_ref(joiner->held, packet);
	joiner->has_held = true;
	return 0;
}

static int write_sound(struct joiner *joiner, AVPacket *packet)
{
	packet->pts = packet->dts = joiner->next_sound;
	packet->duration = FRAME_SAMPLES;
	packet->flags |= AV_PKT_FLAG_KEY;
	joiner->next_sound += FRAME_SAMPLES;
	joiner->result.sounds++;
	int64_t end_ns = av_rescale(joiner->next_sound, TR_NS_PER_S, AUDIO_RATE);
	if (end_ns > joiner->result.duration_ns)
		joiner->result.duration_ns = end_ns;
	return write_packet(joiner, packet, joiner->audio, AUDIO_RATE);
}

/* Whole frames of silence up to `until`, to the nearest frame. */
static int fill_sound(struct joiner *joiner, int64_t until)
{
	while (until - joiner->next_sound >= FRAME_SAMPLES / 2) {
		if (!joiner->silence->data &&
			make_silence(joiner->audio->codecpar, joiner->silence) < 0)
			return tr_fail(-ENOTSUP, "cannot encode silence");
		AVPacket *copy = av_packet_clone(joiner->silence);
		if (!copy)
			return -ENOMEM;
		int rc = write_sound(joiner, copy);
		av_packet_free(&copy);
		if (rc < 0)
			return rc;
		joiner->result.filled++;
	}
	return 0;
}

/* Sound stays on one grid of frames: without a hole, at most half a frame (11 ms) off at a join. */
static int add_sound(
	struct joiner *joiner, AVPacket *packet, const AVStream *from, int64_t offset_ns)
{
	av_packet_rescale_ts(packet, from->time_base, (AVRational){1, AUDIO_RATE});
	if (packet->dts == AV_NOPTS_VALUE)
		return 0;
	int64_t at = packet->dts + av_rescale(offset_ns, AUDIO_RATE, TR_NS_PER_S);
	int rc = fill_sound(joiner, at);
	if (rc < 0)
		return rc;
	if (at < joiner->next_sound - FRAME_SAMPLES / 2)
		return 0; /* there is sound already */
	return write_sound(joiner, packet);
}

static int add_packets(struct joiner *joiner, struct tr_movie *movie, int64_t offset_ns)
{
	AVPacket *packet = av_packet_alloc();
	int rc = packet ? 0 : -ENOMEM;

	while (rc == 0) {
		int av_rc = av_read_frame(movie->format, packet);
		if (av_rc < 0) {
			/* What can be read is taken; a damaged rest is not worth the whole. */
			if (av_rc != AVERROR_EOF)
				tr_warning("a part is damaged, its rest is left out");
			break;
		}
		const AVStream *from = movie->format->streams[packet->stream_index];
		if (packet->stream_index == movie->video && joiner->video)
			rc = add_picture(joiner, packet, from, offset_ns);
		else if (packet->stream_index == movie->audio && joiner->audio)
			rc = add_sound(joiner, packet, from, offset_ns);
		av_packet_unref(packet);
	}
	av_packet_free(&packet);
	return rc;
}

/* ---- the new file's header ---- */

static int add_stream(struct joiner *joiner, const struct tr_movie *movie, int index, int scale,
	AVStream **stream)
{
	if (*stream || index < 0)
		return 0;
	AVStream *added = avformat_new_stream(joiner->out, NULL);
	const AVStream *from = movie->format->streams[index];
	if (!added || avcodec_parameters_copy(added->codecpar, from->codecpar) < 0)
		return -ENOMEM;
	added->codecpar->codec_tag = 0;
	added->time_base = (AVRational){1, scale};
	if (added->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) {
		added->codecpar->frame_size = FRAME_SAMPLES;
		added->codecpar->initial_padding = PRIMING;
	} else {
		added->codecpar->color_primaries = AVCOL_PRI_BT709;
		added->codecpar->color_trc = AVCOL_TRC_BT709;
		added->codecpar->color_space = AVCOL_SPC_BT709;
		added->codecpar->color_range = AVCOL_RANGE_MPEG;
	}
	*stream = added;
	return 0;
}

static bool is_our_kind(const struct tr_movie *movie)
{
	AVStream **streams = movie->format->streams;

	return (movie->video < 0 ||
		       streams[movie->video]->codecpar->codec_id == AV_CODEC_ID_H264) &&
	       (movie->audio < 0 ||
		       (streams[movie->audio]->codecpar->codec_id == AV_CODEC_ID_AAC &&
			       streams[movie->audio]->codecpar->sample_rate == AUDIO_RATE));
}

/* The streams are those of the first part that has them. */
static int find_streams(struct joiner *joiner, int dirfd, const struct tr_recording_part *parts,
	unsigned part_count)
{
	for (unsigned i = 0; i < part_count; i++) {
		TR_CLEANUP(tr_movie_closep) struct tr_movie *movie = NULL;
		int rc = tr_movie_open(dirfd, parts[i].file, &movie);
		if (rc < 0) {
			tr_warning("part %s cannot be read (%s), going on without it",
				parts[i].file, strerror(-rc));
			continue;
		}
		if (!is_our_kind(movie))
			return tr_fail(
				-ENOTSUP, "part %s is not H.264 and AAC at 48 kHz", parts[i].file);
		rc = add_stream(joiner, movie, movie->video, VIDEO_SCALE, &joiner->video);
		if (rc == 0)
			rc = add_stream(joiner, movie, movie->audio, AUDIO_RATE, &joiner->audio);
		if (rc < 0)
			return rc;
	}
	return joiner->out->nb_streams > 0 ? 0 : tr_fail(-ENODATA, "no part can be read");
}

static int write_header(struct joiner *joiner, int fd)
{
	AVDictionary *options = NULL, *keep = NULL;
	char url[64];

	/* libavformat opens its output by name, and once more to move the index to the front. */
	snprintf(url, sizeof(url), "/proc/self/fd/%d", fd);
	joiner->out->url = av_strdup(url);
	if (!joiner->out->url)
		return -ENOMEM;
	av_dict_set(&keep, "truncate", "0", 0); /* the room that is kept for it */
	int rc = avio_open2(&joiner->out->pb, url, AVIO_FLAG_WRITE, NULL, &keep);
	av_dict_free(&keep);
	if (rc < 0)
		return tr_movie_errno(rc);
	joiner->out->max_interleave_delta = 10 * AV_TIME_BASE;
	av_dict_set(&options, "movflags", "+faststart+write_colr", 0);
	rc = avformat_write_header(joiner->out, &options);
	av_dict_free(&options);
	return rc < 0 ? tr_movie_errno(rc) : 0;
}

/* ---- the whole ---- */

static bool has_other_picture_settings(const struct joiner *joiner, const struct tr_movie *movie)
{
	if (!joiner->video || movie->video < 0)
		return false;
	const AVCodecParameters *a = joiner->video->codecpar;
	const AVCodecParameters *b = movie->format->streams[movie->video]->codecpar;
	return a->extradata_size != b->extradata_size ||
	       memcmp(a->extradata, b->extradata, (size_t)a->extradata_size) != 0;
}

/* A part's place is by the wall clock, which may have been set between two parts. Then it comes
 * after what is there, and not years after. */
static int64_t place_of(const struct joiner *joiner, const struct tr_recording_part *part)
{
	int64_t end_ns = joiner->next_sound * TR_NS_PER_S / AUDIO_RATE;

	if (joiner->has_held && joiner->held->pts * TR_NS_PER_S / VIDEO_SCALE > end_ns)
		end_ns = joiner->held->pts * TR_NS_PER_S / VIDEO_SCALE;
	if (part->offset_ns >= end_ns && part->offset_ns <= end_ns + PAUSE_MAX_NS)
		return part->offset_ns;
	if (part->offset_ns > end_ns)
		end_ns += PAUSE_MAX_NS;
	tr_warning("the clock was set before %s: its place is %.1f s after the start", part->file,
		(double)end_ns / 1e9);
	return end_ns;
}

static int join_part(struct joiner *joiner, int dirfd, const struct tr_recording_part *part)
{
	TR_CLEANUP(tr_movie_closep) struct tr_movie *movie = NULL;

	if (tr_movie_open(dirfd, part->file, &movie) < 0)
		return 0; /* find_streams() has said so */
	joiner->differs = has_other_picture_settings(joiner, movie);
	int64_t before = joiner->result.pictures + joiner->result.sounds + joiner->has_held;
	int rc = add_packets(joiner, movie, place_of(joiner, part));
	if (joiner->result.pictures + joiner->result.sounds + joiner->has_held > before)
		joiner->result.parts_used++;
	return rc;
}

static int join_all(struct joiner *joiner, int dirfd, const struct tr_recording_part *parts,
	unsigned part_count)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < part_count; i++)
		rc = join_part(joiner, dirfd, &parts[i]);
	if (rc == 0)
		rc = write_held(joiner, av_rescale(joiner->next_sound, VIDEO_SCALE, AUDIO_RATE));
	if (rc == 0 && joiner->result.pictures + joiner->result.sounds == 0)
		return tr_fail(-ENODATA, "the parts hold nothing");
	if (rc == 0) {
		rc = av_write_trailer(joiner->out);
		rc = rc < 0 ? tr_movie_errno(rc) : 0;
	}
	return rc;
}

static void free_joiner(struct joiner *joiner)
{
	if (joiner->out && joiner->out->pb)
		avio_closep(&joiner->out->pb);
	avformat_free_context(joiner->out);
	av_packet_free(&joiner->held);
	av_packet_free(&joiner->silence);
}

static int write_new_file(int dirfd, int fd, const struct tr_recording_part *parts,
	unsigned part_count, struct tr_finish_result *ret)
{
	TR_CLEANUP(free_joiner)
	struct joiner joiner = {.next_sound = -PRIMING};

	joiner.held = av_packet_alloc();
	joiner.silence = av_packet_alloc();
	if (!joiner.held || !joiner.silence ||
		avformat_alloc_output_context2(&joiner.out, NULL, "mp4", NULL) < 0)
		return -ENOMEM;
	int rc = find_streams(&joiner, dirfd, parts, part_count);
	if (rc == 0)
		rc = write_header(&joiner, fd);
	if (rc == 0)
		rc = join_all(&joiner, dirfd, parts, part_count);
	if (joiner.out->pb) {
		int closed = avio_closep(&joiner.out->pb);
		if (rc == 0 && closed < 0)
			rc = tr_movie_errno(closed);
	}
	if (rc == 0)
		*ret = joiner.result;
	return rc;
}

/* What was written is in the new file's own index, and as long. */
static int verify(int dirfd, const char *name, const struct tr_finish_result *want)
{
	TR_CLEANUP(tr_movie_closep) struct tr_movie *movie = NULL;

	int rc = tr_movie_open(dirfd, name, &movie);
	if (rc < 0)
		return tr_fail(rc, "the finished file cannot be read back");
	int64_t pictures = movie->video < 0 ? 0 : movie->format->streams[movie->video]->nb_frames;
	int64_t sounds = movie->audio < 0 ? 0 : movie->format->streams[movie->audio]->nb_frames;
	int64_t off_ns = movie->duration_ns - want->duration_ns;
	if (pictures != want->pictures || sounds != want->sounds || movie->is_torn ||
		off_ns > TR_NS_PER_S / 10 || off_ns < -TR_NS_PER_S / 10)
		return tr_fail(-EIO,
			"the finished file has %lld pictures, %lld sounds, %.2f s instead of %lld, "
			"%lld, %.2f s",
			(long long)pictures, (long long)sounds, (double)movie->duration_ns / 1e9,
			(long long)want->pictures, (long long)want->sounds,
			(double)want->duration_ns / 1e9);
	return 0;
}

static int put_in_place(int dirfd, const char *temporary, const char *name)
{
	if (renameat(dirfd, temporary, dirfd, name) < 0)
		return tr_fail(-errno, "cannot give %s its name", name);
	TR_CLEANUP(tr_closep) int folder = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || fsync(folder) < 0)
		return tr_fail(-errno, "cannot sync the folder of %s", name);
	return 0;
}

/* A part that gave nothing may still mean something to a person: it stays. */
static void remove_parts(int dirfd, const struct tr_recording_part *parts, unsigned part_count)
{
	for (unsigned i = 0; i < part_count; i++) {
		TR_CLEANUP(tr_movie_closep) struct tr_movie *movie = NULL;
		if (tr_movie_open(dirfd, parts[i].file, &movie) < 0)
			continue;
		if (unlinkat(dirfd, parts[i].file, 0) < 0)
			tr_warning("cannot remove %s: %s", parts[i].file, strerror(errno));
	}
}

static int say(int rc, const char *name)
{
	if (rc == -ENOSPC || rc == -EDQUOT)
		return tr_fail(rc, "no room to make %s, the parts stay as the recording", name);
	return tr_fail(rc, "cannot make %s, the parts stay as the recording", name);
}

static int64_t bytes_of(int dirfd, const struct tr_recording_part *parts, unsigned part_count)
{
	struct stat st;
	int64_t bytes = 0;

	for (unsigned i = 0; i < part_count; i++)
		if (fstatat(dirfd, parts[i].file, &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += st.st_size;
	return bytes;
}

int tr_finish_recording(int dirfd, const char *name, const struct tr_recording_part *parts,
	unsigned part_count, struct tr_finish_result *ret_result)
{
	char temporary[NAME_MAX + 1];
	struct tr_finish_result result = {0};
	struct stat st = {0};

	int rc = tr_text_format(temporary, sizeof(temporary), ".%s.new", name);
	if (rc < 0)
		return say(rc, name);
	TR_CLEANUP(tr_closep)
	int fd = openat(dirfd, temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return say(-errno, name);

	rc = tr_finish_room_take(dirfd, fd, bytes_of(dirfd, parts, part_count));
	if (rc == 0)
		rc = write_new_file(dirfd, fd, parts, part_count, &result);
	if (rc == 0)
		rc = tr_finish_room_return(fd, &st);
	if (rc == 0)
		rc = verify(dirfd, temporary, &result);
	if (rc == 0)
		rc = put_in_place(dirfd, temporary, name);
	if (rc < 0) {
		unlinkat(dirfd, temporary, 0);
		return say(rc, name);
	}
	remove_parts(dirfd, parts, part_count);
	result.bytes = st.st_size;
	*ret_result = result;
	return 0;
}

int tr_finish_take_back(
	int dirfd, const char *name, const struct tr_recording_part *parts, unsigned part_count)
{
	if (faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : tr_fail(-errno, "cannot look for %s", name);
	if (part_count == 0)
		return tr_fail(-EEXIST, "%s is there, but none of its parts were", name);
	remove_parts(dirfd, parts + 1, part_count - 1);
	return put_in_place(dirfd, name, parts[0].file);
}
