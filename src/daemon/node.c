#define TR_LOG_AREA "node"

#include "daemon/node.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "daemon/afterwork.h"
#include "daemon/meeting_host.h"
#include "daemon/naming.h"
#include "daemon/recordings_dir.h"
#include "daemon/streams.h"
#include "output/target_list.h"
#include "storage/leftovers.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TIMER_ACCURACY_US 10000
#define LEFTOVER_JOBS (UINT64_C(1) << 62) /* numbers of our own, above the supervisor's */

enum phase {
	PHASE_PENDING, /* accepted; nothing on the disk yet */
	PHASE_ON,
	PHASE_ENDING, /* its slot was told to stop */
};

struct session {
	struct tr_node *node;
	unsigned slot;
	uint64_t job;
	enum phase phase;
	bool has_failed; /* and that has been told */
	bool is_unheard; /* nobody is to be told of it any more */
	bool is_stream;	 /* that is what was asked for */
	unsigned target_count;
	struct target {
		char name[TR_MESSAGE_NAME_MAX];
		bool is_up;
	} targets[TR_TARGET_LIST_MAX];
	char id[128];	 /* as asked for; limited by state.json */
	char label[400]; /* "session ID (ROOM)", for the log */
	char environment[512];
	char folder[NAME_MAX + 1];
	struct tr_control_origin origin;
	int64_t accepted_ns;
	sd_event_source *start_timer, *usage_timer;
};

struct place {
	struct session *session; /* NULL: none */
	sd_event_source *hold_timer;
	bool is_held;	 /* busy for a while after a failure */
	bool is_expired; /* single use, and used */
	bool was_told;	 /* its presence, as follows */
	bool was_busy, was_healthy;
};

/* A recording whose files are still to be made, with no slot at it. */
struct unfinished {
	struct unfinished *next;
	char session_id[160];
	char folder[NAME_MAX + 1];
	int64_t not_before_ns;
};

struct tr_node {
	sd_event *event;
	struct tr_node_settings settings;
	struct tr_message_start request;
	char recordings[PATH_MAX];
	struct tr_node_outside outside;
	struct tr_control_actions actions;
	struct tr_recordings_dir dir;
	struct tr_supervisor *supervisor;
	struct tr_afterwork *afterwork;
	sd_event_source *check_timer, *deadline_timer;
	int dir_rc;
	char dir_problem[512];
	struct unfinished *unfinished; /* oldest first */
	uint64_t unfinished_job;       /* of one that a slot is at; 0: none */
	uint64_t last_own_job;
	bool is_draining, is_shutting_down, has_left;
	int exit_code;
	char description[300];
	unsigned slot_count;
	struct place places[]; /* slot 1 is the first */
};

/* ---- how the node is ---- */

static struct place *place_of(struct tr_node *node, unsigned slot)
{
	return &node->places[slot - 1];
}

static bool is_free(struct tr_node *node, unsigned slot)
{
	const struct place *place = place_of(node, slot);

	return !place->session && !place->is_held && !place->is_expired && !node->is_draining &&
	       tr_supervisor_state(node->supervisor, slot) == TR_SLOTLIFE_IDLE;
}

