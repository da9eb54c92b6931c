#include "clip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/dict.h>
#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>

struct run {
	const struct clip *clip;
	struct clip_result *result;
	AVBufferRef *device, *pool;
	AVCodecContext *encoder, *decoder;
	AVFrame *decoded;
	AVPacket *packet;
};

/* FFmpeg's callback has no pointer of ours. */
static struct clip_result *listener;

static void listen_to(void *object, int level, const char *format, va_list arguments)
{
	char line[512];

	(void)object;
	vsnprintf(line, sizeof(line), format, arguments);
	if (level > AV_LOG_WARNING || !listener)
		return;
	size_t used = strlen(listener->words);
	snprintf(listener->words + used, sizeof(listener->words) - used, "%s", line);
}

static uint8_t pixel(int plane, int x, int y, int n)
{
	int block = n * 24;
	bool is_in_block = x >= block % 256 && x < block % 256 + 96 && y >= 32 && y < 112;

	if (is_in_block)
		return (uint8_t)(x * 7 + y * 13 + n * 31 + plane * 50);
	return (uint8_t)(x * 3 + y * 5 + (x * y >> 6) + plane * 90);
}

static uint8_t expected(const struct clip *clip, int plane, int x, int y, int n)
{
	(void)clip;
	return plane == 0 ? pixel(0, x, y, n) : pixel(plane, x * 2, y * 2, n);
}

static void paint(const struct clip *clip, AVFrame *frame, int n)
{
	for (int y = 0; y < clip->height; y++)
		for (int x = 0; x < clip->width; x++)
			frame->data[0][y * frame->linesize[0] + x] = expected(clip, 0, x, y, n);
	for (int y = 0; y < clip->height / 2; y++)
		for (int x = 0; x < clip->width; x++)
			frame->data[1][y * frame->linesize[1] + x] =
				expected(clip, 1 + x % 2, x / 2, y, n);
}

static bool is_exact(const struct clip *clip, const AVFrame *frame, int n)
{
	if (frame->width != clip->width || frame->height != clip->height)
		return false;
	for (int plane = 0; plane < 3; plane++)
		for (int y = 0; y < clip->height >> (plane > 0); y++)
			for (int x = 0; x < clip->width >> (plane > 0); x++)
				if (frame->data[plane][y * frame->linesize[plane] + x] !=
					expected(clip, plane, x, y, n))
					return false;
	return true;
}

static int make_pool(struct run *run)
{
	run->pool = av_hwframe_ctx_alloc(run->device);
	if (!run->pool)
		return AVERROR(ENOMEM);
	AVHWFramesContext *frames = (AVHWFramesContext *)(void *)run->pool->data;
	frames->format = AV_PIX_FMT_VAAPI;
	frames->sw_format = AV_PIX_FMT_NV12;
	frames->width = run->clip->width;
	frames->height = run->clip->height;
	return av_hwframe_ctx_init(run->pool);
}

static int open_encoder(struct run *run)
{
	const char *name = run->clip->encoder ? run->clip->encoder : "h264_vaapi";
	AVDictionary *options = NULL;

	run->encoder = avcodec_alloc_context3(avcodec_find_encoder_by_name(name));
	run->encoder->width = run->clip->width;
	run->encoder->height = run->clip->height;
	run->encoder->time_base = (AVRational){1, 30};
	run->encoder->framerate = (AVRational){30, 1};
	run->encoder->pix_fmt = run->pool ? AV_PIX_FMT_VAAPI : AV_PIX_FMT_NV12;
	run->encoder->hw_frames_ctx = run->pool ? av_buffer_ref(run->pool) : NULL;
	run->encoder->color_range = AVCOL_RANGE_MPEG;
	run->encoder->color_primaries = AVCOL_PRI_BT709;
	run->encoder->color_trc = AVCOL_TRC_BT709;
	run->encoder->colorspace = AVCOL_SPC_BT709;
	av_dict_parse_string(&options, run->clip->options, "=", ":", 0);
	int rc = avcodec_open2(run->encoder, NULL, &options);
	av_dict_free(&options);
	return rc;
}

