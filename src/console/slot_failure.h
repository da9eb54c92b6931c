/* The last session of a slot that failed: why, and what its page showed. UI thread. */
#ifndef TR_CONSOLE_SLOT_FAILURE_H
#define TR_CONSOLE_SLOT_FAILURE_H

#include "console/job.h"

struct tr_slot_failure {
	unsigned slot;
	struct tr_job *job;
	int64_t looked_ns;
	json_t *session;		 /* as the node has it; NULL: none failed */
	struct tr_model_picture picture; /* rgb NULL: there is none */
};

/* Asks the node again when that is due; from each tick. */
void tr_slot_failure_tick(struct tr_console *console, struct tr_slot_failure *failure);
void tr_slot_failure_clear(struct tr_slot_failure *failure);

#endif
