/*
 * Asks every part of an installation whether it would work, in the order in which they need each
 * other, and says what to change. What needs a part that failed is listed as not checked.
 *
 * Waits, with a deadline for each question. Leaves nothing behind: it logs in with a resource of
 * the server's making, is in the brewery under a nick of its own for a moment and without saying
 * that it is a recorder, joins a meeting of its own, and writes a file without a name.
 */
#ifndef TR_DOCTOR_DOCTOR_H
#define TR_DOCTOR_DOCTOR_H

#include "doctor/finding.h"

struct tr_doctor_settings {
	const char *config_path;
	const char *environment; /* only this one; NULL: all */
	const char *only;	 /* an area's name; NULL: all */
	const char *room;	 /* for the meeting to join; NULL: a new one */
	bool is_quick;		 /* no browser, no meeting, no writing to the disk */
	bool may_fix;		 /* what is local and safe, and is said then */
	const char *root; /* the kernel's files are looked for below it; NULL: this machine */
};

/* The names of the areas, NULL behind the last. */
const char *const *tr_doctor_areas(void);

/* Adds to `findings`. -ENOENT: there is no such environment; -ENOMEM. */
TR_CHECKED int tr_doctor_run(
	const struct tr_doctor_settings *settings, struct tr_findings *findings);

#endif
