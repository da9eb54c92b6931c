/*
 * h264_qsv: NV12 pictures in plain memory, encoded by FFmpeg's encoder through Intel's Media SDK or
 * VPL runtime. It opens a VA display of its own on the first node of the i915 driver: which one
 * cannot be said, so the probe offers no other.
 *
 * As h264_vaapi it encodes a grey picture at its opening and throws it away: so it is known that it
 * encodes, and with which parameter sets.
 */
#define TR_LOG_AREA "qsv"
#include "core/log.h"
#include "encode/avcc.h"
#include "encode/gpu_internal.h"
#include "encode/gpu_rate.h"
#include "encode/h264_level.h"
#include "encode/nal.h"
#include "encode/sps.h"

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Key pictures come when asked for; the runtime wants a number all the same. */
#define LONGEST_GROUP 10000

struct tr_video {
	struct tr_video_settings settings;
	struct tr_rung rung;
	struct tr_gpu_words words;
	char unheard[8]; /* where words go when nobody gave room */
	AVCodecContext *codec;
	AVPacket *packet;
	int64_t count;
	struct tr_gpu_rate rate;
	int coarser;	     /* as it is opened */
	int refused_coarser; /* these steps change the parameter sets: not to be tried again */
	uint8_t extradata[TR_VIDEO_EXTRADATA_MAX];
	size_t extradata_size;
};

/* ---- what went wrong ---- */

/* FFmpeg names the runtime's status by a number in brackets, and some not at all. */
static const struct {
	const char *number;
	const char *meaning;
} statuses[] = {
	{"(-3)", "there is no QSV runtime for this GPU: libmfx-gen1.2 for Tiger Lake and later, "
		 "libmfx1 for older ones (-3)"},
	{"(-4)", "the QSV runtime has no memory left (-4)"},
	{"(-9)", "the QSV runtime is not the one that this GPU needs: libmfx-gen1.2 for Tiger Lake "
		 "and later, libmfx1 for older ones (-9)"},
	{"(-16)", "the QSV runtime does not take these settings (-16)"},
	{"(-17)", "the GPU's device failed, or was lost (-17)"},
	/* newer ones say it like this */
	{"Invalid FrameType:0", "the runtime gave an empty packet"},
	{"MFX session: -3", "there is no QSV runtime for this GPU (-3)"},
	{"MFX session: -9",
		"there is no QSV runtime for this GPU: libmfx-gen1.2 for Tiger Lake and "
		"later (-9)"},
	{"(-21)", "the GPU hung, and the kernel has reset it (-21)"},
};

static int fail(struct tr_video *video, int rc, const char *text)
{
	struct tr_gpu_words *words = &video->words;

	for (size_t i = 0; i < TR_COUNT(statuses); i++)
		if (strstr(words->problem, statuses[i].number)) {
			tr_gpu_words_reset(words);
			return tr_gpu_fail(words, rc, statuses[i].meaning);
		}
	return tr_gpu_fail(words, rc, text);
}

/* ---- opening ---- */

static void qsv_close(struct tr_video *video)
{
	if (!video)
		return;
	avcodec_free_context(&video->codec);
	av_packet_free(&video->packet);
	tr_gpu_words_attach(NULL);
	free(video);
}

TR_CLEANUP_DEFINE(struct tr_video, qsv_close)

static void set_shape(AVCodecContext *codec, const struct tr_video *video)
{
	const struct tr_video_settings *s = &video->settings;
	int kbps = video->rate.control == TR_RUNG_RATE_CQP ? 0 : video->rate.max_kbps;

	codec->width = s->width;
	codec->height = s->height;
	codec->pix_fmt = AV_PIX_FMT_NV12;
	codec->time_base = (AVRational){1, s->rate};
	codec->framerate = (AVRational){s->rate, 1};
	codec->sample_aspect_ratio = (AVRational){1, 1};
	codec->gop_size = LONGEST_GROUP;
	codec->max_b_frames = 0;
	codec->color_primaries = AVCOL_PRI_BT709;
	codec->color_trc = AVCOL_TRC_BT709;
	codec->colorspace = AVCOL_SPC_BT709;
	codec->color_range = AVCOL_RANGE_MPEG;
	codec->profile = video->rung.profile;
	codec->level = tr_h264_level_find(s->width, s->height, s->rate, kbps);
}

/* FFmpeg chooses the rate control by what it is told: a quantizer, a most that is the mean (CBR) or
 * more than it (VBR). */
