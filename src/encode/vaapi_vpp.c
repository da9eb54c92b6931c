/*
 * The device's converter (VPP) for the zero-copy road: RGB that others have drawn, imported once as
 * surfaces, made into NV12 for the encoder. Through libva itself, as FFmpeg imports a surface anew
 * for each picture, and takes colours from tags that an imported one does not have.
 */
#define TR_LOG_AREA "vaapi"
#include "encode/gpu_internal.h"

#include "core/log.h"

#include <va/va_drmcommon.h>
#include <va/va_vpp.h>

#include <drm_fourcc.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLACK 0xff000000u /* around the picture, to whole macroblocks */
#define FORMATS_MAX 256

struct tr_vaapi_vpp {
	VADisplay display;
	struct tr_gpu_words *words;
	VAConfigID config;
	VAContextID context;
	bool has_bgrx, has_bgra;
	uint32_t memory_types;
	VAProcColorStandardType standard;
	VASurfaceID surfaces[TR_SURFACES_MAX];
};

static int refuse(struct tr_vaapi_vpp *vpp, int rc, const char *text, VAStatus status)
{
	char line[160];

	if (status == VA_STATUS_SUCCESS)
		snprintf(line, sizeof(line), "%s", text);
	else
		snprintf(line, sizeof(line), "%s: %d (%s)", text, status, vaErrorStr(status));
	return tr_gpu_fail(vpp->words, rc, line);
}

/* ---- opening ---- */

void tr_vaapi_vpp_close(struct tr_vaapi_vpp *vpp)
{
	if (!vpp)
		return;
	if (vpp->context != VA_INVALID_ID)
		vaDestroyContext(vpp->display, vpp->context);
	for (int i = 0; i < TR_SURFACES_MAX; i++)
		if (vpp->surfaces[i] != VA_INVALID_SURFACE)
			vaDestroySurfaces(vpp->display, &vpp->surfaces[i], 1);
	if (vpp->config != VA_INVALID_ID)
		vaDestroyConfig(vpp->display, vpp->config);
	free(vpp);
}

