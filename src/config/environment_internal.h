/* Environments together: what no single key of one can tell. */
#ifndef TR_CONFIG_ENVIRONMENT_INTERNAL_H
#define TR_CONFIG_ENVIRONMENT_INTERNAL_H

#include "config/keytable_internal.h"

/* Complains about what is missing or contradicts itself. With `needs_passwords` a missing password
 * is a complaint. `check->lines` has the environments' lines. */
void tr_environment_check_all(
	struct tr_keytable_check *check, const struct tr_config *config, bool needs_passwords);

#endif
