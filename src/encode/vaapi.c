/*
 * h264_vaapi: NV12 pictures copied into surfaces of the driver's, encoded by FFmpeg's encoder on a
 * display of our own.
 *
 * At its opening it encodes a grey picture and throws it away. So a driver that opens but does not
 * encode is found out before anything depends on it, and the parameter sets are known also where
 * the driver writes them itself into the first key picture (AMD's).
 */
#define TR_LOG_AREA "vaapi"
#include "core/log.h"
#include "encode/avcc.h"
#include "encode/gpu_internal.h"
#include "encode/gpu_rate.h"
#include "encode/h264_level.h"
#include "encode/nal.h"
#include "encode/sps.h"

#include <libavcodec/avcodec.h>
#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Key pictures come when asked for; drivers want a number all the same. */
#define LONGEST_GROUP 10000

struct tr_video {
	struct tr_video_settings settings;
	struct tr_rung rung;
	struct tr_gpu_words words;
	char unheard[8]; /* where words go when nobody gave room */
	struct tr_vaapi_device *device;
	AVBufferRef *frames;
	struct tr_vaapi_vpp *vpp; /* zero-copy alone: NULL until a surface is attached */
	AVFrame *target;	  /* ... and what it converts into */
	AVCodecContext *codec;
	AVPacket *packet;
	int64_t count;
	struct tr_gpu_rate rate;
	int coarser;	     /* as it is opened */
	int refused_coarser; /* this many change the parameter sets: not to be tried again; 0: none
			      */
	uint8_t extradata[TR_VIDEO_EXTRADATA_MAX];
	size_t extradata_size;
};

/* ---- opening ---- */

static void close_codec(struct tr_video *video)
{
	avcodec_free_context(&video->codec);
}

static void vaapi_close(struct tr_video *video)
{
	if (!video)
		return;
	close_codec(video);
	av_packet_free(&video->packet);
	tr_vaapi_vpp_close(video->vpp);
	av_frame_free(&video->target);
	av_buffer_unref(&video->frames);
	tr_vaapi_device_close(video->device);
	tr_gpu_words_attach(NULL);
	free(video);
}

TR_CLEANUP_DEFINE(struct tr_video, vaapi_close)

static int to_block(int pixels)
{
	return (pixels + 15) / 16 * 16;
}

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
	frames->width = to_block(video->settings.width);
	frames->height = to_block(video->settings.height);
	if (av_hwframe_ctx_init(video->frames) < 0)
		return tr_gpu_fail(&video->words, -EIO, "the device gives no NV12 surfaces");
	return 0;
}

static void set_shape(AVCodecContext *codec, const struct tr_video *video)
{
	const struct tr_video_settings *s = &video->settings;
	int kbps = video->rate.control == TR_RUNG_RATE_CQP ? 0 : video->rate.max_kbps;

	codec->width = s->width;
	codec->height = s->height;
	codec->pix_fmt = AV_PIX_FMT_VAAPI;
	codec->time_base = (AVRational){1, s->rate};
	codec->framerate = (AVRational){s->rate, 1};
	codec->sample_aspect_ratio = (AVRational){1, 1};
	codec->gop_size = LONGEST_GROUP;
	codec->max_b_frames = 0;
	codec->color_primaries = AVCOL_PRI_BT709;
	codec->color_trc = AVCOL_TRC_BT709;
	codec->colorspace = AVCOL_SPC_BT709;
	codec->color_range = AVCOL_RANGE_MPEG;
	codec->profile = video->rung.profile == 66 ? 66 | 1 << 9 /* Constrained Baseline */
						   : video->rung.profile;
	codec->level = tr_h264_level_find(s->width, s->height, s->rate, kbps);
}

