/*
 * What a slot does next: one pure table. An event in, the next state and a list of orders out; no
 * screen, no clock, no network.
 *
 *   none -> display -> warming -> idle -> joining -> recording -> stopping -> idle
 *
 * A browser or a display that dies while recording is brought back while the file goes on; how
 * often, the caller counts, and reports TR_MACHINE_GIVE_UP when it was too often.
 */
#ifndef TR_SESSION_MACHINE_H
#define TR_SESSION_MACHINE_H

enum tr_machine_state {
	TR_MACHINE_NONE,    /* not configured */
	TR_MACHINE_WARMING, /* display up, browser starting */
	TR_MACHINE_IDLE,    /* can record */
	TR_MACHINE_JOINING, /* the page is being loaded */
	TR_MACHINE_RECORDING,
	TR_MACHINE_REPAIRING, /* recording, while the browser or the page comes back */
	TR_MACHINE_STOPPING,  /* the file is closed, the meeting is being left */
	TR_MACHINE_ENDED,     /* the process ends */
	TR_MACHINE_STATES,
};

enum tr_machine_event {
	TR_MACHINE_CONFIGURED,
	TR_MACHINE_BROWSER_READY,
	TR_MACHINE_START,
	TR_MACHINE_PAGE_LOADED,
	TR_MACHINE_PAGE_FAILED,
	TR_MACHINE_PAGE_CRASHED,
	TR_MACHINE_BROWSER_EXITED,
	TR_MACHINE_DISPLAY_LOST,
	TR_MACHINE_STOP,    /* asked for, or the time is over */
	TR_MACHINE_TROUBLE, /* the file cannot go on: disk, encoder, sound */
	TR_MACHINE_GIVE_UP, /* repaired too often */
	TR_MACHINE_LEFT,    /* the page or meeting is left */
	TR_MACHINE_QUIT,
	TR_MACHINE_EVENTS,
};

enum tr_machine_order {
	TR_MACHINE_DO_DISPLAY = 1 << 0,	  /* start the X server and choose the sound */
	TR_MACHINE_DO_BROWSER = 1 << 1,	  /* start the browser */
	TR_MACHINE_DO_READY = 1 << 2,	  /* say that it can record */
	TR_MACHINE_DO_OPEN = 1 << 3,	  /* load the page */
	TR_MACHINE_DO_RECORD = 1 << 4,	  /* start the pipeline */
	TR_MACHINE_DO_STOP = 1 << 5,	  /* stop the pipeline, have the files finished */
	TR_MACHINE_DO_FAIL = 1 << 6,	  /* say why there is no recording */
	TR_MACHINE_DO_REDISPLAY = 1 << 7, /* another X server for the running pipeline */
	TR_MACHINE_DO_LEAVE = 1 << 8,	  /* leave the meeting, then the page */
	TR_MACHINE_DO_REFUSE = 1 << 9,	  /* a start that cannot be: busy or not ready */
	TR_MACHINE_DO_END = 1 << 10,	  /* close everything */
};

struct tr_machine_step {
	enum tr_machine_state next;
	unsigned orders;
};

/* What is not in the table stays as it is, without orders. */
struct tr_machine_step tr_machine_next(enum tr_machine_state state, enum tr_machine_event event);

const char *tr_machine_state_name(enum tr_machine_state state);
const char *tr_machine_event_name(enum tr_machine_event event);

#endif
