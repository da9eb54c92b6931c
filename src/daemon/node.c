#define TR_LOG_AREA "node"

#include "daemon/node_internal.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TIMER_ACCURACY_US 10000

/* ---- how the node is ---- */

struct place *tr_node_place(struct tr_node *node, unsigned slot)
{
	return &node->places[slot - 1];
}

bool tr_node_is_free(struct tr_node *node, unsigned slot)
{
	const struct place *place = tr_node_place(node, slot);

	return !place->session && !place->is_held && !place->is_expired && !node->is_draining &&
	       !tr_node_is_full(node) &&
	       tr_supervisor_state(node->supervisor, slot) == TR_SLOTLIFE_IDLE;
}

void tr_node_read_slot(struct tr_node *node, unsigned slot, struct tr_control_presence *presence)
{
	const struct place *place = tr_node_place(node, slot);
	TR_CLEANUP(tr_freep)
	struct tr_supervisor_condition *condition = calloc(1, sizeof(*condition));

	*presence = (struct tr_control_presence){.busy = TR_CONTROL_WORKING};
	if (!condition)
		return;
	tr_supervisor_read(node->supervisor, slot, condition);
	if (place->session)
		snprintf(presence->environment, sizeof(presence->environment), "%s",
			place->session->environment);
	else if (place->is_expired)
		presence->busy = TR_CONTROL_EXPIRED;
	else if (tr_node_is_free(node, slot))
		presence->busy = TR_CONTROL_IDLE;
	presence->is_healthy = condition->is_well && node->dir_rc == 0;
	if (!condition->is_well)
		snprintf(presence->problem, sizeof(presence->problem), "%s", condition->sentence);
	else if (node->dir_rc < 0)
		snprintf(presence->problem, sizeof(presence->problem), "%s", node->dir_problem);
}

/* The node as one Jibri: whoever is best off speaks for all. */
static void read_node(struct tr_node *node, struct tr_control_presence *ret)
{
	unsigned expired = 0;

	*ret = (struct tr_control_presence){.busy = TR_CONTROL_WORKING};
	for (unsigned slot = 1; slot <= node->slot_count; slot++) {
		struct tr_control_presence one;
		tr_node_read_slot(node, slot, &one);
		expired += one.busy == TR_CONTROL_EXPIRED;
		if (one.busy == TR_CONTROL_IDLE)
			ret->busy = TR_CONTROL_IDLE;
		if (!ret->environment[0])
			memcpy(ret->environment, one.environment, sizeof(one.environment));
		if (!ret->is_healthy && !ret->problem[0])
			memcpy(ret->problem, one.problem, sizeof(one.problem));
		ret->is_healthy = ret->is_healthy || one.is_healthy;
	}
	if (expired == node->slot_count)
		ret->busy = TR_CONTROL_EXPIRED;
	if (ret->is_healthy)
		ret->problem[0] = '\0';
}

static unsigned count_sessions(const struct tr_node *node)
{
	unsigned count = 0;

	for (unsigned i = 0; i < node->slot_count; i++)
		count += node->places[i].session != NULL;
	return count;
}

/* " (2 of 3 streams up)", or "". */
static void describe_targets(const struct tr_node *node, char *out, size_t size)
{
	unsigned count = 0, up = 0;

	for (unsigned i = 0; i < node->slot_count; i++) {
		const struct session *session = node->places[i].session;
		for (unsigned j = 0; session && j < session->target_count; j++)
			up += session->targets[j].is_up;
		count += session ? session->target_count : 0;
	}
	out[0] = '\0';
	if (count > 0)
		snprintf(out, size, " (%u of %u streams up)", up, count);
}

void tr_node_describe(struct tr_node *node)
{
	char text[sizeof(node->description)], targets[60];
	struct tr_control_presence presence;

	tr_node_pause_uploads(node);
	read_node(node, &presence);
	describe_targets(node, targets, sizeof(targets));
	unsigned later = tr_afterwork_count(node->afterwork);
	int length =
		snprintf(text, sizeof(text), "%u slots: %u recording%s, %u ready", node->slot_count,
			count_sessions(node), targets, tr_supervisor_ready_slots(node->supervisor));
	if (later > 0)
		length += snprintf(
			text + length, sizeof(text) - (size_t)length, "; %u being finished", later);
	if (node->capacity.offered < node->slot_count)
		length += snprintf(text + length, sizeof(text) - (size_t)length,
			"; %u at a time, as software encodes", node->capacity.offered);
	if (node->is_draining)
		snprintf(text + length, sizeof(text) - (size_t)length, "; %s",
			node->is_staying ? "drained: nothing new starts"
					 : "ending when nothing runs any more");
	else if (!presence.is_healthy)
		snprintf(
			text + length, sizeof(text) - (size_t)length, "; %.150s", presence.problem);
	if (!strcmp(text, node->description))
		return;
	memcpy(node->description, text, sizeof(text));
	node->outside.describe(node->outside.user, text);
	tr_node_tell(node, (struct tr_event){.type = TR_EVENT_NODE, .sentence = text});
}

