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

static VAStatus read_prime_2(const struct tr_va_surface *surface,
	const VADRMPRIMESurfaceDescriptor *d, struct memory *memory)
{
	unsigned planes = surface->fourcc == VA_FOURCC_NV12 ? 2 : 1, plane = 0;

	if (d->num_objects != 1 || d->num_layers < 1 || d->num_layers > 2 ||
		d->fourcc != surface->fourcc || d->width < surface->width ||
		d->height < surface->height)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	uint64_t modifier = d->objects[0].drm_format_modifier;
	if (modifier != DRM_FORMAT_MOD_LINEAR && modifier != DRM_FORMAT_MOD_INVALID)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	for (unsigned layer = 0; layer < d->num_layers; layer++)
		for (unsigned i = 0; i < d->layers[layer].num_planes && plane < 2; i++, plane++) {
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
		d->pixel_format != surface->fourcc || d->width < surface->width ||
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
static bool fits(const struct tr_va_surface *surface, const struct memory *memory, size_t size)
{
	bool is_yuv = surface->fourcc == VA_FOURCC_NV12;

	for (unsigned i = 0; i < (is_yuv ? 2U : 1U); i++) {
		size_t rows = i ? (surface->height + 1) / 2 : surface->height;
		size_t row = is_yuv ? surface->width : surface->width * 4;
		if (memory->pitch[i] < row ||
			memory->offset[i] + memory->pitch[i] * (rows - 1) + row > size)
			return false;
	}
	return true;
}

static VAStatus map(struct tr_va_surface *surface, const struct memory *memory)
{
	struct stat stat;

	if (fstat(memory->fd, &stat) < 0)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	/* A dma-buf tells no size by fstat on old kernels. */
	size_t size = stat.st_size > 0 ? (size_t)stat.st_size : memory->size;
	if (!fits(surface, memory, size))
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

VAStatus tr_va_prime_import(
	struct tr_va_surface *surface, uint32_t memory_type, void *descriptor, unsigned index)
{
	struct memory memory = {0};
	VAStatus status = VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE;

	if (!descriptor)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	if (memory_type == VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2)
		status = read_prime_2(surface, descriptor, &memory);
	else if (memory_type == VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME)
		status = read_prime(surface, descriptor, index, &memory);
	return status == VA_STATUS_SUCCESS ? map(surface, &memory) : status;
}
