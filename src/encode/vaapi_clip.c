/*
 * A surface of RGB with known pixels, made by the driver itself and given away as a descriptor, as
 * an X server on the same GPU would do: for the probe's proof of the zero-copy road.
 */
#define TR_LOG_AREA "vaapi"
#include "encode/gpu_internal.h"

#include "core/log.h"

#include <libavutil/hwcontext.h>
#include <libavutil/hwcontext_drm.h>
#include <libavutil/hwcontext_vaapi.h>

#include <drm_fourcc.h>

#include <errno.h>
#include <string.h>

struct tr_vaapi_clip {
	struct tr_vaapi_device *device;
	AVBufferRef *frames;
	AVFrame *surface, *shared;
};

void tr_vaapi_clip_free(struct tr_vaapi_clip *clip)
{
	if (!clip)
		return;
	av_frame_free(&clip->shared);
	av_frame_free(&clip->surface);
	av_buffer_unref(&clip->frames);
	tr_vaapi_device_close(clip->device);
	free(clip);
}

/* Some drivers lay out what nobody else reads in ways that nobody else can. Those that do not know
 * the hint refuse it. */
static int make_frames(struct tr_vaapi_clip *clip, int width, int height, bool has_hint)
{
	VASurfaceAttrib hint = {.type = VASurfaceAttribUsageHint,
		.flags = VA_SURFACE_ATTRIB_SETTABLE,
		.value = {.type = VAGenericValueTypeInteger,
			.value.i = VA_SURFACE_ATTRIB_USAGE_HINT_VPP_READ |
				   VA_SURFACE_ATTRIB_USAGE_HINT_EXPORT}};

	av_buffer_unref(&clip->frames);
	clip->frames = av_hwframe_ctx_alloc(tr_vaapi_device_context(clip->device));
	if (!clip->frames)
		return -ENOMEM;
	AVHWFramesContext *frames = (AVHWFramesContext *)clip->frames->data;
	AVVAAPIFramesContext *own = frames->hwctx;
	frames->format = AV_PIX_FMT_VAAPI;
	frames->sw_format = AV_PIX_FMT_BGR0;
	frames->width = width;
	frames->height = height;
	own->attributes = has_hint ? &hint : NULL; /* it copies them */
	own->nb_attributes = has_hint;
	int rc = av_hwframe_ctx_init(clip->frames) < 0 ? -ENOTSUP : 0;
	own->attributes = NULL;
	own->nb_attributes = 0;
	return rc;
}

static int paint(struct tr_vaapi_clip *clip, const uint8_t *pixels, int width, int height)
{
	AVFrame *frame = av_frame_alloc();
	int av_rc = AVERROR(ENOMEM);

	if (frame) {
		frame->format = AV_PIX_FMT_BGR0;
		frame->width = width;
		frame->height = height;
		frame->data[0] = (uint8_t *)pixels;
		frame->linesize[0] = width * 4;
		av_rc = av_hwframe_transfer_data(clip->surface, frame, 0);
	}
	av_frame_free(&frame);
	return av_rc < 0 ? -EIO : 0;
}

static int describe(const AVFrame *shared, int width, int height, struct tr_surface *ret)
{
	const AVDRMFrameDescriptor *d = (const AVDRMFrameDescriptor *)shared->data[0];

	if (d->nb_objects != 1 || d->nb_layers != 1 ||
		d->layers[0].nb_planes > TR_SURFACE_PLANES_MAX)
		return -ENOTSUP;
	*ret = (struct tr_surface){.width = width,
		.height = height,
		.fourcc = DRM_FORMAT_XRGB8888,
		.plane_count = d->layers[0].nb_planes,
		.modifier = d->objects[0].format_modifier};
	for (int i = 0; i < ret->plane_count; i++) {
		ret->planes[i].fd = d->objects[0].fd;
		ret->planes[i].offset = (uint32_t)d->layers[0].planes[i].offset;
		ret->planes[i].pitch = (uint32_t)d->layers[0].planes[i].pitch;
	}
	return 0;
}

static int share(struct tr_vaapi_clip *clip, const uint8_t *pixels, int width, int height,
	struct tr_gpu_words *words, struct tr_surface *ret)
{
	if (make_frames(clip, width, height, true) < 0 &&
		make_frames(clip, width, height, false) < 0)
		return tr_gpu_fail(words, -ENOTSUP, "the driver has no surfaces of RGB");
	clip->surface = av_frame_alloc();
	clip->shared = av_frame_alloc();
	if (!clip->surface || !clip->shared)
		return -ENOMEM;
	if (av_hwframe_get_buffer(clip->frames, clip->surface, 0) < 0 ||
		paint(clip, pixels, width, height) < 0)
		return tr_gpu_fail(words, -ENOTSUP, "the driver has no surfaces of RGB to fill");
	clip->shared->format = AV_PIX_FMT_DRM_PRIME;
	if (av_hwframe_map(clip->shared, clip->surface, AV_HWFRAME_MAP_READ) < 0 ||
		describe(clip->shared, width, height, ret) < 0)
		return tr_gpu_fail(words, -ENOTSUP,
			"the driver does not share its surfaces, so nothing is proved");
	return 0;
}

int tr_vaapi_clip_make(const struct tr_rung *rung, struct tr_gpu_words *words,
	const uint8_t *pixels, int width, int height, struct tr_vaapi_clip **ret,
	struct tr_surface *ret_surface)
{
	TR_CLEANUP(tr_vaapi_clip_freep) struct tr_vaapi_clip *clip = calloc(1, sizeof(*clip));

	if (!clip)
		return -ENOMEM;
	int rc = tr_vaapi_device_open(rung, words, &clip->device);
	if (rc == 0)
		rc = share(clip, pixels, width, height, words, ret_surface);
	if (rc < 0)
		return rc;
	*ret = tr_take(clip);
	return 0;
}
