/*
 * What the node API asks of the daemon: fills the table of control/node_api.h with the node, the
 * recordings on the disk, the settings and the log.
 */
#ifndef TR_DAEMON_API_SOURCE_H
#define TR_DAEMON_API_SOURCE_H

#include "control/node_api.h"
#include "daemon/logbook.h"
#include "daemon/node.h"

struct tr_api_source;

/* All is kept. */
struct tr_api_source_settings {
	const struct tr_config *config;
	const char *config_path;
	struct tr_node *node;
	const struct tr_logbook *logbook;
	/* Adds the control connections; NULL: there are none. */
	void (*read_links)(void *user, struct tr_snapshot *snapshot);
	void *user;
};

TR_CHECKED int tr_api_source_create(
	const struct tr_api_source_settings *settings, struct tr_api_source **ret_source);
void tr_api_source_destroy(struct tr_api_source *source);

/* Lives as long as the source. */
const struct tr_node_api_source *tr_api_source_table(const struct tr_api_source *source);

TR_CLEANUP_DEFINE(struct tr_api_source, tr_api_source_destroy)

#endif
