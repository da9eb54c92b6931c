#define TR_LOG_AREA "node-api"

#include "control/node_api_internal.h"
#include "control/snapshot_json.h"
#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LISTENERS_MAX 16
#define QUEUE_BYTES 65536 /* some hundred events */
#define ALL_TYPES ((1U << TR_EVENT_COUNT_) - 1)

struct tr_node_api_listener {
	struct tr_node_api *api;
	struct tr_http_stream *stream;
	unsigned types;			   /* a bit for each */
	uint64_t lost;			   /* that it has not been told of */
	struct tr_node_api_listener *next; /* tr_node_api.listeners */
};

static int64_t now_ms(void)
{
	return tr_clock_wall_ns() / TR_NS_PER_MS;
}

/* ---- one event on the wire ---- */

/* Gives "event: TYPE\ndata: OBJECT\n\n"; takes the object. NULL without memory. */
static char *frame(const char *type, json_t *object)
{
	TR_CLEANUP(tr_freep) char *data = object ? json_dumps(object, JSON_COMPACT) : NULL;
	char *text = NULL;

	json_decref(object);
	if (!data || asprintf(&text, "event: %s\ndata: %s\n\n", type, data) < 0)
		return NULL;
	return text;
}

static bool push(struct tr_node_api_listener *listener, const char *text)
{
	return text && tr_http_stream_push(listener->stream, text, strlen(text)) == 0;
}

/* What is lost is told first, so that it stands where it is missing. */
static bool tell_lost(struct tr_node_api_listener *listener)
{
	if (listener->lost == 0)
		return true;
	TR_CLEANUP(tr_freep)
	char *text =
		frame("lost", json_pack("{s:s, s:I, s:I}", "type", "lost", "ms",
				      (json_int_t)now_ms(), "count", (json_int_t)listener->lost));
	if (!push(listener, text))
		return false;
	listener->lost = 0;
	return true;
}

void tr_node_api_tell(const struct tr_event *event, void *data)
{
	struct tr_node_api *api = data;
	TR_CLEANUP(tr_freep) char *text = NULL;

	if (!api || (unsigned)event->type >= TR_EVENT_COUNT_)
		return;
	for (struct tr_node_api_listener *l = api->listeners; l; l = l->next) {
		if (!(l->types & 1U << event->type))
			continue;
		if (!text)
			text = frame(tr_event_type_name(event->type),
				tr_event_json_make(event, now_ms()));
		if (tell_lost(l) && push(l, text))
			continue;
		l->lost++;
		api->lost_count++;
	}
}

/* ---- listeners ---- */

static void set_heartbeat(struct tr_node_api *api)
{
	sd_event_source_set_time_relative(api->heartbeat, (uint64_t)api->heartbeat_ms * 1000);
	sd_event_source_set_enabled(
		api->heartbeat, api->listeners ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* So that both sides, and what is between them, see that the other one is there. */
static int on_heartbeat(sd_event_source *source, uint64_t now_us, void *data)
{
	struct tr_node_api *api = data;

	(void)source, (void)now_us;
	for (struct tr_node_api_listener *l = api->listeners; l; l = l->next)
		if (tell_lost(l))
			push(l, ": here\n\n");
	set_heartbeat(api);
	return 0;
}

int tr_node_api_events_begin(struct tr_node_api *api)
{
	int rc = sd_event_add_time_relative(
		api->event, &api->heartbeat, CLOCK_MONOTONIC, 0, 0, on_heartbeat, api);
	return rc < 0 ? rc : sd_event_source_set_enabled(api->heartbeat, SD_EVENT_OFF);
}

/* The doors are closed: there are no listeners any more. */
void tr_node_api_events_end(struct tr_node_api *api)
{
	sd_event_source_disable_unref(api->heartbeat);
}

static void on_gone(void *user)
{
	struct tr_node_api_listener *listener = user;
	struct tr_node_api *api = listener->api;
	struct tr_node_api_listener **link = &api->listeners;

	while (*link != listener)
		link = &(*link)->next;
	*link = listener->next;
	api->listener_count--;
	free(listener);
}

/* The bits of "slot,on"; -EINVAL with the word that is none. */
static int parse_types(const char *text, unsigned *ret_types, char *wrong, size_t wrong_size)
{
	unsigned types = 0;

	for (size_t length; *text; text += length + (text[length] == ',')) {
		unsigned i = 0;
		length = strcspn(text, ",");
		while (i < TR_EVENT_COUNT_ && (strncmp(tr_event_type_name(i), text, length) != 0 ||
						      tr_event_type_name(i)[length]))
			i++;
		if (i == TR_EVENT_COUNT_) {
			snprintf(wrong, wrong_size, "%.*s", (int)length, text);
			return -EINVAL;
		}
		types |= 1U << i;
	}
	*ret_types = types ? types : ALL_TYPES;
	return 0;
}

static void say_hello(struct tr_node_api_listener *listener)
{
	json_t *node = tr_snapshot_json_node(tr_node_api_look(listener->api));
	json_t *hello =
		json_pack("{s:s, s:I, s:O, s:O}", "type", "hello", "ms", (json_int_t)now_ms(), "id",
			json_object_get(node, "id"), "version", json_object_get(node, "version"));

	TR_CLEANUP(tr_freep) char *text = frame("hello", hello);
	push(listener, text);
	json_decref(node);
}

static int add_listener(struct tr_node_api_call *call, unsigned types)
{
	struct tr_node_api *api = call->api;
	TR_CLEANUP(tr_freep) struct tr_node_api_listener *listener = calloc(1, sizeof(*listener));

	if (!listener)
		return -ENOMEM;
	listener->api = api;
	listener->types = types;
	int rc = tr_http_request_answer_stream(call->request, "text/event-stream", QUEUE_BYTES,
		on_gone, listener, &listener->stream);
	if (rc < 0)
		return rc;
	listener->next = api->listeners;
	api->listeners = listener;
	api->listener_count++;
	say_hello(listener);
	if (api->listener_count == 1)
		set_heartbeat(api);
	listener = NULL; /* on_gone() frees it */
	return 0;
}

void tr_node_api_listen(struct tr_node_api_call *call)
{
	unsigned types = 0;
	char wrong[64];

	if (parse_types(call->query.texts[0], &types, wrong, sizeof(wrong)) < 0) {
		tr_node_api_reply_error(call->request, TR_HTTP_BAD_REQUEST, "types",
			"There are no events of the type \"%s\"", wrong);
		return;
	}
	if (!strcmp(tr_http_request_method(call->request), "HEAD")) {
		tr_http_request_answer(call->request, TR_HTTP_OK, "text/event-stream", "");
		return;
	}
	if (call->api->listener_count >= LISTENERS_MAX) {
		tr_node_api_reply_too_many(call->request, "5");
		return;
	}
	int rc = add_listener(call, types);
	if (rc < 0)
		tr_node_api_reply_failure(call->request, rc, "");
}
