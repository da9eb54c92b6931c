/*
 * What the doctor found: one sentence each, what it means for recordings, and what to change where.
 *
 * A list keeps everything as JSON from the start (--json prints it as it is). No finding ever holds
 * a password or a stream key: who adds one gives names only.
 */
#ifndef TR_DOCTOR_FINDING_H
#define TR_DOCTOR_FINDING_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum tr_finding_status {
	TR_FINDING_OK,
	TR_FINDING_NOTE,    /* nothing is wrong, but somebody may want to know */
	TR_FINDING_WARNING, /* recordings work now, or mostly */
	TR_FINDING_FAILURE, /* recordings do not work, or not as they were asked for */
	TR_FINDING_SKIPPED, /* not checked, the sentence says because of what */
};

/* What to do: strings may be NULL. */
struct tr_cure {
	const char *where;   /* "on the Jitsi server, as root"; NULL: on this machine */
	const char *file;    /* where the lines go; NULL: they are commands */
	const char *setting; /* the key, "environments.brewery.room" */
	const char *text;    /* lines to paste or to run */
};

struct tr_finding {
	enum tr_finding_status status;
	const char *cause;   /* a word for scripts, "wrong-password"; NULL: none */
	const char *meaning; /* for recordings, or NULL */
	struct tr_cure cure;
};

struct tr_findings {
	json_t *list;
	char area[32];	   /* of what is added next */
	char subject[320]; /* "prod": the environment, or "" */
	/* Each finding is printed here when it is added, those of `only` and failures (NULL: all).
	 */
	FILE *out;
	const char *only;
	char printed_area[32], printed_subject[320];
};

/* -ENOMEM. */
TR_CHECKED int tr_findings_init(struct tr_findings *findings);
void tr_findings_fini(struct tr_findings *findings);

/* Adds one in the current area; the sentence is made like printf's. */
void tr_findings_add(struct tr_findings *findings, const struct tr_finding *finding,
	const char *format, ...) TR_PRINTF(3, 4);

/* The short forms. */
void tr_findings_ok(struct tr_findings *findings, const char *format, ...) TR_PRINTF(2, 3);
void tr_findings_note(struct tr_findings *findings, const char *format, ...) TR_PRINTF(2, 3);
void tr_findings_skip(struct tr_findings *findings, const char *format, ...) TR_PRINTF(2, 3);

/* How many there are of this status, in `area` (NULL: in all). */
unsigned tr_findings_count(
	const struct tr_findings *findings, enum tr_finding_status status, const char *area);

/* The program's exit code: 0 all well, 1 warnings, 3 failures. */
int tr_findings_exit_code(const struct tr_findings *findings);

/* Leaves what is of `area`, and failures, which may be why there is nothing of it. */
void tr_findings_keep_area(struct tr_findings *findings, const char *area);

/* A line with the numbers, below what was printed. */
void tr_findings_print_sum(const struct tr_findings *findings, FILE *out);
void tr_findings_print_json(const struct tr_findings *findings, FILE *out);

#endif
