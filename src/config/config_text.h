/* Settings in JSON as the text of a configuration file. Pure. */
#ifndef TR_CONFIG_CONFIG_TEXT_H
#define TR_CONFIG_CONFIG_TEXT_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdio.h>

/* `head` is put in front, as lines of comments ("" for none). The text is the caller's. -ENOMEM. */
TR_CHECKED int tr_config_text_make(const char *head, const json_t *settings, char **ret_text);

/* A text as the file has it, quotes and escapes included, to a stream. */
void tr_config_text_quote(FILE *out, const char *text);

#endif
