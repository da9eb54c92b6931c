#define TR_LOG_AREA "node"

#include "daemon/node_internal.h"

#include "core/clock.h"
#include "core/log.h"
#include "storage/finalize.h"
#include "storage/leftovers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct session *find_job(struct tr_node *node, uint64_t job)
{
	for (unsigned i = 0; i < node->slot_count; i++)
		if (node->places[i].session && node->places[i].session->job == job)
			return node->places[i].session;
	return NULL;
}

static void on_started(struct session *session, const struct tr_message *message)
{
	const struct tr_message_started *started = &message->started;

	tr_node_economize(session);
	if (session->phase == PHASE_ON)
		tr_info("%s: goes on", session->label);
	if (session->phase != PHASE_PENDING)
		return;
	session->phase = PHASE_ON;
	session->start_timer = sd_event_source_disable_unref(session->start_timer);
	session->view.on_ms = tr_clock_wall_ns() / TR_NS_PER_MS;
	session->node->counts.on++;
	tr_info("%s: %s; joined after %.2f s, on %s after %.2f s", session->label,
		session->is_stream ? "streaming" : "recording", (double)started->join_ms / 1000,
		session->is_stream ? "a server" : "the disk",
		(double)(tr_clock_now_ns() - session->accepted_ns) / 1e9);
	tr_node_tell_status(session, TR_CONTROL_ON, false);
	tr_node_tell_session(session, TR_EVENT_ON, message, NULL);
}

/* ---- the end ---- */

/* Nothing was recorded. What the slot left there, a picture of a failure, stays. */
static void drop_folder(struct tr_node *node, const struct session *session)
{
	TR_CLEANUP(tr_closep) int folder = -1;

	if (tr_recordings_dir_open(&node->dir, session->folder, &folder) < 0)
		return;
	if (tr_leftovers_note_finalize(folder, false) == 0)
		tr_recordings_dir_remove_empty(&node->dir, session->folder);
}

static bool is_clean_end(const struct session *session, const struct tr_message_stopped *stopped)
{
	return session->phase == PHASE_ENDING || tr_reason_is_clean(stopped->reason);
}

static const char *end_sentence(const struct tr_message_stopped *stopped)
{
	return stopped->sentence[0] || stopped->reason == TR_REASON_NONE
		       ? stopped->sentence
		       : tr_reason_sentence(stopped->reason);
}

static void tell_end(struct session *session, const struct tr_message_stopped *stopped)
{
	const char *sentence = end_sentence(stopped);

	if (is_clean_end(session, stopped)) {
		tr_info("%s: ended%s%s", session->label,
			stopped->reason == TR_REASON_NONE ? "" : ": ",
			stopped->reason == TR_REASON_NONE ? "" : sentence);
		tr_node_tell_status(session, TR_CONTROL_OFF, false);
		return;
	}
	tr_error("%s: failed: %s", session->label, sentence);
	if (stopped->reason == TR_REASON_DISK_FULL || stopped->reason == TR_REASON_DISK_ERROR)
		tr_node_check_dir(session->node, true);
	tr_node_tell_failure(session, stopped->reason);
}

static void count_end(struct session *session, bool is_failure)
{
	const struct tr_message_progress *progress = &session->view.progress;
	struct tr_snapshot_counts *counts = &session->node->counts;

	counts->ended++;
	counts->failed += is_failure;
	counts->frames_grabbed += (uint64_t)progress->frames_grabbed;
	counts->frames_encoded += (uint64_t)progress->frames_encoded;
	counts->frames_dropped += (uint64_t)progress->frames_dropped;
	counts->bytes_recorded += (uint64_t)progress->bytes;
}

/* A session that was given up by the node, because it did not start, ends without a reason of its
 * own. */
static struct tr_history_entry *remember(
	const struct session *session, const struct tr_message_stopped *stopped)
{
	struct tr_history_entry *entry = tr_history_add(session->node->history);
	const struct tr_snapshot_session *view = &session->view;

	entry->job = session->job;
	entry->slot = session->slot;
	entry->kind = view->kind;
	snprintf(entry->session_id, sizeof(entry->session_id), "%s", session->id);
	memcpy(entry->folder, session->folder, sizeof(entry->folder));
	memcpy(entry->room, view->room, sizeof(entry->room));
	memcpy(entry->name, view->name, sizeof(entry->name));
	memcpy(entry->environment, session->environment, sizeof(entry->environment));
	memcpy(entry->warning, view->warning, sizeof(entry->warning));
	entry->accepted_ms = view->accepted_ms;
	entry->on_ms = view->on_ms;
	entry->ended_ms = tr_clock_wall_ns() / TR_NS_PER_MS;
	entry->is_failure = session->has_failed;
	entry->reason = stopped->reason;
	snprintf(entry->sentence, sizeof(entry->sentence), "%s", end_sentence(stopped));
	if (session->has_failed && !entry->sentence[0])
		snprintf(entry->sentence, sizeof(entry->sentence), "%s",
			session->view.on_ms ? "telerecd ended in the middle of it"
					    : "it did not start in time");
	entry->files = stopped->has_files ? TR_HISTORY_MAKING_FILES : TR_HISTORY_NO_FILES;
	return entry;
}

