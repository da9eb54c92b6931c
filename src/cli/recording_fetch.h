/*
 * Copies a recording from a node into a folder: every file, each from where an earlier try ended. A
 * file has its name only when it is complete; until then it is ".NAME.part".
 */
#ifndef TR_CLI_RECORDING_FETCH_H
#define TR_CLI_RECORDING_FETCH_H

#include "cli/node_verb.h"

/* Into a folder called like the recording below `folder` (made if missing). `recording` is the
 * node's answer. A broken connection is tried again, five times in a row. 0, or the exit code after
 * telling why. */
int tr_recording_fetch(struct tr_node_verb *verb, const json_t *recording, const char *folder);

/* Whether a name from a node is only a name: no path, nothing hidden. */
bool tr_recording_fetch_is_name(const char *name);

#endif
