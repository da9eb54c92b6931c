/*
 * The screen as pictures in a graphics card's memory: pixmaps of our own that the X server copies
 * the screen into, and that it shares as descriptors (DRI3). A VA driver on the same card reads
 * them without a copy by the processor.
 *
 * Only an X server that draws with a GPU has such pixmaps: Xorg with glamor, not Xvfb. When to copy
 * is the caller's to know (grab.h); so is which pixmap the encoder has finished with.
 *
 * All calls from one thread. A server that goes away never ends our process: calls answer -EPIPE.
 */
#ifndef TR_DISPLAY_DRI3_H
#define TR_DISPLAY_DRI3_H

#include "core/cleanup.h"
#include "media/surface.h"

#include <stddef.h>

#define TR_DRI3_CELL 16

struct tr_dri3;

struct tr_dri3_settings {
	const char *display; /* ":7" */
	int width, height;   /* of the picture, from the screen's origin */
	char *problem;	     /* why it cannot be, in a sentence; NULL: only the log */
	size_t problem_size;
};

/* Connects and makes TR_SURFACES_MAX pixmaps. -ENOTSUP when this server does not share pixmaps (the
 * problem says why), -ECONNREFUSED, -ERANGE when the screen is too small, -ENOMEM. */
TR_CHECKED int tr_dri3_open(const struct tr_dri3_settings *settings, struct tr_dri3 **ret_dri3);
void tr_dri3_close(struct tr_dri3 *dri3); /* NULL is fine */

/* Number 1 to TR_SURFACES_MAX. The descriptors stay ours, and open until tr_dri3_close(). */
const struct tr_surface *tr_dri3_surface(const struct tr_dri3 *dri3, int number);

/* What is on the screen now, with all windows, into that pixmap; whole, as the server does nothing
 * else meanwhile. Waits for the server's answer. -EPIPE. */
TR_CHECKED int tr_dri3_copy(struct tr_dri3 *dri3, int number);

/* A test card instead of the screen: cells of TR_DRI3_CELL pixels each way in 64 saturated and
 * mixed colours. So a device's colours can be proved without anybody seeing it. -EPIPE. */
TR_CHECKED int tr_dri3_draw_card(struct tr_dri3 *dri3, int number);

/* What that pixmap shows, by the processor: rows of `width` pixels of 4 bytes (B G R x) without
 * gaps. For what the encoder should have seen when it could not say. -EPIPE. */
TR_CHECKED int tr_dri3_read(struct tr_dri3 *dri3, int number, uint8_t *pixels);

TR_CLEANUP_DEFINE(struct tr_dri3, tr_dri3_close)

#endif
