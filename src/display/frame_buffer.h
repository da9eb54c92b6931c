/* The X server's frame buffer as a file that can be mapped (Xvfb -fbdir): its pixels can be read at
 * any time, while the server draws on. */
#ifndef TR_DISPLAY_FRAME_BUFFER_H
#define TR_DISPLAY_FRAME_BUFFER_H

#include "core/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct tr_frame_buffer {
	const uint8_t *map;
	size_t map_size;
	const uint8_t *pixels; /* the first one, 32-bit B G R x; NULL: nothing is mapped */
	size_t stride;
};

/* For a screen of at least this size. -EINVAL when it is none, or a smaller one; -errno. */
TR_CHECKED int tr_frame_buffer_map(
	const char *path, int width, int height, struct tr_frame_buffer *ret_buffer);
void tr_frame_buffer_unmap(struct tr_frame_buffer *buffer); /* also one of zeros */

#endif
