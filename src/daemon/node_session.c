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
#include <stdarg.h>
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

/* Presence first: see tr_node_hold(). Another node may do better, but where a server said no to
 * all. */
void tr_node_tell_failure(struct session *session, enum tr_reason reason)
{
	session->has_failed = true;
	tr_node_hold(session->node, session->slot);
	tr_node_publish_all(session->node);
	tell(session, TR_CONTROL_OFF_FAILED, reason != TR_REASON_STREAM_REFUSED);
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

	if (!session)
		return -ENOMEM;
	int rc = fill_start(node, request, start);
	tr_node_place(node, slot)->session = session; /* busy, before anybody hears of a change */
	if (rc == 0)
		rc = launch(session, start);
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
	node->outside.began(node->outside.user, session->id);
	tr_node_publish_all(node);
	return 0;
}

enum tr_control_answer tr_node_start(
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
	unsigned slot = tr_node_choose_slot(node, request->slot);
	if (slot == 0) {
		refuse(why, why_size, "%s", why_busy(node, request->slot));
		return is_ill(node, request->slot) ? TR_CONTROL_FAILED : TR_CONTROL_BUSY;
	}
	tr_node_check_dir(node, node->dir_rc < 0);
	if (node->dir_rc < 0) {
		refuse(why, why_size, "%s", node->dir_problem);
		tr_node_publish_all(node);
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
		tr_node_check_dir(session->node, true);
	tr_node_tell_failure(session, stopped->reason);
}

static void on_stopped(struct session *session, const struct tr_message_stopped *stopped)
{
	struct tr_node *node = session->node;
	struct place *place = tr_node_place(node, session->slot);

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
	tr_node_free_session(session);
	tr_node_publish_all(node);
	tr_node_leave_if_done(node);
}

void tr_node_finish_next(struct tr_node *node);

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
		tr_node_describe(session->node);
}

void tr_node_on_message(unsigned slot, uint64_t job, const struct tr_message *message, void *user)
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
		tr_node_files_made(node, job);
		break;
	case TR_MESSAGE_FAILED:
		tr_error("session %s: %s", message->failed.session_id, message->failed.sentence);
		tr_node_files_failed(node, job, &message->failed);
		break;
	case TR_MESSAGE_WARNING:
		tr_warning("slot %u, %s: %s", slot, label, message->warning.sentence);
		break;
	default:
		break;
	}
}