/* What a Jitsi page's config.js says: no JavaScript is run, words are searched for outside
 * comments. Good for hints. Pure. */
#ifndef TR_DOCTOR_PAGE_CONFIG_H
#define TR_DOCTOR_PAGE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

/* Does the text look like a config.js, and not like a page that any address answers with? */
bool tr_page_config_is_one(const char *text);

/* The last string that is set as `key`: "key: 'value'" or "config.key = 'value'". */
bool tr_page_config_find(const char *text, const char *key, char *out, size_t size);

#endif
