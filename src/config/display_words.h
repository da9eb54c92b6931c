/* The setting video.display: an X server of the slot's own, or one that runs already. */
#ifndef TR_CONFIG_DISPLAY_WORDS_H
#define TR_CONFIG_DISPLAY_WORDS_H

#include <stdbool.h>

/* NULL when it is well-formed, else what it must be, after "must be". Whether there is such a
 * server is not asked. */
const char *tr_display_words_fault(const char *text);

/* Whether it is a server of the slot's own. */
bool tr_display_words_is_own(const char *text);

#endif
