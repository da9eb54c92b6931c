/* The recordings a slot has on its hands: one at most that runs, and those whose files are being
 * made, oldest first. Plain bookkeeping; a job keeps its folder open. */
#ifndef TR_SUPERVISOR_SLOTJOB_H
#define TR_SUPERVISOR_SLOTJOB_H

#include "protocol/message.h"

struct tr_slotjob {
	struct tr_slotjob *next;
	uint64_t number;
	char session_id[TR_MESSAGE_NAME_MAX];
	int folder;
	bool is_running;	/* not stopped yet */
	bool is_on_disk;	/* something of it was recorded */
	bool is_with_slot;	/* the present process knows of it */
	unsigned deaths;	/* of its slot while it ran */
	unsigned finish_deaths; /* of its slot while its files were made */
	int64_t deadline_ns;	/* for its files, once it has stopped */
};

/* Appends a job with a duplicate of `folder`. -errno. */
TR_CHECKED int tr_slotjob_add(struct tr_slotjob **list, uint64_t number, const char *session_id,
	int folder, struct tr_slotjob **ret_job);

/* Removes and frees it. */
void tr_slotjob_remove(struct tr_slotjob **list, struct tr_slotjob *job);

/* The one that runs; NULL. */
struct tr_slotjob *tr_slotjob_running(struct tr_slotjob *list);

/* The oldest of this session whose files are being made by the present process; NULL. */
struct tr_slotjob *tr_slotjob_finishing(struct tr_slotjob *list, const char *session_id);

#endif