static void tell_slot(struct tr_node *node, unsigned slot, enum tr_slotlife_state state)
{
	const struct session *session = tr_node_place(node, slot)->session;
	struct tr_event event = {.slot = slot};

	if (session)
		event = tr_node_session_event(session, TR_EVENT_SLOT);
	event.type = TR_EVENT_SLOT;
	event.state = tr_slotlife_state_name(state);
	tr_node_tell(node, event);
}

static void publish(struct tr_node *node, unsigned slot)
{
	struct place *place = tr_node_place(node, slot);
	struct tr_control_presence presence;

	tr_node_read_slot(node, slot, &presence);
	bool is_busy = presence.busy != TR_CONTROL_IDLE;
	enum tr_slotlife_state state = tr_supervisor_state(node->supervisor, slot);
	if (!place->was_told || place->was_busy != is_busy || place->last_state != state ||
		place->was_healthy != presence.is_healthy) {
		place->last_state = state;
		tell_slot(node, slot, state);
	}
	if (place->was_told && place->was_busy == is_busy &&
		place->was_healthy == presence.is_healthy)
		return;
	if (!presence.is_healthy && place->was_told && place->was_healthy)
		tr_warning("slot %u cannot record: %s", slot, presence.problem);
	else if (presence.is_healthy && place->was_told && !place->was_healthy)
		tr_info("slot %u can record", slot);
	place->was_told = true;
	place->was_busy = is_busy;
	place->was_healthy = presence.is_healthy;
	node->outside.set_presence(node->outside.user, slot, is_busy, presence.is_healthy);
}

void tr_node_publish_all(struct tr_node *node)
{
	for (unsigned slot = 1; slot <= node->slot_count; slot++)
		publish(node, slot);
	tr_node_describe(node);
}

void tr_node_publish(struct tr_node *node)
{
	for (unsigned slot = 1; slot <= node->slot_count; slot++)
		tr_node_place(node, slot)->was_told = false;
	tr_node_publish_all(node);
}

/* ---- leaving ---- */

void tr_node_leave_if_done(struct tr_node *node)
{
	if (!node->is_draining || node->is_staying || node->has_left || count_sessions(node) > 0 ||
		tr_afterwork_count(node->afterwork) > 0)
		return;
	node->has_left = true;
	tr_info("nothing runs any more: leaving");
	node->outside.exit(node->outside.user, node->exit_code);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_node *node = user;

	(void)source, (void)usec;
	tr_warning("not everything has ended in time; what is left is taken up at the next start");
	node->outside.exit(node->outside.user, node->exit_code);
	return 0;
}

/* ---- timers ---- */

int tr_node_add_timer(struct tr_node *node, sd_event_source **source, int64_t after_ms,
	sd_event_time_handler_t handler, void *user)
{
	*source = sd_event_source_disable_unref(*source);
	return sd_event_add_time_relative(node->event, source, CLOCK_MONOTONIC,
		(uint64_t)after_ms * 1000, TIMER_ACCURACY_US, handler, user);
}

static int on_hold_over(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_node *node = user;

	(void)usec;
	for (unsigned slot = 1; slot <= node->slot_count; slot++)
		if (tr_node_place(node, slot)->hold_timer == source)
			tr_node_place(node, slot)->is_held = false;
	tr_node_publish_all(node);
	return 0;
}

/* Jicofo looks for another recorder right after a failure, and must not find the same one. */
void tr_node_hold(struct tr_node *node, unsigned slot)
{
	struct place *place = tr_node_place(node, slot);

	place->is_held = tr_node_add_timer(node, &place->hold_timer, node->settings.hold_ms,
				 on_hold_over, node) >= 0;
}

static void read_presence(void *user, unsigned slot, struct tr_control_presence *ret_presence)
{
	struct tr_node *node = user;

	if (slot > 0 && slot <= node->slot_count)
		tr_node_read_slot(node, slot, ret_presence);
	else
		read_node(node, ret_presence);
}

void tr_node_drain(struct tr_node *node, int exit_code)
{
	if (!node->is_draining || node->exit_code != TR_NODE_EXIT_STAY_DOWN)
		node->exit_code = exit_code;
	if (!node->is_draining)
		tr_info("nothing new starts; leaving when nothing runs any more");
	node->is_draining = true;
	node->is_staying = false;
	tr_node_publish_all(node);
	tr_node_leave_if_done(node);
}

void tr_node_shut_down(struct tr_node *node, int exit_code)
{
	if (node->is_shutting_down) {
		tr_info("asked again: leaving at once");
		node->outside.exit(node->outside.user, node->exit_code);
		return;
	}
	node->is_shutting_down = true;
	if (tr_node_add_timer(node, &node->deadline_timer, node->settings.shut_down_ms, on_deadline,
		    node) < 0)
		tr_warning("no timer: the end is not limited");
	tr_node_drain(node, exit_code);
	for (unsigned slot = 1; slot <= node->slot_count; slot++) {
		struct session *session = tr_node_place(node, slot)->session;
		if (!session || session->phase == PHASE_ENDING)
			continue;
		/* The meeting goes on: somebody else may record it. */
		tr_node_tell_failure(session, TR_REASON_NONE);
		tr_node_end_session(session, "telerecd ends");
	}
}

