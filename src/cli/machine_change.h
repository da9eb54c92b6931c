/* What the verbs that set something of the machine itself have in common: reading KEY=VALUE, and
 * making the change. */
#ifndef TR_CLI_MACHINE_CHANGE_H
#define TR_CLI_MACHINE_CHANGE_H

#include "cli/node_verb.h"
#include "system/machine_setup.h"

/* Adds what was typed behind "KEY=" as tr_machine_set() wants it: "network.dns" and "time.servers"
 * are lists. Wrong values are that one's to refuse. */
void tr_machine_change_add(json_t *settings, const char *key, const char *value);

/* tr_machine_set(), and telling how it went; the exit code. SIGHUP is ignored from here on: a
 * change is ended in order, also where it cuts the line over which it was asked for. */
int tr_machine_change_run(
	const struct tr_node_verb *verb, struct tr_change *change, const json_t *settings);

#endif
