/*
 * What is still to do on disk after a crash: the folders below the recordings directory whose
 * state.json is not final. Only reads. A folder that cannot be read is warned about and passed
 * over; one without a state.json is none of ours.
 */
#ifndef TR_STORAGE_LEFTOVERS_H
#define TR_STORAGE_LEFTOVERS_H

#include "storage/recording.h"

#include <stdbool.h>

struct tr_leftover {
	char folder[NAME_MAX + 1]; /* its name in the recordings directory */
	char session_id[128];
	enum tr_recording_state state; /* running or finishing; done or failed: only its script */
	bool wants_finalize; /* tr_leftovers_note_finalize() has been called, and no more */
	int64_t created_wall_ns;
};

/* Gives an array, the oldest first, to be freed with free(); NULL when there is nothing. A missing
 * recordings directory has nothing. -errno; said. */
TR_CHECKED int tr_leftovers_find(
	const char *recordings, struct tr_leftover **ret_leftovers, unsigned *ret_count);

/* Notes in the session's folder that the finalize script is to be run for it (or no more), for the
 * case that we die before it has. -errno. */
TR_CHECKED int tr_leftovers_note_finalize(int dirfd, bool is_wanted);

/* Whether that is noted. */
bool tr_leftovers_wants_finalize(int dirfd);

#endif
