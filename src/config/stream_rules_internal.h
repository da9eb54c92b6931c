/* The rules for streams: what no single key of them can tell, and those that the file of secrets
 * has. */
#ifndef TR_CONFIG_STREAM_RULES_INTERNAL_H
#define TR_CONFIG_STREAM_RULES_INTERNAL_H

#include "config/keytable_internal.h"

/* What a target must look like, as the end of a sentence; NULL when it does. */
const char *tr_stream_rules_target_fault(const char *text);

/* Complains about patterns that are none, rules that say nothing, and two for the same. */
void tr_stream_rules_check_all(struct tr_keytable_check *check, const struct tr_config *config);

/* Gives the rooms of the main file the streams that the file of secrets has for them. */
void tr_stream_rules_merge(struct tr_keytable_check *check, const struct tr_config_room *rooms,
	unsigned count, struct tr_config *config);

/* A URL in the file that has a key in it. */
bool tr_stream_rules_hold_secrets(const struct tr_config *config);

#endif
