/* Those outside who hear of this node without asking: StatsD and webhooks, as configured. */
#ifndef TR_DAEMON_WATCHERS_H
#define TR_DAEMON_WATCHERS_H

#include "config/config.h"
#include "control/actions.h"
#include "control/events.h"

#include <systemd/sd-event.h>

struct tr_watchers;

/* Keeps the actions. A watcher that cannot be had is said and left out: recordings matter more.
 * -ENOMEM. */
TR_CHECKED int tr_watchers_create(sd_event *event, const struct tr_config *config,
	const struct tr_control_actions *actions, struct tr_watchers **ret_watchers);
void tr_watchers_destroy(struct tr_watchers *watchers); /* NULL is fine */

/* A tr_event_fn. */
void tr_watchers_tell(const struct tr_event *event, void *watchers);

TR_CLEANUP_DEFINE(struct tr_watchers, tr_watchers_destroy)

#endif
