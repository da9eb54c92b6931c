/* The configuration as the rooms want it. */
#ifndef TR_DAEMON_DAEMON_SETTINGS_H
#define TR_DAEMON_DAEMON_SETTINGS_H

#include "config/config.h"
#include "control/jibri_http.h"
#include "control/xmpp.h"
#include "core/log.h"
#include "daemon/node.h"

enum tr_log_level tr_daemon_settings_log_level(const struct tr_config *config);

/* How many slots; asks the machine when the configuration leaves it open, and says so. */
unsigned tr_daemon_settings_count_slots(const struct tr_config *config);

/* Points into `config`. The supervisor's program and socket_dir are the caller's. -ENAMETOOLONG
 * when there are too many hosts; said. */
TR_CHECKED int tr_daemon_settings_fill_node(
	const struct tr_config *config, unsigned slots, struct tr_node_settings *settings);

/* One for each server of each environment; points into `config` and into itself, so it must not
 * move. */
struct tr_daemon_settings_xmpp {
	struct tr_xmpp_settings settings;
	unsigned count;
	struct tr_xmpp_server servers[TR_CONFIG_ENVIRONMENTS_MAX * TR_CONFIG_SERVERS_MAX];
	char hosts[TR_CONFIG_ENVIRONMENTS_MAX * TR_CONFIG_SERVERS_MAX][TR_CONFIG_HOST_MAX];
};
TR_CHECKED int tr_daemon_settings_fill_xmpp(
	const struct tr_config *config, unsigned slots, struct tr_daemon_settings_xmpp *xmpp);

void tr_daemon_settings_fill_http(
	const struct tr_config *config, struct tr_jibri_http_settings *settings);

#endif
