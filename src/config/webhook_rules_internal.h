/* Webhooks' settings: what no single key of them can tell. */
#ifndef TR_CONFIG_WEBHOOK_RULES_INTERNAL_H
#define TR_CONFIG_WEBHOOK_RULES_INTERNAL_H

#include "config/keytable_internal.h"

/* Complains about half a token. */
void tr_webhook_rules_check_all(struct tr_keytable_check *check, const struct tr_config *config);

#endif
