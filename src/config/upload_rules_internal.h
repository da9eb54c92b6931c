/* Upload targets' settings: their keys, what may be in the file of secrets, and what no single key
 * of them can tell. */
#ifndef TR_CONFIG_UPLOAD_RULES_INTERNAL_H
#define TR_CONFIG_UPLOAD_RULES_INTERNAL_H

#include "config/keytable_internal.h"

extern const struct tr_key_table tr_upload_rules_keys, tr_upload_rules_secret_keys;

/* Complains about names that stand twice and about targets that cannot work. */
void tr_upload_rules_check_all(struct tr_keytable_check *check, const struct tr_config *config);

/* Puts the secrets into the targets of the same names. */
void tr_upload_rules_merge(struct tr_keytable_check *check, const struct tr_config_upload *uploads,
	unsigned count, struct tr_config *config);

bool tr_upload_rules_hold_secrets(const struct tr_config *config);

#endif
