/*
 * The X server of a slot: an Xvfb of its own, closed to other users, with a frame buffer that can
 * be mapped and a mode whose refresh is the recording's rate.
 *
 * The screen is TR_XSERVER_MARGIN pixels larger than the recorded picture each way: a browser
 * window of exactly the screen's size loses a row and a column, a smaller one is exact.
 */
#ifndef TR_DISPLAY_XSERVER_H
#define TR_DISPLAY_XSERVER_H

#include "core/child.h"

#define TR_XSERVER_MARGIN 8

struct tr_xserver_settings {
	const char *program;	 /* NULL: Xvfb on PATH */
	const char *runtime_dir; /* for the frame buffer file, the cookie and the log */
	int width, height;	 /* of the recorded picture */
	int rate;		 /* refresh in Hz */
};

struct tr_xserver {
	struct tr_child child;
	char display[16];	/* ":7" */
	char xauthority[256];	/* file with the cookie */
	char frame_buffer[256]; /* file to map */
};

/* Starts it and waits until it accepts clients, at most 20 s. Says what went wrong, quoting the
 * server's own words. -ENOENT when there is no such program, -ETIMEDOUT, -EIO, -errno. */
TR_CHECKED int tr_xserver_start(
	const struct tr_xserver_settings *settings, struct tr_xserver *ret_server);

/* Also on a server that is dead already, or never started (all zero). */
void tr_xserver_stop(struct tr_xserver *server);

#endif
