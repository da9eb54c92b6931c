/* The rules for recordings on the disk: what no single key of them can tell. */
#ifndef TR_CONFIG_STORAGE_RULES_INTERNAL_H
#define TR_CONFIG_STORAGE_RULES_INTERNAL_H

#include "config/keytable_internal.h"

/* What a reserve must look like, as the end of a sentence; NULL when it does. */
const char *tr_storage_rules_reserve_fault(const char *text);

/* Complains about patterns that are none and rules that contradict themselves; warns of rules that
 * remove nothing. */
void tr_storage_rules_check_all(struct tr_keytable_check *check, const struct tr_config *config);

#endif
