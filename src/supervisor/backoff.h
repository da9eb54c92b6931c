/* How long to wait before a slot that died is started again: the same failure over and over must
 * not keep the machine busy, and a single one must not cost a recording. */
#ifndef TR_SUPERVISOR_BACKOFF_H
#define TR_SUPERVISOR_BACKOFF_H

#include <stdint.h>

struct tr_backoff {
	unsigned failures; /* in a row */
};

/* Notes that a process which ran for `lived_ns` is gone; the pause before the next one: 0.2 s,
 * doubled with each failure, at most 60 s. One that lived five minutes starts from the beginning.
 */
int64_t tr_backoff_next_ns(struct tr_backoff *backoff, int64_t lived_ns);

#endif
