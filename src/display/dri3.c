#define TR_LOG_AREA "dri3"
#include "display/dri3.h"

#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xcb/dri3.h>
#include <xcb/xcb.h>

/* As DRM names formats: B G R and a byte of nothing, or of transparency, in the memory. */
#define FOURCC(a, b, c, d)                                                                         \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define XRGB8888 FOURCC('X', 'R', '2', '4')
#define ARGB8888 FOURCC('A', 'R', '2', '4')

struct tr_dri3 {
	struct tr_dri3_settings settings;
	xcb_connection_t *connection;
	const xcb_screen_t *screen;
	xcb_gcontext_t copier;
	bool has_planes; /* DRI3 1.2: the server tells of planes and of the modifier */
	xcb_pixmap_t pixmaps[TR_SURFACES_MAX];
	struct tr_surface surfaces[TR_SURFACES_MAX];
};

__attribute__((format(printf, 3, 4))) static int refuse(
	const struct tr_dri3_settings *settings, int rc, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (settings->problem)
		snprintf(settings->problem, settings->problem_size, "%s", text);
	tr_debug("%s", text);
	return rc;
}

static int connect_to(struct tr_dri3 *dri3)
{
	const struct tr_dri3_settings *settings = &dri3->settings;
	int number = 0;

	dri3->connection = xcb_connect(settings->display, &number);
	if (xcb_connection_has_error(dri3->connection))
		return refuse(settings, -ECONNREFUSED, "cannot connect to the display %s",
			settings->display);
	xcb_screen_iterator_t screens = xcb_setup_roots_iterator(xcb_get_setup(dri3->connection));
	for (int i = 0; i < number && screens.rem > 1; i++)
		xcb_screen_next(&screens);
	dri3->screen = screens.data;
	if (dri3->screen->width_in_pixels < settings->width ||
		dri3->screen->height_in_pixels < settings->height)
		return refuse(settings, -ERANGE, "the screen %s has %dx%d pixels, fewer than %dx%d",
			settings->display, dri3->screen->width_in_pixels,
			dri3->screen->height_in_pixels, settings->width, settings->height);
	if (dri3->screen->root_depth != 24 && dri3->screen->root_depth != 32)
		return refuse(settings, -ENOTSUP,
			"the screen %s has a depth of %d bits, and no VA driver is known to read "
			"that: give it 24",
			settings->display, dri3->screen->root_depth);
	return 0;
}

static int find_extension(struct tr_dri3 *dri3)
{
	const struct tr_dri3_settings *settings = &dri3->settings;
	const xcb_query_extension_reply_t *extension =
		xcb_get_extension_data(dri3->connection, &xcb_dri3_id);

	if (!extension || !extension->present)
		return refuse(settings, -ENOTSUP,
			"the X server %s does not share its pictures (it has no DRI3): only Xorg "
			"on a GPU does",
			settings->display);
	TR_CLEANUP(tr_freep)
	xcb_dri3_query_version_reply_t *version = xcb_dri3_query_version_reply(
		dri3->connection, xcb_dri3_query_version(dri3->connection, 1, 2), NULL);
	if (!version)
		return refuse(settings, -ENOTSUP, "the X server %s does not say which DRI3 it has",
			settings->display);
	dri3->has_planes = version->major_version > 1 || version->minor_version >= 2;
	return 0;
}

/* ---- a pixmap, and what it is in the card's memory ---- */

static void forget(struct tr_surface *surface)
{
	for (int i = 0; i < surface->plane_count; i++)
		if (surface->planes[i].fd >= 0)
			close(surface->planes[i].fd);
	surface->plane_count = 0;
}

