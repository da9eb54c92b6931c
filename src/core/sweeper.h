/*
 * What must be cleared away when the process that made it ends, in whatever way: a process of its
 * own waits for that and does it. For scratch folders with something in them that must not stay,
 * of programs that people stop half-way.
 */
#ifndef TR_CORE_SWEEPER_H
#define TR_CORE_SWEEPER_H

#include "core/cleanup.h"

#include <sys/types.h>

struct tr_sweeper {
	pid_t pid;  /* 0: none */
	int writer; /* a pipe's; closed at our end at the latest: it begins */
};

/* Makes it by `make`, which returns 0 or -errno, having made nothing then; and calls `sweep` in a
 * process of its own when we end, with `user` and all else that it reads as `make` left them. A
 * signal that comes in between has to wait. `sweep` has no open file, no signal but SIGKILL stops
 * it, and it returns 0 or -errno. Forks: for programs without threads only. -errno: nothing is
 * made. */
TR_CHECKED int tr_sweeper_start(int (*make)(void *user), int (*sweep)(const void *user), void *user,
	struct tr_sweeper *ret_sweeper);

/* Lets it sweep now and waits until it has. An empty one is fine. -EIO when `sweep` failed. */
TR_CHECKED int tr_sweeper_sweep(struct tr_sweeper *sweeper);

#endif
