#include "config/webhook_rules_internal.h"

void tr_webhook_rules_check_all(struct tr_keytable_check *check, const struct tr_config *config)
{
	const struct {
		const char *key, *value;
	} parts[] = {{"webhooks.key_file", config->webhooks.key_file},
		{"webhooks.key_id", config->webhooks.key_id},
		{"webhooks.issuer", config->webhooks.issuer},
		{"webhooks.audience", config->webhooks.audience}};
	const char *given = NULL;

	for (unsigned i = 0; i < TR_COUNT(parts); i++)
		if (parts[i].value[0])
			given = parts[i].key;
	for (unsigned i = 0; given && i < TR_COUNT(parts); i++)
		if (!parts[i].value[0])
			tr_keytable_complain(check, 0,
				"%s is given, but %s is not: a token needs key_file, key_id, issuer and "
				"audience",
				given, parts[i].key);
}
