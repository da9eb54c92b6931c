#define TR_LOG_AREA "webhooks"

#include "control/webhooks.h"

#include "control/http_post.h"
#include "control/webhook_body.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 2000
#define INTERVAL_MS 60000
#define RETRY_AFTER_MS 1000
#define RETRY_AFTER_MAX_MS 60000
#define QUEUE_MAX 100
#define TIMER_ACCURACY_US 10000
#define STATUS_PATH "/v1/status"
#define SESSION_PATH "/v1/session/status"

struct post {
	struct post *next;
	const char *path;
	int64_t made_ns;
	char body[];
};

struct subscriber {
	struct tr_webhooks *webhooks;
	char *base;
	char shown[300];    /* for the log */
	struct post *queue; /* the first is the one under way, when there is one */
	unsigned queued;
	bool is_under_way;
	bool is_failing, is_full; /* since the last that was taken: said once */
	int64_t pause_ms;
	sd_event_source *pause; /* set while it runs */
	struct tr_webhooks_count count;
};

struct tr_webhooks {
	sd_event *event;
	const struct tr_control_actions *actions;
	struct tr_http_post *http;
	struct tr_webhook_token *token; /* or NULL */
	char *id;
	int timeout_ms;
	int64_t interval_ms, retry_for_ms, retry_after_ms;
	char *status;	       /* the last one told */
	sd_event_source *look; /* once, after an event */
	sd_event_source *interval;
	unsigned count;
	struct subscriber subscribers[];
};

static void send_next(struct subscriber *subscriber);

/* ---- a subscriber's queue ---- */

static void drop_post(struct subscriber *subscriber, struct post **at)
{
	struct post *post = *at;

	*at = post->next;
	subscriber->queued--;
	free(post);
}

/* Those that may still go: not the one under way. */
static struct post **first_waiting(struct subscriber *subscriber)
{
	return subscriber->is_under_way ? &subscriber->queue->next : &subscriber->queue;
}

static void drop_old_states(struct subscriber *subscriber)
{
	struct post **at = first_waiting(subscriber);

	while (*at) {
		if (!strcmp((*at)->path, STATUS_PATH))
			drop_post(subscriber, at);
		else
			at = &(*at)->next;
	}
}

static void push(struct subscriber *subscriber, const char *path, const char *body)
{
	struct post *post = calloc(1, sizeof(*post) + strlen(body) + 1);
	struct post **at;

	if (!post)
		return;
	post->path = path;
	post->made_ns = tr_clock_now_ns();
	strcpy(post->body, body);
	if (!strcmp(path, STATUS_PATH))
		drop_old_states(subscriber);
	if (subscriber->queued >= QUEUE_MAX) {
		if (!subscriber->is_full)
			tr_warning("%s: %d wait for it: the oldest are dropped", subscriber->shown,
				QUEUE_MAX);
		subscriber->is_full = true;
		subscriber->count.dropped++;
		drop_post(subscriber, first_waiting(subscriber));
	}
	at = &subscriber->queue;
	while (*at)
		at = &(*at)->next;
	*at = post;
	subscriber->queued++;
	send_next(subscriber);
}

static void push_to_all(struct tr_webhooks *webhooks, const char *path, const char *body)
{
	for (unsigned i = 0; i < webhooks->count; i++)
		push(&webhooks->subscribers[i], path, body);
}

/* ---- sending ---- */

static int on_pause_over(sd_event_source *source, uint64_t usec, void *user)
{
	struct subscriber *subscriber = user;

	(void)source, (void)usec;
	subscriber->pause = sd_event_source_disable_unref(subscriber->pause);
	send_next(subscriber);
	return 0;
}

static void pause_subscriber(struct subscriber *subscriber)
{
	struct tr_webhooks *webhooks = subscriber->webhooks;
	int64_t pause_ms = subscriber->pause_ms ? subscriber->pause_ms : webhooks->retry_after_ms;

	subscriber->pause_ms =
		2 * pause_ms < RETRY_AFTER_MAX_MS ? 2 * pause_ms : RETRY_AFTER_MAX_MS;
	int rc = sd_event_add_time_relative(webhooks->event, &subscriber->pause, CLOCK_MONOTONIC,
		(uint64_t)pause_ms * 1000, TIMER_ACCURACY_US, on_pause_over, subscriber);
	if (rc < 0)
		tr_warning(
			"%s: no timer: the next one goes with the next event", subscriber->shown);
}

