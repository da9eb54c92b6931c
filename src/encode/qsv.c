/*
 * h264_qsv: NV12 pictures in plain memory, encoded by FFmpeg's encoder through Intel's Media SDK or
 * VPL runtime. It opens a VA display of its own on the first node of the i915 driver: which one
 * cannot be said, so the probe offers no other.
 */
#include "encode/gpu_codec.h"

#include "core/text.h"

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>

#include <errno.h>
#include <string.h>

struct tr_video {
	struct tr_gpu_codec codec;
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

static const char *explain(const char *said)
{
	for (size_t i = 0; i < TR_COUNT(statuses); i++)
		if (strstr(said, statuses[i].number))
			return statuses[i].meaning;
	return NULL;
}

/* ---- opening ---- */

static void qsv_close(struct tr_video *video)
{
	if (!video)
		return;
	tr_gpu_codec_fini(&video->codec);
	tr_gpu_words_attach(NULL);
	free(video);
}

TR_CLEANUP_DEFINE(struct tr_video, qsv_close)

/* FFmpeg chooses the rate control by what it is told: a quantizer, in its own unit, a most that is
 * the mean (CBR) or more than it (VBR). */
static void choose_control(AVCodecContext *codec, enum tr_rung_rate control)
{
	if (control == TR_RUNG_RATE_CQP) {
		codec->flags |= AV_CODEC_FLAG_QSCALE;
		codec->global_quality *= FF_QP2LAMBDA;
	} else if (control == TR_RUNG_RATE_VBR && codec->rc_max_rate == codec->bit_rate) {
		codec->rc_max_rate++;
	}
}

static int set_options(const AVCodecContext *codec, const struct tr_rung *rung)
{
	const struct {
		const char *name;
		int value;
	} options[] = {
		{"async_depth", 1}, /* each picture comes out at once */
		{"forced_idr", 1},
		{"profile", rung->profile},
		{"pic_timing_sei", 0}, /* our times are the container's */
		{"a53cc", 0},
		{"aud", 0},
		{"low_power", rung->is_low_power ? 1 : -1},
		{"preset", rung->level},
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

static int prepare(struct tr_video *video, AVCodecContext *codec)
{
	codec->pix_fmt = AV_PIX_FMT_NV12;
	choose_control(codec, video->codec.rate.control);
	return set_options(codec, &video->codec.rung);
}

/* ---- a picture ---- */

/* Whole macroblocks, which FFmpeg passes on as they are; others it copies, with noise behind the
 * edge. What is shown is the encoder's to say. */
static int bring(struct tr_video *video, const struct tr_video_input *input, AVFrame *frame)
{
	const struct tr_picture *picture = input->picture;

	(void)video;
	frame->format = AV_PIX_FMT_NV12;
	frame->width = tr_gpu_blocks_round(picture->width);
	frame->height = tr_gpu_blocks_round(picture->height);
	if (av_frame_get_buffer(frame, 0) < 0)
		return -ENOMEM;
	tr_gpu_blocks_fill(frame, picture);
	return 0;
}

static const struct tr_gpu_codec_ops codec_ops = {
	.name = "h264_qsv",
	.maker = "runtime",
	.prepare = prepare,
	.bring = bring,
	.explain = explain,
};

static int qsv_open(const struct tr_video_request *request, struct tr_video **ret)
{
	TR_CLEANUP(qsv_closep) struct tr_video *video = calloc(1, sizeof(*video));

	if (!video)
		return -ENOMEM;
	int rc = tr_gpu_codec_init(&video->codec, &codec_ops, video, request);
	if (rc == 0)
		rc = tr_gpu_codec_open(&video->codec);
	if (rc < 0)
		return rc;
	*ret = tr_take(video);
	return 0;
}

static int qsv_encode(
	struct tr_video *video, const struct tr_video_input *input, struct tr_video_output *output)
{
	return tr_gpu_codec_encode(&video->codec, input, output);
}

static size_t qsv_extradata(const struct tr_video *video, const uint8_t **ret)
{
	*ret = video->codec.extradata;
	return video->codec.extradata_size;
}

const struct tr_video_ops tr_video_qsv = {
	.name = "h264_qsv",
	.open = qsv_open,
	.encode = qsv_encode,
	.extradata = qsv_extradata,
	.close = qsv_close,
};
