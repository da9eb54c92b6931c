/*
 * h264_vaapi: NV12 pictures copied into surfaces of the driver's, or what the device's converter
 * makes of surfaces of a screen, encoded by FFmpeg's encoder on a display of our own.
 */
#include "encode/gpu_codec.h"

#include <libavcodec/avcodec.h>
#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>

#include <errno.h>
#include <string.h>

struct tr_video {
	struct tr_gpu_codec codec;
	struct tr_vaapi_device *device;
	AVBufferRef *frames;
	struct tr_vaapi_vpp *vpp; /* zero-copy alone: NULL until a surface is attached */
	AVFrame *target;	  /* ... and what it converts into */
};

/* ---- opening ---- */

static void vaapi_close(struct tr_video *video)
{
	if (!video)
		return;
	tr_gpu_codec_fini(&video->codec);
	tr_vaapi_vpp_close(video->vpp);
	av_frame_free(&video->target);
	av_buffer_unref(&video->frames);
	tr_vaapi_device_close(video->device);
	tr_gpu_words_attach(NULL);
	free(video);
}

TR_CLEANUP_DEFINE(struct tr_video, vaapi_close)

/* Surfaces of whole macroblocks: the rows below the picture are ours to fill, or they would be
 * green and bleed into its edge. */
static int make_surfaces(struct tr_video *video)
{
	video->frames = av_hwframe_ctx_alloc(tr_vaapi_device_context(video->device));
	if (!video->frames)
		return -ENOMEM;
	AVHWFramesContext *frames = (AVHWFramesContext *)video->frames->data;
	frames->format = AV_PIX_FMT_VAAPI;
	frames->sw_format = AV_PIX_FMT_NV12;
	frames->width = tr_gpu_blocks_round(video->codec.settings.width);
	frames->height = tr_gpu_blocks_round(video->codec.settings.height);
	if (av_hwframe_ctx_init(video->frames) < 0)
		return tr_gpu_fail(&video->codec.words, -EIO, "the device gives no NV12 surfaces");
	return 0;
}

static const char *name_control(const struct tr_gpu_rate *rate)
{
	return rate->control == TR_RUNG_RATE_CQP   ? "CQP"
	       : rate->control == TR_RUNG_RATE_CBR ? "CBR"
						   : "VBR";
}

static int prepare(struct tr_video *video, AVCodecContext *codec)
{
	const struct tr_rung *rung = &video->codec.rung;
	void *own = codec->priv_data;

	codec->pix_fmt = AV_PIX_FMT_VAAPI;
	if (rung->profile == 66)
		codec->profile = 66 | 1 << 9; /* Constrained Baseline */
	codec->hw_frames_ctx = av_buffer_ref(video->frames);
	int rc = av_opt_set(own, "rc_mode", name_control(&video->codec.rate), 0);
	if (rc >= 0)
		rc = av_opt_set_int(own, "async_depth", 1, 0); /* each picture comes out at once */
	/* No messages about timing: they would bring the bitrate into the sequence parameter set,
	 * and with it a header of its own for each bitrate. Our times are the container's. */
	if (rc >= 0)
		rc = av_opt_set_int(own, "sei", 0, 0);
	if (rc >= 0)
		rc = av_opt_set_int(own, "aud", 0, 0);
	if (rc >= 0 && rung->is_low_power)
		rc = av_opt_set_int(own, "low_power", 1, 0);
	if (rc >= 0 && rung->level > 0)
		rc = av_opt_set_int(own, "quality", rung->level, 0);
	return rc;
}

/* ---- a picture ---- */

static VASurfaceID target_of(const struct tr_video *video)
{
	return (VASurfaceID)(uintptr_t)video->target->data[3]; /* so FFmpeg has it */
}

static int convert_surface(struct tr_video *video, int number)
{
	return tr_vaapi_vpp_convert(video->vpp, number, video->codec.settings.width,
		video->codec.settings.height, target_of(video));
}

/* A surface of NV12: the picture uploaded, or what the device makes of a surface. There is one for
 * these, as its picture has been encoded when the next one comes. */
static int bring_surface(
	struct tr_video *video, const struct tr_video_input *input, AVFrame *surface)
{
	if (input->surface == 0)
		return tr_vaapi_upload(video->frames, &video->codec.words, input->picture, surface);
	int rc = convert_surface(video, input->surface);
	return rc < 0 ? rc : av_frame_ref(surface, video->target) < 0 ? -ENOMEM : 0;
}

static int bring(struct tr_video *video, const struct tr_video_input *input, AVFrame *surface)
{
	int rc = bring_surface(video, input, surface);
	surface->width = video->codec.settings.width;
	surface->height = video->codec.settings.height;
	return rc;
}

static const struct tr_gpu_codec_ops codec_ops = {
	.name = "h264_vaapi",
	.maker = "driver",
	.prepare = prepare,
	.bring = bring,
};

static int vaapi_open(const struct tr_video_request *request, struct tr_video **ret)
{
	TR_CLEANUP(vaapi_closep) struct tr_video *video = calloc(1, sizeof(*video));

	if (!video)
		return -ENOMEM;
	int rc = tr_gpu_codec_init(&video->codec, &codec_ops, video, request);
	if (rc == 0)
		rc = tr_vaapi_device_open(&video->codec.rung, &video->codec.words, &video->device);
	if (rc == 0)
		rc = make_surfaces(video);
	if (rc == 0)
		rc = tr_gpu_codec_open(&video->codec);
	if (rc < 0)
		return rc;
	*ret = tr_take(video);
	return 0;
}

static int vaapi_encode(
	struct tr_video *video, const struct tr_video_input *input, struct tr_video_output *output)
{
	return tr_gpu_codec_encode(&video->codec, input, output);
}

/* ---- surfaces ---- */

/* The surface is filled once, where the picture does not reach: black, whatever a driver does with
 * the background's colour. */
static int open_vpp(struct tr_video *video)
{
	if (!video->target)
		video->target = av_frame_alloc();
	int rc = video->target ? 0 : -ENOMEM;
	if (rc == 0 && !video->target->buf[0])
		rc = tr_vaapi_upload(video->frames, &video->codec.words, NULL, video->target);
	if (rc < 0)
		return rc;
	return tr_vaapi_vpp_open(video->device, &video->codec.words, target_of(video),
		tr_gpu_blocks_round(video->codec.settings.width),
		tr_gpu_blocks_round(video->codec.settings.height), &video->vpp);
}

static int vaapi_attach(struct tr_video *video, int number, const struct tr_surface *surface)
{
	tr_gpu_words_reset(&video->codec.words);
	int rc = video->vpp ? 0 : open_vpp(video);
	return rc < 0 ? rc : tr_vaapi_vpp_attach(video->vpp, number, surface);
}

static int vaapi_convert(struct tr_video *video, int number, const struct tr_picture *ret_picture)
{
	tr_gpu_words_reset(&video->codec.words);
	int rc = convert_surface(video, number);
	if (rc == 0)
		rc = tr_vaapi_vpp_wait(video->vpp, target_of(video));
	return rc < 0 ? rc : tr_vaapi_download(&video->codec.words, video->target, ret_picture);
}

static size_t vaapi_extradata(const struct tr_video *video, const uint8_t **ret)
{
	*ret = video->codec.extradata;
	return video->codec.extradata_size;
}

const struct tr_video_ops tr_video_vaapi = {
	.name = "h264_vaapi",
	.open = vaapi_open,
	.encode = vaapi_encode,
	.extradata = vaapi_extradata,
	.close = vaapi_close,
	.attach = vaapi_attach,
	.convert = vaapi_convert,
};
