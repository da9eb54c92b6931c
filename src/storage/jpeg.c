#include "storage/jpeg.h"

#include "storage/movie.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>
#include <string.h>

#define QUALITY 5 /* 2 is the best there is, 31 the worst */

int tr_jpeg_encode(const AVFrame *frame, AVPacket *packet)
{
	const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
	AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;

	if (!context)
		return -ENOTSUP;
	context->width = frame->width;
	context->height = frame->height;
	context->pix_fmt = (enum AVPixelFormat)frame->format;
	context->color_range = AVCOL_RANGE_JPEG;
	context->time_base = (AVRational){1, 1};
	context->flags |= AV_CODEC_FLAG_QSCALE;
	context->global_quality = frame->quality;
	context->thread_count = 1;
	int rc = avcodec_open2(context, codec, NULL);
	if (rc >= 0)
		rc = avcodec_send_frame(context, frame);
	if (rc >= 0)
		rc = avcodec_receive_packet(context, packet);
	avcodec_free_context(&context);
	return rc < 0 ? tr_movie_errno(rc) : 0;
}

/* JPEG knows full range only, and BT.601 by custom. */
static int convert(const uint8_t *pixels, size_t stride, int width, int height, AVFrame *to)
{
	const uint8_t *const planes[4] = {pixels};
	const int strides[4] = {(int)stride};

	if (av_frame_get_buffer(to, 0) < 0)
		return -ENOMEM;
	struct SwsContext *sws = sws_getContext(width, height, AV_PIX_FMT_BGR0, to->width,
		to->height, AV_PIX_FMT_YUV420P, SWS_BILINEAR, NULL, NULL, NULL);
	if (!sws)
		return -ENOTSUP;
	/* The frame's own format says the range a second time, which swscale warns of. */
	sws_setColorspaceDetails(sws, sws_getCoefficients(SWS_CS_ITU601), 1,
		sws_getCoefficients(SWS_CS_ITU601), 1, 0, 1 << 16, 1 << 16);
	sws_scale(sws, planes, strides, 0, height, to->data, to->linesize);
	sws_freeContext(sws);
	return 0;
}

int tr_jpeg_make(const uint8_t *pixels, size_t stride, int width, int height, int to_width,
	void **ret_bytes, size_t *ret_size)
{
	AVFrame *frame = av_frame_alloc();
	AVPacket *packet = av_packet_alloc();
	int rc = frame && packet ? 0 : -ENOMEM;

	if (rc == 0) {
		frame->width = (to_width < width ? to_width : width) & ~1;
		frame->height = (int)((int64_t)height * frame->width / width) & ~1;
		frame->format = AV_PIX_FMT_YUVJ420P;
		frame->color_range = AVCOL_RANGE_JPEG;
		frame->quality = QUALITY * FF_QP2LAMBDA;
		rc = frame->width < 2 || frame->height < 2 ? -EINVAL : 0;
	}
	if (rc == 0)
		rc = convert(pixels, stride, width, height, frame);
	if (rc == 0)
		rc = tr_jpeg_encode(frame, packet);
	void *bytes = rc == 0 ? malloc((size_t)packet->size) : NULL;
	if (bytes) {
		memcpy(bytes, packet->data, (size_t)packet->size);
		*ret_bytes = bytes;
		*ret_size = (size_t)packet->size;
	} else if (rc == 0) {
		rc = -ENOMEM;
	}
	av_frame_free(&frame);
	av_packet_free(&packet);
	return rc;
}
