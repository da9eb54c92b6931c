/* Waits for what becomes of sessions and of the node, by asking twice a second. */
#ifndef TR_CLI_NODE_WAIT_H
#define TR_CLI_NODE_WAIT_H

#include "cli/node_verb.h"

enum tr_node_wait_until {
	TR_NODE_WAIT_NONE,
	TR_NODE_WAIT_ON,   /* pictures and sound are on the disk, or with a server */
	TR_NODE_WAIT_OVER, /* its files are made, and its script is through */
};

/* Gives the session as it is then. 0; TR_EXIT_FAILED, with the session too, when it failed; else
 * the exit code after telling what is wrong. */
int tr_node_wait_session(struct tr_node_verb *verb, const char *session_id,
	enum tr_node_wait_until until, json_t **ret_session);

/* How many of the slots have a session. */
unsigned tr_node_wait_count_sessions(const json_t *slots);

/* Until no session runs and no files are being made; with `is_leaving` until it does not answer any
 * more. 0, or the exit code. */
int tr_node_wait_idle(struct tr_node_verb *verb, bool is_leaving);

#endif
