#include "supervisor/slotlife.h"

#include <stddef.h>

#define AWAY TR_SLOTLIFE_AWAY
#define STARTING TR_SLOTLIFE_STARTING
#define IDLE TR_SLOTLIFE_IDLE
#define PENDING TR_SLOTLIFE_PENDING
#define RECORDING TR_SLOTLIFE_RECORDING
#define STOPPING TR_SLOTLIFE_STOPPING
#define CLEARING TR_SLOTLIFE_CLEARING
#define R_AWAY TR_SLOTLIFE_RESUMING_AWAY
#define R_STARTING TR_SLOTLIFE_RESUMING_STARTING

#define ON(event) [TR_SLOTLIFE_##event]
#define DO(order) TR_SLOTLIFE_DO_##order

/* A row without `is_set` leaves everything as it is. */
static const struct row {
	bool is_set;
	enum tr_slotlife_state next;
	unsigned orders;
} table[TR_SLOTLIFE_STATES][TR_SLOTLIFE_EVENTS] = {
	[AWAY] =
		{
			ON(LAUNCHED) = {true, STARTING, 0},
			ON(LOST) = {true, AWAY, DO(PAUSE)}, /* it could not even be started */
		},
	[STARTING] =
		{
			ON(READY) = {true, IDLE, DO(SEND_FINISH)},
			ON(LOST) = {true, AWAY, DO(PAUSE)},
		},
	[IDLE] =
		{
			ON(START) = {true, PENDING, DO(SEND_START)},
			ON(SAID_BUSY) = {true, CLEARING, 0},
			ON(LOST) = {true, AWAY, DO(PAUSE)},
		},
	[PENDING] =
		{
			ON(STARTED) = {true, RECORDING, 0},
			ON(STOP) = {true, STOPPING, DO(SEND_STOP)},
			ON(STOPPED) = {true, CLEARING, DO(END)},
			ON(LOST) = {true, R_AWAY, DO(HURRY)},
			ON(GIVEN_UP) = {true, AWAY, DO(PAUSE) | DO(END_LOST)},
		},
	[RECORDING] =
		{
			ON(STOP) = {true, STOPPING, DO(SEND_STOP)},
			ON(STOPPED) = {true, CLEARING, DO(END)},
			ON(LOST) = {true, R_AWAY, DO(HURRY)},
			ON(GIVEN_UP) = {true, AWAY, DO(PAUSE) | DO(END_LOST)},
		},
	[STOPPING] =
		{
			ON(STOPPED) = {true, CLEARING, DO(END)},
			ON(LOST) = {true, AWAY, DO(HURRY) | DO(END_CUT)},
			ON(GIVEN_UP) = {true, AWAY, DO(PAUSE) | DO(END_CUT)},
		},
	[CLEARING] =
		{
			ON(READY) = {true, IDLE, 0},
			ON(SAID_IDLE) = {true, IDLE, 0},
			ON(LOST) = {true, AWAY, DO(PAUSE)},
		},
	[R_AWAY] =
		{
			ON(LAUNCHED) = {true, R_STARTING, 0},
			ON(STOP) = {true, AWAY, DO(END_CUT)},
			ON(LOST) = {true, R_AWAY, DO(HURRY)},
			ON(GIVEN_UP) = {true, AWAY, DO(PAUSE) | DO(END_LOST)},
		},
	[R_STARTING] =
		{
			ON(READY) = {true, PENDING, DO(SEND_RESUME) | DO(SEND_FINISH)},
			ON(STOP) = {true, STARTING, DO(END_CUT)},
			ON(LOST) = {true, R_AWAY, DO(HURRY)},
			ON(GIVEN_UP) = {true, AWAY, DO(PAUSE) | DO(END_LOST)},
		},
};

static const char *const state_names[TR_SLOTLIFE_STATES] = {
	[AWAY] = "away",
	[STARTING] = "starting",
	[IDLE] = "idle",
	[PENDING] = "pending",
	[RECORDING] = "recording",
	[STOPPING] = "stopping",
	[CLEARING] = "clearing",
	[R_AWAY] = "resuming (away)",
	[R_STARTING] = "resuming (starting)",
};

static const char *const event_names[TR_SLOTLIFE_EVENTS] = {
	ON(LAUNCHED) = "launched",
	ON(READY) = "ready",
	ON(SAID_IDLE) = "said idle",
	ON(SAID_BUSY) = "said busy",
	ON(START) = "start",
	ON(STARTED) = "started",
	ON(STOP) = "stop",
	ON(STOPPED) = "stopped",
	ON(LOST) = "lost",
	ON(GIVEN_UP) = "given up",
};

struct tr_slotlife_step tr_slotlife_next(enum tr_slotlife_state state, enum tr_slotlife_event event)
{
	if ((unsigned)state < TR_SLOTLIFE_STATES && (unsigned)event < TR_SLOTLIFE_EVENTS &&
		table[state][event].is_set)
		return (struct tr_slotlife_step){
			table[state][event].next, table[state][event].orders};
	return (struct tr_slotlife_step){state, 0};
}

bool tr_slotlife_is_working(enum tr_slotlife_state state)
{
	return state == PENDING || state == RECORDING || state == STOPPING || state == R_AWAY ||
	       state == R_STARTING;
}

bool tr_slotlife_is_here(enum tr_slotlife_state state)
{
	return state != AWAY && state != R_AWAY;
}

const char *tr_slotlife_state_name(enum tr_slotlife_state state)
{
	return (unsigned)state < TR_SLOTLIFE_STATES ? state_names[state] : "none";
}

const char *tr_slotlife_event_name(enum tr_slotlife_event event)
{
	return (unsigned)event < TR_SLOTLIFE_EVENTS ? event_names[event] : "none";
}
