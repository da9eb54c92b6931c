#include "driver.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm_fourcc.h>

static unsigned round_up(unsigned value, unsigned to)
{
	return (value + to - 1) / to * to;
}

static bool is_rgb(uint32_t fourcc)
{
	return fourcc == VA_FOURCC_BGRA || fourcc == VA_FOURCC_BGRX || fourcc == VA_FOURCC_RGBA ||
	       fourcc == VA_FOURCC_RGBX;
}

void tr_va_surface_free(struct tr_va_surface *surface)
{
	if (surface->data)
		munmap(surface->data, surface->size);
	if (surface->fd >= 0)
		close(surface->fd);
	free(surface);
}

static VAStatus allocate(struct tr_va_surface *surface)
{
	bool is_yuv = surface->fourcc == VA_FOURCC_NV12;
	unsigned rows = round_up(surface->height, TR_VA_ROWS);

	surface->pitch[0] = round_up(surface->width * (is_yuv ? 1 : 4), TR_VA_PITCH);
	surface->pitch[1] = is_yuv ? surface->pitch[0] : 0;
	surface->offset[1] = is_yuv ? surface->pitch[0] * rows : 0;
	surface->size = (size_t)surface->pitch[0] * (is_yuv ? rows * 3 / 2 : rows);
	surface->fd = memfd_create("test-surface", MFD_CLOEXEC);
	if (surface->fd < 0 || ftruncate(surface->fd, (off_t)surface->size) < 0)
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	void *data = mmap(NULL, surface->size, PROT_READ | PROT_WRITE, MAP_SHARED, surface->fd, 0);
	if (data == MAP_FAILED)
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	surface->data = data;
	return VA_STATUS_SUCCESS;
}

struct request {
	uint32_t fourcc;
	uint32_t memory_type;
	void *descriptor;
};

static VAStatus read_request(
	const VASurfaceAttrib *attributes, unsigned count, unsigned format, struct request *request)
{
	*request = (struct request){
		.fourcc = format == VA_RT_FORMAT_RGB32 ? VA_FOURCC_BGRX : VA_FOURCC_NV12,
		.memory_type = VA_SURFACE_ATTRIB_MEM_TYPE_VA};
	if (format != VA_RT_FORMAT_YUV420 && format != VA_RT_FORMAT_RGB32)
		return VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT;
	for (unsigned i = 0; i < count; i++) {
		if (!(attributes[i].flags & VA_SURFACE_ATTRIB_SETTABLE))
			continue;
		if (attributes[i].type == VASurfaceAttribPixelFormat)
			request->fourcc = (uint32_t)attributes[i].value.value.i;
		else if (attributes[i].type == VASurfaceAttribMemoryType)
			request->memory_type = (uint32_t)attributes[i].value.value.i;
		else if (attributes[i].type == VASurfaceAttribExternalBufferDescriptor)
			request->descriptor = attributes[i].value.value.p;
		else if (attributes[i].type != VASurfaceAttribUsageHint)
			return VA_STATUS_ERROR_ATTR_NOT_SUPPORTED;
	}
	if (is_rgb(request->fourcc) != (format == VA_RT_FORMAT_RGB32) ||
		(!is_rgb(request->fourcc) && request->fourcc != VA_FOURCC_NV12))
		return VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT;
	return VA_STATUS_SUCCESS;
}

static VAStatus create_one(struct tr_va *va, const struct request *request, unsigned width,
	unsigned height, unsigned index, VASurfaceID *ret)
{
	struct tr_va_surface *surface = tr_va_object_new(va, TR_VA_SURFACE, sizeof(*surface));
	VAStatus status;

	if (!surface)
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	surface->fd = -1;
	surface->frame = -1;
	surface->fourcc = request->fourcc;
	surface->width = width;
	surface->height = height;
	if (request->memory_type == VA_SURFACE_ATTRIB_MEM_TYPE_VA)
		status = allocate(surface);
	else
		status = tr_va_prime_import(
			va, surface, request->memory_type, request->descriptor, index);
	if (status != VA_STATUS_SUCCESS)
		tr_va_object_remove(va, surface);
	else
		*ret = surface->object.id;
	return status;
}

