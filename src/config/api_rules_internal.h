/* The node API's settings: who may reach it, and with what. */
#ifndef TR_CONFIG_API_RULES_INTERNAL_H
#define TR_CONFIG_API_RULES_INTERNAL_H

#include "config/keytable_internal.h"

/* For the table of keys: the end of a sentence, or NULL. */
const char *tr_api_rules_socket_fault(const char *text);
const char *tr_api_rules_token_fault(const char *text);

/* Complains about an API that is open to others without TLS or token. */
void tr_api_rules_check_all(
	struct tr_keytable_check *check, const struct tr_config *config, bool needs_passwords);

#endif