/* Whether another try makes sense: not when the subscriber has understood and does not want it. */
static bool may_pass(unsigned status)
{
	return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

static void on_taken(struct subscriber *subscriber)
{
	if (subscriber->is_failing)
		tr_info("%s: takes webhooks again", subscriber->shown);
	subscriber->is_failing = subscriber->is_full = false;
	subscriber->pause_ms = 0;
	subscriber->count.sent++;
	drop_post(subscriber, &subscriber->queue);
}

static void on_failed(struct subscriber *subscriber, unsigned status, const char *problem)
{
	const struct post *post = subscriber->queue;
	int64_t age_ms = (tr_clock_now_ns() - post->made_ns) / TR_NS_PER_MS;
	bool is_last = !may_pass(status) || age_ms >= subscriber->webhooks->retry_for_ms;
	char number[40];

	snprintf(number, sizeof(number), "it answered with status %u", status);
	if (!subscriber->is_failing || is_last)
		tr_warning("%s%s was not taken: %s; %s", subscriber->shown, post->path,
			status ? number : problem,
			is_last ? "given up" : "trying again for a while");
	subscriber->is_failing = true;
	subscriber->count.failed++;
	if (is_last) {
		subscriber->count.dropped++;
		drop_post(subscriber, &subscriber->queue);
	}
	if (may_pass(status))
		pause_subscriber(subscriber);
}

static void on_done(unsigned status, const char *problem, void *user)
{
	struct subscriber *subscriber = user;

	subscriber->is_under_way = false;
	if (status >= 200 && status < 300)
		on_taken(subscriber);
	else
		on_failed(subscriber, status, problem);
	send_next(subscriber);
}

static int send_post(struct subscriber *subscriber, const struct post *post, char *token)
{
	TR_CLEANUP(tr_freep) char *url = NULL;

	if (asprintf(&url, "%s%s", subscriber->base, post->path) < 0) {
		url = NULL;
		return -ENOMEM;
	}
	const struct tr_http_post_request request = {
		.url = url,
		.type = "application/json",
		.token = token,
		.body = post->body,
		.timeout_ms = subscriber->webhooks->timeout_ms,
		.done = on_done,
		.user = subscriber,
	};
	return tr_http_post_send(subscriber->webhooks->http, &request);
}

static void send_next(struct subscriber *subscriber)
{
	const struct tr_webhook_token *token = subscriber->webhooks->token;
	char *text = NULL;
	int rc = 0;

	if (!subscriber->queue || subscriber->is_under_way || subscriber->pause)
		return;
	if (token)
		rc = tr_webhook_token_make(token, tr_clock_wall_ns() / TR_NS_PER_S, &text);
	if (rc == 0)
		rc = send_post(subscriber, subscriber->queue, text);
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	subscriber->is_under_way = rc == 0;
	if (rc < 0)
		on_failed(subscriber, 0, strerror(-rc));
}

/* ---- states ---- */

/* Tells the state to all: when it is another one than last time, or `is_due`. */
static void tell_status(struct tr_webhooks *webhooks, bool is_due)
{
	struct tr_control_presence presence = {0};
	char *body = NULL;

	webhooks->actions->read(webhooks->actions->user, 0, &presence);
	if (tr_webhook_body_status(webhooks->id, &presence, &body) < 0)
		return;
	if (is_due || !webhooks->status || strcmp(webhooks->status, body) != 0)
		push_to_all(webhooks, STATUS_PATH, body);
	free(webhooks->status);
	webhooks->status = body;
}

static int on_look(sd_event_source *source, void *user)
{
	(void)source;
	tell_status(user, false);
	return 0;
}

static int on_interval(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_webhooks *webhooks = user;

	(void)usec;
	tell_status(webhooks, true);
	return sd_event_source_set_time_relative(source, (uint64_t)webhooks->interval_ms * 1000);
}

/* ---- events ---- */

static void tell_session(struct tr_webhooks *webhooks, const struct tr_event *event)
{
	TR_CLEANUP(tr_freep) char *body = NULL;
	int rc = event->type == TR_EVENT_ON
			 ? tr_webhook_body_on(webhooks->id, event->session_id, &body)
			 : tr_webhook_body_off(webhooks->id, event->session_id, event->is_failure,
				   event->reason, event->sentence, &body);

	if (rc == 0)
		push_to_all(webhooks, SESSION_PATH, body);
}

void tr_webhooks_tell(const struct tr_event *event, void *user)
{
	struct tr_webhooks *webhooks = user;

	switch (event->type) {
	case TR_EVENT_ON:
	case TR_EVENT_ENDED:
		tell_session(webhooks, event);
		break;
	case TR_EVENT_NODE:
	case TR_EVENT_SLOT:
	case TR_EVENT_DISK:
		/* Actions may not be called from within an event. */
		sd_event_source_set_enabled(webhooks->look, SD_EVENT_ONESHOT);
		break;
	default:
		break;
	}
}

void tr_webhooks_read(
	const struct tr_webhooks *webhooks, unsigned index, struct tr_webhooks_count *ret)
{
	*ret = webhooks->subscribers[index].count;
	ret->waiting = webhooks->subscribers[index].queued;
}

/* ---- life ---- */

static int add_subscriber(struct tr_webhooks *webhooks, const char *url)
{
	struct subscriber *subscriber = &webhooks->subscribers[webhooks->count];
	size_t length = strlen(url);

	while (length > 0 && url[length - 1] == '/')
		length--;
	subscriber->base = strndup(url, length);
	if (!subscriber->base)
		return -ENOMEM;
	subscriber->webhooks = webhooks;
	tr_text_redact(subscriber->base, subscriber->shown, sizeof(subscriber->shown));
	webhooks->count++;
	return 0;
}

static int add_sources(struct tr_webhooks *webhooks)
{
	int rc = sd_event_add_defer(webhooks->event, &webhooks->look, on_look, webhooks);
	if (rc >= 0)
		rc = sd_event_add_time_relative(webhooks->event, &webhooks->interval,
			CLOCK_MONOTONIC, 0, TIMER_ACCURACY_US, on_interval, webhooks);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(webhooks->look, SD_EVENT_OFF);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(webhooks->interval, SD_EVENT_ON);
	return rc < 0 ? tr_fail(rc, "no timers") : 0;
}

static int fill(struct tr_webhooks *webhooks, const struct tr_webhooks_settings *settings)
{
	webhooks->timeout_ms = settings->timeout_ms ? settings->timeout_ms : TIMEOUT_MS;
	webhooks->interval_ms = settings->interval_ms ? settings->interval_ms : INTERVAL_MS;
	webhooks->retry_for_ms = settings->retry_for_ms;
	webhooks->retry_after_ms =
		settings->retry_after_ms ? settings->retry_after_ms : RETRY_AFTER_MS;
	webhooks->id = strdup(settings->id);
	if (!webhooks->id)
		return -ENOMEM;
	for (unsigned i = 0; i < settings->subscriber_count; i++) {
		int rc = add_subscriber(webhooks, settings->subscribers[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int tr_webhooks_create(sd_event *event, const struct tr_webhooks_settings *settings,
	const struct tr_control_actions *actions, struct tr_webhooks **ret_webhooks)
{
	TR_CLEANUP(tr_webhooks_destroyp)
	struct tr_webhooks *webhooks = calloc(
		1, sizeof(*webhooks) + settings->subscriber_count * sizeof(struct subscriber));

	if (!webhooks)
		return -ENOMEM;
	webhooks->event = sd_event_ref(event);
	webhooks->actions = actions;
	int rc = fill(webhooks, settings);
	if (rc == 0 && settings->token)
		rc = tr_webhook_token_create(settings->token, &webhooks->token);
	if (rc == 0)
		rc = tr_http_post_create(event, settings->ca_file, &webhooks->http);
	if (rc == 0)
		rc = add_sources(webhooks);
	if (rc < 0)
		return rc;
	*ret_webhooks = tr_take(webhooks);
	return 0;
}

void tr_webhooks_destroy(struct tr_webhooks *webhooks)
{
	if (!webhooks)
		return;
	tr_http_post_destroy(webhooks->http);
	for (unsigned i = 0; i < webhooks->count; i++) {
		struct subscriber *subscriber = &webhooks->subscribers[i];
		sd_event_source_disable_unref(subscriber->pause);
		while (subscriber->queue)
			drop_post(subscriber, &subscriber->queue);
		free(subscriber->base);
	}
	sd_event_source_disable_unref(webhooks->look);
	sd_event_source_disable_unref(webhooks->interval);
	tr_webhook_token_destroy(webhooks->token);
	sd_event_unref(webhooks->event);
	free(webhooks->status);
	free(webhooks->id);
	free(webhooks);
}
