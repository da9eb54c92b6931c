/* bench-player: plays a live stream with as little delay as a player can have, and says when each
 * picture of bench-content came out of the decoder. */
#include "capture/content.h"
#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TR_LOG_AREA "player"
#define TRIES 300
#define TRY_NS (100 * TR_NS_PER_MS)

struct player {
	AVFormatContext *format;
	AVCodecContext *codec;
	AVPacket *packet;
	AVFrame *frame;
	int video;
	FILE *log;
};

static void fini(struct player *player)
{
	avcodec_free_context(&player->codec);
	avformat_close_input(&player->format);
	av_packet_free(&player->packet);
	av_frame_free(&player->frame);
	if (player->log)
		fclose(player->log);
}

/* Nothing is read ahead: what the stream is is known from its first picture. */
static int open_stream(struct player *player, const char *url)
{
	AVDictionary *options = NULL;

	av_dict_set(&options, "fflags", "nobuffer", 0);
	av_dict_set(&options, "flags", "low_delay", 0);
	av_dict_set(&options, "probesize", "32", 0);
	av_dict_set(&options, "analyzeduration", "0", 0);
	av_dict_set(&options, "rtmp_live", "live", 0);
	av_dict_set(&options, "rtmp_buffer", "0", 0);
	av_dict_set(&options, "rw_timeout", "5000000", 0);
	int rc = avformat_open_input(&player->format, url, NULL, &options);
	av_dict_free(&options);
	return rc;
}

static int open_decoder(struct player *player, const AVStream *stream)
{
	player->codec = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
	if (!player->codec)
		return AVERROR(ENOMEM);
	player->codec->flags |= AV_CODEC_FLAG_LOW_DELAY;
	player->codec->thread_count = 1; /* a picture comes out with its own packet */
	int rc = avcodec_parameters_to_context(player->codec, stream->codecpar);
	return rc < 0 ? rc : avcodec_open2(player->codec, NULL, NULL);
}

/* FLV tells its tracks as they come. */
static int find_video(struct player *player)
{
	const AVStream *stream = player->format->streams[player->packet->stream_index];

	if (stream->codecpar->codec_id != AV_CODEC_ID_H264)
		return -EAGAIN;
	if (player->codec)
		return player->packet->stream_index == player->video ? 0 : -EAGAIN;
	if (!(player->packet->flags & AV_PKT_FLAG_KEY) || stream->codecpar->extradata_size == 0)
		return -EAGAIN;
	player->video = player->packet->stream_index;
	return open_decoder(player, stream);
}

static void show(struct player *player)
{
	while (avcodec_receive_frame(player->codec, player->frame) == 0) {
		const AVFrame *frame = player->frame;
		int64_t now_ns = tr_clock_now_ns();
		int number = bench_content_read_code(
			frame->data[0], frame->linesize[0], frame->width, frame->height);
		fprintf(player->log, "%d %lld\n", number, (long long)now_ns);
		fflush(player->log);
	}
}

static int play(struct player *player)
{
	while (av_read_frame(player->format, player->packet) >= 0) {
		int rc = find_video(player);
		if (rc == 0 && avcodec_send_packet(player->codec, player->packet) == 0)
			show(player);
		av_packet_unref(player->packet);
		if (rc < 0 && rc != -EAGAIN)
			return rc;
	}
	return 0;
}

int main(int argc, char **argv)
{
	TR_CLEANUP(fini) struct player player = {.video = -1};

	if (argc != 3) {
		fputs("usage: bench-player URL LOGFILE\n"
		      "Writes \"NUMBER NANOSECONDS\" for each picture shown, until the stream ends.\n",
			stderr);
		return 2;
	}
	av_log_set_level(AV_LOG_QUIET);
	player.packet = av_packet_alloc();
	player.frame = av_frame_alloc();
	player.log = fopen(argv[2], "we");
	if (!player.packet || !player.frame || !player.log)
		return 1;
	int rc = -1;
	for (int i = 0; rc < 0 && i < TRIES; i++) {
		rc = open_stream(&player, argv[1]);
		if (rc < 0)
			nanosleep(&(struct timespec){0, TRY_NS}, NULL);
	}
	if (rc < 0) {
		tr_error("there is no stream at %s", argv[1]);
		return 1;
	}
	return play(&player) < 0;
}
