#define TR_LOG_AREA "gpu"
#include "encode/gpu_codec.h"

#include "core/log.h"
#include "encode/avcc.h"
#include "encode/h264_level.h"
#include "encode/nal.h"
#include "encode/sps.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Key pictures come when asked for; encoders want a number all the same. */
#define LONGEST_GROUP 10000

/* ---- what went wrong ---- */

static int fail(struct tr_gpu_codec *codec, int rc, const char *format, ...) TR_PRINTF(3, 4);

static int fail(struct tr_gpu_codec *codec, int rc, const char *format, ...)
{
	struct tr_gpu_words *words = &codec->words;
	const char *better = codec->ops->explain ? codec->ops->explain(words->problem) : NULL;
	char text[160];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	if (better)
		tr_gpu_words_reset(words);
	return tr_gpu_fail(words, rc, better ? better : text);
}

static int blame(struct tr_gpu_codec *codec, int rc, const char *what)
{
	return fail(codec, rc, "the %s %s", codec->ops->maker, what);
}

/* ---- opening ---- */

static void set_shape(AVCodecContext *context, const struct tr_gpu_codec *codec)
{
	const struct tr_video_settings *s = &codec->settings;
	int kbps = codec->rate.control == TR_RUNG_RATE_CQP ? 0 : codec->rate.max_kbps;

	context->width = s->width;
	context->height = s->height;
	context->time_base = (AVRational){1, s->rate};
	context->framerate = (AVRational){s->rate, 1};
	context->sample_aspect_ratio = (AVRational){1, 1};
	context->gop_size = LONGEST_GROUP;
	context->max_b_frames = 0;
	context->color_primaries = AVCOL_PRI_BT709;
	context->color_trc = AVCOL_TRC_BT709;
	context->colorspace = AVCOL_SPC_BT709;
	context->color_range = AVCOL_RANGE_MPEG;
	context->profile = codec->rung.profile;
	context->level = tr_h264_level_find(s->width, s->height, s->rate, kbps);
}

static void set_rate(AVCodecContext *context, const struct tr_gpu_rate *rate)
{
	if (rate->control == TR_RUNG_RATE_CQP) {
		/* Key pictures' quantizer must not move with the others': it is written into the
		 * picture parameter set. */
		context->i_quant_factor = 0.0001f;
		context->i_quant_offset = (float)rate->key_qp;
		context->global_quality = rate->qp;
		return;
	}
	context->bit_rate = rate->kbps * INT64_C(1000);
	context->rc_max_rate = rate->max_kbps * INT64_C(1000);
	context->rc_buffer_size = rate->buffer_kbit * 1000;
	if (rate->qp > 0)
		context->qmin = rate->qp;
}

static int open_context(struct tr_gpu_codec *codec, int coarser)
{
	const char *name = codec->ops->name;
	const AVCodec *encoder = avcodec_find_encoder_by_name(name);

	if (!encoder)
		return fail(codec, -ENOSYS, "this FFmpeg has no %s", name);
	codec->context = avcodec_alloc_context3(encoder);
	if (!codec->context)
		return -ENOMEM;
	tr_gpu_rate_plan(
		&codec->settings, (enum tr_rung_rate)codec->rung.rate, coarser, &codec->rate);
	set_shape(codec->context, codec);
	set_rate(codec->context, &codec->rate);
	if (codec->ops->prepare(codec->video, codec->context) < 0)
		return fail(codec, -EIO, "%s does not know our options", name);
	int av_rc = avcodec_open2(codec->context, encoder, NULL);
	if (av_rc < 0) {
		avcodec_free_context(&codec->context);
		return fail(
			codec, av_rc == AVERROR(ENOSYS) ? -ENOSYS : -EIO, "%s does not open", name);
	}
	codec->coarser = coarser;
	return 0;
}

/* FFmpeg's encoders cannot change their rate while they run. (Each of VAAPI that 7.1 closes keeps
 * its last picture until the process ends: a few surfaces, for what happens a few times.) */
static int reopen(struct tr_gpu_codec *codec, int coarser)
{
	avcodec_free_context(&codec->context);
	return open_context(codec, coarser);
}

int tr_gpu_codec_init(struct tr_gpu_codec *codec, const struct tr_gpu_codec_ops *ops,
	struct tr_video *video, const struct tr_video_request *request)
{
	codec->ops = ops;
	codec->video = video;
	codec->settings = *request->settings;
	codec->rung = *request->rung;
	codec->words.problem = request->problem ? request->problem : codec->unheard;
	codec->words.size = request->problem ? request->problem_size : sizeof(codec->unheard);
	tr_gpu_words_reset(&codec->words);
	tr_gpu_words_attach(&codec->words);
	codec->packet = av_packet_alloc();
	return codec->packet ? 0 : -ENOMEM;
}

void tr_gpu_codec_fini(struct tr_gpu_codec *codec)
{
	avcodec_free_context(&codec->context);
	av_packet_free(&codec->packet);
}

/* ---- a picture ---- */

