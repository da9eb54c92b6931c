/* A setting as a person names it and gives it on a command line. Pure. */
#ifndef TR_CLI_CONFIG_VALUE_H
#define TR_CLI_CONFIG_VALUE_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stddef.h>

/* The number of the key's row, see tr_config_key(); also of a group ("video") and of a list.
 * -ENOENT with the key that was most likely meant (or NULL). */
TR_CHECKED int tr_config_value_find_key(const char *key, const char **ret_near);

/*
 * "KEY=VALUE" to the key and to the value as the file has it: texts get their quotes, lists their
 * brackets ("a, b" becomes [ "a", "b" ]); what already looks like the file's own writing stays.
 * Both are the caller's. -EINVAL with a sentence: no such key, a secret, ...
 */
TR_CHECKED int tr_config_value_read(
	const char *word, char **ret_key, char **ret_value, char *why, size_t size);

/* The value in tr_config_show()'s settings. Borrowed; NULL: it is not there. */
json_t *tr_config_value_get(const json_t *settings, const char *key);

#endif
