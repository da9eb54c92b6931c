/*
 * What of Jibri's configuration becomes what of ours. Pure: JSON in, JSON out.
 *
 * Every key that was found gets a row, so nobody has to guess whether something was lost.
 */
#ifndef TR_CLI_IMPORT_PLAN_H
#define TR_CLI_IMPORT_PLAN_H

#include "cli/import_read.h"

struct tr_import_plan {
	json_t *settings; /* telerec.conf: groups, lists, values */
	json_t *secrets;  /* secrets.conf */
	/* [{"jibri": key, "outcome": see below, "telerec": key or "", "value": shown or "",
	 * "note": sentence or ""}]. No row holds a password. */
	json_t *rows;
};

/* The outcomes, in the order in which people want to read them. */
enum tr_import_outcome {
	TR_IMPORT_CARRIED,
	TR_IMPORT_CHANGED, /* carried over, but not quite as it was */
	TR_IMPORT_LATER,   /* telerec cannot do that yet */
	TR_IMPORT_DROPPED,
	TR_IMPORT_UNKNOWN, /* Jibri does not know the key either */
	TR_IMPORT_OUTCOMES,
};

/* "carried" and so on, as rows have them. */
const char *tr_import_outcome_name(enum tr_import_outcome outcome);

/* Borrows the source. -ENOMEM. */
TR_CHECKED int tr_import_plan_make(
	const struct tr_import_source *source, struct tr_import_plan *ret_plan);

void tr_import_plan_clear(struct tr_import_plan *plan);

#endif
