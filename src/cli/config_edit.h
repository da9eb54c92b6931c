/*
 * Changes one setting in the text of a telerec.conf, and not one byte else: comments, order and
 * blanks stay. Pure.
 *
 * A key is written as in the manual, "video.size". In a list of groups it means the only entry, or
 * the one in brackets: "environments[prod].base_url" by its name, "rooms[townhall@.*].record_too"
 * by its match.
 */
#ifndef TR_CLI_CONFIG_EDIT_H
#define TR_CLI_CONFIG_EDIT_H

#include "core/cleanup.h"

#include <stddef.h>

/* Puts `value`, written as the file has it, in the place of the old one, or adds the setting where
 * it belongs; gives a new text. -EINVAL for a key or a text that cannot be understood, -ENOENT for
 * a list without that entry, -ENOTUNIQ for several entries without brackets, -ENOMEM. */
TR_CHECKED int tr_config_edit_set(
	const char *text, const char *key, const char *value, char **ret_text);

/*
 * Adds an entry to the list of groups that `key` goes through, named as the brackets have it
 * ("environments[prod].base_url": one with name = "prod"; in other lists the brackets are `match`),
 * and the list when it is missing. One that is there stays as it is. -EINVAL for a key without
 * brackets and a text that cannot be understood, -ENOMEM.
 */
TR_CHECKED int tr_config_edit_add_entry(const char *text, const char *key, char **ret_text);

/* Where the value is: its first byte and its length. -ENOENT when the text does not say it, and the
 * errors above. */
TR_CHECKED int tr_config_edit_find(
	const char *text, const char *key, size_t *ret_start, size_t *ret_length);

/* The key without what is in brackets, as tr_config_key() has it. -ENAMETOOLONG. */
TR_CHECKED int tr_config_edit_plain_key(const char *key, char *out, size_t size);

#endif
