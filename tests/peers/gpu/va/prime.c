/*
 * Memory that somebody else has made: a dma-buf, or a memfd in its place. Both layouts of libva's
 * descriptors. Only linear memory: what a real driver would untile, this one cannot read.
 */
#include "driver.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <drm_fourcc.h>

struct memory {
	int fd;
	size_t size;
	unsigned pitch[2], offset[2];
};

static bool is_format_of(uint32_t drm_format, uint32_t fourcc)
{
	switch (drm_format) {
	case DRM_FORMAT_ARGB8888:
		return fourcc == VA_FOURCC_BGRA;
	case DRM_FORMAT_XRGB8888:
		return fourcc == VA_FOURCC_BGRX;
	case DRM_FORMAT_ABGR8888:
		return fourcc == VA_FOURCC_RGBA;
	case DRM_FORMAT_XBGR8888:
		return fourcc == VA_FOURCC_RGBX;
	default: /* whole, or each plane as a layer */
		return fourcc == VA_FOURCC_NV12 &&
		       (drm_format == DRM_FORMAT_NV12 || drm_format == DRM_FORMAT_R8 ||
			       drm_format == DRM_FORMAT_GR88);
	}
}

static VAStatus read_prime_2(const struct tr_va_surface *surface,
	const VADRMPRIMESurfaceDescriptor *d, struct memory *memory)
{
	unsigned planes = surface->fourcc == VA_FOURCC_NV12 ? 2 : 1, plane = 0;

	if (d->num_objects != 1 || d->num_layers < 1 || d->num_layers > 2 ||
		d->fourcc != surface->fourcc || d->width < surface->width ||
		d->height < surface->height)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	/* Who does not know the modifier must take the older layout. */
	if (d->objects[0].drm_format_modifier != DRM_FORMAT_MOD_LINEAR || !d->objects[0].size)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	for (unsigned layer = 0; layer < d->num_layers; layer++)
		for (unsigned i = 0; i < d->layers[layer].num_planes; i++, plane++) {
			if (plane >= planes || d->layers[layer].object_index[i] != 0 ||
				!is_format_of(d->layers[layer].drm_format, surface->fourcc))
				return VA_STATUS_ERROR_INVALID_PARAMETER;
			memory->pitch[plane] = d->layers[layer].pitch[i];
			memory->offset[plane] = d->layers[layer].offset[i];
		}
	memory->fd = d->objects[0].fd;
	memory->size = d->objects[0].size;
	return plane == planes ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_PARAMETER;
}

static VAStatus read_prime(const struct tr_va_surface *surface,
	const VASurfaceAttribExternalBuffers *d, unsigned index, struct memory *memory)
{
	unsigned planes = surface->fourcc == VA_FOURCC_NV12 ? 2 : 1;

	if (index >= d->num_buffers || d->num_planes != planes ||
		d->pixel_format != surface->fourcc || !d->data_size || d->width < surface->width ||
		d->height < surface->height)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	for (unsigned i = 0; i < planes; i++) {
		memory->pitch[i] = d->pitches[i];
		memory->offset[i] = d->offsets[i];
	}
	memory->fd = (int)d->buffers[index];
	memory->size = d->data_size;
	return VA_STATUS_SUCCESS;
}

/* Does each row lie inside? The real size counts, not what the descriptor says. */
static bool fits(const struct tr_va_surface *surface, const struct memory *memory, size_t size,
	unsigned pitch_step)
{
	bool is_yuv = surface->fourcc == VA_FOURCC_NV12;

	if (memory->size > size)
		return false;

	for (unsigned i = 0; i < (is_yuv ? 2U : 1U); i++) {
		size_t rows = i ? (surface->height + 1) / 2 : surface->height;
		size_t row = is_yuv ? surface->width : surface->width * 4;
		if (memory->pitch[i] < row || memory->pitch[i] % pitch_step ||
			memory->offset[i] + memory->pitch[i] * (rows - 1) + row > size)
			return false;
	}
	return true;
}

static VAStatus map(struct tr_va_surface *surface, const struct memory *memory, unsigned pitch_step)
{
	struct stat stat;

	if (fstat(memory->fd, &stat) < 0)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	/* A dma-buf tells no size by fstat on old kernels. */
	size_t size = stat.st_size > 0 ? (size_t)stat.st_size : memory->size;
	if (!fits(surface, memory, size, pitch_step))
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	surface->fd = fcntl(memory->fd, F_DUPFD_CLOEXEC, 0);
	if (surface->fd < 0)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, surface->fd, 0);
	if (data == MAP_FAILED) {
		surface->is_read_only = true; /* as sources of capture are */
		data = mmap(NULL, size, PROT_READ, MAP_SHARED, surface->fd, 0);
	}
	if (data == MAP_FAILED)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	surface->data = data;
	surface->size = size;
	for (unsigned i = 0; i < 2; i++) {
		surface->pitch[i] = memory->pitch[i];
		surface->offset[i] = memory->offset[i];
	}
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_prime_import(struct tr_va *va, struct tr_va_surface *surface, uint32_t memory_type,
	void *descriptor, unsigned index)
{
	const struct tr_va_personality *p = &va->personality;
	struct memory memory = {0};

	if (!descriptor)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	VAStatus status = tr_va_personality_strike(p, TR_VA_IMPORT, va->frame, NULL);
	if (status != VA_STATUS_SUCCESS)
		return status;
	if (memory_type == VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2)
		status = read_prime_2(surface, descriptor, &memory);
	else if (memory_type == VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME)
		status = read_prime(surface, descriptor, index, &memory);
	else
		status = VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE;
	if (status == VA_STATUS_SUCCESS)
		status = map(surface, &memory, p->pitch_step ? p->pitch_step : 4);
	tr_va_personality_log(p, "import type=0x%x %ux%u pitch=%u status=%d", memory_type,
		surface->width, surface->height, memory.pitch[0], status);
	return status;
}
