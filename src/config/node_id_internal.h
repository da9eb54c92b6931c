/* A name for this machine that no other machine has, and that says nothing about it. */
#ifndef TR_CONFIG_NODE_ID_INTERNAL_H
#define TR_CONFIG_NODE_ID_INTERNAL_H

#include <stddef.h>

/* "telerec-0a1b2c3d" from a hash of /etc/machine-id; "telerec-HOSTNAME" where there is none (many
 * containers). */
void tr_node_id_make(char *out, size_t size);

#endif
