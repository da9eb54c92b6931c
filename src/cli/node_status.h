/* How a node is, in some lines for people. Pure. */
#ifndef TR_CLI_NODE_STATUS_H
#define TR_CLI_NODE_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* The node, its slots, disk and Jitsi servers, and what is wrong; `out` NULL: shows nothing.
 * Whether nothing of it needs a person. `width` as in text_table.h. */
bool tr_node_status_show(FILE *out, const json_t *node, const json_t *slots, unsigned width);

#endif
