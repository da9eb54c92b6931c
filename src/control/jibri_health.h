/* How a Jibri says that it is: the object that its health answer and its webhooks share. */
#ifndef TR_CONTROL_JIBRI_HEALTH_H
#define TR_CONTROL_JIBRI_HEALTH_H

#include "control/actions.h"

#include <jansson.h>

/* A new {"busyStatus", "health": {"healthStatus", "details"}}, members in Jibri's order; `details`
 * is empty while there is nothing to say. NULL: no memory. */
json_t *tr_jibri_health_pack(const struct tr_control_presence *presence);

/* jansson takes UTF-8 only; a sentence that is none is worth less than an answer: "" then. */
json_t *tr_jibri_health_text(const char *text);

#endif
