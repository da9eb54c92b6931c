#define TR_LOG_AREA "software"
#include "encode/video.h"

#include "core/log.h"
#include "encode/avcc.h"
#include "encode/h264_level.h"
#include "encode/rate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <x264.h>

#define QP_MAX 51

struct tr_video {
	x264_t *x264;
	x264_param_t parameters;
	struct tr_rate rate;
	int blocks;
	int64_t count;
	uint8_t *block_info; /* a byte a macroblock for x264: X264_MBINFO_CONSTANT or 0 */
	uint8_t extradata[TR_VIDEO_EXTRADATA_MAX];
	size_t extradata_size;
};

static void log_x264(void *user, int level, const char *format, va_list args)
{
	char text[512];

	(void)user;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	if (level <= X264_LOG_ERROR)
		tr_error("x264: %s", text);
	else
		tr_debug("x264: %s", text);
}

static int set_parameters(x264_param_t *p, const struct tr_video_settings *settings)
{
	if (x264_param_default_preset(p, "ultrafast", "zerolatency") < 0)
		return tr_fail(-EIO, "libx264 has no preset ultrafast");
	p->pf_log = log_x264;
	p->i_log_level = X264_LOG_WARNING;
	p->i_width = settings->width;
	p->i_height = settings->height;
	p->i_csp = X264_CSP_NV12;
	p->i_bitdepth = 8;
	/* One thread is cheapest: a picture takes a tenth of its time, and there are other slots.
	 */
	p->i_threads = 1;
	p->i_lookahead_threads = 1;
	p->b_sliced_threads = 0;
	/* The grid of the pictures' times (video.h), not their rate: readers that
	 * guess a base rate compare it with the container's. It steers nothing at a constant
	 * quantizer. */
	p->i_fps_num = TR_VIDEO_GRID_HZ;
	p->i_fps_den = 1;
	/* With a variable rate libx264 holds a picture back until it knows the next one's time. The
	 * times that count are the container's. */
	p->b_vfr_input = 0;
	p->i_level_idc = tr_h264_level_find(
		settings->width, settings->height, settings->rate, settings->kbps);
	if (p->i_level_idc == 0)
		return tr_fail(-ERANGE, "no H.264 level allows %dx%d at %d pictures a second",
			settings->width, settings->height, settings->rate);
	/* We say when: key pictures are placed by time. */
	p->i_keyint_max = X264_KEYINT_MAX_INFINITE;
	p->i_scenecut_threshold = 0;
	p->b_repeat_headers = 0;
	p->i_sps_id = settings->set_id; /* of both sets */
	p->b_annexb = 0;
	p->b_aud = 0;
	p->vui.b_fullrange = 0;
	p->vui.i_colorprim = 1;
	p->vui.i_transfer = 1;
	p->vui.i_colmatrix = 1;
	/* A constant quantizer spares x264's own search in a half-size picture (18-25 %); each
	 * picture's comes from rate.h. */
	p->rc.i_rc_method = X264_RC_CQP;
	p->rc.i_qp_constant = 30;
	/* libx264 cuts what it is told per picture to the range from its I to its B quantizer,
	 * which it derives by these factors: this makes it 10 to 51. */
	p->rc.f_ip_factor = 10.08f; /* 2 ^ ((30 - 10) / 6) */
	p->rc.f_pb_factor = 11.31f; /* 2 ^ ((51 - 30) / 6) */
	p->analyse.b_mb_info = 1;
	p->analyse.b_psnr = 0;
	p->analyse.b_ssim = 0;
	return 0;
}

static int pack_extradata(struct tr_video *video)
{
	x264_nal_t *nals;
	int count;

	if (x264_encoder_headers(video->x264, &nals, &count) < 0 || count < 2 ||
		nals[0].i_type != NAL_SPS || nals[1].i_type != NAL_PPS)
		return -EIO;
	video->extradata_size = tr_avcc_make(nals[0].p_payload + 4, (size_t)nals[0].i_payload - 4,
		nals[1].p_payload + 4, (size_t)nals[1].i_payload - 4, video->extradata,
		sizeof(video->extradata));
	return video->extradata_size > 0 ? 0 : -EIO;
}