static int read_formats(struct tr_vaapi_vpp *vpp)
{
	unsigned count = 0;
	VAStatus status = vaQuerySurfaceAttributes(vpp->display, vpp->config, NULL, &count);

	if (status != VA_STATUS_SUCCESS || count > FORMATS_MAX)
		return refuse(vpp, -ENOTSUP, "the converter does not say what it reads", status);
	TR_CLEANUP(tr_freep) VASurfaceAttrib *list = calloc(count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	status = vaQuerySurfaceAttributes(vpp->display, vpp->config, list, &count);
	if (status != VA_STATUS_SUCCESS)
		return refuse(vpp, -ENOTSUP, "the converter does not say what it reads", status);
	for (unsigned i = 0; i < count; i++) {
		uint32_t value = (uint32_t)list[i].value.value.i;
		if (list[i].type == VASurfaceAttribMemoryType)
			vpp->memory_types = value;
		if (list[i].type != VASurfaceAttribPixelFormat)
			continue;
		vpp->has_bgrx = vpp->has_bgrx || value == VA_FOURCC_BGRX;
		vpp->has_bgra = vpp->has_bgra || value == VA_FOURCC_BGRA;
	}
	if (!vpp->has_bgrx && !vpp->has_bgra)
		return refuse(vpp, -ENOTSUP, "the converter reads no RGB", VA_STATUS_SUCCESS);
	return 0;
}

/* Numbers of H.273 where the driver wants the standard spelt out. */
static void choose_standard(struct tr_vaapi_vpp *vpp)
{
	VAProcPipelineCaps caps = {0};
	bool is_explicit = false;

	vpp->standard = VAProcColorStandardBT709;
	if (vaQueryVideoProcPipelineCaps(vpp->display, vpp->context, NULL, 0, &caps) !=
			VA_STATUS_SUCCESS ||
		!caps.output_color_standards)
		return;
	for (uint32_t i = 0; i < caps.num_output_color_standards; i++) {
		if (caps.output_color_standards[i] == VAProcColorStandardBT709)
			return;
		is_explicit = is_explicit ||
			      caps.output_color_standards[i] == VAProcColorStandardExplicit;
	}
	if (is_explicit)
		vpp->standard = VAProcColorStandardExplicit;
}

int tr_vaapi_vpp_open(const struct tr_vaapi_device *device, struct tr_gpu_words *words,
	VASurfaceID target, int width, int height, struct tr_vaapi_vpp **ret)
{
	TR_CLEANUP(tr_vaapi_vpp_closep) struct tr_vaapi_vpp *vpp = calloc(1, sizeof(*vpp));

	if (!vpp)
		return -ENOMEM;
	vpp->display = tr_vaapi_device_display(device);
	vpp->words = words;
	vpp->config = vpp->context = VA_INVALID_ID;
	for (int i = 0; i < TR_SURFACES_MAX; i++)
		vpp->surfaces[i] = VA_INVALID_SURFACE;
	VAStatus status = vaCreateConfig(
		vpp->display, VAProfileNone, VAEntrypointVideoProc, NULL, 0, &vpp->config);
	if (status != VA_STATUS_SUCCESS)
		return refuse(vpp, -ENOTSUP, "the driver has no converter (VPP)", status);
	int rc = read_formats(vpp);
	if (rc < 0)
		return rc;
	status = vaCreateContext(vpp->display, vpp->config, width, height, VA_PROGRESSIVE, &target,
		1, &vpp->context);
	if (status != VA_STATUS_SUCCESS)
		return refuse(vpp, -ENOTSUP, "the converter does not open", status);
	choose_standard(vpp);
	*ret = tr_take(vpp);
	return 0;
}

/* ---- importing ---- */

/* What X never reads in the fourth byte does not matter here either. */
static uint32_t choose_format(const struct tr_vaapi_vpp *vpp, const struct tr_surface *surface)
{
	bool wants_alpha = surface->fourcc == DRM_FORMAT_ARGB8888;

	if (wants_alpha ? vpp->has_bgra : !vpp->has_bgrx)
		return VA_FOURCC_BGRA;
	return VA_FOURCC_BGRX;
}

static VAStatus create(struct tr_vaapi_vpp *vpp, const struct tr_surface *surface,
	uint32_t memory_type, void *descriptor, VASurfaceID *ret)
{
	VASurfaceAttrib attributes[] = {
		{.type = VASurfaceAttribPixelFormat,
			.flags = VA_SURFACE_ATTRIB_SETTABLE,
			.value = {.type = VAGenericValueTypeInteger,
				.value.i = (int)choose_format(vpp, surface)}},
		{.type = VASurfaceAttribMemoryType,
			.flags = VA_SURFACE_ATTRIB_SETTABLE,
			.value = {.type = VAGenericValueTypeInteger, .value.i = (int)memory_type}},
		{.type = VASurfaceAttribExternalBufferDescriptor,
			.flags = VA_SURFACE_ATTRIB_SETTABLE,
			.value = {.type = VAGenericValueTypePointer, .value.p = descriptor}},
	};

	return vaCreateSurfaces(vpp->display, VA_RT_FORMAT_RGB32, (unsigned)surface->width,
		(unsigned)surface->height, ret, 1, attributes, TR_COUNT(attributes));
}

static uint32_t find_size(const struct tr_surface *surface)
{
	off_t size = lseek(surface->planes[0].fd, 0, SEEK_END);
	uint64_t rows = surface->planes[0].offset +
			(uint64_t)surface->planes[0].pitch * (uint64_t)surface->height;

	return (uint32_t)(size > 0 ? (uint64_t)size : rows);
}

static VAStatus import_prime_2(
	struct tr_vaapi_vpp *vpp, const struct tr_surface *surface, VASurfaceID *ret)
{
	VADRMPRIMESurfaceDescriptor descriptor = {
		.fourcc = choose_format(vpp, surface),
		.width = (uint32_t)surface->width,
		.height = (uint32_t)surface->height,
		.num_objects = 1,
		.objects = {{.fd = surface->planes[0].fd,
			.size = find_size(surface),
			.drm_format_modifier = surface->modifier}},
		.num_layers = 1,
		.layers = {{.num_planes = 1,
			.offset = {surface->planes[0].offset},
			.pitch = {surface->planes[0].pitch}}},
	};

	descriptor.layers[0].drm_format =
		descriptor.fourcc == VA_FOURCC_BGRA ? DRM_FORMAT_ARGB8888 : DRM_FORMAT_XRGB8888;
	return create(vpp, surface, VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2, &descriptor, ret);
}

/* The older layout has no place for a modifier: the kernel knows the tiling. */
static VAStatus import_prime(
	struct tr_vaapi_vpp *vpp, const struct tr_surface *surface, VASurfaceID *ret)
{
	uintptr_t buffer = (uintptr_t)surface->planes[0].fd;
	VASurfaceAttribExternalBuffers descriptor = {
		.pixel_format = choose_format(vpp, surface),
		.width = (uint32_t)surface->width,
		.height = (uint32_t)surface->height,
		.data_size = find_size(surface),
		.num_planes = 1,
		.pitches = {surface->planes[0].pitch},
		.offsets = {surface->planes[0].offset},
		.buffers = &buffer,
		.num_buffers = 1,
	};

	return create(vpp, surface, VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME, &descriptor, ret);
}

int tr_vaapi_vpp_attach(struct tr_vaapi_vpp *vpp, int number, const struct tr_surface *surface)
{
	bool is_known = surface->modifier != DRM_FORMAT_MOD_INVALID;
	bool is_linear = surface->modifier == DRM_FORMAT_MOD_LINEAR;
	bool has_prime_2 = vpp->memory_types & VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2;
	VAStatus status = VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE;
	VASurfaceID *ret = &vpp->surfaces[number - 1];

	/* A second plane holds how the first one is compressed: read without it, that is soup. */
	if (surface->plane_count != 1)
		return refuse(vpp, -ENOTSUP, "the surface is compressed, which no driver reads", 0);
	if (is_known && has_prime_2)
		status = import_prime_2(vpp, surface, ret);
	if (status != VA_STATUS_SUCCESS && (!is_known || is_linear) &&
		vpp->memory_types & VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME)
		status = import_prime(vpp, surface, ret);
	if (status == VA_STATUS_SUCCESS)
		return 0;
	*ret = VA_INVALID_SURFACE;
	return refuse(vpp, -ENOTSUP, "the driver does not import the screen's memory", status);
}

/* ---- converting ---- */

static VAProcPipelineParameterBuffer describe(
	const struct tr_vaapi_vpp *vpp, int number, const VARectangle *area)
{
	VAProcPipelineParameterBuffer pipeline = {
		.surface = vpp->surfaces[number - 1],
		.surface_region = area,
		.output_region = area, /* no scaling, and the rest is black */
		.output_background_color = BLACK,
		.surface_color_standard = vpp->standard,
		.output_color_standard = vpp->standard,
		.filter_flags = VA_FRAME_PICTURE,
	};

	pipeline.input_color_properties.color_range = VA_SOURCE_RANGE_FULL;
	pipeline.input_color_properties.colour_primaries = 1;
	pipeline.input_color_properties.transfer_characteristics = 1;
	pipeline.input_color_properties.matrix_coefficients = 0; /* RGB */
	/* As the processor does it: chroma is the mean of two by two. */
	pipeline.output_color_properties.chroma_sample_location =
		VA_CHROMA_SITING_VERTICAL_CENTER | VA_CHROMA_SITING_HORIZONTAL_CENTER;
	pipeline.output_color_properties.color_range = VA_SOURCE_RANGE_REDUCED;
	pipeline.output_color_properties.colour_primaries = 1;
	pipeline.output_color_properties.transfer_characteristics = 1;
	pipeline.output_color_properties.matrix_coefficients = 1;
	return pipeline;
}

int tr_vaapi_vpp_convert(
	struct tr_vaapi_vpp *vpp, int number, int width, int height, VASurfaceID target)
{
	VARectangle area = {.width = (uint16_t)width, .height = (uint16_t)height};
	VAProcPipelineParameterBuffer pipeline = describe(vpp, number, &area);
	VABufferID buffer = VA_INVALID_ID;

	VAStatus status = vaBeginPicture(vpp->display, vpp->context, target);
	if (status != VA_STATUS_SUCCESS)
		return refuse(vpp, -EIO, "the converter does not begin", status);
	status = vaCreateBuffer(vpp->display, vpp->context, VAProcPipelineParameterBufferType,
		sizeof(pipeline), 1, &pipeline, &buffer);
	if (status == VA_STATUS_SUCCESS)
		status = vaRenderPicture(vpp->display, vpp->context, &buffer, 1);
	VAStatus end_status = vaEndPicture(vpp->display, vpp->context); /* whatever came before */
	if (buffer != VA_INVALID_ID)
		vaDestroyBuffer(vpp->display, buffer);
	status = status == VA_STATUS_SUCCESS ? end_status : status;
	return status == VA_STATUS_SUCCESS
		       ? 0
		       : refuse(vpp, -EIO, "the converter does not convert", status);
}

int tr_vaapi_vpp_wait(struct tr_vaapi_vpp *vpp, VASurfaceID target)
{
	VAStatus status = vaSyncSurface(vpp->display, target);

	return status == VA_STATUS_SUCCESS
		       ? 0
		       : refuse(vpp, -EIO, "the converter does not finish", status);
}
