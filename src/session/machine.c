#include "session/machine.h"

#include <stddef.h>

#define S(name) TR_MACHINE_##name
#define DO(name) TR_MACHINE_DO_##name

struct row {
	enum tr_machine_state state;
	enum tr_machine_event event;
	struct tr_machine_step step;
};

static const struct row rows[] = {
	{S(NONE), S(CONFIGURED), {S(WARMING), DO(DISPLAY) | DO(BROWSER)}},
	{S(NONE), S(START), {S(NONE), DO(REFUSE)}},
	{S(NONE), S(QUIT), {S(ENDED), DO(END)}},

	{S(WARMING), S(BROWSER_READY), {S(IDLE), DO(READY)}},
	{S(WARMING), S(BROWSER_EXITED), {S(WARMING), DO(BROWSER)}},
	{S(WARMING), S(PAGE_CRASHED), {S(WARMING), DO(BROWSER)}},
	{S(WARMING), S(DISPLAY_LOST), {S(WARMING), DO(DISPLAY) | DO(BROWSER)}},
	{S(WARMING), S(START), {S(WARMING), DO(REFUSE)}},
	{S(WARMING), S(GIVE_UP), {S(ENDED), DO(FAIL) | DO(END)}},
	{S(WARMING), S(QUIT), {S(ENDED), DO(END)}},

	{S(IDLE), S(START), {S(JOINING), DO(OPEN)}},
	{S(IDLE), S(BROWSER_EXITED), {S(WARMING), DO(BROWSER)}},
	{S(IDLE), S(PAGE_CRASHED), {S(WARMING), DO(BROWSER)}},
	{S(IDLE), S(DISPLAY_LOST), {S(WARMING), DO(DISPLAY) | DO(BROWSER)}},
	{S(IDLE), S(QUIT), {S(ENDED), DO(END)}},

	{S(JOINING), S(PAGE_LOADED), {S(RECORDING), DO(RECORD)}},
	{S(JOINING), S(PAGE_FAILED), {S(STOPPING), DO(FAIL) | DO(LEAVE)}},
	{S(JOINING), S(PAGE_CRASHED), {S(JOINING), DO(OPEN)}},
	{S(JOINING), S(BROWSER_EXITED), {S(JOINING), DO(BROWSER)}},
	{S(JOINING), S(BROWSER_READY), {S(JOINING), DO(OPEN)}},
	{S(JOINING), S(DISPLAY_LOST), {S(JOINING), DO(DISPLAY) | DO(BROWSER)}},
	{S(JOINING), S(START), {S(JOINING), DO(REFUSE)}},
	{S(JOINING), S(STOP), {S(STOPPING), DO(FAIL) | DO(LEAVE)}},
	{S(JOINING), S(TROUBLE), {S(STOPPING), DO(FAIL) | DO(LEAVE)}},
	{S(JOINING), S(GIVE_UP), {S(WARMING), DO(FAIL) | DO(BROWSER)}},
	{S(JOINING), S(QUIT), {S(ENDED), DO(FAIL) | DO(END)}},

	{S(RECORDING), S(PAGE_CRASHED), {S(REPAIRING), DO(OPEN)}},
	{S(RECORDING), S(BROWSER_EXITED), {S(REPAIRING), DO(BROWSER)}},
	{S(RECORDING), S(DISPLAY_LOST), {S(REPAIRING), DO(REDISPLAY) | DO(BROWSER)}},
	{S(RECORDING), S(START), {S(RECORDING), DO(REFUSE)}},
	{S(RECORDING), S(STOP), {S(STOPPING), DO(STOP) | DO(LEAVE)}},
	{S(RECORDING), S(TROUBLE), {S(STOPPING), DO(STOP) | DO(LEAVE)}},
	{S(RECORDING), S(QUIT), {S(STOPPING), DO(STOP) | DO(LEAVE)}},

	{S(REPAIRING), S(BROWSER_READY), {S(REPAIRING), DO(OPEN)}},
	{S(REPAIRING), S(PAGE_LOADED), {S(RECORDING), 0}},
	{S(REPAIRING), S(PAGE_FAILED), {S(REPAIRING), DO(OPEN)}},
	{S(REPAIRING), S(PAGE_CRASHED), {S(REPAIRING), DO(OPEN)}},
	{S(REPAIRING), S(BROWSER_EXITED), {S(REPAIRING), DO(BROWSER)}},
	{S(REPAIRING), S(DISPLAY_LOST), {S(REPAIRING), DO(REDISPLAY) | DO(BROWSER)}},
	{S(REPAIRING), S(START), {S(REPAIRING), DO(REFUSE)}},
	{S(REPAIRING), S(STOP), {S(STOPPING), DO(STOP) | DO(LEAVE)}},
	{S(REPAIRING), S(TROUBLE), {S(STOPPING), DO(STOP) | DO(LEAVE)}},
	{S(REPAIRING), S(GIVE_UP), {S(STOPPING), DO(STOP) | DO(LEAVE)}},
	{S(REPAIRING), S(QUIT), {S(STOPPING), DO(STOP) | DO(LEAVE)}},

	{S(STOPPING), S(LEFT), {S(IDLE), 0}},
	{S(STOPPING), S(START), {S(STOPPING), DO(REFUSE)}},
	{S(STOPPING), S(BROWSER_EXITED), {S(WARMING), DO(BROWSER)}},
	{S(STOPPING), S(PAGE_CRASHED), {S(WARMING), DO(BROWSER)}},
	{S(STOPPING), S(DISPLAY_LOST), {S(WARMING), DO(DISPLAY) | DO(BROWSER)}},

	{S(ENDED), S(START), {S(ENDED), DO(REFUSE)}},
};

struct tr_machine_step tr_machine_next(enum tr_machine_state state, enum tr_machine_event event)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].state == state && rows[i].event == event)
			return rows[i].step;
	return (struct tr_machine_step){state, 0};
}

const char *tr_machine_state_name(enum tr_machine_state state)
{
	static const char *const names[TR_MACHINE_STATES] = {"none", "warming", "idle", "joining",
		"recording", "repairing", "stopping", "ended"};
	return state < TR_MACHINE_STATES ? names[state] : "invalid";
}

const char *tr_machine_event_name(enum tr_machine_event event)
{
	static const char *const names[TR_MACHINE_EVENTS] = {"configured", "browser ready", "start",
		"page loaded", "page failed", "page crashed", "browser exited", "display lost",
		"stop", "trouble", "give up", "left", "quit"};
	return event < TR_MACHINE_EVENTS ? names[event] : "invalid";
}
