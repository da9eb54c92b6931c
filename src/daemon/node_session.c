#define TR_LOG_AREA "node"

#include "daemon/node_internal.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "daemon/meeting_host.h"
#include "daemon/naming.h"
#include "daemon/streams.h"
#include "storage/leftovers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- sessions ---- */

void tr_node_free_session(struct session *session)
{
	sd_event_source_disable_unref(session->start_timer);
	sd_event_source_disable_unref(session->usage_timer);
	free(session);
}

static struct session *find_session(struct tr_node *node, unsigned slot, const char *id)
{
	for (unsigned i = 1; i <= node->slot_count; i++) {
		struct session *session = tr_node_place(node, i)->session;
		if (session && (slot == 0 || slot == i) && !strcmp(session->id, id))
			return session;
	}
	return NULL;
}

void tr_node_tell_status(struct session *session, enum tr_control_status status, bool should_retry)
{
	struct tr_node *node = session->node;

	if (session->origin.connection > 0 && !session->is_unheard)
		node->outside.send_status(
			node->outside.user, &session->origin, session->id, status, should_retry);
}

/* Presence first: see tr_node_hold(). Another node may do better, but where a server said no to
 * all. */
void tr_node_tell_failure(struct session *session, enum tr_reason reason)
{
	session->has_failed = true;
	tr_node_hold(session->node, session->slot);
	tr_node_publish_all(session->node);
	tr_node_tell_status(session, TR_CONTROL_OFF_FAILED, reason != TR_REASON_STREAM_REFUSED);
	session->is_unheard = true;
}

void tr_node_end_session(struct session *session, const char *why)
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
	tr_node_tell_failure(session, TR_REASON_NONE);
	tr_node_end_session(session, "it did not start in time");
	return 0;
}

static int on_usage_limit(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source, (void)usec;
	tr_node_end_session(user, "the usage limit is reached");
	return 0;
}

/* ---- start ---- */

/* Whoever asks again is told from now on: the connection may be another one. */
static enum tr_control_answer answer_duplicate(
	struct session *session, const struct tr_control_start *request, char *why, size_t why_size)
{
	snprintf(why, why_size, "the session runs already in slot %u", session->slot);
	if (session->phase == PHASE_ENDING) {
		snprintf(why, why_size, "the session is just ending in slot %u", session->slot);
		return TR_CONTROL_BUSY;
	}
	if (request->origin.connection > 0) {
		session->origin = request->origin;
		session->is_unheard = false;
	}
	return session->phase == PHASE_ON ? TR_CONTROL_DUPLICATE_ON : TR_CONTROL_DUPLICATE;
}

/* 0 when no slot can take it. */
unsigned tr_node_choose_slot(struct tr_node *node, unsigned wanted)
{
	for (unsigned slot = 1; slot <= node->slot_count; slot++)
		if ((wanted == 0 || wanted == slot) && tr_node_is_free(node, slot))
			return slot;
	return 0;
}

/* Nothing is recorded there, but nothing can be: another node is to be asked because of a fault. */
static bool is_ill(struct tr_node *node, unsigned slot)
{
	struct tr_control_presence presence;

	if (slot == 0 || tr_node_place(node, slot)->session || node->is_draining)
		return false;
	tr_node_read_slot(node, slot, &presence);
	return !presence.is_healthy;
}

static const char *why_busy(struct tr_node *node, unsigned slot)
{
	const struct place *place = slot > 0 ? tr_node_place(node, slot) : NULL;

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
	return 0;
}

/* By the operator's templates. */
static int give_names(struct session *session, const struct tr_control_start *request,
	struct tr_message_start *start)
{
	const struct tr_config *rules = session->node->settings.rules;
	const struct tr_naming_words words = {
		.session_id = session->id,
		.call_name = request->call_name,
		.meeting_url = request->meeting_url,
		.environment = request->environment,
		.node = rules->id,
		.wall_ns = tr_clock_wall_ns(),
	};

	tr_naming_file(rules->storage.file, &words, start->name, sizeof(start->name));
	return tr_naming_folder(
		rules->storage.folder, &words, session->folder, sizeof(session->folder));
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
	session->view.kind = request->kind;
	session->view.accepted_ms = tr_clock_wall_ns() / TR_NS_PER_MS;
	snprintf(session->view.room, sizeof(session->view.room), "%s", request->room);
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
	char wanted[sizeof(session->folder)];

	memcpy(wanted, session->folder, sizeof(wanted));
	int rc = tr_recordings_dir_add(
		&node->dir, wanted, session->folder, sizeof(session->folder), &folder);
	if (rc < 0) {
		tr_node_check_dir(node, true);
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

	int rc = tr_node_add_timer(
		node, &session->start_timer, node->settings.start_ms, on_start_limit, session);
	if (rc >= 0 && usage_ms > 0)
		rc = tr_node_add_timer(
			node, &session->usage_timer, usage_ms, on_usage_limit, session);
	return rc;
}

static int begin_session(
	struct tr_node *node, unsigned slot, const struct tr_control_start *request)
{
	TR_CLEANUP(tr_freep) struct tr_message_start *start = calloc(1, sizeof(*start));
	struct session *session = start ? new_session(node, slot, request) : NULL;
	char name[sizeof(start->name)];

