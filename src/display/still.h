/* One look at an X screen whose frame buffer cannot be mapped. From any thread. */
#ifndef TR_DISPLAY_STILL_H
#define TR_DISPLAY_STILL_H

#include "core/cleanup.h"

#include <stdint.h>

/* Gives rows of `width` pixels of 4 bytes (B G R x) without gaps, to be freed, from the screen's
 * origin. -ECONNREFUSED, -ENOTSUP when its pixels are others, -EIO (also when it is smaller),
 * -ENOMEM. */
TR_CHECKED int tr_still_take(const char *display, int width, int height, uint8_t **ret_pixels);

#endif
