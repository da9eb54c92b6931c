/*
 * Tells others over HTTP how this node is and what becomes of its sessions: Jibri's webhooks.
 *
 * Each subscriber has a queue and its own requests, one at a time, in order; what it does not take
 * is tried again with growing pauses, and given up after a while. Of states only the newest waits.
 * A subscriber that is slow, gone or refuses costs nobody else anything, least of all a recording.
 *
 * All functions are the loop's, and none waits.
 */
#ifndef TR_CONTROL_WEBHOOKS_H
#define TR_CONTROL_WEBHOOKS_H

#include "control/actions.h"
#include "control/events.h"
#include "control/webhook_token.h"

#include <systemd/sd-event.h>

struct tr_webhooks_settings {
	const char *id;			/* "jibriId" */
	const char *const *subscribers; /* base URLs: maybe secrets */
	unsigned subscriber_count;
	int timeout_ms;		/* of a request; 0: 2000 */
	int64_t interval_ms;	/* between states that did not change; 0: 60 s */
	int64_t retry_for_ms;	/* of what happened to a session; 0: one try */
	int64_t retry_after_ms; /* the first pause, doubled each time up to 60 s; 0: 1 s */
	const char *ca_file;	/* "": the system's authorities */
	const struct tr_webhook_token_settings *token; /* NULL: none */
};

struct tr_webhooks_count {
	uint64_t sent, failed, dropped;
	unsigned waiting;
};

struct tr_webhooks;

/* Copies the settings; keeps the actions (`read`). -errno, said. */
TR_CHECKED int tr_webhooks_create(sd_event *event, const struct tr_webhooks_settings *settings,
	const struct tr_control_actions *actions, struct tr_webhooks **ret_webhooks);

/* What waits is lost. NULL is fine. */
void tr_webhooks_destroy(struct tr_webhooks *webhooks);

/* A tr_event_fn. */
void tr_webhooks_tell(const struct tr_event *event, void *webhooks);

/* Of one subscriber, since the start. */
void tr_webhooks_read(
	const struct tr_webhooks *webhooks, unsigned index, struct tr_webhooks_count *ret);

TR_CLEANUP_DEFINE(struct tr_webhooks, tr_webhooks_destroy)

#endif