static void tell_ended(struct tr_node *node, const struct tr_history_entry *entry,
	const struct tr_message *message)
{
	struct tr_event event = tr_node_history_event(entry, TR_EVENT_ENDED);

	event.is_failure = entry->is_failure;
	event.reason = entry->reason;
	event.sentence = entry->sentence;
	event.message = message;
	tr_node_tell(node, event);
}

static void on_stopped(struct session *session, const struct tr_message *message)
{
	const struct tr_message_stopped *stopped = &message->stopped;
	struct tr_node *node = session->node;
	struct place *place = tr_node_place(node, session->slot);
	bool is_expected = false;

	tell_end(session, stopped);
	count_end(session, session->has_failed);
	place->session = NULL;
	place->is_expired = node->settings.is_single_use;
	tell_ended(node, remember(session, stopped), message);
	if (!stopped->has_files)
		drop_folder(node, session);
	else if (tr_afterwork_expect(node->afterwork, session->job, session->id, session->folder) ==
		 0)
		is_expected = true;
	else
		tr_error("%s: no memory: its script does not run before the next start",
			session->label);
	if (!is_expected)
		tr_node_on_over(session->id, session->folder, NULL, node);
	tr_node_free_session(session);
	tr_node_publish_all(node);
	tr_node_leave_if_done(node);
}

/* ---- files and script ---- */

static void tell_files(struct tr_node *node, const struct tr_history_entry *entry,
	const char *session_id, const struct tr_message *message)
{
	struct tr_event event = {.type = TR_EVENT_FILES, .session_id = session_id};

	if (entry)
		event = tr_node_history_event(entry, TR_EVENT_FILES);
	event.message = message;
	event.is_failure = message->type == TR_MESSAGE_FAILED;
	if (event.is_failure) {
		event.reason = message->failed.reason;
		event.sentence = message->failed.sentence;
	}
	tr_node_tell(node, event);
}

static void on_finished(struct tr_node *node, uint64_t job, const struct tr_message *message)
{
	const struct tr_message_finished *finished = &message->finished;
	struct tr_history_entry *entry = tr_history_find(node->history, job);

	tr_info("session %s: %s is complete: %.0f s, grade %s", finished->session_id,
		finished->file, (double)finished->duration_ms / 1000, finished->grade);
	node->counts.files_made++;
	if (entry) {
		entry->files = TR_HISTORY_FILES_MADE;
		memcpy(entry->file, finished->file, sizeof(entry->file));
		memcpy(entry->grade, finished->grade, sizeof(entry->grade));
		entry->duration_ms = finished->duration_ms;
		entry->bytes = finished->bytes;
	}
	tell_files(node, entry, finished->session_id, message);
	tr_node_files_made(node, job);
}

static void on_failed(struct tr_node *node, uint64_t job, const struct tr_message *message)
{
	const struct tr_message_failed *failed = &message->failed;
	struct tr_history_entry *entry = tr_history_find(node->history, job);

	tr_error("session %s: %s", failed->session_id, failed->sentence);
	node->counts.files_failed++;
	if (entry) {
		entry->files = TR_HISTORY_FILES_FAILED;
		memcpy(entry->file, failed->file, sizeof(entry->file));
		memcpy(entry->files_sentence, failed->sentence, sizeof(entry->files_sentence));
	}
	tell_files(node, entry, failed->session_id, message);
	tr_node_files_failed(node, job, failed);
}

static void note_script(struct tr_node *node, struct tr_history_entry *entry, struct tr_event event,
	const struct tr_finalize_result *script)
{
	bool is_failure = script->rc < 0;

	node->counts.scripts_done += !is_failure;
	node->counts.scripts_failed += is_failure;
	if (entry) {
		entry->script = is_failure ? TR_HISTORY_SCRIPT_FAILED : TR_HISTORY_SCRIPT_DONE;
		memcpy(entry->script_sentence, script->sentence, sizeof(entry->script_sentence));
	}
	event.type = TR_EVENT_SCRIPT;
	event.is_failure = is_failure;
	event.sentence = script->sentence;
	tr_node_tell(node, event);
}

