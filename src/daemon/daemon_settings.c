#define TR_LOG_AREA "telerecd"

#include "daemon/daemon_settings.h"

#include "config/slot_request.h"
#include "system/capacity.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum tr_log_level tr_daemon_settings_log_level(const struct tr_config *config)
{
	const char *word = config->log_level;

	return !strcmp(word, "error")	  ? TR_LOG_ERROR
	       : !strcmp(word, "warning") ? TR_LOG_WARNING
	       : !strcmp(word, "debug")	  ? TR_LOG_DEBUG
					  : TR_LOG_INFO;
}

static bool may_use_gpu(const struct tr_config *config)
{
	return strcmp(config->video.encoder, "software") != 0 &&
	       access("/sys/class/drm/renderD128", F_OK) == 0;
}

/* As many as there can be: what a GPU can do is not known before a slot has tried it, and then the
 * node offers what is true (node_capacity.c). */
unsigned tr_daemon_settings_count_slots(const struct tr_config *config)
{
	struct tr_capacity capacity;
	char why[400];

	if (config->slots > 0)
		return (unsigned)config->slots;
	tr_capacity_read("", &capacity);
	unsigned slots = tr_capacity_count_slots(&capacity, config->video.width,
		config->video.height, config->video.frame_rate,
		may_use_gpu(config) ? TR_CAPACITY_SLOTS_MAX : 0, why, sizeof(why));
	tr_info("slots = \"auto\": %s", why);
	return slots;
}

int tr_daemon_settings_fill_node(
	const struct tr_config *config, unsigned slots, struct tr_node_settings *settings)
{
	struct tr_message_configure *configure = &settings->supervisor.configure;

	settings->supervisor.slots = slots;
	settings->supervisor.log_level = (int)tr_daemon_settings_log_level(config);
	tr_slot_request_fill_configure(config, configure);
	configure->is_told_encoders = strcmp(configure->encoder, "software") != 0;
	settings->is_capacity_measured = config->slots == 0;
	tr_slot_request_fill_start(config, &settings->request);
	int rc = tr_config_list_hosts(config, configure->hosts, sizeof(configure->hosts));
	if (rc < 0)
		return tr_fail(rc, "too many hosts for the browser");
	memcpy(settings->request.hosts, configure->hosts, sizeof(configure->hosts));
	settings->is_host_list_strict = config->browser.allowed_host_count > 0;
	settings->rules = config;
	settings->recordings = config->recordings;
	settings->low_disk_ms = config->storage.warn_ms;
	rc = tr_config_read_reserve(config, &settings->low_disk_bytes, &settings->low_disk_percent);
	if (rc < 0)
		return tr_fail(rc, "storage.reserve");
	settings->is_single_use = config->single_use;
	settings->stop_on_control_loss = config->stop_on_control_loss;
	settings->start_ms = config->checks.start_ms;
	settings->finalize_script = config->finalize.script;
	settings->finalize_timeout_ms = config->finalize.timeout_ms;
	settings->finalize_attempts = (unsigned)config->finalize.attempts;
	return 0;
}

static enum tr_xmpp_security security(const char *word)
{
	return !strcmp(word, "tls")	     ? TR_XMPP_DIRECT_TLS
	       : !strcmp(word, "ifpossible") ? TR_XMPP_OPPORTUNISTIC
	       : !strcmp(word, "plain")	     ? TR_XMPP_PLAIN
					     : TR_XMPP_STARTTLS;
}

static void fill_server(const struct tr_config_environment *from, struct tr_xmpp_server *to)
{
	*to = (struct tr_xmpp_server){
		.environment = from->name,
		.security = security(from->security),
		.trust_all = from->trust_all_certificates,
		.ca_file = from->ca_file,
		.fingerprint = from->fingerprint,
		.control_domain = from->control.domain,
		.control_username = from->control.username,
		.control_password = from->control.password,
		.brewery_domain = from->brewery.domain,
		.brewery_room = from->brewery.room,
		.nickname = from->brewery.nickname,
		.focus_jid = from->focus_jid,
		.xmpp_domain = from->xmpp_domain,
		.base_url = from->base_url,
		.strip = from->strip,
		.call_domain = from->call.domain,
		.call_username = from->call.username,
		.call_password = from->call.password,
		.call_randomize = from->call.randomize,
		.usage_timeout_ms = from->usage_timeout_ms,
	};
}

int tr_daemon_settings_fill_xmpp(
	const struct tr_config *config, unsigned slots, struct tr_daemon_settings_xmpp *xmpp)
{
	xmpp->count = 0;
	for (unsigned i = 0; i < config->environment_count; i++) {
		const struct tr_config_environment *environment = &config->environments[i];
		for (unsigned j = 0; j < environment->server_count; j++) {
			struct tr_xmpp_server *server = &xmpp->servers[xmpp->count];
			char *host = xmpp->hosts[xmpp->count++];
			fill_server(environment, server);
			server->entry = environment->servers[j];
			server->host = host;
			int rc = tr_config_split_server(
				server->entry, host, TR_CONFIG_HOST_MAX, &server->port);
			if (rc < 0)
				return tr_fail(rc, "server %s", server->entry);
			if (server->port == 0)
				server->port = environment->control.port;
		}
	}
	xmpp->settings = (struct tr_xmpp_settings){
		.slots = slots, .servers = xmpp->servers, .server_count = xmpp->count};
	return 0;
}

void tr_daemon_settings_fill_http(
	const struct tr_config *config, struct tr_jibri_http_settings *settings)
{
	settings->bind = config->jibri_http.bind;
	settings->external_port = config->jibri_http.external_port;
	settings->internal_port = config->jibri_http.internal_port;
}
