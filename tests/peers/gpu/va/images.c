#include "driver.h"

#include <stdlib.h>
#include <string.h>

static const VAImageFormat formats[TR_VA_FORMATS] = {
	{.fourcc = VA_FOURCC_NV12, .byte_order = VA_LSB_FIRST, .bits_per_pixel = 12},
	{.fourcc = VA_FOURCC_BGRA,
		.byte_order = VA_LSB_FIRST,
		.bits_per_pixel = 32,
		.depth = 32,
		.red_mask = 0x00ff0000,
		.green_mask = 0x0000ff00,
		.blue_mask = 0x000000ff,
		.alpha_mask = 0xff000000},
	{.fourcc = VA_FOURCC_BGRX,
		.byte_order = VA_LSB_FIRST,
		.bits_per_pixel = 32,
		.depth = 24,
		.red_mask = 0x00ff0000,
		.green_mask = 0x0000ff00,
		.blue_mask = 0x000000ff},
	{.fourcc = VA_FOURCC_RGBA,
		.byte_order = VA_LSB_FIRST,
		.bits_per_pixel = 32,
		.depth = 32,
		.red_mask = 0x000000ff,
		.green_mask = 0x0000ff00,
		.blue_mask = 0x00ff0000,
		.alpha_mask = 0xff000000},
	{.fourcc = VA_FOURCC_RGBX,
		.byte_order = VA_LSB_FIRST,
		.bits_per_pixel = 32,
		.depth = 24,
		.red_mask = 0x000000ff,
		.green_mask = 0x0000ff00,
		.blue_mask = 0x00ff0000},
};

VAStatus tr_va_query_image_formats(VADriverContextP ctx, VAImageFormat *list, int *count)
{
	(void)ctx;
	memcpy(list, formats, sizeof(formats));
	*count = TR_VA_FORMATS;
	return VA_STATUS_SUCCESS;
}

static const VAImageFormat *find_format(uint32_t fourcc)
{
	for (size_t i = 0; i < TR_VA_COUNT(formats); i++)
		if (formats[i].fourcc == fourcc)
			return &formats[i];
	return NULL;
}

static unsigned round_up(unsigned value, unsigned to)
{
	return (value + to - 1) / to * to;
}

static void describe(VAImage *image, const VAImageFormat *format, unsigned width, unsigned height)
{
	bool is_yuv = format->fourcc == VA_FOURCC_NV12;

	image->format = *format;
	image->width = (uint16_t)width;
	image->height = (uint16_t)height;
	image->num_planes = is_yuv ? 2 : 1;
	image->pitches[0] = round_up(width * (is_yuv ? 1 : 4), TR_VA_PITCH);
	image->pitches[1] = is_yuv ? image->pitches[0] : 0;
	image->offsets[1] = is_yuv ? image->pitches[0] * round_up(height, 2) : 0;
	image->data_size = image->pitches[0] * round_up(height, 2) * (is_yuv ? 3 : 2) / 2;
}

/* Makes the two objects; the buffer's memory is the surface's, or its own. */
static VAStatus make(
	struct tr_va *va, const VAImage *like, struct tr_va_surface *surface, VAImage *ret)
{
	struct tr_va_image *image = tr_va_object_new(va, TR_VA_IMAGE, sizeof(*image));
	struct tr_va_buffer *buffer = tr_va_object_new(va, TR_VA_BUFFER, sizeof(*buffer));

