#define TR_LOG_AREA "telerecd"

#include "daemon/watchers.h"

#include "control/statsd.h"
#include "control/webhooks.h"
#include "core/log.h"

#include <errno.h>

#define STATSD_PORT 8125

struct tr_watchers {
	struct tr_statsd *statsd;     /* or NULL */
	struct tr_webhooks *webhooks; /* or NULL */
};

static int start_statsd(struct tr_watchers *watchers, const struct tr_config *config)
{
	char host[TR_CONFIG_HOST_MAX];
	int port = 0;

	if (!config->stats.statsd[0])
		return 0;
	int rc = tr_config_split_server(config->stats.statsd, host, sizeof(host), &port);
	return rc < 0 ? rc : tr_statsd_create(host, port ? port : STATSD_PORT, &watchers->statsd);
}

static int start_webhooks(struct tr_watchers *watchers, sd_event *event,
	const struct tr_config *config, const struct tr_control_actions *actions)
{
	const char *subscribers[TR_CONFIG_SUBSCRIBERS_MAX];
	const struct tr_webhook_token_settings token = {
		.key_file = config->webhooks.key_file,
		.key_id = config->webhooks.key_id,
		.issuer = config->webhooks.issuer,
		.audience = config->webhooks.audience,
		.lifetime_s = config->webhooks.token_lifetime_ms / 1000,
	};
	const struct tr_webhooks_settings settings = {
		.id = config->id,
		.subscribers = subscribers,
		.subscriber_count = config->webhooks.subscriber_count,
		.timeout_ms = (int)config->webhooks.timeout_ms,
		.interval_ms = config->webhooks.interval_ms,
		.retry_for_ms = config->webhooks.retry_for_ms,
		.ca_file = config->webhooks.ca_file,
		.token = config->webhooks.key_file[0] ? &token : NULL,
	};

	for (unsigned i = 0; i < config->webhooks.subscriber_count; i++)
		subscribers[i] = config->webhooks.subscribers[i];
	return settings.subscriber_count == 0
		       ? 0
		       : tr_webhooks_create(event, &settings, actions, &watchers->webhooks);
}

int tr_watchers_create(sd_event *event, const struct tr_config *config,
	const struct tr_control_actions *actions, struct tr_watchers **ret_watchers)
{
	TR_CLEANUP(tr_watchers_destroyp)
	struct tr_watchers *watchers = calloc(1, sizeof(*watchers));
	if (!watchers)
		return -ENOMEM;
	int rc = start_statsd(watchers, config);
	if (rc < 0)
		tr_fail(rc, "stats.statsd: nothing is counted there until the next start");
	rc = start_webhooks(watchers, event, config, actions);
	if (rc < 0)
		tr_fail(rc, "webhooks: nobody is told anything until the next start");
	*ret_watchers = tr_take(watchers);
	return 0;
}

void tr_watchers_destroy(struct tr_watchers *watchers)
{
	if (!watchers)
		return;
	tr_statsd_destroy(watchers->statsd);
	tr_webhooks_destroy(watchers->webhooks);
	free(watchers);
}

void tr_watchers_tell(const struct tr_event *event, void *user)
{
	struct tr_watchers *watchers = user;

	if (watchers->statsd)
		tr_statsd_tell(event, watchers->statsd);
	if (watchers->webhooks)
		tr_webhooks_tell(event, watchers->webhooks);
}
