/*
 * The X server of a slot: an Xvfb of its own, closed to other users, with a frame buffer that can
 * be mapped and a mode whose refresh is the recording's rate.
 *
 * The screen is TR_XSERVER_MARGIN pixels larger than the recorded picture each way: a browser
 * window of exactly the screen's size loses a row and a column, a smaller one is exact.
 *
 * Or a server that somebody else runs, an Xorg on a GPU: it is used, never started or stopped, and
 * its mode stays.
 */
#ifndef TR_DISPLAY_XSERVER_H
#define TR_DISPLAY_XSERVER_H

#include "core/child.h"

#include <stdbool.h>

#define TR_XSERVER_MARGIN 8

struct tr_xserver_settings {
	const char *program;	 /* NULL: Xvfb on PATH */
	const char *runtime_dir; /* for the frame buffer file, the cookie and the log */
	int width, height;	 /* of the recorded picture */
	int rate;		 /* refresh in Hz */
};

struct xcb_connection_t;

struct tr_xserver {
	struct tr_child child;
	struct xcb_connection_t *watch; /* to somebody else's; NULL: it is a child */
	char display[16];		/* ":7" */
	char xauthority[256];		/* file with the cookie; "": none */
	char frame_buffer[256];		/* file to map; "": none */
};

/* Starts it and waits until it accepts clients, at most 20 s. Says what went wrong, quoting the
 * server's own words. -ENOENT when there is no such program, -ETIMEDOUT, -EIO, -errno. */
TR_CHECKED int tr_xserver_start(
	const struct tr_xserver_settings *settings, struct tr_xserver *ret_server);

struct tr_xserver_attach {
	const char *display;
	const char *xauthority; /* "": as the environment says */
	int width, height;	/* of the recorded picture */
	char *problem;		/* why it cannot be, in a sentence with the cure */
	size_t problem_size;
};

/* Connects to one that runs, and keeps its screen lit. -ECONNREFUSED, -ERANGE when its screen is
 * too small, -ENODEV when it lacks an extension, -ENAMETOOLONG: with a problem. */
TR_CHECKED int tr_xserver_attach(
	const struct tr_xserver_attach *settings, struct tr_xserver *ret_server);

/* Readable when it has ended, or has something to say: then tr_xserver_is_alive() tells. */
int tr_xserver_fd(const struct tr_xserver *server);
bool tr_xserver_is_alive(struct tr_xserver *server);

/* Whether there is one at all: it was started, or attached to, and not stopped since. */
bool tr_xserver_is_set(const struct tr_xserver *server);

/* Also on a server that is dead already, or never started (all zero). Lets go of somebody
 * else's. */
void tr_xserver_stop(struct tr_xserver *server);

#endif
