/*
 * A picture of the slot's screen for people who want to see what it does: read from the frame
 * buffer as it is (nobody is held up for it; a picture may show half of a change), or from an X
 * server without one, made small and into a JPEG by a thread of its own that yields to all others.
 * One at a time.
 */
#ifndef TR_SESSION_PREVIEW_H
#define TR_SESSION_PREVIEW_H

#include "core/cleanup.h"

#include <stddef.h>
#include <systemd/sd-event.h>

struct tr_preview;

/* `fd` (borrowed) is a file in memory of `size` bytes; or -1, with -errno in `rc`. */
typedef void tr_preview_done_fn(int fd, size_t size, int width, int rc, void *user);

TR_CHECKED int tr_preview_create(
	sd_event *event, tr_preview_done_fn *done, void *user, struct tr_preview **ret_preview);

/* Waits for the thread. NULL is fine. */
void tr_preview_destroy(struct tr_preview *preview);

struct tr_preview_settings {
	const char *frame_buffer; /* the X server's file; "": the display is asked */
	const char *display;
	int width, height; /* of what is shown of it */
	int to_width;	   /* of the picture, at most */
};

/* Borrows the settings; `done` comes from the loop. -EBUSY while one is being made, -errno. */
TR_CHECKED int tr_preview_make(
	struct tr_preview *preview, const struct tr_preview_settings *settings);

TR_CLEANUP_DEFINE(struct tr_preview, tr_preview_destroy)

#endif