static void software_close(struct tr_video *video)
{
	if (!video)
		return;
	if (video->x264)
		x264_encoder_close(video->x264);
	free(video->block_info);
	free(video);
}

TR_CLEANUP_DEFINE(struct tr_video, software_close)

static int software_open(const struct tr_video_request *request, struct tr_video **ret)
{
	const struct tr_video_settings *settings = request->settings;
	TR_CLEANUP(software_closep) struct tr_video *video = calloc(1, sizeof(*video));

	if (!video)
		return -ENOMEM;
	int rc = set_parameters(&video->parameters, settings);
	if (rc < 0)
		return rc;
	video->blocks = ((settings->width + 15) / 16) * ((settings->height + 15) / 16);
	video->block_info = calloc(1, (size_t)video->blocks);
	if (!video->block_info)
		return -ENOMEM;
	video->x264 = x264_encoder_open(&video->parameters);
	if (!video->x264)
		return tr_fail(
			-EIO, "libx264 does not open for %dx%d", settings->width, settings->height);
	rc = pack_extradata(video);
	if (rc < 0)
		return tr_fail(rc, "libx264 gave no parameter sets");
	tr_rate_init(&video->rate, settings->quality, settings->kbps, settings->buffer_kbit,
		video->blocks);
	*ret = tr_take(video);
	return 0;
}

static void fill_block_info(struct tr_video *video, const struct tr_video_input *input)
{
	const uint8_t *changed = input->picture->changed;

	for (int i = 0; i < video->blocks; i++)
		video->block_info[i] = changed[i] ? 0 : X264_MBINFO_CONSTANT;
}

static int software_encode(
	struct tr_video *video, const struct tr_video_input *input, struct tr_video_output *output)
{
	const struct tr_picture *picture = input->picture;
	x264_picture_t in, out;
	x264_nal_t *nals;
	int nal_count;
	int qp = tr_rate_choose(&video->rate, input->pts_ns, input->is_key, input->changed);

	qp = qp + input->coarser < QP_MAX ? qp + input->coarser : QP_MAX;

	x264_picture_init(&in);
	in.img.i_csp = X264_CSP_NV12;
	in.img.i_plane = 2;
	in.img.plane[0] = picture->y;
	in.img.i_stride[0] = picture->y_stride;
	in.img.plane[1] = picture->uv;
	in.img.i_stride[1] = picture->uv_stride;
	in.i_pts = video->count++;
	in.i_type = input->is_key ? X264_TYPE_IDR : X264_TYPE_P;
	in.i_qpplus1 = qp + 1;
	if (input->has_map && !input->is_key) {
		fill_block_info(video, input);
		in.prop.mb_info = video->block_info;
	}
	int size = x264_encoder_encode(video->x264, &nals, &nal_count, &in, &out);
	if (size <= 0 || nal_count < 1)
		return tr_fail(-EIO, "libx264 gave no packet");
	if ((size_t)size > output->room)
		return -ENOBUFS;
	memcpy(output->data, nals[0].p_payload, (size_t)size); /* they lie behind each other */
	output->size = (size_t)size;
	output->is_key = out.b_keyframe != 0;
	output->qp = qp;
	tr_rate_done(&video->rate, input->is_key, input->changed, qp, (int64_t)size * 8);
	return 0;
}

static size_t software_extradata(const struct tr_video *video, const uint8_t **ret)
{
	*ret = video->extradata;
	return video->extradata_size;
}

const struct tr_video_ops tr_video_software = {
	.name = "libx264",
	.open = software_open,
	.encode = software_encode,
	.extradata = software_extradata,
	.close = software_close,
};