static void exit_when_idle(void *user, int exit_code)
{
	tr_node_drain(user, exit_code);
}

static void shut_down(void *user, int exit_code)
{
	tr_node_shut_down(user, exit_code);
}

static void on_condition(unsigned slot, void *user)
{
	struct tr_node *node = user;

	if (!tr_slotlife_is_here(tr_supervisor_state(node->supervisor, slot)))
		tr_node_end_previews(node, slot, -ENODATA);
	publish(node, slot);
	tr_node_describe(node);
	tr_node_finish_next(node);
}

static void on_log(unsigned slot, const char *line, void *user)
{
	struct tr_node *node = user;
	node->outside.log(node->outside.user, slot, line);
}

/* ---- life ---- */

static int on_check(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_node *node = user;

	(void)usec;
	tr_node_check_dir(node, node->dir_rc < 0);
	tr_node_publish_all(node);
	tr_node_finish_next(node);
	sd_event_source_set_time_relative(source, (uint64_t)tr_node_disk_pause_ms(node) * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void set_default(int64_t *value, int64_t standard)
{
	if (*value <= 0)
		*value = standard;
}

static void set_defaults(struct tr_node_settings *settings)
{
	set_default(&settings->start_ms, 60000);
	set_default(&settings->hold_ms, 5000);
	set_default(&settings->check_ms, 30000);
	set_default(&settings->shut_down_ms, 90000);
	if (settings->finalize_parallel == 0)
		settings->finalize_parallel = 2;
}

static int fill(struct tr_node *node)
{
	const struct tr_supervisor_events events = {on_condition, tr_node_on_message,
		tr_node_on_picture, tr_node_on_encoders, node->outside.log ? on_log : NULL};
	const struct tr_afterwork_settings afterwork = {
		.dir = &node->dir,
		.script = node->settings.finalize_script,
		.timeout_ms = node->settings.finalize_timeout_ms,
		.attempts = node->settings.finalize_attempts,
		.parallel = node->settings.finalize_parallel,
	};

	int rc = tr_text_format(
		node->recordings, sizeof(node->recordings), "%s", node->settings.recordings);
	if (rc == 0)
		rc = tr_history_create(&node->history);
	if (rc == 0)
		rc = tr_node_open_disk(node);
	if (rc == 0)
		rc = tr_node_open_uploads(node);
	if (rc == 0)
		rc = tr_afterwork_create(
			node->event, &afterwork, tr_node_on_over, node, &node->afterwork);
	if (rc == 0)
		rc = tr_supervisor_create(
			node->event, &node->settings.supervisor, &events, node, &node->supervisor);
	if (rc == 0)
		rc = tr_node_add_timer(
			node, &node->check_timer, node->settings.check_ms, on_check, node);
	return rc < 0 ? rc : 0;
}

int tr_node_create(sd_event *event, const struct tr_node_settings *settings,
	const struct tr_node_outside *outside, struct tr_node **ret_node)
{
	unsigned slots = settings->supervisor.slots;
	TR_CLEANUP(tr_node_destroyp)
	struct tr_node *node = calloc(1, sizeof(*node) + slots * sizeof(node->places[0]));
	if (!node)
		return -ENOMEM;
	node->event = sd_event_ref(event);
	node->settings = *settings;
	node->request = settings->request;
	node->outside = *outside;
	node->slot_count = slots;
	node->started_ms = tr_clock_wall_ns() / TR_NS_PER_MS;
	node->actions = (struct tr_control_actions){node, tr_node_start, tr_node_stop, tr_node_lost,
		tr_node_orphaned, read_presence, exit_when_idle, shut_down};
	set_defaults(&node->settings);
	tr_node_open_capacity(node);
	node->dir = (struct tr_recordings_dir){node->recordings};
	int rc = fill(node);
	if (rc < 0)
		return rc;
	tr_node_check_dir(node, true);
	tr_node_find_leftovers(node);
	tr_uploads_find(node->uploads);
	*ret_node = tr_take(node);
	return 0;
}

void tr_node_destroy(struct tr_node *node)
{
	if (!node)
		return;
	sd_event_source_disable_unref(node->check_timer);
	sd_event_source_disable_unref(node->deadline_timer);
	sd_event_source_disable_unref(node->capacity.timer);
	for (unsigned slot = 1; slot <= node->slot_count; slot++)
		tr_node_end_previews(node, slot, -ENODATA);
	tr_supervisor_destroy(node->supervisor);
	tr_afterwork_destroy(node->afterwork);
	tr_keeper_destroy(node->keeper);
	tr_uploads_destroy(node->uploads);
	tr_history_destroy(node->history);
	for (unsigned i = 0; i < node->slot_count; i++) {
		sd_event_source_disable_unref(node->places[i].hold_timer);
		if (node->places[i].session)
			tr_node_free_session(node->places[i].session);
	}
	tr_node_free_leftovers(node);
	sd_event_unref(node->event);
	free(node);
}

const struct tr_control_actions *tr_node_actions(struct tr_node *node)
{
	return &node->actions;
}
