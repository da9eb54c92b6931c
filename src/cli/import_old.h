/* Jibri's old config.json, in the words of jibri.conf. Pure. */
#ifndef TR_CLI_IMPORT_OLD_H
#define TR_CLI_IMPORT_OLD_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdbool.h>

/* It has keys as the old file has them, and no "jibri". */
bool tr_import_old_is(const json_t *found);

/* {"jibri": {...}} from it; `origins` gets the old names by the new paths. -ENOMEM. */
TR_CHECKED int tr_import_old_convert(const json_t *found, json_t **ret_found, json_t *origins);

#endif