static void read_slot(struct tr_node *node, unsigned slot, struct tr_control_presence *presence)
{
	const struct place *place = place_of(node, slot);
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
	else if (is_free(node, slot))
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
		read_slot(node, slot, &one);
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

static void describe(struct tr_node *node)
{
	char text[sizeof(node->description)], targets[60];
	struct tr_control_presence presence;

	read_node(node, &presence);
	describe_targets(node, targets, sizeof(targets));
	unsigned later = tr_afterwork_count(node->afterwork);
	int length =
		snprintf(text, sizeof(text), "%u slots: %u recording%s, %u ready", node->slot_count,
			count_sessions(node), targets, tr_supervisor_ready_slots(node->supervisor));
	if (later > 0)
		length += snprintf(
			text + length, sizeof(text) - (size_t)length, "; %u being finished", later);
	if (node->is_draining)
		snprintf(text + length, sizeof(text) - (size_t)length,
			"; ending when nothing runs any more");
	else if (!presence.is_healthy)
		snprintf(
			text + length, sizeof(text) - (size_t)length, "; %.150s", presence.problem);
	if (strcmp(text, node->description) != 0)
		node->outside.describe(node->outside.user, text);
	memcpy(node->description, text, sizeof(text));
}

static void publish(struct tr_node *node, unsigned slot)
{
	struct place *place = place_of(node, slot);
	struct tr_control_presence presence;

	read_slot(node, slot, &presence);
	bool is_busy = presence.busy != TR_CONTROL_IDLE;
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

static void publish_all(struct tr_node *node)
{
	for (unsigned slot = 1; slot <= node->slot_count; slot++)
		publish(node, slot);
	describe(node);
}

void tr_node_publish(struct tr_node *node)
{
	for (unsigned slot = 1; slot <= node->slot_count; slot++)
		place_of(node, slot)->was_told = false;
	publish_all(node);
}

/* Notes what became of the recordings directory since the last look. */
static void check_dir(struct tr_node *node, bool is_thorough)
{
	char why[sizeof(node->dir_problem)] = "";
	int rc = tr_recordings_dir_check(&node->dir, is_thorough, why, sizeof(why));

	if (rc < 0 && node->dir_rc == 0)
		tr_error("%s; no recording starts until that is better", why);
	else if (rc == 0 && node->dir_rc < 0)
		tr_info("recordings can be written to %s again", node->dir.path);
	node->dir_rc = rc;
	memcpy(node->dir_problem, why, sizeof(why));
}

/* ---- leaving ---- */

static void leave_if_done(struct tr_node *node)
{
	if (!node->is_draining || node->has_left || count_sessions(node) > 0 ||
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

static int add_timer(struct tr_node *node, sd_event_source **source, int64_t after_ms,
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
		if (place_of(node, slot)->hold_timer == source)
			place_of(node, slot)->is_held = false;
	publish_all(node);
	return 0;
}

/* Jicofo looks for another recorder right after a failure, and must not find the same one. */
static void hold(struct tr_node *node, unsigned slot)
{
	struct place *place = place_of(node, slot);

	place->is_held = add_timer(node, &place->hold_timer, node->settings.hold_ms, on_hold_over,
				 node) >= 0;
}

/* ---- sessions ---- */

static void free_session(struct session *session)
{
	sd_event_source_disable_unref(session->start_timer);
	sd_event_source_disable_unref(session->usage_timer);
	free(session);
}

static struct session *find_session(struct tr_node *node, unsigned slot, const char *id)
{
	for (unsigned i = 1; i <= node->slot_count; i++) {
		struct session *session = place_of(node, i)->session;
		if (session && (slot == 0 || slot == i) && !strcmp(session->id, id))
			return session;
	}
	return NULL;
}

static struct session *find_job(struct tr_node *node, uint64_t job)
{
	for (unsigned i = 0; i < node->slot_count; i++)
		if (node->places[i].session && node->places[i].session->job == job)
			return node->places[i].session;
	return NULL;
}

static void tell(struct session *session, enum tr_control_status status, bool should_retry)
{
	struct tr_node *node = session->node;

	if (session->origin.connection > 0 && !session->is_unheard)
		node->outside.send_status(
			node->outside.user, &session->origin, session->id, status, should_retry);
}

/* Presence first: see hold(). Another node may do better, but where a server said no to all. */
static void tell_failure(struct session *session, enum tr_reason reason)
{
	session->has_failed = true;
	hold(session->node, session->slot);
	publish_all(session->node);
	tell(session, TR_CONTROL_OFF_FAILED, reason != TR_REASON_STREAM_REFUSED);
	session->is_unheard = true;
}

static void end_session(struct session *session, const char *why)
{
	tr_info("%s: ending, %s", session->label, why);
	session->phase = PHASE_ENDING;
	session->start_timer = sd_event_source_disable_unref(session->start_timer);
	session->usage_timer = sd_event_source_disable_unref(session->usage_timer);
	tr_supervisor_stop(session->node->supervisor, session->slot);
}

static int on_start_limit(sd_event_source *source, uint64_t usec, void *user)
{
	struct session *session = user;

	(void)source, (void)usec;
	tr_error("%s: nothing is %s after %.0f s", session->label,
		session->is_stream ? "streamed" : "recorded",
		(double)session->node->settings.start_ms / 1000);
	tell_failure(session, TR_REASON_NONE);
	end_session(session, "it did not start in time");
	return 0;
}

static int on_usage_limit(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source, (void)usec;
	end_session(user, "the usage limit is reached");
	return 0;
}

/* ---- start ---- */

static void refuse(char *why, size_t why_size, const char *format, ...) TR_PRINTF(3, 4);

static void refuse(char *why, size_t why_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, why_size, format, args);
	va_end(args);
}

/* Whoever asks again is told from now on: the connection may be another one. */
static enum tr_control_answer answer_duplicate(
	struct session *session, const struct tr_control_start *request, char *why, size_t why_size)
{
	refuse(why, why_size, "the session runs already in slot %u", session->slot);
	if (session->phase == PHASE_ENDING) {
		refuse(why, why_size, "the session is just ending in slot %u", session->slot);
		return TR_CONTROL_BUSY;
	}
	if (request->origin.connection > 0) {
		session->origin = request->origin;
		session->is_unheard = false;
	}
	return session->phase == PHASE_ON ? TR_CONTROL_DUPLICATE_ON : TR_CONTROL_DUPLICATE;
}

/* 0 when no slot can take it. */
static unsigned choose_slot(struct tr_node *node, unsigned wanted)
{
	for (unsigned slot = 1; slot <= node->slot_count; slot++)
		if ((wanted == 0 || wanted == slot) && is_free(node, slot))
			return slot;
	return 0;
}

/* Nothing is recorded there, but nothing can be: another node is to be asked because of a fault. */
static bool is_ill(struct tr_node *node, unsigned slot)
{
	struct tr_control_presence presence;

	if (slot == 0 || place_of(node, slot)->session || node->is_draining)
		return false;
	read_slot(node, slot, &presence);
	return !presence.is_healthy;
}

static const char *why_busy(struct tr_node *node, unsigned slot)
{
	const struct place *place = slot > 0 ? place_of(node, slot) : NULL;

	return node->is_draining   ? "the node is about to leave"
	       : !place		   ? "every slot is busy"
	       : place->session	   ? "the slot records another session"
	       : place->is_expired ? "the slot is for a single use, and was used"
	       : place->is_held	   ? "the slot rests after a failure"
				   : "the slot is not ready";
}

static int fill_start(
	struct tr_node *node, const struct tr_control_start *request, struct tr_message_start *to)
{
	const struct {
		char *out;
		size_t size;
		const char *text;
	} words[] = {
		{to->session_id, sizeof(((struct session *)0)->id), request->session_id},
		{to->url, sizeof(to->url), request->meeting_url},
		{to->call_jid, sizeof(to->call_jid), request->call_jid},
		{to->call_password, sizeof(to->call_password), request->call_password},
		{to->view_url, sizeof(to->view_url), request->view_url},
		{to->room, sizeof(to->room), request->room},
		{to->url_parameters, sizeof(to->url_parameters), request->url_parameters},
		{to->metadata, sizeof(to->metadata), request->metadata},
	};

	*to = node->request;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < TR_COUNT(words); i++)
		rc = tr_text_format(words[i].out, words[i].size, "%s", words[i].text);
	if (rc < 0)
		return rc;
	if (to->hosts[0])
		rc = tr_meeting_host_allow(
			to->url, node->settings.is_host_list_strict, to->hosts, sizeof(to->hosts));
	if (rc < 0)
		return tr_fail(rc, "the meeting's host is not among browser.allowed_hosts");
	rc = tr_streams_fill(node->settings.rules, request, to);
	if (rc < 0)
		return rc;
	to->rtcstats = request->rtcstats;
	tr_naming_file(request->call_name, tr_clock_wall_ns(), to->name, sizeof(to->name));
	return 0;
}

static struct session *new_session(
	struct tr_node *node, unsigned slot, const struct tr_control_start *request)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->node = node;
	session->slot = slot;
	session->phase = PHASE_PENDING;
	session->is_stream = request->kind == TR_CONTROL_STREAM;
	session->origin = request->origin;
	session->accepted_ns = tr_clock_now_ns();
	snprintf(session->id, sizeof(session->id), "%s", request->session_id);
	snprintf(session->environment, sizeof(session->environment), "%s", request->environment);
	snprintf(session->label, sizeof(session->label), "session %s (%.250s)", session->id,
		request->room[0] ? request->room : request->call_name);
	return session;
}

/* Makes the folder and tells the slot. */
static int launch(struct session *session, const struct tr_message_start *start)
{
	struct tr_node *node = session->node;
	TR_CLEANUP(tr_closep) int folder = -1;

	int rc = tr_recordings_dir_add(
		&node->dir, session->id, session->folder, sizeof(session->folder), &folder);
	if (rc < 0) {
		check_dir(node, true);
		return tr_fail(rc, "%s: no folder for it in %s", session->label, node->dir.path);
	}
	/* With it the folder counts as ours at the next start, should we die. Of a stream alone
	 * there is nothing to be made then. */
	rc = start->is_without_file ? 0 : tr_leftovers_note_finalize(folder, true);
	if (rc < 0)
		tr_warning("%s: it will not be taken up after a crash: %s", session->label,
			strerror(-rc));
	rc = tr_supervisor_start(node->supervisor, session->slot, start, folder, &session->job);
	if (rc < 0) {
		if (tr_leftovers_note_finalize(folder, false) == 0)
			tr_recordings_dir_remove_empty(&node->dir, session->folder);
		return tr_fail(
			rc, "%s: slot %u cannot be told to start", session->label, session->slot);
	}
	return 0;
}

static int start_timers(struct session *session, int64_t usage_ms)
{
	struct tr_node *node = session->node;

	int rc = add_timer(
		node, &session->start_timer, node->settings.start_ms, on_start_limit, session);
	if (rc >= 0 && usage_ms > 0)
		rc = add_timer(node, &session->usage_timer, usage_ms, on_usage_limit, session);
	return rc;
}

static int begin_session(
	struct tr_node *node, unsigned slot, const struct tr_control_start *request)
{
	TR_CLEANUP(tr_freep) struct tr_message_start *start = calloc(1, sizeof(*start));
	struct session *session = start ? new_session(node, slot, request) : NULL;

	if (!session)
		return -ENOMEM;
	int rc = fill_start(node, request, start);
	place_of(node, slot)->session = session; /* busy, before anybody hears of a change */
	if (rc == 0)
		rc = launch(session, start);
	explicit_bzero(start, sizeof(*start));
	if (rc < 0) {
		place_of(node, slot)->session = NULL;
		free_session(session);
		publish_all(node);
		return rc;
	}
	if (start_timers(session, request->usage_timeout_ms) < 0)
		tr_warning("%s: no timers: it is not limited", session->label);
	tr_info("%s: starting in slot %u, folder %s", session->label, slot, session->folder);
	node->outside.began(node->outside.user, session->id);
	publish_all(node);
	return 0;
}

static enum tr_control_answer start(
	void *user, const struct tr_control_start *request, char *why, size_t why_size)
{
	struct tr_node *node = user;

	if (request->slot > node->slot_count || !request->session_id[0]) {
		refuse(why, why_size, "no such slot, or no session's name");
		return TR_CONTROL_FAILED;
	}
	struct session *same = find_session(node, request->slot, request->session_id);
	if (same)
		return answer_duplicate(same, request, why, why_size);
	if (tr_streams_check(node->settings.rules, request, why, why_size) < 0)
		return TR_CONTROL_REFUSED;
	unsigned slot = choose_slot(node, request->slot);
	if (slot == 0) {
		refuse(why, why_size, "%s", why_busy(node, request->slot));
		return is_ill(node, request->slot) ? TR_CONTROL_FAILED : TR_CONTROL_BUSY;
	}
	check_dir(node, node->dir_rc < 0);
	if (node->dir_rc < 0) {
		refuse(why, why_size, "%s", node->dir_problem);
		publish_all(node);
		return TR_CONTROL_FAILED;
	}
	int rc = begin_session(node, slot, request);
	if (rc < 0) {
		refuse(why, why_size, "it cannot be started: %s", strerror(-rc));
		return TR_CONTROL_FAILED;
	}
	return TR_CONTROL_ACCEPTED;
}

/* ---- what control asks besides ---- */

static bool stop(void *user, unsigned slot, const char *session_id)
{
	struct tr_node *node = user;
	bool has_ended = false;

	for (unsigned i = 1; i <= node->slot_count; i++) {
		struct session *session = place_of(node, i)->session;
		if (!session || (slot != 0 && slot != i) ||
			(session_id[0] && strcmp(session->id, session_id) != 0))
			continue;
		if (session->phase != PHASE_ENDING)
			end_session(session, "as asked");
		has_ended = true;
	}
	return has_ended;
}

static void lost(void *user, unsigned connection)
{
	struct tr_node *node = user;

	for (unsigned i = 1; i <= node->slot_count; i++) {
		struct session *session = place_of(node, i)->session;
		if (!session || session->origin.connection != connection)
			continue;
		session->is_unheard = true;
		if (!node->settings.stop_on_control_loss)
			tr_warning("%s: the connection it was started over is lost; it goes on",
				session->label);
		else if (session->phase != PHASE_ENDING)
			end_session(session, "the connection it was started over is lost");
	}
}

static void orphaned(void *user, unsigned slot, const char *session_id)
{
	struct session *session = find_session(user, slot, session_id);

	if (!session || session->phase == PHASE_ENDING)
		return;
	session->is_unheard = true;
	end_session(session, "nobody waits for it any more");
}

static void read_presence(void *user, unsigned slot, struct tr_control_presence *ret_presence)
{
	struct tr_node *node = user;

	if (slot > 0 && slot <= node->slot_count)
		read_slot(node, slot, ret_presence);
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
	publish_all(node);
	leave_if_done(node);
}

void tr_node_shut_down(struct tr_node *node, int exit_code)
{
	if (node->is_shutting_down) {
		tr_info("asked again: leaving at once");
		node->outside.exit(node->outside.user, node->exit_code);
		return;
	}
	node->is_shutting_down = true;
	if (add_timer(node, &node->deadline_timer, node->settings.shut_down_ms, on_deadline, node) <
		0)
		tr_warning("no timer: the end is not limited");
	tr_node_drain(node, exit_code);
	for (unsigned slot = 1; slot <= node->slot_count; slot++) {
		struct session *session = place_of(node, slot)->session;
		if (!session || session->phase == PHASE_ENDING)
			continue;
		/* The meeting goes on: somebody else may record it. */
		tell_failure(session, TR_REASON_NONE);
		end_session(session, "telerecd ends");
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

/* ---- what slots say ---- */

static void on_started(struct session *session, const struct tr_message_started *started)
{
	if (session->phase == PHASE_ON)
		tr_info("%s: goes on", session->label);
	if (session->phase != PHASE_PENDING)
		return;
	session->phase = PHASE_ON;
	session->start_timer = sd_event_source_disable_unref(session->start_timer);
	tr_info("%s: %s; joined after %.2f s, on %s after %.2f s", session->label,
		session->is_stream ? "streaming" : "recording", (double)started->join_ms / 1000,
		session->is_stream ? "a server" : "the disk",
		(double)(tr_clock_now_ns() - session->accepted_ns) / 1e9);
	tell(session, TR_CONTROL_ON, false);
}

static void over(const char *session_id, void *user)
{
	struct tr_node *node = user;

	node->outside.over(node->outside.user, session_id);
	describe(node);
	leave_if_done(node);
}

/* Nothing was recorded. What the slot left there, a picture of a failure, stays. */
static void drop_folder(struct tr_node *node, const struct session *session)
{
	TR_CLEANUP(tr_closep) int folder = -1;

	if (tr_recordings_dir_open(&node->dir, session->folder, &folder) < 0)
		return;
	if (tr_leftovers_note_finalize(folder, false) == 0)
		tr_recordings_dir_remove_empty(&node->dir, session->folder);
}

static void tell_end(struct session *session, const struct tr_message_stopped *stopped)
{
	bool is_clean = session->phase == PHASE_ENDING || tr_reason_is_clean(stopped->reason);
	const char *sentence =
		stopped->sentence[0] ? stopped->sentence : tr_reason_sentence(stopped->reason);

	if (is_clean) {
		tr_info("%s: ended%s%s", session->label,
			stopped->reason == TR_REASON_NONE ? "" : ": ",
			stopped->reason == TR_REASON_NONE ? "" : sentence);
		tell(session, TR_CONTROL_OFF, false);
		return;
	}
	tr_error("%s: failed: %s", session->label, sentence);
	if (stopped->reason == TR_REASON_DISK_FULL || stopped->reason == TR_REASON_DISK_ERROR)
		check_dir(session->node, true);
	tell_failure(session, stopped->reason);
}

static void on_stopped(struct session *session, const struct tr_message_stopped *stopped)
{
	struct tr_node *node = session->node;
	struct place *place = place_of(node, session->slot);

	tell_end(session, stopped);
	place->session = NULL;
	place->is_expired = node->settings.is_single_use;
	if (!stopped->has_files) {
		drop_folder(node, session);
		node->outside.over(node->outside.user, session->id);
	} else if (tr_afterwork_expect(
			   node->afterwork, session->job, session->id, session->folder) < 0) {
		tr_error("%s: no memory: its script does not run before the next start",
			session->label);
		node->outside.over(node->outside.user, session->id);
	}
	free_session(session);
	publish_all(node);
	leave_if_done(node);
}

static void finish_next(struct tr_node *node);

static int add_unfinished(
	struct tr_node *node, const char *session_id, const char *folder, int64_t not_before_ns)
{
	struct unfinished **end = &node->unfinished;
	struct unfinished *one = calloc(1, sizeof(*one));

	if (!one)
		return -ENOMEM;
	snprintf(one->session_id, sizeof(one->session_id), "%s", session_id);
	snprintf(one->folder, sizeof(one->folder), "%s", folder);
	one->not_before_ns = not_before_ns;
	while (*end)
		end = &(*end)->next;
	*end = one;
	return 0;
}

static void on_files_made(struct tr_node *node, uint64_t job)
{
	if (job == node->unfinished_job)
		node->unfinished_job = 0;
	tr_afterwork_files_made(node->afterwork, job);
	finish_next(node);
	describe(node);
	leave_if_done(node);
}

/* There may be a file all the same; a part is none. Without room for it, later there may be some.
 */
static void on_files_failed(
	struct tr_node *node, uint64_t job, const struct tr_message_failed *failed)
{
	bool is_part = strstr(failed->file, ".part-") != NULL;
	bool is_for_later = failed->reason == TR_REASON_DISK_FULL && (is_part || !failed->file[0]);
	const char *folder = tr_afterwork_folder(node->afterwork, job);

	if (failed->file[0] && !is_for_later) {
		on_files_made(node, job);
		return;
	}
	if (job == node->unfinished_job)
		node->unfinished_job = 0;
	int64_t then_ns = tr_clock_now_ns() + 2 * node->settings.check_ms * TR_NS_PER_MS;
	if (is_for_later && folder &&
		add_unfinished(node, failed->session_id, folder, then_ns) == 0)
		tr_info("session %s: its file is made when there is room", failed->session_id);
	tr_afterwork_give_up(node->afterwork, job);
	finish_next(node);
	describe(node);
	leave_if_done(node);
}

/* Only whether it is up: how it fares is the slot's to log. */
static void on_stream(struct session *session, const struct tr_message_stream *stream)
{
	bool is_up = !strcmp(stream->state, "streaming");
	unsigned i = 0;

	while (i < session->target_count && strcmp(session->targets[i].name, stream->name) != 0)
		i++;
	if (i == TR_COUNT(session->targets))
		return;
	struct target *target = &session->targets[i];
	bool has_changed = i == session->target_count || target->is_up != is_up;
	session->target_count += i == session->target_count;
	memcpy(target->name, stream->name, sizeof(target->name));
	target->is_up = is_up;
	if (has_changed)
		describe(session->node);
}

static void on_message(unsigned slot, uint64_t job, const struct tr_message *message, void *user)
{
	struct tr_node *node = user;
	struct session *session = find_job(node, job);
	const char *label = session ? session->label : "no session";

	switch (message->type) {
	case TR_MESSAGE_STARTED:
		if (session)
			on_started(session, &message->started);
		break;
	case TR_MESSAGE_STREAM:
		if (session)
			on_stream(session, &message->stream);
		break;
	case TR_MESSAGE_STOPPED:
		if (session)
			on_stopped(session, &message->stopped);
		break;
	case TR_MESSAGE_FINISHED:
		tr_info("session %s: %s is complete: %.0f s, grade %s",
			message->finished.session_id, message->finished.file,
			(double)message->finished.duration_ms / 1000, message->finished.grade);
		on_files_made(node, job);
		break;
	case TR_MESSAGE_FAILED:
		tr_error("session %s: %s", message->failed.session_id, message->failed.sentence);
		on_files_failed(node, job, &message->failed);
		break;
	case TR_MESSAGE_WARNING:
		tr_warning("slot %u, %s: %s", slot, label, message->warning.sentence);
		break;
	default:
		break;
	}
}

static void on_condition(unsigned slot, void *user)
{
	struct tr_node *node = user;

	publish(node, slot);
	describe(node);
	finish_next(node);
}

/* ---- what an earlier run left ---- */

static struct unfinished *take_unfinished(struct tr_node *node)
{
	for (struct unfinished **at = &node->unfinished; *at; at = &(*at)->next) {
		struct unfinished *one = *at;
		if (one->not_before_ns <= tr_clock_now_ns()) {
			*at = one->next;
			return one;
		}
	}
	return NULL;
}

static int finish(struct tr_node *node, unsigned slot, const struct unfinished *one)
{
	TR_CLEANUP(tr_closep) int folder = -1;
	uint64_t job = 0;

	int rc = tr_recordings_dir_open(&node->dir, one->folder, &folder);
	if (rc == 0)
		rc = tr_supervisor_finish(node->supervisor, slot, one->session_id, folder, &job);
	if (rc < 0)
		return rc;
	node->unfinished_job = job;
	return tr_afterwork_expect(node->afterwork, job, one->session_id, one->folder);
}

/* Gives the next one to a slot; one at a time, and recordings that are wanted now go first. */
static void finish_next(struct tr_node *node)
{
	while (node->unfinished_job == 0 && node->dir_rc == 0 && !node->is_draining) {
		unsigned slot = choose_slot(node, 0);
		TR_CLEANUP(tr_freep) struct unfinished *one = slot ? take_unfinished(node) : NULL;
		if (!one)
			return;
		int rc = finish(node, slot, one);
		if (rc < 0)
			tr_fail(rc, "%s, a recording that is to be finished, cannot be",
				one->folder);
	}
}

/* Complete, but for its script. */
static void resume_script(struct tr_node *node, const struct tr_leftover *leftover)
{
	uint64_t job = LEFTOVER_JOBS + ++node->last_own_job;

	tr_info("session %s, of an earlier run: its script is still to be run",
		leftover->session_id);
	if (tr_afterwork_expect(node->afterwork, job, leftover->session_id, leftover->folder) == 0)
		tr_afterwork_files_made(node->afterwork, job);
}

/* Only folders with the node's own note: others may just be recorded to, by telerec(1). */
static void find_leftovers(struct tr_node *node)
{
	TR_CLEANUP(tr_freep) struct tr_leftover *leftovers = NULL;
	unsigned count;

	if (tr_leftovers_find(node->recordings, &leftovers, &count) < 0)
		return;
	for (unsigned i = 0; i < count; i++) {
		const struct tr_leftover *leftover = &leftovers[i];
		/* A failed one may only have lacked room. */
		bool is_cut = leftover->state != TR_RECORDING_DONE;
		if (!leftover->wants_finalize)
			continue;
		if (!is_cut)
			resume_script(node, leftover);
		else if (add_unfinished(node, leftover->session_id, leftover->folder, 0) == 0)
			tr_info("session %s, of an earlier run, is still to be finished",
				leftover->session_id);
	}
}

/* ---- life ---- */

static int on_check(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_node *node = user;

	(void)usec;
	check_dir(node, node->dir_rc < 0);
	publish_all(node);
	finish_next(node);
	sd_event_source_set_time_relative(source, (uint64_t)node->settings.check_ms * 1000);
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
	set_default(&settings->low_disk_bytes, INT64_C(1) << 30);
	if (settings->finalize_parallel == 0)
		settings->finalize_parallel = 2;
}

static int fill(struct tr_node *node)
{
	static const struct tr_supervisor_events events = {on_condition, on_message};
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
		rc = tr_afterwork_create(node->event, &afterwork, over, node, &node->afterwork);
	if (rc == 0)
		rc = tr_supervisor_create(
			node->event, &node->settings.supervisor, &events, node, &node->supervisor);
	if (rc == 0)
		rc = add_timer(node, &node->check_timer, node->settings.check_ms, on_check, node);
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
	node->actions = (struct tr_control_actions){
		node, start, stop, lost, orphaned, read_presence, exit_when_idle, shut_down};
	set_defaults(&node->settings);
	node->dir = (struct tr_recordings_dir){node->recordings, node->settings.low_disk_bytes};
	int rc = fill(node);
	if (rc < 0)
		return rc;
	check_dir(node, true);
	find_leftovers(node);
	*ret_node = tr_take(node);
	return 0;
}

void tr_node_destroy(struct tr_node *node)
{
	if (!node)
		return;
	sd_event_source_disable_unref(node->check_timer);
	sd_event_source_disable_unref(node->deadline_timer);
	tr_supervisor_destroy(node->supervisor);
	tr_afterwork_destroy(node->afterwork);
	for (unsigned i = 0; i < node->slot_count; i++) {
		sd_event_source_disable_unref(node->places[i].hold_timer);
		if (node->places[i].session)
			free_session(node->places[i].session);
	}
	while (node->unfinished) {
		struct unfinished *one = node->unfinished;
		node->unfinished = one->next;
		free(one);
	}
	sd_event_unref(node->event);
	free(node);
}

const struct tr_control_actions *tr_node_actions(struct tr_node *node)
{
	return &node->actions;
}
