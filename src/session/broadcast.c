#define TR_LOG_AREA "broadcast"
#include "session/broadcast.h"

#include "core/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define DRAIN_MS 1500

struct target {
	struct tr_broadcast *broadcast;
	struct tr_stream *stream;
	char name[160];
};

struct tr_broadcast {
	/* fixed after open */
	void (*request_key)(void *user);
	void (*on_none_left)(bool was_refused, const char *sentence, void *user);
	void *user;
	unsigned count;
	struct target targets[TR_BROADCAST_MAX];

	/* under `lock` */
	pthread_mutex_t lock;
	unsigned ended, refused;
	bool was_connected;
	bool is_ending; /* the owner wants to hear no more */
};

/* On a stream's thread. */
static void on_key(void *user)
{
	struct target *target = user;
	struct tr_broadcast *broadcast = target->broadcast;

	pthread_mutex_lock(&broadcast->lock);
	if (!broadcast->is_ending)
		broadcast->request_key(broadcast->user);
	pthread_mutex_unlock(&broadcast->lock);
}

/* On a stream's thread, which has said it. */
static void on_news(enum tr_stream_news news, const char *problem, void *user)
{
	struct target *target = user;
	struct tr_broadcast *broadcast = target->broadcast;
	bool is_end = news == TR_STREAM_NEWS_REFUSED || news == TR_STREAM_NEWS_GAVE_UP;

	pthread_mutex_lock(&broadcast->lock);
	broadcast->was_connected |= news == TR_STREAM_NEWS_CONNECTED;
	broadcast->ended += is_end;
	broadcast->refused += news == TR_STREAM_NEWS_REFUSED;
	if (is_end && broadcast->ended == broadcast->count && !broadcast->is_ending)
		broadcast->on_none_left(
			broadcast->refused == broadcast->count, problem, broadcast->user);
	pthread_mutex_unlock(&broadcast->lock);
}

static int open_target(struct tr_broadcast *broadcast, const struct tr_broadcast_settings *settings,
	const json_t *wanted)
{
	struct target *target = &broadcast->targets[broadcast->count];
	struct tr_stream_settings stream = settings->stream;
	const char *name = json_string_value(json_object_get(wanted, "name"));

	stream.url = json_string_value(json_object_get(wanted, "url"));
	if (!stream.url)
		return tr_fail(-EINVAL, "a stream without an address");
	if (name && name[0])
		snprintf(target->name, sizeof(target->name), "%s", name);
	else
		tr_stream_url_redact(stream.url, target->name, sizeof(target->name));
	target->broadcast = broadcast;
	stream.on_news = on_news;
	stream.request_key = on_key;
	stream.user = target;
	int rc = tr_stream_open(&stream, &target->stream);
	if (rc < 0)
		return tr_fail(rc, "cannot stream to %s", target->name);
	return 0;
}

/* Under the lock: the count is right before a stream's first news are heard. */
static int open_targets(struct tr_broadcast *broadcast,
	const struct tr_broadcast_settings *settings, const json_t *wanted)
{
	size_t count = json_array_size(wanted);

	if (count == 0 || count > TR_BROADCAST_MAX)
		return tr_fail(-EINVAL, "%zu streams were asked for; from 1 to %d are possible",
			count, TR_BROADCAST_MAX);
	int rc = 0;
	pthread_mutex_lock(&broadcast->lock);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = open_target(broadcast, settings, json_array_get(wanted, i));
		broadcast->count += rc == 0;
	}
	pthread_mutex_unlock(&broadcast->lock);
	return rc;
}

int tr_broadcast_open(
	const struct tr_broadcast_settings *settings, struct tr_broadcast **ret_broadcast)
{
	struct tr_broadcast *broadcast = calloc(1, sizeof(*broadcast));
	json_t *wanted = json_loads(settings->targets, 0, NULL);
	int rc = broadcast ? 0 : -ENOMEM;

	if (rc == 0) {
		broadcast->request_key = settings->request_key;
		broadcast->on_none_left = settings->on_none_left;
		broadcast->user = settings->user;
		pthread_mutex_init(&broadcast->lock, NULL);
		rc = open_targets(broadcast, settings, wanted);
	}
	json_decref(wanted);
	if (rc < 0) {
		tr_broadcast_close(broadcast, NULL);
		return rc;
	}
	*ret_broadcast = broadcast;
	return 0;
}

void tr_broadcast_push(struct tr_broadcast *broadcast, struct tr_packet *packet)
{
	for (unsigned i = 0; i < broadcast->count; i++)
		tr_stream_push(broadcast->targets[i].stream, packet);
}

unsigned tr_broadcast_count(const struct tr_broadcast *broadcast)
{
	return broadcast->count;
}

void tr_broadcast_read(
	struct tr_broadcast *broadcast, unsigned index, struct tr_broadcast_target *ret_target)
{
	const struct target *target = &broadcast->targets[index];

	memcpy(ret_target->name, target->name, sizeof(ret_target->name));
	tr_stream_read(target->stream, &ret_target->status);
}

bool tr_broadcast_was_connected(struct tr_broadcast *broadcast)
{
	pthread_mutex_lock(&broadcast->lock);
	bool was_connected = broadcast->was_connected;
	pthread_mutex_unlock(&broadcast->lock);
	return was_connected;
}

void tr_broadcast_end(struct tr_broadcast *broadcast)
{
	pthread_mutex_lock(&broadcast->lock);
	broadcast->is_ending = true;
	pthread_mutex_unlock(&broadcast->lock);
	for (unsigned i = 0; i < broadcast->count; i++)
		tr_stream_end(broadcast->targets[i].stream, DRAIN_MS);
}

static json_t *describe(const char *name, const struct tr_stream_status *status)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:i, s:i, s:i}", "name", name, "target",
		status->target, "state", tr_stream_state_name(status->state), "problem",
		status->problem, "was_connected", status->was_connected, "bytes",
		(json_int_t)status->bytes, "reconnects", (int)status->reconnects,
		"dropped_pictures", (int)status->dropped_pictures, "dropped_sounds",
		(int)status->dropped_sounds);
}

void tr_broadcast_close(struct tr_broadcast *broadcast, json_t **ret_report)
{
	json_t *report = ret_report ? json_array() : NULL;

	if (broadcast) {
		tr_broadcast_end(broadcast);
		for (unsigned i = 0; i < broadcast->count; i++) {
			struct tr_stream_status status = {0};
			tr_stream_close(broadcast->targets[i].stream, DRAIN_MS, &status);
			if (report)
				json_array_append_new(
					report, describe(broadcast->targets[i].name, &status));
		}
		pthread_mutex_destroy(&broadcast->lock);
		free(broadcast);
	}
	if (ret_report)
		*ret_report = report;
}