static void set_rate(AVCodecContext *codec, const struct tr_gpu_rate *rate)
{
	if (rate->control == TR_RUNG_RATE_CQP) {
		/* As for h264_vaapi: key pictures' quantizer is in the picture parameter set. */
		codec->i_quant_factor = 0.0001f;
		codec->i_quant_offset = (float)rate->key_qp;
		codec->flags |= AV_CODEC_FLAG_QSCALE;
		codec->global_quality = rate->qp * FF_QP2LAMBDA;
		return;
	}
	codec->bit_rate = rate->kbps * INT64_C(1000);
	codec->rc_max_rate = rate->max_kbps * INT64_C(1000);
	if (rate->control == TR_RUNG_RATE_VBR && rate->max_kbps == rate->kbps)
		codec->rc_max_rate++;
	codec->rc_buffer_size = rate->buffer_kbit * 1000;
	if (rate->qp > 0)
		codec->qmin = rate->qp;
}

static int set_options(const AVCodecContext *codec, const struct tr_video *video)
{
	const struct {
		const char *name;
		int value;
	} options[] = {
		{"async_depth", 1}, /* each picture comes out at once */
		{"forced_idr", 1},
		{"profile", video->rung.profile},
		{"pic_timing_sei", 0}, /* our times are the container's */
		{"a53cc", 0},
		{"aud", 0},
		{"low_power", video->rung.is_low_power ? 1 : -1},
		{"preset", video->rung.level},
	};

	for (size_t i = 0; i < TR_COUNT(options); i++) {
		bool is_own_choice =
			(!strcmp(options[i].name, "low_power") && options[i].value < 0) ||
			(!strcmp(options[i].name, "preset") && options[i].value == 0);
		if (!is_own_choice &&
			av_opt_set_int(codec->priv_data, options[i].name, options[i].value, 0) < 0)
			return -EIO;
	}
	return 0;
}

static int open_codec(struct tr_video *video, int coarser)
{
	const AVCodec *encoder = avcodec_find_encoder_by_name("h264_qsv");

	if (!encoder)
		return tr_gpu_fail(&video->words, -ENOSYS, "this FFmpeg has no h264_qsv");
	video->codec = avcodec_alloc_context3(encoder);
	if (!video->codec)
		return -ENOMEM;
	tr_gpu_rate_plan(
		&video->settings, (enum tr_rung_rate)video->rung.rate, coarser, &video->rate);
	set_shape(video->codec, video);
	set_rate(video->codec, &video->rate);
	if (set_options(video->codec, video) < 0)
		return tr_gpu_fail(&video->words, -EIO, "h264_qsv does not know our options");
	int av_rc = avcodec_open2(video->codec, encoder, NULL);
	if (av_rc < 0) {
		avcodec_free_context(&video->codec);
		return fail(
			video, av_rc == AVERROR(ENOSYS) ? -ENOSYS : -EIO, "h264_qsv does not open");
	}
	video->coarser = coarser;
	return 0;
}

/* ---- a picture ---- */

static int to_block(int pixels)
{
	return (pixels + 15) / 16 * 16;
}

/* The visible part, and its last column and row again up to whole macroblocks: what is behind them
 * would bleed into the picture's edge. */
static void fill_plane(uint8_t *to, int to_stride, const uint8_t *from, int from_stride, int width,
	int height, int full_width, int full_height, int sample)
{
	for (int y = 0; y < full_height; y++) {
		uint8_t *row = to + (ptrdiff_t)y * to_stride;
		int from_y = y < height ? y : height - 1;
		memcpy(row, from + (ptrdiff_t)from_y * from_stride, (size_t)width);
		for (int x = width; x < full_width; x += sample)
			memcpy(row + x, row + width - sample, (size_t)sample);
	}
}

/* Whole macroblocks, which FFmpeg passes on as they are; others it copies, with noise behind the
 * edge. What is shown is the encoder's to say. */
static int fill_frame(struct tr_video *video, const struct tr_picture *picture, AVFrame *frame)
{
	int width = picture->width, height = picture->height;

	frame->format = AV_PIX_FMT_NV12;
	frame->width = to_block(width);
	frame->height = to_block(height);
	if (av_frame_get_buffer(frame, 0) < 0)
		return -ENOMEM;
	fill_plane(frame->data[0], frame->linesize[0], picture->y, picture->y_stride, width, height,
		frame->width, frame->height, 1);
	fill_plane(frame->data[1], frame->linesize[1], picture->uv, picture->uv_stride, width,
		height / 2, frame->width, frame->height / 2, 2);
	frame->pts = video->count++;
	frame->color_primaries = AVCOL_PRI_BT709;
	frame->color_trc = AVCOL_TRC_BT709;
	frame->colorspace = AVCOL_SPC_BT709;
	frame->color_range = AVCOL_RANGE_MPEG;
	return 0;
}