static int send_picture(struct tr_gpu_codec *codec, const struct tr_video_input *input)
{
	AVFrame *frame = av_frame_alloc();

	if (!frame)
		return -ENOMEM;
	int rc = codec->ops->bring(codec->video, input, frame);
	if (rc == 0) {
		frame->pts = codec->count++;
		frame->pict_type = input->is_key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
		frame->color_primaries = AVCOL_PRI_BT709;
		frame->color_trc = AVCOL_TRC_BT709;
		frame->colorspace = AVCOL_SPC_BT709;
		frame->color_range = AVCOL_RANGE_MPEG;
		if (avcodec_send_frame(codec->context, frame) < 0)
			rc = fail(codec, -EIO, "%s takes no picture", codec->ops->name);
	}
	av_frame_free(&frame);
	return rc;
}

static int receive_packet(
	struct tr_gpu_codec *codec, struct tr_video_output *output, struct tr_nal_picture *ret)
{
	AVPacket *packet = codec->packet;

	av_packet_unref(packet);
	int av_rc = avcodec_receive_packet(codec->context, packet);
	if (av_rc == AVERROR(EAGAIN))
		return blame(codec, -EIO, "keeps a picture back");
	if (av_rc < 0)
		return fail(codec, -EIO, "%s gives no packet", codec->ops->name);
	/* Drivers report trouble of the hardware as success with nothing in it. */
	if (packet->size == 0)
		return blame(codec, -EIO, "gave an empty packet");
	int rc = tr_nal_repack(packet->data, (size_t)packet->size, output->data, output->room, ret);
	if (rc < 0)
		return blame(codec, rc, "gave what is no H.264");
	if (!ret->has_slice)
		return blame(codec, -EIO, "gave a packet without a picture");
	output->size = ret->size;
	output->is_key = ret->is_idr;
	output->qp = codec->rate.control != TR_RUNG_RATE_CQP ? -1
		     : ret->is_idr			     ? codec->rate.key_qp
							     : codec->rate.qp;
	return 0;
}

static int encode(struct tr_gpu_codec *codec, const struct tr_video_input *input,
	struct tr_video_output *output, struct tr_nal_picture *ret)
{
	*ret = (struct tr_nal_picture){0};
	tr_gpu_words_reset(&codec->words);
	int rc = send_picture(codec, input);
	if (rc == 0)
		rc = receive_packet(codec, output, ret);
	if (rc == 0 && input->is_key && !ret->is_idr)
		rc = blame(codec, -EIO, "gave no key picture when asked for one");
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

static int prove(struct tr_gpu_codec *codec)
{
	int width = codec->settings.width, height = codec->settings.height;
	size_t pixels = (size_t)width * (size_t)height;
	TR_CLEANUP(tr_freep) uint8_t *grey = malloc(pixels * 3 / 2);
	TR_CLEANUP(tr_freep) uint8_t *made = malloc(pixels * 4 + 65536);
	struct tr_picture picture = {.width = width,
		.height = height,
		.y_stride = width,
		.uv_stride = width,
		.y = grey,
		.uv = grey ? grey + pixels : NULL};
	struct tr_video_input input = {.picture = &picture, .is_key = true};
	struct tr_video_output output = {.data = made, .room = pixels * 4 + 65536};
	struct tr_nal_picture nals;

	if (!grey || !made)
		return -ENOMEM;
	memset(grey, 128, pixels * 3 / 2);
	int rc = encode(codec, &input, &output, &nals);
	if (rc < 0)
		return rc;
	codec->extradata_size = read_sets(&nals, codec->extradata);
	if (codec->extradata_size == 0)
		return blame(codec, -EIO, "gave no parameter sets");
	return 0;
}

int tr_gpu_codec_open(struct tr_gpu_codec *codec)
{
	int rc = open_context(codec, 0);
	if (rc == 0)
		rc = prove(codec);
	if (rc == 0)
		tr_gpu_words_reset(&codec->words);
	return rc;
}

int tr_gpu_codec_encode(struct tr_gpu_codec *codec, const struct tr_video_input *input,
	struct tr_video_output *output)
{
	uint8_t sets[TR_VIDEO_EXTRADATA_MAX];
	struct tr_nal_picture nals = {0};
	int rc = 0;

	tr_gpu_words_reset(&codec->words);
	if (!codec->context)
		return -EIO; /* a reopening failed */
	if (input->is_key && input->coarser != codec->coarser &&
		input->coarser != codec->refused_coarser)
		rc = reopen(codec, input->coarser);
	if (rc == 0)
		rc = encode(codec, input, output, &nals);
	if (rc < 0 || !nals.is_idr)
		return rc;
	size_t size = read_sets(&nals, sets);
	if (size == 0) /* they were in the first one */
		return 0;
	if (size == codec->extradata_size && !memcmp(sets, codec->extradata, size))
		return 0;
	if (codec->coarser == 0)
		return blame(codec, -EIO, "changed its parameter sets on the way");
	tr_info("this %s cannot encode coarser in the same track: it goes on as before",
		codec->ops->maker);
	codec->refused_coarser = input->coarser;
	rc = reopen(codec, 0);
	return rc < 0 ? rc : encode(codec, input, output, &nals);
}
