/* `telerec storage share`: the network share for recordings. */
#ifndef TR_CLI_STORAGE_SHARE_H
#define TR_CLI_STORAGE_SHARE_H

#include "cli/node_verb.h"
#include "system/kernel_change.h"

#include <jansson.h>

struct tr_storage_share {
	const struct tr_node_verb *node; /* for errors */
	struct tr_change *change;
	const char *config;    /* telerec.conf */
	const char *url;       /* or NULL */
	const char *user;      /* or NULL */
	bool is_password_read; /* the password is standard input's first line */
	bool is_stdin;	       /* {"url", "user", "password"} are standard input's */
	bool is_forgotten;
};

/* Takes the share, or forgets it. The exit code. */
int tr_storage_share_run(const struct tr_storage_share *request);

/* Adds "share": {"url", "mounted"} to what `storage show` tells, and prints it. */
void tr_storage_share_add(const char *root, json_t *all);
void tr_storage_share_print(const json_t *all);

#endif
