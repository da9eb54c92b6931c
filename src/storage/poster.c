#include "storage/poster.h"

#include "core/file.h"
#include "storage/jpeg.h"
#include "storage/movie.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>

#define MAX_TRIES 20 /* key pictures looked at */
#define FLAT_RANGE                                                                                 \
	24 /* luma levels between the darkest and the lightest of a picture without content */

static bool is_flat(const AVFrame *frame)
{
	int low = 255, high = 0;

	for (int y = 0; y < frame->height; y += 8) {
		const uint8_t *line = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
		for (int x = 0; x < frame->width; x += 8) {
			low = line[x] < low ? line[x] : low;
			high = line[x] > high ? line[x] : high;
		}
	}
	return high - low < FLAT_RANGE;
}

/* Decodes until the key picture is out. */
static int decode_one(AVCodecContext *codec, AVPacket *packet, AVFrame *frame)
{
	avcodec_flush_buffers(codec);
	if (avcodec_send_packet(codec, packet) < 0)
		return -EBADMSG;
	avcodec_send_packet(codec, NULL);
	int rc = avcodec_receive_frame(codec, frame);
	avcodec_flush_buffers(codec);
	return rc < 0 ? -EBADMSG : 0;
}

/* The first key picture with content, else the first one of all. */
static int find_picture(struct tr_movie *movie, AVCodecContext *codec, AVFrame *best)
{
	AVPacket *packet = av_packet_alloc();
	AVFrame *frame = av_frame_alloc();
	int rc = packet && frame ? -ENODATA : -ENOMEM;

	for (int tries = 0; rc != -ENOMEM && tries < MAX_TRIES;) {
		if (av_read_frame(movie->format, packet) < 0)
			break;
		bool is_ours =
			packet->stream_index == movie->video && (packet->flags & AV_PKT_FLAG_KEY);
		if (is_ours && decode_one(codec, packet, frame) == 0) {
			bool flat = is_flat(frame);
			if (rc != 0 || !flat) {
				av_frame_unref(best);
				av_frame_move_ref(best, frame);
				rc = 0;
			}
			if (!flat)
				tries = MAX_TRIES;
		}
		tries += is_ours;
		av_frame_unref(frame);
		av_packet_unref(packet);
	}
	av_frame_free(&frame);
	av_packet_free(&packet);
	return rc;
}

static int seek_to_tenth(struct tr_movie *movie)
{
	if (movie->format->duration <= 0)
		return 0;
	return av_seek_frame(movie->format, -1, movie->format->duration / 10, AVSEEK_FLAG_BACKWARD);
}

/* JPEG knows full range only, and BT.601 by custom. */
static int convert(const AVFrame *from, AVFrame *to)
{
	to->width = from->width > TR_POSTER_WIDTH ? TR_POSTER_WIDTH : from->width & ~1;
	to->height = (int)((int64_t)from->height * to->width / from->width) & ~1;
	to->format = AV_PIX_FMT_YUVJ420P;
	if (to->width < 2 || to->height < 2)
		return -EINVAL;
	if (av_frame_get_buffer(to, 0) < 0)
		return -ENOMEM;
	struct SwsContext *sws =
		sws_getContext(from->width, from->height, (enum AVPixelFormat)from->format,
			to->width, to->height, AV_PIX_FMT_YUVJ420P, SWS_AREA, NULL, NULL, NULL);
	if (!sws)
		return -ENOTSUP;
	sws_setColorspaceDetails(sws, sws_getCoefficients(SWS_CS_ITU709), 0,
		sws_getCoefficients(SWS_CS_ITU601), 1, 0, 1 << 16, 1 << 16);
	sws_scale(sws, (const uint8_t *const *)from->data, from->linesize, 0, from->height,
		to->data, to->linesize);
	sws_freeContext(sws);
	to->color_range = AVCOL_RANGE_JPEG;
	to->quality = 3 * FF_QP2LAMBDA;
	return 0;
}

static int write_poster(int dirfd, const char *name, const AVFrame *picture)
{
	AVFrame *small = av_frame_alloc();
	AVPacket *packet = av_packet_alloc();
	int rc = small && packet ? convert(picture, small) : -ENOMEM;

	if (rc == 0)
		rc = tr_jpeg_encode(small, packet);
	if (rc == 0)
		rc = tr_file_replace(dirfd, name, packet->data, (size_t)packet->size);
	av_frame_free(&small);
	av_packet_free(&packet);
	return rc;
}

int tr_poster_make(int dirfd, const char *movie_name, const char *poster)
{
	TR_CLEANUP(tr_movie_closep) struct tr_movie *movie = NULL;
	AVCodecContext *codec = NULL;

	int rc = tr_movie_open(dirfd, movie_name, &movie);
	if (rc < 0)
		return rc;
	if (movie->video < 0)
		return -ENODATA;
	rc = tr_movie_open_decoder(movie, movie->video, &codec);
	if (rc < 0)
		return rc;
	AVFrame *picture = av_frame_alloc();
	rc = picture ? 0 : -ENOMEM;
	if (rc == 0) {
		seek_to_tenth(movie);
		rc = find_picture(movie, codec, picture);
	}
	if (rc == -ENODATA && av_seek_frame(movie->format, -1, 0, AVSEEK_FLAG_BACKWARD) >= 0)
		rc = find_picture(movie, codec, picture);
	if (rc == 0)
		rc = write_poster(dirfd, poster, picture);
	av_frame_free(&picture);
	avcodec_free_context(&codec);
	return rc;
}
