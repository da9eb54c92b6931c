/*
 * What recordings there are on the disk, and taking one away. A recording is a folder with a
 * state.json; any other folder is none of ours and is left alone.
 */
#ifndef TR_STORAGE_HOLDINGS_H
#define TR_STORAGE_HOLDINGS_H

#include "storage/recording.h"

#include <stdbool.h>

struct tr_holding {
	char folder[NAME_MAX + 1]; /* its name in the recordings directory */
	char session_id[128];
	char url[512];	 /* redacted */
	char room[3072]; /* JID; "" when it is not known */
	enum tr_recording_state state;
	bool wants_finalize; /* files or script are still to come, see leftovers.h */
	bool is_taken_over;
	int64_t ended_wall_ns;
	int64_t duration_ns;
	int64_t bytes; /* on the disk, of all in the folder */
};

/* Gives an array in the order of their ends, the oldest first, to be freed with free(); NULL when
 * there is nothing. Removes what an earlier tr_holdings_remove() was cut off at. -errno; said. */
TR_CHECKED int tr_holdings_find(
	const char *recordings, struct tr_holding **ret_holdings, unsigned *ret_count);

/* Notes in the folder that the finalize script has taken the recording over. -errno. */
TR_CHECKED int tr_holdings_note_taken_over(int dirfd);

/* Removes the folder with all that is in it: first from sight, then from the disk. -errno. */
TR_CHECKED int tr_holdings_remove(const char *recordings, const char *folder);

#endif