static const char *set_rate(AVCodecContext *codec, const struct tr_gpu_rate *rate)
{
	if (rate->control == TR_RUNG_RATE_CQP) {
		/* Key pictures' quantizer must not move with the others': it is written into the
		 * picture parameter set. */
		codec->i_quant_factor = 0.0001f;
		codec->i_quant_offset = (float)rate->key_qp;
		codec->global_quality = rate->qp;
		return "CQP";
	}
	codec->bit_rate = rate->kbps * INT64_C(1000);
	codec->rc_max_rate = rate->max_kbps * INT64_C(1000);
	codec->rc_buffer_size = rate->buffer_kbit * 1000;
	if (rate->qp > 0)
		codec->qmin = rate->qp;
	return rate->control == TR_RUNG_RATE_CBR ? "CBR" : "VBR";
}

static int set_options(AVCodecContext *codec, const struct tr_video *video)
{
	void *own = codec->priv_data;

	int rc = av_opt_set(own, "rc_mode", set_rate(codec, &video->rate), 0);
	if (rc >= 0)
		rc = av_opt_set_int(own, "async_depth", 1, 0); /* each picture comes out at once */
	/* No messages about timing: they would bring the bitrate into the sequence parameter set,
	 * and with it a header of its own for each bitrate. Our times are the container's. */
	if (rc >= 0)
		rc = av_opt_set_int(own, "sei", 0, 0);
	if (rc >= 0)
		rc = av_opt_set_int(own, "aud", 0, 0);
	if (rc >= 0 && video->rung.is_low_power)
		rc = av_opt_set_int(own, "low_power", 1, 0);
	if (rc >= 0 && video->rung.level > 0)
		rc = av_opt_set_int(own, "quality", video->rung.level, 0);
	return rc;
}

static int open_codec(struct tr_video *video, int coarser)
{
	const AVCodec *encoder = avcodec_find_encoder_by_name("h264_vaapi");

	if (!encoder)
		return tr_gpu_fail(&video->words, -ENOSYS, "this FFmpeg has no h264_vaapi");
	video->codec = avcodec_alloc_context3(encoder);
	if (!video->codec)
		return -ENOMEM;
	tr_gpu_rate_plan(
		&video->settings, (enum tr_rung_rate)video->rung.rate, coarser, &video->rate);
	set_shape(video->codec, video);
	video->codec->hw_frames_ctx = av_buffer_ref(video->frames);
	if (set_options(video->codec, video) < 0)
		return tr_gpu_fail(&video->words, -EIO, "h264_vaapi does not know our options");
	int av_rc = avcodec_open2(video->codec, encoder, NULL);
	if (av_rc < 0) {
		close_codec(video);
		return tr_gpu_fail(&video->words, av_rc == AVERROR(ENOSYS) ? -ENOSYS : -EIO,
			"h264_vaapi does not open");
	}
	video->coarser = coarser;
	return 0;
}

/* ---- a picture ---- */

static VASurfaceID target_of(const struct tr_video *video)
{
	return (VASurfaceID)(uintptr_t)video->target->data[3]; /* so FFmpeg has it */
}

static int convert_surface(struct tr_video *video, int number)
{
	return tr_vaapi_vpp_convert(video->vpp, number, video->settings.width,
		video->settings.height, target_of(video));
}

/* A surface of NV12: the picture uploaded, or what the device makes of a surface. There is one for
 * these, as its picture has been encoded when the next one comes. */
static int bring_picture(
	struct tr_video *video, const struct tr_video_input *input, AVFrame *surface)
{
	if (input->surface == 0)
		return tr_vaapi_upload(video->frames, &video->words, input->picture, surface);
	int rc = convert_surface(video, input->surface);
	return rc < 0 ? rc : av_frame_ref(surface, video->target) < 0 ? -ENOMEM : 0;
}