void tr_node_on_over(const char *session_id, const char *folder,
	const struct tr_finalize_result *script, void *user)
{
	struct tr_node *node = user;
	struct tr_history_entry *entry = tr_history_find_open(node->history, folder);
	struct tr_event event = {.type = TR_EVENT_OVER, .session_id = session_id};

	if (entry) {
		event = tr_node_history_event(entry, TR_EVENT_OVER);
		entry->is_over = true;
	}
	tr_node_over_uploads(node, folder, script && script->rc == 0);
	if (script)
		note_script(node, entry, event, script);
	tr_node_tell(node, event);
	node->outside.over(node->outside.user, session_id);
	tr_node_describe(node);
	tr_node_leave_if_done(node);
}

/* ---- while it runs ---- */

static void show_stream(struct session *session, const struct tr_message_stream *stream)
{
	struct tr_snapshot_session *view = &session->view;
	unsigned i = 0;

	while (i < view->stream_count && strcmp(view->streams[i].name, stream->name) != 0)
		i++;
	if (i == TR_COUNT(view->streams))
		return;
	bool was_up = i < view->stream_count && !strcmp(view->streams[i].state, "streaming");
	bool was_refused = i < view->stream_count && !strcmp(view->streams[i].state, "refused");
	bool is_up = !strcmp(stream->state, "streaming");
	bool is_refused = !strcmp(stream->state, "refused");
	session->node->counts.stream_failures +=
		(was_up && !is_up && session->phase != PHASE_ENDING) ||
		(is_refused && !was_refused && !was_up);
	view->stream_count += i == view->stream_count;
	view->streams[i] = *stream;
}

/* In a line only whether it is up: how it fares is the slot's to log. */
static void on_stream(struct session *session, const struct tr_message *message)
{
	const struct tr_message_stream *stream = &message->stream;
	bool is_up = !strcmp(stream->state, "streaming");
	unsigned i = 0;

	show_stream(session, stream);
	tr_node_tell_session(session, TR_EVENT_STREAM, message, NULL);
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

static void on_progress(struct session *session, const struct tr_message *message)
{
	session->view.progress = message->progress;
	session->view.progress_ms = tr_clock_wall_ns() / TR_NS_PER_MS;
	tr_node_tell_session(session, TR_EVENT_PROGRESS, message, NULL);
	tr_node_disk_progress(session, &message->progress);
	tr_node_note_encoder(session, message->progress.encoder);
}

static void on_meeting(struct session *session, const struct tr_message *message)
{
	session->view.meeting = message->meeting;
	tr_node_tell_session(session, TR_EVENT_MEETING, message, NULL);
}

static void on_warning(struct tr_node *node, unsigned slot, struct session *session,
	const struct tr_message *message)
{
	const char *sentence = message->warning.sentence;

	tr_warning("slot %u, %s: %s", slot, session ? session->label : "no session", sentence);
	if (session) {
		snprintf(session->view.warning, sizeof(session->view.warning), "%.511s", sentence);
		tr_node_tell_session(session, TR_EVENT_WARNING, message, sentence);
		return;
	}
	tr_node_tell(node, (struct tr_event){.type = TR_EVENT_WARNING,
				   .slot = slot,
				   .sentence = sentence,
				   .message = message});
}

static void on_session_message(struct session *session, const struct tr_message *message)
{
	switch (message->type) {
	case TR_MESSAGE_STARTED:
		on_started(session, message);
		break;
	case TR_MESSAGE_MEETING:
		on_meeting(session, message);
		break;
	case TR_MESSAGE_PROGRESS:
		on_progress(session, message);
		break;
	case TR_MESSAGE_STREAM:
		on_stream(session, message);
		break;
	case TR_MESSAGE_STOPPED:
		on_stopped(session, message);
		break;
	default:
		break;
	}
}

void tr_node_on_message(unsigned slot, uint64_t job, const struct tr_message *message, void *user)
{
	struct tr_node *node = user;
	struct session *session = find_job(node, job);

	switch (message->type) {
	case TR_MESSAGE_FINISHED:
		on_finished(node, job, message);
		break;
	case TR_MESSAGE_FAILED:
		on_failed(node, job, message);
		break;
	case TR_MESSAGE_WARNING:
		on_warning(node, slot, session, message);
		break;
	default:
		if (session)
			on_session_message(session, message);
		break;
	}
}
