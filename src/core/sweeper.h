/*
 * A folder that goes when the process that made it ends, in whatever way: a process of its own
 * waits for that and removes it. For scratch folders with something in them that must not stay,
 * of programs that people stop half-way.
 */
#ifndef TR_CORE_SWEEPER_H
#define TR_CORE_SWEEPER_H

#include "core/cleanup.h"

#include <sys/types.h>

struct tr_sweeper {
	pid_t pid;
	int writer; /* a pipe's; closed at our end at the latest: it begins */
};

/* From now on `folder` (a copy of its path is taken) is removed with all in it when we end. Forks:
 * for programs without threads only. -errno. */
TR_CHECKED int tr_sweeper_start(const char *folder, struct tr_sweeper *ret_sweeper);

/* Removes it now and waits until it is gone. -EIO when something of it cannot be removed. */
TR_CHECKED int tr_sweeper_sweep(struct tr_sweeper *sweeper);

#endif
