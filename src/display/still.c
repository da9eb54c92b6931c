#include "display/still.h"

#include <errno.h>
#include <string.h>

#include <xcb/xcb.h>

TR_CLEANUP_DEFINE(struct xcb_connection_t, xcb_disconnect)

static xcb_window_t find_root(xcb_connection_t *connection, int number)
{
	xcb_screen_iterator_t screens = xcb_setup_roots_iterator(xcb_get_setup(connection));

	for (int i = 0; i < number && screens.rem > 1; i++)
		xcb_screen_next(&screens);
	return screens.data->root;
}

int tr_still_take(const char *display, int width, int height, uint8_t **ret_pixels)
{
	size_t size = (size_t)width * (size_t)height * 4;
	int number = 0;

	TR_CLEANUP(xcb_disconnectp) xcb_connection_t *connection = xcb_connect(display, &number);
	if (xcb_connection_has_error(connection))
		return -ECONNREFUSED;
	TR_CLEANUP(tr_freep)
	xcb_get_image_reply_t *image = xcb_get_image_reply(connection,
		xcb_get_image(connection, XCB_IMAGE_FORMAT_Z_PIXMAP, find_root(connection, number),
			0, 0, (uint16_t)width, (uint16_t)height, ~UINT32_C(0)),
		NULL);
	if (!image)
		return -EIO;
	if ((size_t)xcb_get_image_data_length(image) != size)
		return -ENOTSUP;
	uint8_t *pixels = malloc(size);
	if (!pixels)
		return -ENOMEM;
	memcpy(pixels, xcb_get_image_data(image), size);
	*ret_pixels = pixels;
	return 0;
}