/* With the modifier: how the pixels lie in the memory. */
static int share_planes(struct tr_dri3 *dri3, xcb_pixmap_t pixmap, struct tr_surface *ret)
{
	TR_CLEANUP(tr_freep)
	xcb_dri3_buffers_from_pixmap_reply_t *reply = xcb_dri3_buffers_from_pixmap_reply(
		dri3->connection, xcb_dri3_buffers_from_pixmap(dri3->connection, pixmap), NULL);

	if (!reply)
		return -ENOTSUP;
	const int32_t *fds = xcb_dri3_buffers_from_pixmap_reply_fds(dri3->connection, reply);
	const uint32_t *strides = xcb_dri3_buffers_from_pixmap_strides(reply);
	const uint32_t *offsets = xcb_dri3_buffers_from_pixmap_offsets(reply);
	int count = reply->nfd;
	/* Two planes of RGB: the second one says how the first is compressed. Drivers read such
	 * pictures as noise, so we ask again, as in the days before. */
	if (count != 1) {
		for (int i = 0; i < count; i++)
			close(fds[i]);
		return -ENOTSUP;
	}
	ret->plane_count = 1;
	ret->modifier = reply->modifier;
	ret->planes[0].fd = fds[0];
	ret->planes[0].offset = offsets[0];
	ret->planes[0].pitch = strides[0];
	return 0;
}

static int share_plain(struct tr_dri3 *dri3, xcb_pixmap_t pixmap, struct tr_surface *ret)
{
	TR_CLEANUP(tr_freep)
	xcb_dri3_buffer_from_pixmap_reply_t *reply = xcb_dri3_buffer_from_pixmap_reply(
		dri3->connection, xcb_dri3_buffer_from_pixmap(dri3->connection, pixmap), NULL);

	if (!reply)
		return -ENOTSUP;
	const int32_t *fds = xcb_dri3_buffer_from_pixmap_reply_fds(dri3->connection, reply);
	ret->plane_count = 1;
	ret->modifier = TR_SURFACE_MODIFIER_UNKNOWN;
	ret->planes[0].fd = fds[0];
	ret->planes[0].pitch = reply->stride;
	return reply->bpp == 32 ? 0 : -ENOTSUP;
}

static int make_pixmap(struct tr_dri3 *dri3, int i)
{
	const struct tr_dri3_settings *settings = &dri3->settings;
	struct tr_surface *surface = &dri3->surfaces[i];

	dri3->pixmaps[i] = xcb_generate_id(dri3->connection);
	xcb_create_pixmap(dri3->connection, dri3->screen->root_depth, dri3->pixmaps[i],
		dri3->screen->root, (uint16_t)settings->width, (uint16_t)settings->height);
	*surface = (struct tr_surface){
		.width = settings->width,
		.height = settings->height,
		.fourcc = dri3->screen->root_depth == 24 ? XRGB8888 : ARGB8888,
	};
	int rc = dri3->has_planes ? share_planes(dri3, dri3->pixmaps[i], surface) : -ENOTSUP;
	if (rc < 0)
		rc = share_plain(dri3, dri3->pixmaps[i], surface);
	if (rc < 0)
		return refuse(settings, rc,
			"the X server %s has DRI3, but shares no picture: it does not draw with a "
			"GPU (its log says why)",
			settings->display);
	return 0;
}

static void make_copier(struct tr_dri3 *dri3)
{
	/* Without the second one the windows would be left out. */
	const uint32_t values[] = {XCB_SUBWINDOW_MODE_INCLUDE_INFERIORS, 0};

	dri3->copier = xcb_generate_id(dri3->connection);
	xcb_create_gc(dri3->connection, dri3->copier, dri3->screen->root,
		XCB_GC_SUBWINDOW_MODE | XCB_GC_GRAPHICS_EXPOSURES, values);
}

int tr_dri3_open(const struct tr_dri3_settings *settings, struct tr_dri3 **ret_dri3)
{
	TR_CLEANUP(tr_dri3_closep) struct tr_dri3 *dri3 = calloc(1, sizeof(*dri3));

	if (!dri3)
		return -ENOMEM;
	dri3->settings = *settings;
	int rc = connect_to(dri3);
	if (rc == 0)
		rc = find_extension(dri3);
	if (rc < 0)
		return rc;
	make_copier(dri3);
	for (int i = 0; i < TR_SURFACES_MAX && rc == 0; i++)
		rc = make_pixmap(dri3, i);
	if (rc < 0)
		return rc;
	dri3->settings.display = NULL; /* borrowed */
	dri3->settings.problem = NULL;
	*ret_dri3 = tr_take(dri3);
	return 0;
}

