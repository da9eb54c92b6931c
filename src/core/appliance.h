/* Whether this is our own image, whose root nobody installs packages on: what is missing there
 * comes with an update. */
#ifndef TR_CORE_APPLIANCE_H
#define TR_CORE_APPLIANCE_H

#include <stdbool.h>

/* `root` goes before the path; "" is this machine. */
bool tr_appliance_is_here(const char *root);

/* The command that mends it here: `command` ("apt-get install ..."), or on the appliance its
 * update. A string that stays; as lines to paste, when `command` ends with a line's end. */
const char *tr_appliance_cure(const char *root, const char *command);

#endif
