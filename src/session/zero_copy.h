/*
 * The zero-copy road of one recording: pictures go from the X server's graphics memory into the
 * encoder's without the processor touching a pixel. On only where it was proved with this display
 * and this encoder; where not, and when it fails, pictures are taken as ever.
 *
 * All calls from one thread, the relay's. One picture is in flight at most (relay.h), so a pixmap
 * is never drawn into while it is read.
 */
#ifndef TR_SESSION_ZERO_COPY_H
#define TR_SESSION_ZERO_COPY_H

#include "encode/relay.h"

struct tr_zero_copy;

struct tr_zero_copy_settings {
	const char *display; /* borrowed for the call */
	int width, height;
	struct tr_relay *relay; /* keeps; started, and without a picture yet */
};

/* Has the display share pixmaps, gives them to the encoder, and compares what the device makes of a
 * test card with what the processor makes of it. -ENOTSUP: `why` says it in a sentence, and
 * pictures it is. -EIO: no encoder is left. */
TR_CHECKED int tr_zero_copy_open(const struct tr_zero_copy_settings *settings, char *why,
	size_t why_size, struct tr_zero_copy **ret);

/* Before the relay's end. NULL is fine. */
void tr_zero_copy_close(struct tr_zero_copy *road);

/* The screen as it is now. -EPIPE: the display is gone. */
TR_CHECKED int tr_zero_copy_take(struct tr_zero_copy *road);

/* What was taken last, for tr_relay_submit_surface(); 0: nothing yet. */
int tr_zero_copy_number(const struct tr_zero_copy *road);

/* The same for the processor, into the relay's picture: for checks, which look about once a second.
 */
TR_CHECKED int tr_zero_copy_show(struct tr_zero_copy *road);

TR_CLEANUP_DEFINE(struct tr_zero_copy, tr_zero_copy_close)

#endif
