/*
 * Why a recording ended, or could not begin: what a person must act on is one of these, not an
 * errno. One table has the name that travels, the sentence for people, and the exit code of
 * `telerec record`.
 */
#ifndef TR_PROTOCOL_REASON_H
#define TR_PROTOCOL_REASON_H

#include "core/cleanup.h"

#include <stdbool.h>

enum tr_reason {
	TR_REASON_NONE,
	TR_REASON_INTERNAL,	/* a fault of our own, or memory */
	TR_REASON_BAD_REQUEST,	/* what was asked for cannot be done as asked */
	TR_REASON_NO_DISPLAY,	/* the X server is missing or does not start */
	TR_REASON_NO_BROWSER,	/* the browser is missing or does not start */
	TR_REASON_NO_SOUND,	/* no way of sound works */
	TR_REASON_NO_ENCODER,	/* no encoder works */
	TR_REASON_PAGE_FAILED,	/* the page cannot be loaded: no such host, refused, an error status
				 */
	TR_REASON_PAGE_TIMEOUT, /* the page does not finish loading */
	TR_REASON_PAGE_CRASHED, /* the browser or the page keeps dying */
	TR_REASON_DISK_FULL,	/* no space for the recording */
	TR_REASON_DISK_ERROR,	/* the folder cannot be written */
	TR_REASON_DISPLAY_LOST, /* the X server died in the middle */
	TR_REASON_SOUND_LOST,	/* the sound device went away in the middle */
	TR_REASON_ENCODER_LOST, /* the encoder keeps dying */
	TR_REASON_SLOT_LOST,	/* the slot process keeps dying */
	TR_REASON_INTERRUPTED,	/* a person or the system stopped it hard */
	/* of a meeting: clean ends ... */
	TR_REASON_MEETING_EMPTY,
	TR_REASON_MEETING_MUTED,  /* all muted for too long */
	TR_REASON_MEETING_KICKED, /* the meeting threw the recorder out */
	/* ... and failures */
	TR_REASON_JOIN_FAILED, /* the page did not get into the meeting */
	TR_REASON_NO_MEDIA,    /* nothing comes in although somebody sends */
	TR_REASON_ICE_FAILED,  /* no connection to the meeting's bridge */
	TR_REASON_CANCELLED,   /* stopped before it was on */
	/* of a stream */
	TR_REASON_STREAM_REFUSED, /* every server refused it; another node would not fare better */
	TR_REASON_STREAM_LOST,	  /* no server can be reached any more */
	TR_REASON_COUNT_,
};

/* "page_timeout"; "internal" for a number that is none. */
const char *tr_reason_name(enum tr_reason reason);

/* -ENOENT for a name that is none. */
TR_CHECKED int tr_reason_from_name(const char *name, enum tr_reason *ret_reason);

/* For people, with what to do where we know it. */
const char *tr_reason_sentence(enum tr_reason reason);

/* Whether a recording that ends so ended well: TR_REASON_NONE and the clean ends of a meeting. */
bool tr_reason_is_clean(enum tr_reason reason);

/* Of `telerec record`: 0 for TR_REASON_NONE, 2 for a bad request, each other one its own. */
int tr_reason_exit_code(enum tr_reason reason);

#endif