VAStatus tr_va_create_surfaces2(VADriverContextP ctx, unsigned format, unsigned width,
	unsigned height, VASurfaceID *surfaces, unsigned count, VASurfaceAttrib *attributes,
	unsigned attribute_count)
{
	TR_VA_ENTER(ctx);
	const struct tr_va_personality *p = &va->personality;
	struct request request;
	unsigned made = 0;

	VAStatus status = read_request(attributes, attribute_count, format, &request);
	if (status == VA_STATUS_SUCCESS && (!width || !height))
		status = VA_STATUS_ERROR_INVALID_PARAMETER;
	if (status == VA_STATUS_SUCCESS && (width > p->max_width || height > p->max_height))
		status = VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED;
	if (status == VA_STATUS_SUCCESS &&
		request.memory_type == VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2 && !p->has_prime_2)
		status = VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE;
	if (status == VA_STATUS_SUCCESS)
		status = tr_va_personality_strike(p, TR_VA_CREATE_SURFACES, va->frame, NULL);
	while (status == VA_STATUS_SUCCESS && made < count) {
		status = create_one(va, &request, width, height, made, &surfaces[made]);
		made += status == VA_STATUS_SUCCESS;
	}
	while (status != VA_STATUS_SUCCESS && made > 0)
		tr_va_object_remove(va, tr_va_object_find(va, TR_VA_SURFACE, surfaces[--made]));
	return status;
}

VAStatus tr_va_create_surfaces(
	VADriverContextP ctx, int width, int height, int format, int count, VASurfaceID *surfaces)
{
	return tr_va_create_surfaces2(ctx, (unsigned)format, (unsigned)width, (unsigned)height,
		surfaces, (unsigned)count, NULL, 0);
}

VAStatus tr_va_destroy_surfaces(VADriverContextP ctx, VASurfaceID *surfaces, int count)
{
	TR_VA_ENTER(ctx);

	for (int i = 0; i < count; i++)
		if (!tr_va_object_find(va, TR_VA_SURFACE, surfaces[i]))
			return VA_STATUS_ERROR_INVALID_SURFACE;
	for (int i = 0; i < count; i++) {
		struct tr_va_surface *surface = tr_va_object_find(va, TR_VA_SURFACE, surfaces[i]);
		if (surface) /* a number given twice */
			tr_va_object_remove(va, surface);
	}
	return VA_STATUS_SUCCESS;
}

static uint32_t drm_format(uint32_t fourcc)
{
	switch (fourcc) {
	case VA_FOURCC_BGRA:
		return DRM_FORMAT_ARGB8888;
	case VA_FOURCC_BGRX:
		return DRM_FORMAT_XRGB8888;
	case VA_FOURCC_RGBA:
		return DRM_FORMAT_ABGR8888;
	case VA_FOURCC_RGBX:
		return DRM_FORMAT_XBGR8888;
	default:
		return DRM_FORMAT_NV12;
	}
}

static void describe_layers(
	const struct tr_va_surface *surface, bool is_composed, VADRMPRIMESurfaceDescriptor *d)
{
	static const uint32_t single[] = {DRM_FORMAT_R8, DRM_FORMAT_GR88};
	unsigned planes = surface->fourcc == VA_FOURCC_NV12 ? 2 : 1;

	d->num_layers = is_composed ? 1 : planes;
	for (unsigned i = 0; i < planes; i++) {
		unsigned layer = is_composed ? 0 : i, plane = is_composed ? i : 0;
		d->layers[layer].drm_format =
			is_composed || planes == 1 ? drm_format(surface->fourcc) : single[i];
		d->layers[layer].num_planes = plane + 1;
		d->layers[layer].object_index[plane] = 0;
		d->layers[layer].offset[plane] = surface->offset[i];
		d->layers[layer].pitch[plane] = surface->pitch[i];
	}
}

VAStatus tr_va_export_surface(VADriverContextP ctx, VASurfaceID id, uint32_t memory_type,
	uint32_t flags, void *descriptor)
{
	TR_VA_ENTER(ctx);
	struct tr_va_surface *surface = tr_va_object_find(va, TR_VA_SURFACE, id);
	VADRMPRIMESurfaceDescriptor *d = descriptor;

	if (!surface)
		return VA_STATUS_ERROR_INVALID_SURFACE;
	if (memory_type != VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2 || !va->personality.has_prime_2)
		return VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE;
	*d = (VADRMPRIMESurfaceDescriptor){.fourcc = surface->fourcc,
		.width = surface->width,
		.height = surface->height,
		.num_objects = 1};
	d->objects[0].fd = dup(surface->fd);
	if (d->objects[0].fd < 0)
		return VA_STATUS_ERROR_OPERATION_FAILED;
	d->objects[0].size = (uint32_t)surface->size;
	d->objects[0].drm_format_modifier = DRM_FORMAT_MOD_LINEAR;
	describe_layers(surface, flags & VA_EXPORT_SURFACE_COMPOSED_LAYERS, d);
	return VA_STATUS_SUCCESS;
}