static int send_picture(struct tr_video *video, const struct tr_picture *picture, bool is_key)
{
	AVFrame *frame = av_frame_alloc();

	if (!frame)
		return -ENOMEM;
	int rc = fill_frame(video, picture, frame);
	if (rc == 0) {
		frame->pict_type = is_key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
		if (avcodec_send_frame(video->codec, frame) < 0)
			rc = fail(video, -EIO, "h264_qsv takes no picture");
	}
	av_frame_free(&frame);
	return rc;
}

static int receive_packet(
	struct tr_video *video, struct tr_video_output *output, struct tr_nal_picture *ret)
{
	AVPacket *packet = video->packet;

	av_packet_unref(packet);
	int av_rc = avcodec_receive_packet(video->codec, packet);
	if (av_rc == AVERROR(EAGAIN))
		return fail(video, -EIO, "the runtime keeps a picture back");
	if (av_rc < 0)
		return fail(video, -EIO, "h264_qsv gives no packet");
	/* Drivers report trouble of the hardware as success with nothing in it. */
	if (packet->size == 0)
		return fail(video, -EIO, "the runtime gave an empty packet");
	int rc = tr_nal_repack(packet->data, (size_t)packet->size, output->data, output->room, ret);
	if (rc < 0)
		return fail(video, rc, "the runtime gave what is no H.264");
	if (!ret->has_slice)
		return fail(video, -EIO, "the runtime gave a packet without a picture");
	output->size = ret->size;
	output->is_key = ret->is_idr;
	output->qp = video->rate.control != TR_RUNG_RATE_CQP ? -1
		     : ret->is_idr			     ? video->rate.key_qp
							     : video->rate.qp;
	return 0;
}

static int encode(struct tr_video *video, const struct tr_picture *picture, bool is_key,
	struct tr_video_output *output, struct tr_nal_picture *ret)
{
	*ret = (struct tr_nal_picture){0};
	tr_gpu_words_reset(&video->words);
	int rc = send_picture(video, picture, is_key);
	if (rc == 0)
		rc = receive_packet(video, output, ret);
	if (rc == 0 && is_key && !ret->is_idr)
		rc = fail(video, -EIO, "the runtime gave no key picture when asked for one");
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
	int rc = encode(video, &picture, true, &output, &nals);
	if (rc < 0)
		return rc;
	video->extradata_size = read_sets(&nals, video->extradata);
	if (video->extradata_size == 0)
		return fail(video, -EIO, "the runtime gave no parameter sets");
	return 0;
}

static int qsv_open(const struct tr_video_request *request, struct tr_video **ret)
{
	TR_CLEANUP(qsv_closep) struct tr_video *video = calloc(1, sizeof(*video));

	if (!video)
		return -ENOMEM;
	video->settings = *request->settings;
	video->rung = *request->rung;
	video->words.problem = request->problem ? request->problem : video->unheard;
	video->words.size = request->problem ? request->problem_size : sizeof(video->unheard);
	tr_gpu_words_reset(&video->words);
	tr_gpu_words_attach(&video->words);
	video->packet = av_packet_alloc();
	int rc = video->packet ? open_codec(video, 0) : -ENOMEM;
	if (rc == 0)
		rc = prove(video);
	if (rc < 0)
		return rc;
	tr_gpu_words_reset(&video->words);
	*ret = tr_take(video);
	return 0;
}

/* It is opened anew, before a key picture, where the rate shall change. */
static int reopen(struct tr_video *video, int coarser)
{
	avcodec_free_context(&video->codec);
	return open_codec(video, coarser);
}

static int qsv_encode(
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
		rc = encode(video, input->picture, input->is_key, output, &nals);
	if (rc < 0 || !nals.is_idr)
		return rc;
	size_t size = read_sets(&nals, sets);
	if (size == 0) /* they were in the first one */
		return 0;
	if (size == video->extradata_size && !memcmp(sets, video->extradata, size))
		return 0;
	if (video->coarser == 0)
		return fail(video, -EIO, "the runtime changed its parameter sets on the way");
	tr_info("this runtime cannot encode coarser in the same track: it goes on as before");
	video->refused_coarser = input->coarser;
	rc = reopen(video, 0);
	return rc < 0 ? rc : encode(video, input->picture, true, output, &nals);
}

static size_t qsv_extradata(const struct tr_video *video, const uint8_t **ret)
{
	*ret = video->extradata;
	return video->extradata_size;
}

const struct tr_video_ops tr_video_qsv = {
	.name = "h264_qsv",
	.open = qsv_open,
	.encode = qsv_encode,
	.extradata = qsv_extradata,
	.close = qsv_close,
};