static int send_picture(struct tr_video *video, const struct tr_video_input *input)
{
	AVFrame *surface = av_frame_alloc();

	if (!surface)
		return -ENOMEM;
	int rc = bring_picture(video, input, surface);
	if (rc == 0) {
		surface->width = video->settings.width;
		surface->height = video->settings.height;
		surface->pts = video->count++;
		surface->pict_type = input->is_key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
		surface->color_primaries = AVCOL_PRI_BT709;
		surface->color_trc = AVCOL_TRC_BT709;
		surface->colorspace = AVCOL_SPC_BT709;
		surface->color_range = AVCOL_RANGE_MPEG;
		if (avcodec_send_frame(video->codec, surface) < 0)
			rc = tr_gpu_fail(&video->words, -EIO, "h264_vaapi takes no picture");
	}
	av_frame_free(&surface);
	return rc;
}

static int receive_packet(
	struct tr_video *video, struct tr_video_output *output, struct tr_nal_picture *ret)
{
	AVPacket *packet = video->packet;

	av_packet_unref(packet);
	int av_rc = avcodec_receive_packet(video->codec, packet);
	if (av_rc == AVERROR(EAGAIN))
		return tr_gpu_fail(&video->words, -EIO, "the driver keeps a picture back");
	if (av_rc < 0)
		return tr_gpu_fail(&video->words, -EIO, "h264_vaapi gives no packet");
	/* Drivers report trouble of the hardware as success with nothing in it. */
	if (packet->size == 0)
		return tr_gpu_fail(&video->words, -EIO, "the driver gave an empty packet");
	int rc = tr_nal_repack(packet->data, (size_t)packet->size, output->data, output->room, ret);
	if (rc < 0)
		return tr_gpu_fail(&video->words, rc, "the driver gave what is no H.264");
	if (!ret->has_slice)
		return tr_gpu_fail(
			&video->words, -EIO, "the driver gave a packet without a picture");
	output->size = ret->size;
	output->is_key = ret->is_idr;
	output->qp = video->rate.control != TR_RUNG_RATE_CQP ? -1
		     : ret->is_idr			     ? video->rate.key_qp
							     : video->rate.qp;
	return 0;
}

static int encode(struct tr_video *video, const struct tr_video_input *input,
	struct tr_video_output *output, struct tr_nal_picture *ret)
{
	*ret = (struct tr_nal_picture){0};
	tr_gpu_words_reset(&video->words);
	int rc = send_picture(video, input);
	if (rc == 0)
		rc = receive_packet(video, output, ret);
	if (rc == 0 && input->is_key && !ret->is_idr)
		rc = tr_gpu_fail(
			&video->words, -EIO, "the driver gave no key picture when asked for one");
	return rc;
}

/* The sets of the packet that was just made, as avcC; 0 when it has none. */
static size_t read_sets(const struct tr_nal_picture *made, uint8_t *out)
{
	uint8_t sps[TR_VIDEO_EXTRADATA_MAX];

	if (!made->sps || !made->pps)
		return 0;
	size_t size = tr_sps_copy_with_rate(
		made->sps, made->sps_size, TR_VIDEO_GRID_HZ, sps, sizeof(sps));
	return tr_avcc_make(sps, size, made->pps, made->pps_size, out, TR_VIDEO_EXTRADATA_MAX);
}

static int prove(struct tr_video *video)
{
	int width = video->settings.width, height = video->settings.height;
	size_t pixels = (size_t)width * (size_t)height;
	TR_CLEANUP(tr_freep) uint8_t *grey = malloc(pixels * 3 / 2);
	TR_CLEANUP(tr_freep) uint8_t *made = malloc(pixels * 4 + 65536);
	struct tr_picture picture = {.width = width,
		.height = height,
		.y_stride = width,
		.uv_stride = width,
		.y = grey,
		.uv = grey ? grey + pixels : NULL};
	struct tr_video_output output = {.data = made, .room = pixels * 4 + 65536};
	struct tr_nal_picture nals;

	if (!grey || !made)
		return -ENOMEM;
	memset(grey, 128, pixels * 3 / 2);
	struct tr_video_input input = {.picture = &picture, .is_key = true};
	int rc = encode(video, &input, &output, &nals);
	if (rc < 0)
		return rc;
	video->extradata_size = read_sets(&nals, video->extradata);
	if (video->extradata_size == 0)
		return tr_gpu_fail(&video->words, -EIO, "the driver gave no parameter sets");
	return 0;
}

