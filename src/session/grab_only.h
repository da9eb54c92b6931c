/*
 * Records an X display that somebody else started, without a browser: the same pipeline, for the
 * benchmark that runs it beside another recorder, and for looking at problems.
 *
 *   telerec-slot --grab-only :7 --to FILE.mp4 [--fbdir DIR] [--size WxH] [--rate N] [--for TIME]
 *                [--sound SOURCE] [--quality Q] [--kbps K] [--constant-rate] [--key-interval TIME]
 *                [--streams FILE]
 *
 * The file of --streams says where else it goes, as tr_broadcast_settings.targets does; --to can
 * then be left out.
 * SIGINT and SIGTERM end it early. Prints the figures of the recording as JSON.
 */
#ifndef TR_SESSION_GRAB_ONLY_H
#define TR_SESSION_GRAB_ONLY_H

#include "session/programs.h"

/* The process's exit code. */
int tr_grab_only_run(int argc, char **argv, const struct tr_programs *programs);

#endif
