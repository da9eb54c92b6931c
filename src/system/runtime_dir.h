/* The private folder of a slot while it runs: profile, sockets, shared memory, nothing to keep. */
#ifndef TR_SYSTEM_RUNTIME_DIR_H
#define TR_SYSTEM_RUNTIME_DIR_H

#include "system/account.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Makes a folder of ours (only we can change it) below $XDG_RUNTIME_DIR when the account is
 * ourselves, else below /run, else below /tmp, and puts its path into `out`. The caller removes it
 * with tr_runtime_dir_remove(). -errno.
 */
TR_CHECKED int tr_runtime_dir_make(const struct tr_account *account, char *out, size_t size);

/* Notes that the process `pid` works in it, too: as long as one of them lives it is not swept. */
void tr_runtime_dir_note(const char *base, pid_t pid);

/* Removes those of ours whose processes have all died without removing them. Folders without a note
 * of their processes are left alone. */
void tr_runtime_dir_sweep(void);

/* Makes the folder `number` in it, mode 0700 and the account's: a slot that is started again gets
 * a new one, as the old one's locks may still be there. -errno. */
TR_CHECKED int tr_runtime_dir_add(const char *base, const struct tr_account *account,
	unsigned number, char *out, size_t size);

/* With all below; tries for a second when something that is just dying still writes there. */
void tr_runtime_dir_remove(const char *base);

#endif
