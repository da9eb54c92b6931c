/*
 * Takes pictures of an X screen when something on it changed.
 *
 * XDamage tells what changed; tr_grab_take() converts just that into the caller's picture while
 * the server holds still (no tearing). The pixels come straight from the server's mapped frame
 * buffer file when there is one (Xvfb -fbdir), else by XShmGetImage.
 *
 * All calls from one thread. A server that goes away never ends our process: calls answer -EPIPE.
 */
#ifndef TR_DISPLAY_GRAB_H
#define TR_DISPLAY_GRAB_H

#include "core/cleanup.h"
#include "media/picture.h"

#include <stdbool.h>
#include <stdint.h>

struct tr_grab;

struct tr_grab_settings {
	const char *display;	  /* ":7" */
	const char *frame_buffer; /* file to map; NULL or unusable: XShmGetImage */
	int width, height;	  /* of the picture, from the screen's origin */
};

struct tr_grab_result {
	int64_t taken_ns; /* CLOCK_MONOTONIC, when the server stood still */
	int changed;	  /* macroblocks that differ from the picture before */
};

/* Connects, hides the cursor, watches the whole screen; the first picture is all of it. -ENODEV
 * when the server lacks an extension, -ECONNREFUSED, -ERANGE when the screen is too small, -ENOMEM.
 */
TR_CHECKED int tr_grab_open(const struct tr_grab_settings *settings, struct tr_grab **ret_grab);
void tr_grab_close(struct tr_grab *grab);

/* Readable when the server has news; tr_grab_collect() then reads them. */
int tr_grab_fd(const struct tr_grab *grab);

/* Reads what the server sent. 1 when something waits to be taken, 0 when not, -EPIPE. */
TR_CHECKED int tr_grab_collect(struct tr_grab *grab);

/* The next picture is all of the screen (what the picture holds is no longer known). */
void tr_grab_invalidate(struct tr_grab *grab);

/* Converts what changed into `picture` and marks it there. -EPIPE. */
TR_CHECKED int tr_grab_take(
	struct tr_grab *grab, struct tr_picture *picture, struct tr_grab_result *ret_result);

/* As if it had been taken, without a look at any pixel: somebody else takes the picture, right
 * after this. `changed` is then what the damage covers. -EPIPE. */
TR_CHECKED int tr_grab_skip(struct tr_grab *grab, struct tr_grab_result *ret_result);

/* "mapped frame buffer", "XShm", or "XGetImage" where the server may not open our memory; for the
 * report. */
const char *tr_grab_way(const struct tr_grab *grab);

TR_CLEANUP_DEFINE(struct tr_grab, tr_grab_close)

#endif