	if (buffer) {
		buffer->type = VAImageBufferType;
		buffer->size = like->data_size;
		buffer->elements = 1;
		buffer->surface = surface ? tr_va_object_keep(surface) : NULL;
		buffer->data = surface ? surface->data : calloc(1, like->data_size);
	}
	if (!image || !buffer || !buffer->data) {
		if (image)
			tr_va_object_remove(va, image);
		if (buffer)
			tr_va_object_remove(va, buffer);
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	}
	image->image = *like;
	image->image.image_id = image->object.id;
	image->image.buf = buffer->object.id;
	*ret = image->image;
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_create_image(
	VADriverContextP ctx, VAImageFormat *format, int width, int height, VAImage *ret)
{
	TR_VA_ENTER(ctx);
	const VAImageFormat *known = find_format(format->fourcc);
	VAImage like = {0};

	if (!known)
		return VA_STATUS_ERROR_INVALID_IMAGE_FORMAT;
	if (width <= 0 || height <= 0 || width > UINT16_MAX || height > UINT16_MAX)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	describe(&like, known, (unsigned)width, (unsigned)height);
	return make(va, &like, NULL, ret);
}

VAStatus tr_va_derive_image(VADriverContextP ctx, VASurfaceID id, VAImage *ret)
{
	TR_VA_ENTER(ctx);
	struct tr_va_surface *surface = tr_va_object_find(va, TR_VA_SURFACE, id);

	if (!surface)
		return VA_STATUS_ERROR_INVALID_SURFACE;
	if (!va->personality.has_derive)
		return VA_STATUS_ERROR_UNIMPLEMENTED;
	int status = tr_va_personality_strike(&va->personality, TR_VA_DERIVE, va->frame, NULL);
	if (status)
		return status;
	VAImage like = {0};
	describe(&like, find_format(surface->fourcc), surface->width, surface->height);
	for (unsigned i = 0; i < like.num_planes; i++) {
		like.pitches[i] = surface->pitch[i];
		like.offsets[i] = surface->offset[i];
	}
	like.data_size = (uint32_t)surface->size;
	return make(va, &like, surface, ret);
}

VAStatus tr_va_destroy_image(VADriverContextP ctx, VAImageID id)
{
	TR_VA_ENTER(ctx);
	struct tr_va_image *image = tr_va_object_find(va, TR_VA_IMAGE, id);

	if (!image)
		return VA_STATUS_ERROR_INVALID_IMAGE;
	struct tr_va_buffer *buffer = tr_va_object_find(va, TR_VA_BUFFER, image->image.buf);
	if (buffer)
		tr_va_object_remove(va, buffer);
	tr_va_object_remove(va, image);
	return VA_STATUS_SUCCESS;
}

/* A rectangle of one place to another; one of them is a surface. */
struct copy {
	const uint8_t *from;
	const unsigned *from_pitch, *from_offset;
	uint8_t *to;
	const unsigned *to_pitch, *to_offset;
	unsigned from_x, from_y, to_x, to_y, width, height;
	bool is_yuv;
};

static void copy_planes(const struct copy *c)
{
	for (unsigned plane = 0; plane < (c->is_yuv ? 2U : 1U); plane++) {
		unsigned down = plane; /* chroma has half the rows, and pairs of bytes */
		size_t pixel = c->is_yuv ? 1 : 4;
		size_t bytes = plane ? (c->width + 1) / 2 * 2 : c->width * pixel;
		for (unsigned y = 0; y < (c->height + down) >> down; y++)
			memcpy(c->to + c->to_offset[plane] +
					(size_t)((c->to_y >> down) + y) * c->to_pitch[plane] +
					c->to_x * pixel,
				c->from + c->from_offset[plane] +
					(size_t)((c->from_y >> down) + y) * c->from_pitch[plane] +
					c->from_x * pixel,
				bytes);
	}
}

static bool is_inside(
	int x, int y, unsigned width, unsigned height, unsigned all_width, unsigned all_height)
{
	return x >= 0 && y >= 0 && (uint64_t)x + width <= all_width &&
	       (uint64_t)y + height <= all_height;
}

static VAStatus find_both(struct tr_va *va, VASurfaceID surface_id, VAImageID image_id,
	struct tr_va_surface **ret_surface, struct tr_va_image **ret_image,
	struct tr_va_buffer **ret_buffer)
{
	*ret_surface = tr_va_object_find(va, TR_VA_SURFACE, surface_id);
	*ret_image = tr_va_object_find(va, TR_VA_IMAGE, image_id);
	if (!*ret_surface)
		return VA_STATUS_ERROR_INVALID_SURFACE;
	if (!*ret_image)
		return VA_STATUS_ERROR_INVALID_IMAGE;
	*ret_buffer = tr_va_object_find(va, TR_VA_BUFFER, (*ret_image)->image.buf);
	if (!*ret_buffer)
		return VA_STATUS_ERROR_INVALID_BUFFER;
	if ((*ret_image)->image.format.fourcc != (*ret_surface)->fourcc)
		return VA_STATUS_ERROR_INVALID_IMAGE_FORMAT;
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_get_image(VADriverContextP ctx, VASurfaceID surface_id, int x, int y, unsigned width,
	unsigned height, VAImageID image_id)
{
	TR_VA_ENTER(ctx);
	struct tr_va_surface *surface;
	struct tr_va_image *image;
	struct tr_va_buffer *buffer;

	VAStatus status = find_both(va, surface_id, image_id, &surface, &image, &buffer);
	if (status != VA_STATUS_SUCCESS)
		return status;
	if (!is_inside(x, y, width, height, surface->width, surface->height) ||
		width > image->image.width || height > image->image.height)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	tr_va_run_jobs(va);
	copy_planes(&(struct copy){.from = surface->data,
		.from_pitch = surface->pitch,
		.from_offset = surface->offset,
		.to = buffer->data,
		.to_pitch = image->image.pitches,
		.to_offset = image->image.offsets,
		.from_x = (unsigned)x,
		.from_y = (unsigned)y,
		.width = width,
		.height = height,
		.is_yuv = surface->fourcc == VA_FOURCC_NV12});
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_put_image(VADriverContextP ctx, VASurfaceID surface_id, VAImageID image_id,
	int from_x, int from_y, unsigned from_width, unsigned from_height, int to_x, int to_y,
	unsigned to_width, unsigned to_height)
{
	TR_VA_ENTER(ctx);
	struct tr_va_surface *surface;
	struct tr_va_image *image;
	struct tr_va_buffer *buffer;

	VAStatus status = find_both(va, surface_id, image_id, &surface, &image, &buffer);
	if (status != VA_STATUS_SUCCESS)
		return status;
	if (surface->is_read_only || from_width != to_width || from_height != to_height ||
		!is_inside(from_x, from_y, from_width, from_height, image->image.width,
			image->image.height) ||
		!is_inside(to_x, to_y, to_width, to_height, surface->width, surface->height))
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	tr_va_run_jobs(va);
	copy_planes(&(struct copy){.from = buffer->data,
		.from_pitch = image->image.pitches,
		.from_offset = image->image.offsets,
		.to = surface->data,
		.to_pitch = surface->pitch,
		.to_offset = surface->offset,
		.from_x = (unsigned)from_x,
		.from_y = (unsigned)from_y,
		.to_x = (unsigned)to_x,
		.to_y = (unsigned)to_y,
		.width = from_width,
		.height = from_height,
		.is_yuv = surface->fourcc == VA_FOURCC_NV12});
	return VA_STATUS_SUCCESS;
}
