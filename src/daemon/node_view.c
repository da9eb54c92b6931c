/* What the node shows of itself: events as they happen, and how everything is at one moment. */
#include "daemon/node_internal.h"

#include "core/clock.h"

#include <stdio.h>
#include <string.h>

static void set_text(const char **text)
{
	if (!*text)
		*text = "";
}

void tr_node_tell(struct tr_node *node, struct tr_event event)
{
	if (!node->outside.tell)
		return;
	set_text(&event.session_id);
	set_text(&event.room);
	set_text(&event.environment);
	set_text(&event.state);
	set_text(&event.sentence);
	set_text(&event.target);
	if (event.slot > 0 && event.slot <= node->slot_count && !event.message)
		tr_node_read_slot(node, event.slot, &event.presence);
	node->outside.tell(&event, node->outside.user);
}

struct tr_event tr_node_session_event(const struct session *session, enum tr_event_type type)
{
	return (struct tr_event){
		.type = type,
		.slot = session->slot,
		.session_id = session->id,
		.room = session->view.room,
		.environment = session->environment,
		.kind = session->view.kind,
	};
}

void tr_node_tell_session(const struct session *session, enum tr_event_type type,
	const struct tr_message *message, const char *sentence)
{
	struct tr_event event = tr_node_session_event(session, type);

	event.message = message;
	event.sentence = sentence;
	tr_node_tell(session->node, event);
}

struct tr_event tr_node_history_event(const struct tr_history_entry *entry, enum tr_event_type type)
{
	return (struct tr_event){
		.type = type,
		.slot = entry->slot,
		.session_id = entry->session_id,
		.room = entry->room,
		.environment = entry->environment,
		.kind = entry->kind,
	};
}

/* ---- at one moment ---- */

static enum tr_snapshot_phase show_phase(enum phase phase)
{
	return phase == PHASE_PENDING ? TR_SNAPSHOT_PENDING
	       : phase == PHASE_ON    ? TR_SNAPSHOT_ON
				      : TR_SNAPSHOT_ENDING;
}

static void read_session(const struct session *session, struct tr_snapshot_session *ret)
{
	*ret = session->view;
	ret->phase = show_phase(session->phase);
	memcpy(ret->id, session->id, sizeof(ret->id));
	memcpy(ret->folder, session->folder, sizeof(ret->folder));
	memcpy(ret->environment, session->environment, sizeof(ret->environment));
}

static void read_slot(struct tr_node *node, unsigned slot, struct tr_snapshot_slot *ret)
{
	const struct place *place = tr_node_place(node, slot);
	TR_CLEANUP(tr_freep)
	struct tr_supervisor_condition *condition = calloc(1, sizeof(*condition));
	struct tr_control_presence presence;

	tr_node_read_slot(node, slot, &presence);
	ret->number = slot;
	ret->is_busy = presence.busy != TR_CONTROL_IDLE;
	ret->is_healthy = presence.is_healthy;
	ret->is_held = place->is_held;
	memcpy(ret->problem, presence.problem, sizeof(ret->problem));
	snprintf(ret->state, sizeof(ret->state), "%s",
		tr_slotlife_state_name(tr_supervisor_state(node->supervisor, slot)));
	if (condition) {
		tr_supervisor_read(node->supervisor, slot, condition);
		ret->ready = condition->ready;
		ret->starts = condition->starts;
	}
	ret->has_session = place->session != NULL;
	if (place->session)
		read_session(place->session, &ret->session);
}

void tr_node_read(struct tr_node *node, struct tr_snapshot *ret)
{
	struct tr_control_presence presence;

	memset(ret, 0, sizeof(*ret));
	node->actions.read(node->actions.user, 0, &presence);
	if (node->settings.rules)
		snprintf(ret->id, sizeof(ret->id), "%s", node->settings.rules->id);
	snprintf(ret->version, sizeof(ret->version), "%s", TR_VERSION);
	ret->started_ms = node->started_ms;
	ret->now_ms = tr_clock_wall_ns() / TR_NS_PER_MS;
	ret->is_draining = node->is_draining;
	ret->is_healthy = presence.is_healthy;
	memcpy(ret->problem, presence.problem, sizeof(ret->problem));
	ret->recordings_finishing = tr_afterwork_count(node->afterwork);
	ret->disk = node->disk;
	ret->counts = node->counts;
	tr_uploads_read(node->uploads, ret);
	for (unsigned slot = 1; slot <= node->slot_count && slot <= TR_COUNT(ret->slots); slot++) {
		struct tr_snapshot_slot *to = &ret->slots[ret->slot_count++];
		read_slot(node, slot, to);
		ret->counts.slot_restarts += to->starts > 1 ? to->starts - 1 : 0;
	}
}