void tr_dri3_close(struct tr_dri3 *dri3)
{
	if (!dri3)
		return;
	for (int i = 0; i < TR_SURFACES_MAX; i++)
		forget(&dri3->surfaces[i]);
	xcb_disconnect(dri3->connection); /* what it has in the server goes with it */
	free(dri3);
}

const struct tr_surface *tr_dri3_surface(const struct tr_dri3 *dri3, int number)
{
	return &dri3->surfaces[number - 1];
}

/* Until what was drawn is there: a pixel that is read back says so, whatever draws. Not every
 * server leaves a fence in the kernel that those who read the memory would wait for. */
static int wait_for_drawing(struct tr_dri3 *dri3, int number)
{
	const struct tr_surface *surface = &dri3->surfaces[number - 1];
	TR_CLEANUP(tr_freep)
	xcb_get_image_reply_t *reply = xcb_get_image_reply(dri3->connection,
		xcb_get_image(dri3->connection, XCB_IMAGE_FORMAT_Z_PIXMAP,
			dri3->pixmaps[number - 1], (int16_t)(surface->width - 1),
			(int16_t)(surface->height - 1), 1, 1, UINT32_MAX),
		NULL);

	return reply ? 0 : -EPIPE;
}

int tr_dri3_copy(struct tr_dri3 *dri3, int number)
{
	xcb_copy_area(dri3->connection, dri3->screen->root, dri3->pixmaps[number - 1], dri3->copier,
		0, 0, 0, 0, (uint16_t)dri3->surfaces[number - 1].width,
		(uint16_t)dri3->surfaces[number - 1].height);
	return wait_for_drawing(dri3, number);
}

/* Two bits each of red, green and blue. */
static uint32_t card_colour(unsigned number)
{
	return (number & 3) * 85 << 16 | (number >> 2 & 3) * 85 << 8 | (number >> 4 & 3) * 85;
}

int tr_dri3_draw_card(struct tr_dri3 *dri3, int number)
{
	const int cell = TR_DRI3_CELL;
	xcb_gcontext_t pen = xcb_generate_id(dri3->connection);

	xcb_create_gc(dri3->connection, pen, dri3->pixmaps[number - 1], 0, NULL);
	for (int y = 0; y * cell < dri3->settings.height; y++)
		for (int x = 0; x * cell < dri3->settings.width; x++) {
			/* Neighbours differ, and no row or column is like the next. */
			uint32_t colour = card_colour((unsigned)(x * 7 + y * 19) % 64);
			xcb_rectangle_t place = {(int16_t)(x * cell), (int16_t)(y * cell),
				(uint16_t)cell, (uint16_t)cell};
			xcb_change_gc(dri3->connection, pen, XCB_GC_FOREGROUND, &colour);
			xcb_poly_fill_rectangle(
				dri3->connection, dri3->pixmaps[number - 1], pen, 1, &place);
		}
	xcb_free_gc(dri3->connection, pen);
	return wait_for_drawing(dri3, number);
}

int tr_dri3_read(struct tr_dri3 *dri3, int number, uint8_t *pixels)
{
	const struct tr_surface *surface = &dri3->surfaces[number - 1];
	size_t size = (size_t)surface->width * (size_t)surface->height * 4;
	TR_CLEANUP(tr_freep)
	xcb_get_image_reply_t *reply = xcb_get_image_reply(dri3->connection,
		xcb_get_image(dri3->connection, XCB_IMAGE_FORMAT_Z_PIXMAP,
			dri3->pixmaps[number - 1], 0, 0, (uint16_t)surface->width,
			(uint16_t)surface->height, UINT32_MAX),
		NULL);

	if (!reply || (size_t)xcb_get_image_data_length(reply) < size)
		return -EPIPE;
	memcpy(pixels, xcb_get_image_data(reply), size);
	return 0;
}