	if (!session)
		return -ENOMEM;
	int rc = fill_start(node, request, start);
	if (rc == 0)
		rc = give_names(session, request, start);
	session->has_file = !start->is_without_file;
	tr_node_place(node, slot)->session = session; /* busy, before anybody hears of a change */
	if (rc == 0)
		rc = launch(session, start);
	memcpy(name, start->name, sizeof(name));
	explicit_bzero(start, sizeof(*start));
	if (rc < 0) {
		tr_node_place(node, slot)->session = NULL;
		tr_node_free_session(session);
		tr_node_publish_all(node);
		return rc;
	}
	if (start_timers(session, request->usage_timeout_ms) < 0)
		tr_warning("%s: no timers: it is not limited", session->label);
	tr_info("%s: starting in slot %u, folder %s", session->label, slot, session->folder);
	memcpy(session->view.name, name, sizeof(session->view.name));
	node->counts.started++;
	node->outside.began(node->outside.user, session->id);
	tr_node_tell_session(session, TR_EVENT_ACCEPTED, NULL, NULL);
	tr_node_publish_all(node);
	return 0;
}

static enum tr_control_answer start(
	struct tr_node *node, const struct tr_control_start *request, char *why, size_t why_size)
{
	if (request->slot > node->slot_count || !request->session_id[0]) {
		snprintf(why, why_size, "no such slot, or no session's name");
		return TR_CONTROL_FAILED;
	}
	struct session *same = find_session(node, request->slot, request->session_id);
	if (same)
		return answer_duplicate(same, request, why, why_size);
	if (tr_streams_check(node->settings.rules, request, why, why_size) < 0)
		return TR_CONTROL_REFUSED;
	unsigned slot = tr_node_choose_slot(node, request->slot);
	if (slot == 0) {
		snprintf(why, why_size, "%s", why_busy(node, request->slot));
		return is_ill(node, request->slot) ? TR_CONTROL_FAILED : TR_CONTROL_BUSY;
	}
	tr_node_check_dir(node, node->dir_rc < 0);
	if (node->dir_rc < 0) {
		snprintf(why, why_size, "%s", node->dir_problem);
		tr_node_publish_all(node);
		return TR_CONTROL_FAILED;
	}
	int rc = begin_session(node, slot, request);
	if (rc < 0) {
		snprintf(why, why_size, "it cannot be started: %s", strerror(-rc));
		return TR_CONTROL_FAILED;
	}
	return TR_CONTROL_ACCEPTED;
}

static void note_refusal(struct tr_node *node, const struct tr_control_start *request,
	enum tr_control_answer answer, const char *why)
{
	node->counts.refused_busy += answer == TR_CONTROL_BUSY;
	node->counts.refused += answer != TR_CONTROL_BUSY;
	tr_node_tell(node, (struct tr_event){
				   .type = TR_EVENT_REFUSED,
				   .slot = request->slot,
				   .session_id = request->session_id,
				   .room = request->room,
				   .environment = request->environment,
				   .sentence = why,
				   .kind = request->kind,
				   .answer = answer,
			   });
}

enum tr_control_answer tr_node_start(
	void *user, const struct tr_control_start *request, char *why, size_t why_size)
{
	enum tr_control_answer answer = start(user, request, why, why_size);

	if (answer == TR_CONTROL_BUSY || answer == TR_CONTROL_FAILED ||
		answer == TR_CONTROL_REFUSED)
		note_refusal(user, request, answer, why);
	return answer;
}

/* ---- what control asks besides ---- */

bool tr_node_stop(void *user, unsigned slot, const char *session_id)
{
	struct tr_node *node = user;
	bool has_ended = false;

	for (unsigned i = 1; i <= node->slot_count; i++) {
		struct session *session = tr_node_place(node, i)->session;
		if (!session || (slot != 0 && slot != i) ||
			(session_id[0] && strcmp(session->id, session_id) != 0))
			continue;
		if (session->phase != PHASE_ENDING)
			tr_node_end_session(session, "as asked");
		has_ended = true;
	}
	return has_ended;
}

void tr_node_lost(void *user, unsigned connection)
{
	struct tr_node *node = user;

	for (unsigned i = 1; i <= node->slot_count; i++) {
		struct session *session = tr_node_place(node, i)->session;
		if (!session || session->origin.connection != connection)
			continue;
		session->is_unheard = true;
		if (!node->settings.stop_on_control_loss)
			tr_warning("%s: the connection it was started over is lost; it goes on",
				session->label);
		else if (session->phase != PHASE_ENDING)
			tr_node_end_session(session, "the connection it was started over is lost");
	}
}

void tr_node_orphaned(void *user, unsigned slot, const char *session_id)
{
	struct session *session = find_session(user, slot, session_id);

	if (!session || session->phase == PHASE_ENDING)
		return;
	session->is_unheard = true;
	tr_node_end_session(session, "nobody waits for it any more");
}
