/*
 * Settings given as one JSON object, {"video.size": "640x360", "slots": 2, ...}, into the text of
 * telerec.conf and, those that are secrets, into that of secrets.conf. Pure.
 *
 * A program's way to change settings: values are taken literally, secrets need no command line, and
 * "environments[new].xmpp_domain" makes the entry when it is missing.
 */
#ifndef TR_CLI_CONFIG_APPLY_H
#define TR_CLI_CONFIG_APPLY_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Gives the new texts; `ret_secrets` is NULL when nothing of that file changes. A secret that the
 * main text has stays there. -EINVAL with a sentence that never holds a value; -ENOMEM. */
TR_CHECKED int tr_config_apply(const json_t *settings, const char *text, const char *secrets,
	char **ret_text, char **ret_secrets, char *why, size_t size);

/* Frees a text that may hold secrets, after wiping it; NULL is fine. */
void tr_config_apply_wipe(char *text);

#endif