static int vaapi_open(const struct tr_video_request *request, struct tr_video **ret)
{
	TR_CLEANUP(vaapi_closep) struct tr_video *video = calloc(1, sizeof(*video));

	if (!video)
		return -ENOMEM;
	video->settings = *request->settings;
	video->rung = *request->rung;
	video->words.problem = request->problem ? request->problem : video->unheard;
	video->words.size = request->problem ? request->problem_size : sizeof(video->unheard);
	tr_gpu_words_reset(&video->words);
	tr_gpu_words_attach(&video->words);
	video->packet = av_packet_alloc();
	int rc = video->packet ? 0 : -ENOMEM;
	if (rc == 0)
		rc = tr_vaapi_device_open(&video->rung, &video->words, &video->device);
	if (rc == 0)
		rc = make_surfaces(video);
	if (rc == 0)
		rc = open_codec(video, 0);
	if (rc == 0)
		rc = prove(video);
	if (rc < 0)
		return rc;
	tr_gpu_words_reset(&video->words);
	*ret = tr_take(video);
	return 0;
}

/* FFmpeg's encoder cannot change its rate while it runs: it is opened anew, before a key picture.
 */
static int reopen(struct tr_video *video, int coarser)
{
	close_codec(video);
	return open_codec(video, coarser);
}

static int vaapi_encode(
	struct tr_video *video, const struct tr_video_input *input, struct tr_video_output *output)
{
	uint8_t sets[TR_VIDEO_EXTRADATA_MAX];
	struct tr_nal_picture nals = {0};
	int rc = 0;

	tr_gpu_words_reset(&video->words);
	if (!video->codec)
		return -EIO; /* a reopening failed */
	if (input->is_key && input->coarser != video->coarser &&
		input->coarser != video->refused_coarser)
		rc = reopen(video, input->coarser);
	if (rc == 0)
		rc = encode(video, input, output, &nals);
	if (rc < 0 || !nals.is_idr)
		return rc;
	size_t size = read_sets(&nals, sets);
	if (size == 0) /* they were in the first one */
		return 0;
	if (size == video->extradata_size && !memcmp(sets, video->extradata, size))
		return 0;
	if (video->coarser == 0)
		return tr_gpu_fail(
			&video->words, -EIO, "the driver changed its parameter sets on the way");
	tr_info("this driver cannot encode coarser in the same track: it goes on as before");
	video->refused_coarser = input->coarser;
	rc = reopen(video, 0);
	return rc < 0 ? rc : encode(video, input, output, &nals);
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
		rc = tr_vaapi_upload(video->frames, &video->words, NULL, video->target);
	if (rc < 0)
		return rc;
	return tr_vaapi_vpp_open(video->device, &video->words, target_of(video),
		to_block(video->settings.width), to_block(video->settings.height), &video->vpp);
}

static int vaapi_attach(struct tr_video *video, int number, const struct tr_surface *surface)
{
	tr_gpu_words_reset(&video->words);
	int rc = video->vpp ? 0 : open_vpp(video);
	return rc < 0 ? rc : tr_vaapi_vpp_attach(video->vpp, number, surface);
}

static int vaapi_convert(struct tr_video *video, int number, const struct tr_picture *ret_picture)
{
	tr_gpu_words_reset(&video->words);
	int rc = convert_surface(video, number);
	if (rc == 0)
		rc = tr_vaapi_vpp_wait(video->vpp, target_of(video));
	return rc < 0 ? rc : tr_vaapi_download(&video->words, video->target, ret_picture);
}

static size_t vaapi_extradata(const struct tr_video *video, const uint8_t **ret)
{
	*ret = video->extradata;
	return video->extradata_size;
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
