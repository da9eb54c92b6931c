#define TR_LOG_AREA "node-api"

#include "control/metrics.h"
#include "control/node_api_internal.h"
#include "control/snapshot_json.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <string.h>

#define PICTURES_MAX 8 /* that are being made at a time */

void tr_node_api_read_node(struct tr_node_api_call *call)
{
	tr_node_api_reply_json(
		call->request, TR_HTTP_OK, tr_snapshot_json_node(tr_node_api_look(call->api)));
}

/* ---- slots ---- */

void tr_node_api_list_slots(struct tr_node_api_call *call)
{
	const struct tr_snapshot *snapshot = tr_node_api_look(call->api);
	json_t *slots = json_array();

	for (unsigned i = 0; i < snapshot->slot_count; i++)
		json_array_append_new(slots, tr_snapshot_json_slot(&snapshot->slots[i]));
	tr_node_api_reply_json(call->request, TR_HTTP_OK, json_pack("{s:o}", "slots", slots));
}

/* The slot that the path names; NULL when there is none, which is answered. */
static const struct tr_snapshot_slot *find_slot(struct tr_node_api_call *call)
{
	const struct tr_snapshot *snapshot = tr_node_api_look(call->api);
	int64_t number;

	if (tr_text_parse_int(call->args[0], 1, TR_SNAPSHOT_SLOTS_MAX, &number) == 0)
		for (unsigned i = 0; i < snapshot->slot_count; i++)
			if (snapshot->slots[i].number == (unsigned)number)
				return &snapshot->slots[i];
	tr_node_api_reply_error(call->request, TR_HTTP_NOT_FOUND, NULL,
		"There is no such slot: this node has %u", snapshot->slot_count);
	return NULL;
}

void tr_node_api_read_slot(struct tr_node_api_call *call)
{
	const struct tr_snapshot_slot *slot = find_slot(call);

	if (slot)
		tr_node_api_reply_json(call->request, TR_HTTP_OK, tr_snapshot_json_slot(slot));
}

void tr_node_api_restart_slot(struct tr_node_api_call *call)
{
	const struct tr_node_api_source *source = call->api->source;
	const struct tr_snapshot_slot *slot = find_slot(call);
	char why[512] = "";

	if (!slot)
		return;
	if (!source->restart_slot) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	unsigned number = slot->number;
	int rc = source->restart_slot(source->user, number, why, sizeof(why));
	if (rc < 0) {
		tr_node_api_reply_failure(call->request, rc, why);
		return;
	}
	tr_info("slot %u is restarted, as asked", number);
	tr_node_api_reply_json(
		call->request, TR_HTTP_ACCEPTED, json_pack("{s:i}", "slot", (int)number));
}

/* ---- what a slot shows ---- */

struct tr_node_api_picture {
	struct tr_node_api *api; /* NULL: it has ended, and the request with it */
	struct tr_http_request *request;
	struct tr_node_api_picture *next; /* tr_node_api.pictures */
};

static void forget_picture(struct tr_node_api_picture *picture)
{
	struct tr_node_api_picture **link = &picture->api->pictures;

	while (*link != picture)
		link = &(*link)->next;
	*link = picture->next;
	picture->api->picture_count--;
}

static void on_picture(const void *jpeg, size_t size, int rc, void *user)
{
	struct tr_node_api_picture *picture = user;

	if (picture->api) {
		forget_picture(picture);
		if (jpeg)
			tr_http_request_answer_bytes(
				picture->request, TR_HTTP_OK, "image/jpeg", jpeg, size);
		else
			tr_node_api_reply_failure(picture->request, rc < 0 ? rc : -EIO,
				rc == -ENODATA ? "The slot shows nothing now" : "");
	}
	free(picture);
}

void tr_node_api_pictures_end(struct tr_node_api *api)
{
	while (api->pictures) {
		struct tr_node_api_picture *picture = api->pictures;
		api->pictures = picture->next;
		picture->api = NULL; /* on_picture() will free it */
	}
}

void tr_node_api_preview_slot(struct tr_node_api_call *call)
{
	struct tr_node_api *api = call->api;
	const struct tr_snapshot_slot *slot = find_slot(call);

	if (!slot)
		return;
	if (!api->source->preview) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	struct tr_node_api_picture *picture =
		api->picture_count < PICTURES_MAX ? calloc(1, sizeof(*picture)) : NULL;
	if (!picture) {
		tr_node_api_reply_too_many(call->request, "1");
		return;
	}
	*picture = (struct tr_node_api_picture){api, call->request, api->pictures};
	api->pictures = picture;
	api->picture_count++;
	api->source->preview(api->source->user, slot->number, (unsigned)call->query.numbers[0],
		on_picture, picture);
}

/* ---- drain ---- */

static void set_drain(struct tr_node_api_call *call, bool is_on, bool is_leaving)
{
	const struct tr_node_api_source *source = call->api->source;

	if (!source->set_drain) {
		tr_node_api_reply_missing(call->request);
		return;
	}
	source->set_drain(source->user, is_on, is_leaving);
	tr_info("%s, as asked", !is_on	     ? "new sessions are taken again"
				: is_leaving ? "no new sessions; leaving when idle"
					     : "no new sessions are taken");
	tr_node_api_reply_json(call->request, TR_HTTP_OK,
		json_pack("{s:b, s:b}", "is_draining", tr_node_api_look(call->api)->is_draining,
			"is_leaving", is_leaving));
}

void tr_node_api_drain(struct tr_node_api_call *call)
{
	set_drain(call, true, json_is_true(json_object_get(call->body, "leave")));
}

void tr_node_api_end_drain(struct tr_node_api_call *call)
{
	set_drain(call, false, false);
}

/* ---- texts ---- */

void tr_node_api_read_metrics(struct tr_node_api_call *call)
{
	TR_CLEANUP(tr_freep) char *text = NULL;

	int rc = tr_metrics_print(tr_node_api_look(call->api), &text);
	if (rc < 0)
		tr_node_api_reply_failure(call->request, rc, "");
	else
		tr_http_request_answer(call->request, TR_HTTP_OK, TR_METRICS_CONTENT_TYPE, text);
}

void tr_node_api_read_document(struct tr_node_api_call *call)
{
	tr_http_request_answer(call->request, TR_HTTP_OK, "application/yaml", tr_node_api_document);
}
