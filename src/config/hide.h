/* The text of a configuration file for others to see: the values of secrets are hidden, also in
 * what is commented out. For a text that libconfig can read; no other is to be shown. */
#ifndef TR_CONFIG_HIDE_H
#define TR_CONFIG_HIDE_H

#include "core/cleanup.h"

#define TR_HIDE_PLACEHOLDER "(hidden)"

/* Gives a new text. -ENOMEM. */
TR_CHECKED int tr_hide_secrets(const char *text, char **ret_text);

/* The first line with a hidden value, so that nobody writes it back as a password; 0: none. */
int tr_hide_find_placeholder(const char *text);

#endif
