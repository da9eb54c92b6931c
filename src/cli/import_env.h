/* The variables of the docker image, and what its start-up script makes of them. Pure. */
#ifndef TR_CLI_IMPORT_ENV_H
#define TR_CLI_IMPORT_ENV_H

#include "core/cleanup.h"

#include <jansson.h>

/* Lines like NAME=value, with comments, quotes and "export", into an object of strings. -EINVAL
 * with the number of the first line that is none. `text` is changed. */
TR_CHECKED int tr_import_env_parse(char *text, json_t **ret_variables, int *ret_line);

/*
 * The jibri.conf that the image would write, as {"jibri": {...}}; origins (paths to names) are
 * added to the object given, strangers (names like JIBRI_... that the image does not know) and
 * those that we have no use for to the lists given. Without an account's variables there is no
 * environment; without any there is nothing.
 */
TR_CHECKED int tr_import_env_layer(
	json_t *variables, json_t **ret_layer, json_t *origins, json_t *strangers, json_t *unused);

#endif
