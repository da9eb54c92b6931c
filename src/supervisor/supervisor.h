/*
 * Keeps the machine's slot processes alive: starts them, notices when one dies, hangs while it gets
 * ready, or cannot be made ready, and starts it again after a growing pause.
 *
 * Everything runs on the given loop's thread.
 */
#ifndef TR_SUPERVISOR_SUPERVISOR_H
#define TR_SUPERVISOR_SUPERVISOR_H

#include "protocol/message.h"

#include <systemd/sd-event.h>

struct tr_supervisor_settings {
	unsigned slots;
	const char *program;		       /* the slot's */
	struct tr_message_configure configure; /* slot, runtime_dir and user are filled in */
	int log_level;
};

struct tr_supervisor;

/* Borrows the settings and starts the slots; keeps the loop. -errno after saying what is wrong. */
TR_CHECKED int tr_supervisor_create(sd_event *event, const struct tr_supervisor_settings *settings,
	struct tr_supervisor **ret_supervisor);

/* Asks every slot to quit, waits, kills what does not, removes the runtime folders. NULL is fine.
 */
void tr_supervisor_destroy(struct tr_supervisor *supervisor);

/* How many slots are ready to record. */
unsigned tr_supervisor_ready_slots(const struct tr_supervisor *supervisor);

TR_CLEANUP_DEFINE(struct tr_supervisor, tr_supervisor_destroy)

#endif
