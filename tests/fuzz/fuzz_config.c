/* Any bytes as a configuration file: what is accepted has every default, and can be told apart. */
#include "config/config.h"
#include "output/stream_url.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_environment(const struct tr_config_environment *environment)
{
	char host[TR_CONFIG_HOST_MAX];
	int port;

	if (!environment->name[0] || !environment->xmpp_domain[0] || !environment->server_count ||
		!environment->control.domain[0] || !environment->control.password[0] ||
		!environment->brewery.domain[0] || !environment->brewery.nickname[0] ||
		!environment->call.domain[0] || !environment->call.password[0] ||
		!environment->base_url[0] || !environment->security[0])
		abort();
	for (unsigned i = 0; i < environment->server_count; i++)
		if (tr_config_split_server(environment->servers[i], host, sizeof(host), &port) < 0)
			abort();
}

static void check_streams(const struct tr_config *config)
{
	char url[TR_STREAM_URL_SIZE], problem[200];

	for (unsigned i = 0; i < config->stream.allowed_count; i++)
		if (tr_stream_url_check_pattern(
			    config->stream.allowed[i], problem, sizeof(problem)) < 0)
			abort();
	for (unsigned i = 0; i < config->stream.rewrite_count; i++) {
		const struct tr_stream_url_rewrite rule = {
			config->stream.rewrites[i].match, config->stream.rewrites[i].to};
		if (tr_stream_url_check_rewrite(&rule, problem, sizeof(problem)) < 0)
			abort();
	}
	for (unsigned i = 0; i < config->room_count; i++) {
		const struct tr_config_room *room = &config->rooms[i];
		if (tr_stream_url_check_pattern(room->match, problem, sizeof(problem)) < 0)
			abort();
		for (unsigned j = 0; j < room->stream_count; j++)
			if (tr_stream_url_resolve(room->streams[j], url, sizeof(url)) < 0)
				abort();
	}
}

static void check(const struct tr_config *config)
{
	static char hosts[1 << 16];

	if (!config->id[0] || config->slots < 0 || config->slots > TR_CONFIG_SLOTS_MAX ||
		tr_config_list_hosts(config, hosts, sizeof(hosts)) < 0)
		abort();
	check_streams(config);
	for (unsigned i = 0; i < config->environment_count; i++)
		check_environment(&config->environments[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tr_config config;
	static struct tr_config_complaints complaints;
	char *text = strndup((const char *)data, size);

	/* An include is another file, not these bytes. */
	if (!text || strstr(text, "@include"))
		goto out;
	if (tr_config_parse(text, "fuzz", &config, &complaints) == 0)
		check(&config);
	else if (complaints.count == 0)
		abort();
out:
	free(text);
	return 0;
}
