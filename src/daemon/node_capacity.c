/*
 * How many recordings at a time the node offers. With slots = "auto" that is what processors,
 * memory and the GPUs are good for, as a slot has measured them. When a GPU fails in a recording,
 * nothing new is planned with it until a slot has tried it again: ten minutes later, then after
 * twice as long each time, at most after two hours.
 */
#define TR_LOG_AREA "node"

#include "daemon/node_internal.h"

#include "core/log.h"
#include "encode/probe.h"

#include <errno.h>
#include <string.h>

#define PAUSE_MS (10 * INT64_C(60000))
#define LONGEST_PAUSE_MS (120 * INT64_C(60000))
#define BUSY_MS INT64_C(60000) /* no slot has time to look */

static unsigned count_running(const struct tr_node *node)
{
	unsigned count = 0;

	for (unsigned i = 0; i < node->slot_count; i++)
		count += node->places[i].session != NULL;
	return count;
}

bool tr_node_is_full(const struct tr_node *node)
{
	return count_running(node) >= node->capacity.offered;
}

static void offer(struct tr_node *node)
{
	const struct tr_message_configure *configure = &node->settings.supervisor.configure;
	struct capacity *own = &node->capacity;
	struct tr_capacity machine = node->settings.machine;
	unsigned offered = node->slot_count;
	char why[400] = "";

	if (node->settings.is_capacity_measured) {
		if (machine.cores <= 0)
			tr_capacity_read("", &machine);
		offered = tr_capacity_count_slots(&machine, configure->width, configure->height,
			configure->frame_rate, own->has_lost_gpu ? 0 : own->gpu_sessions, why,
			sizeof(why));
	}
	if (offered > node->slot_count)
		offered = node->slot_count;
	if (own->offered != 0 && offered != own->offered)
		tr_info("recordings at a time: %u instead of %u; %s", offered, own->offered, why);
	own->offered = offered;
}

void tr_node_open_capacity(struct tr_node *node)
{
	node->capacity.pause_ms = PAUSE_MS;
	offer(node);
}

/* ---- looking again ---- */

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source, (void)usec;
	tr_node_look_for_encoders(user);
	return 0;
}

static void look_later(struct tr_node *node, int64_t pause_ms)
{
	if (tr_node_add_timer(node, &node->capacity.timer, pause_ms, on_timer, node) < 0)
		tr_warning("no timer: the GPU is not tried again before the next start");
}

void tr_node_look_for_encoders(struct tr_node *node)
{
	if (!node->settings.supervisor.configure.is_told_encoders)
		return;
	if (tr_supervisor_ask_encoders(node->supervisor) < 0)
		look_later(node, BUSY_MS);
	else
		tr_info("a slot looks what there is to encode with");
}

/* ---- what is heard ---- */

static unsigned count_gpu_sessions(const struct tr_node *node, const char *found)
{
	const struct tr_message_configure *configure = &node->settings.supervisor.configure;
	json_t *json = json_loads(found, JSON_REJECT_DUPLICATES, NULL);
	struct tr_rung_list list = {0};
	char problem[300];

	int rc = json_is_object(json) ? tr_probe_choose(json,
						configure->encoder[0] ? configure->encoder : "auto",
						configure->width, configure->height, &list, problem,
						sizeof(problem))
				      : -EPROTO;
	json_decref(json);
	if (rc < 0)
		return 0;
	return tr_probe_count_gpu_sessions(
		&list, configure->width, configure->height, configure->frame_rate);
}

void tr_node_on_encoders(const char *found, void *user)
{
	struct tr_node *node = user;
	struct capacity *own = &node->capacity;
	bool was_lost = own->has_lost_gpu;

	own->gpu_sessions = count_gpu_sessions(node, found);
	own->has_lost_gpu = was_lost && own->gpu_sessions == 0;
	if (was_lost && !own->has_lost_gpu)
		tr_info("the GPU encodes again");
	if (!own->has_lost_gpu)
		own->pause_ms = PAUSE_MS;
	if (own->has_lost_gpu) {
		own->pause_ms =
			own->pause_ms * 2 < LONGEST_PAUSE_MS ? own->pause_ms * 2 : LONGEST_PAUSE_MS;
		look_later(node, own->pause_ms);
	}
	offer(node);
	tr_node_publish_all(node);
}

void tr_node_note_encoder(struct session *session, const char *encoder)
{
	struct tr_node *node = session->node;
	bool is_software = !strcmp(encoder, "libx264") || !strcmp(encoder, "software");

	if (session->has_lost_gpu || !is_software || node->capacity.gpu_sessions == 0)
		return;
	session->has_lost_gpu = true;
	if (node->capacity.has_lost_gpu)
		return;
	tr_warning(
		"%s: software encodes, as the GPU failed or is full: it is tried again in %d minutes",
		session->label, (int)(node->capacity.pause_ms / 60000));
	node->capacity.has_lost_gpu = true;
	look_later(node, node->capacity.pause_ms);
	offer(node);
	tr_node_publish_all(node);
}
