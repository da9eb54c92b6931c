/* Tells people and programs what was carried over. No password is in it. */
#ifndef TR_CLI_IMPORT_SHOW_H
#define TR_CLI_IMPORT_SHOW_H

#include "cli/import_write.h"

#include <stdio.h>

/* The rows, by outcome. */
void tr_import_show_table(FILE *out, const struct tr_import_plan *plan);

/* Where it was written, what is to be done, and what is wrong with it. */
void tr_import_show_result(FILE *out, const struct tr_import_result *result);

/* Both as one object. */
void tr_import_show_json(
	FILE *out, const struct tr_import_plan *plan, const struct tr_import_result *result);

#endif
