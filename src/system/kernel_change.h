/* Changes to the machine, one at a time: done, or in a dry run shown as a unified diff and as the
 * command that would be run. */
#ifndef TR_SYSTEM_KERNEL_CHANGE_H
#define TR_SYSTEM_KERNEL_CHANGE_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stdio.h>

struct tr_change {
	const char *root; /* before every path; "" is this machine */
	bool is_dry_run;
	FILE *out;	/* for people: diffs, and a line for each change made */
	char why[1024]; /* what went wrong last, a sentence */
};

/* Makes `path` hold `text`, its folder too; NULL removes it. Shows the difference in a dry run;
 * nothing when there is none. -errno, with `why`. */
TR_CHECKED int tr_change_file(struct tr_change *change, const char *path, const char *text);

/* Runs the program, for `timeout_ms` at most. 0, or -errno with `why`: -ENOENT when it is not
 * there, -EIO when it failed. */
TR_CHECKED int tr_change_run(struct tr_change *change, const char *const *argv, int timeout_ms);

/* Tells a person, in either case. */
void tr_change_say(struct tr_change *change, const char *format, ...) TR_PRINTF(2, 3);

/* Sets `why` and returns rc. */
int tr_change_fail(struct tr_change *change, int rc, const char *format, ...) TR_PRINTF(3, 4);

/* As diff -u: from `before` to `after`; NULL: there is no such file. */
void tr_change_print_diff(FILE *out, const char *path, const char *before, const char *after);

#endif
