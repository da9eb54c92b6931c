/* The file of passwords and stream keys: found, refused when others can read it, and merged into
 * the environments of the same names and the rooms of the same match. */
#ifndef TR_CONFIG_SECRETS_INTERNAL_H
#define TR_CONFIG_SECRETS_INTERNAL_H

#include "config/keytable_internal.h"

/* Puts the path to read into config->secrets, which may name one already: the service manager's
 * credential, or the one beside the main file `main_path`; "" when there is none. */
void tr_secrets_find(struct tr_config *config, const char *main_path);

/* Reads config->secrets by the tables (rows of struct tr_config_environment and tr_config_room) and
 * merges. Complaints name that file. */
void tr_secrets_load(struct tr_config_complaints *complaints,
	const struct tr_key_table *environments, const struct tr_key_table *rooms,
	struct tr_config *config);

/* The same for text, for tests and fuzzing. */
void tr_secrets_parse(struct tr_keytable_check *check, const struct tr_key_table *environments,
	const struct tr_key_table *rooms, const char *text, struct tr_config *config);

#endif
