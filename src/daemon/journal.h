/* The service manager's journal: the lines of telerecd and its slots. */
#ifndef TR_DAEMON_JOURNAL_H
#define TR_DAEMON_JOURNAL_H

#include "daemon/logline.h"

/* Whether our own lines go there. */
bool tr_journal_is_ours(void);

/* From the newest back, at most 20000 of them and half a second; `take` says whether it wants more.
 * -errno when the journal cannot be read. */
TR_CHECKED int tr_journal_read(
	int64_t since_ms, bool (*take)(const struct tr_logline *line, void *user), void *user);

#endif
