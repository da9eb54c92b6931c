/*
 * What becomes of a slot: one pure table. An event in, the next state and a list of orders out; no
 * process, no clock.
 *
 *   away -> starting -> idle -> pending -> recording -> stopping -> clearing -> idle
 *
 * A slot that dies with a recording comes back and goes on with it (resuming), until the caller,
 * who counts, says that it was too often (TR_SLOTLIFE_GIVEN_UP). One that dies when it was told to
 * stop has recorded all there is: the recording counts as stopped, and its files are made later.
 */
#ifndef TR_SUPERVISOR_SLOTLIFE_H
#define TR_SUPERVISOR_SLOTLIFE_H

#include <stdbool.h>

enum tr_slotlife_state {
	TR_SLOTLIFE_AWAY,     /* no process */
	TR_SLOTLIFE_STARTING, /* a process that is not ready */
	TR_SLOTLIFE_IDLE,
	TR_SLOTLIFE_PENDING, /* told to record, nothing on the disk yet */
	TR_SLOTLIFE_RECORDING,
	TR_SLOTLIFE_STOPPING, /* told to stop */
	TR_SLOTLIFE_CLEARING, /* the recording has ended, or the browser died: tidies up */
	TR_SLOTLIFE_RESUMING_AWAY,
	TR_SLOTLIFE_RESUMING_STARTING,
	TR_SLOTLIFE_STATES,
};

enum tr_slotlife_event {
	TR_SLOTLIFE_LAUNCHED, /* there is a process to talk to */
	TR_SLOTLIFE_READY,    /* it says that it can record */
	TR_SLOTLIFE_SAID_IDLE,
	TR_SLOTLIFE_SAID_BUSY, /* any other state of the slot's own */
	TR_SLOTLIFE_START,     /* the node wants a recording */
	TR_SLOTLIFE_STARTED,   /* it is on the disk */
	TR_SLOTLIFE_STOP,      /* the node wants it to end */
	TR_SLOTLIFE_STOPPED,   /* nothing more comes into the file */
	TR_SLOTLIFE_LOST,      /* the process is gone */
	TR_SLOTLIFE_GIVEN_UP,  /* the same, once too often for this recording */
	TR_SLOTLIFE_EVENTS,
};

enum tr_slotlife_order {
	TR_SLOTLIFE_DO_SEND_START = 1 << 0,
	TR_SLOTLIFE_DO_SEND_RESUME = 1 << 1, /* start again, in the same folder */
	TR_SLOTLIFE_DO_SEND_STOP = 1 << 2,
	TR_SLOTLIFE_DO_SEND_FINISH = 1 << 3, /* for each recording whose files are not made */
	TR_SLOTLIFE_DO_PAUSE = 1 << 4,	     /* another process after the back-off's pause */
	TR_SLOTLIFE_DO_HURRY = 1 << 5,	     /* another process at once, a recording waits */
	TR_SLOTLIFE_DO_END = 1 << 6,	 /* say that the recording has stopped, as the slot did */
	TR_SLOTLIFE_DO_END_CUT = 1 << 7, /* say that it has stopped: as asked, the slot could not */
	TR_SLOTLIFE_DO_END_LOST = 1 << 8, /* say that it was lost */
};

struct tr_slotlife_step {
	enum tr_slotlife_state next;
	unsigned orders;
};

/* What is not in the table stays as it is, without orders. */
struct tr_slotlife_step tr_slotlife_next(
	enum tr_slotlife_state state, enum tr_slotlife_event event);

/* Whether it has a recording, from the start to `stopped`. */
bool tr_slotlife_is_working(enum tr_slotlife_state state);

/* Whether there is a process to talk to. */
bool tr_slotlife_is_here(enum tr_slotlife_state state);

const char *tr_slotlife_state_name(enum tr_slotlife_state state);
const char *tr_slotlife_event_name(enum tr_slotlife_event event);

#endif