static int open_decoder(struct run *run)
{
	run->decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
	run->decoder->thread_count = 1;
	return avcodec_open2(run->decoder, NULL, NULL);
}

static void decode(struct run *run, const AVPacket *packet)
{
	if (avcodec_send_packet(run->decoder, packet) < 0)
		return;
	while (avcodec_receive_frame(run->decoder, run->decoded) == 0) {
		run->result->exact += is_exact(run->clip, run->decoded, run->result->decoded);
		run->result->decoded++;
		run->result->colours = run->decoded->colorspace;
	}
}

static int take_packets(struct run *run)
{
	int rc;

	while ((rc = avcodec_receive_packet(run->encoder, run->packet)) == 0) {
		run->result->packets++;
		run->result->empty += run->packet->size == 0;
		if (run->packet->size > 0)
			decode(run, run->packet);
		av_packet_unref(run->packet);
	}
	return rc == AVERROR(EAGAIN) || rc == AVERROR_EOF ? 0 : rc;
}

/* Gives a picture for the encoder to `ret`: in the pool's memory, when there is one. */
static int make_picture(struct run *run, int n, AVFrame **ret)
{
	AVFrame *picture = av_frame_alloc();

	picture->format = AV_PIX_FMT_NV12;
	picture->width = run->clip->width;
	picture->height = run->clip->height;
	int rc = av_frame_get_buffer(picture, 0);
	if (rc == 0)
		paint(run->clip, picture, n);
	if (rc == 0 && run->pool) {
		AVFrame *uploaded = av_frame_alloc();
		rc = av_hwframe_get_buffer(run->pool, uploaded, 0);
		if (rc == 0)
			rc = av_hwframe_transfer_data(uploaded, picture, 0);
		av_frame_free(&picture);
		picture = uploaded;
	}
	picture->pts = n;
	*ret = picture;
	return rc;
}

static int encode_one(struct run *run, int n)
{
	AVFrame *picture;

	run->result->stage = CLIP_UPLOAD;
	int rc = make_picture(run, n, &picture);
	if (rc == 0) {
		run->result->stage = CLIP_ENCODE;
		rc = avcodec_send_frame(run->encoder, picture);
	}
	av_frame_free(&picture);
	return rc == 0 ? take_packets(run) : rc;
}

static int run_all(struct run *run)
{
	bool is_vaapi = !run->clip->encoder;
	int rc = is_vaapi ? av_hwdevice_ctx_create(&run->device, AV_HWDEVICE_TYPE_VAAPI,
				    "/dev/dri/renderD128", NULL, 0)
			  : 0;

	if (rc == 0 && is_vaapi) {
		run->result->stage = CLIP_FRAMES;
		rc = make_pool(run);
	}
	if (rc == 0) {
		run->result->stage = CLIP_OPEN;
		rc = open_encoder(run);
	}
	if (rc == 0)
		rc = open_decoder(run);
	for (int n = 0; n < run->clip->frames && rc == 0; n++)
		rc = encode_one(run, n);
	if (rc == 0)
		rc = avcodec_send_frame(run->encoder, NULL);
	if (rc == 0)
		rc = take_packets(run);
	if (rc == 0) {
		decode(run, NULL);
		run->result->stage = CLIP_DONE;
	}
	return rc;
}

void clip_run(const struct clip *clip, struct clip_result *ret)
{
	struct run run = {.clip = clip, .result = ret};

	*ret = (struct clip_result){0};
	listener = ret;
	av_log_set_callback(listen_to);
	run.decoded = av_frame_alloc();
	run.packet = av_packet_alloc();
	ret->rc = run_all(&run);
	avcodec_free_context(&run.encoder);
	avcodec_free_context(&run.decoder);
	av_frame_free(&run.decoded);
	av_packet_free(&run.packet);
	av_buffer_unref(&run.pool);
	av_buffer_unref(&run.device);
	listener = NULL;
	av_log_set_callback(av_log_default_callback);
}
