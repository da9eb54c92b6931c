#include "control/member_json_internal.h"
#include "control/snapshot_json_internal.h"

#define NODE(member) TR_MEMBER(struct tr_snapshot, member)
#define DISK(member) TR_MEMBER(struct tr_snapshot_disk, member)
#define COUNT(member) TR_MEMBER(struct tr_snapshot_counts, member)
#define LINK(member) TR_MEMBER(struct tr_xmpp_link, member)
#define UPLOAD(member) TR_MEMBER(struct tr_snapshot_upload, member)
#define SLOT(member) TR_MEMBER(struct tr_snapshot_slot, member)
#define READY(member) TR_MEMBER(struct tr_message_ready, member)
#define SESSION(member) TR_MEMBER(struct tr_snapshot_session, member)
#define MEETING(member) TR_MEMBER(struct tr_message_meeting, member)
#define PROGRESS(member) TR_MEMBER(struct tr_message_progress, member)
#define STREAM(member) TR_MEMBER(struct tr_message_stream, member)

static const struct tr_member node_members[] = {NODE(id), NODE(version), NODE(started_ms),
	NODE(now_ms), NODE(is_draining), NODE(is_healthy), NODE(problem), NODE(slot_count),
	NODE(recordings_finishing), {0}};

static const struct tr_member disk_members[] = {
	DISK(path), DISK(problem), DISK(free_bytes), DISK(total_bytes), DISK(is_in_memory), {0}};

static const struct tr_member count_members[] = {COUNT(started), COUNT(on), COUNT(ended),
	COUNT(failed), COUNT(refused_busy), COUNT(refused), COUNT(files_made), COUNT(files_failed),
	COUNT(scripts_done), COUNT(scripts_failed), COUNT(slot_restarts), COUNT(stream_failures),
	COUNT(frames_grabbed), COUNT(frames_encoded), COUNT(frames_dropped), COUNT(bytes_recorded),
	COUNT(removed_recordings), COUNT(removed_bytes), {0}};

static const struct tr_member link_members[] = {LINK(connection), LINK(slot), LINK(environment),
	LINK(entry), LINK(nickname), LINK(has_focus), LINK(problem), LINK(reconnects), {0}};

static const struct tr_member upload_members[] = {UPLOAD(name), UPLOAD(url), UPLOAD(waiting),
	UPLOAD(running), UPLOAD(failing), UPLOAD(done), UPLOAD(failed_attempts), UPLOAD(bytes),
	UPLOAD(oldest_ms), UPLOAD(problem), {0}};

static const struct tr_member slot_members[] = {
	TR_MEMBER_AS(struct tr_snapshot_slot, number, "slot"), SLOT(state), SLOT(is_busy),
	SLOT(is_healthy), SLOT(is_held), SLOT(problem), SLOT(starts), {0}};

static const struct tr_member ready_members[] = {
	READY(sound), READY(encoder), READY(display), READY(browser_version), {0}};

static const struct tr_member session_members[] = {
	TR_MEMBER_AS(struct tr_snapshot_session, id, "session_id"), SESSION(folder), SESSION(room),
	SESSION(name), SESSION(environment), SESSION(accepted_ms), SESSION(on_ms), SESSION(warning),
	{0}};

static const struct tr_member meeting_members[] = {MEETING(is_joined), MEETING(participants),
	MEETING(muted), MEETING(is_connected), MEETING(download_kbps), {0}};

static const struct tr_member progress_members[] = {PROGRESS(time_ms), PROGRESS(frames_grabbed),
	PROGRESS(frames_encoded), PROGRESS(frames_dropped), PROGRESS(video_kbps), PROGRESS(bytes),
	PROGRESS(peak_db), PROGRESS(rms_db), PROGRESS(free_bytes), PROGRESS(drift_ppm),
	PROGRESS(sound_gap_ms), PROGRESS(encoder_restarts), PROGRESS(encoder), PROGRESS(note), {0}};

static const struct tr_member stream_members[] = {STREAM(name), STREAM(state), STREAM(problem),
	STREAM(kbps), STREAM(queued_ms), STREAM(reconnects), STREAM(dropped), STREAM(bytes), {0}};

/* ---- the node ---- */

static json_t *make_disk(const struct tr_snapshot_disk *disk)
{
	json_t *object = tr_member_json_make(disk_members, disk);

	json_object_set_new(object, "state", json_string(tr_snapshot_disk_name(disk->state)));
	json_object_set_new(object, "hours_left",
		disk->hours_left >= 0 ? json_real(disk->hours_left) : json_null());
	return object;
}

static json_t *make_links(const struct tr_snapshot *snapshot)
{
	json_t *links = json_array();

	for (unsigned i = 0; i < snapshot->link_count; i++) {
		json_t *link = tr_member_json_make(link_members, &snapshot->links[i]);
		json_object_set_new(link, "state",
			json_string(tr_snapshot_link_name(snapshot->links[i].state)));
		json_array_append_new(links, link);
	}
	return links;
}

static json_t *make_uploads(const struct tr_snapshot *snapshot)
{
	json_t *uploads = json_array();

	for (unsigned i = 0; i < snapshot->upload_count; i++)
		json_array_append_new(
			uploads, tr_member_json_make(upload_members, &snapshot->uploads[i]));
	return uploads;
}

json_t *tr_snapshot_json_node(const struct tr_snapshot *snapshot)
{
	json_t *node = tr_member_json_make(node_members, snapshot);
	unsigned busy = 0, healthy = 0;

	for (unsigned i = 0; i < snapshot->slot_count; i++) {
		busy += snapshot->slots[i].is_busy;
		healthy += snapshot->slots[i].is_healthy;
	}
	json_object_set_new(node, "slots_busy", json_integer(busy));
	json_object_set_new(node, "slots_healthy", json_integer(healthy));
	json_object_set_new(node, "disk", make_disk(&snapshot->disk));
	json_object_set_new(node, "counts", tr_member_json_make(count_members, &snapshot->counts));
	json_object_set_new(node, "links", make_links(snapshot));
	json_object_set_new(node, "uploads", make_uploads(snapshot));
	return node;
}

/* ---- slots and their sessions ---- */

const char *tr_snapshot_json_kind(enum tr_control_kind kind)
{
	return kind == TR_CONTROL_STREAM ? "stream" : "file";
}

json_t *tr_snapshot_json_meeting(const struct tr_message_meeting *meeting)
{
	return tr_member_json_make(meeting_members, meeting);
}

json_t *tr_snapshot_json_progress(const struct tr_message_progress *progress, int64_t ms)
{
	json_t *object = tr_member_json_make(progress_members, progress);
	json_object_set_new(object, "ms", json_integer(ms));
	return object;
}

json_t *tr_snapshot_json_stream(const struct tr_message_stream *stream)
{
	return tr_member_json_make(stream_members, stream);
}

json_t *tr_snapshot_json_session(const struct tr_snapshot_slot *slot)
{
	const struct tr_snapshot_session *session = &slot->session;
	json_t *object = tr_member_json_make(session_members, session);
	json_t *streams = json_array();

	for (unsigned i = 0; i < session->stream_count; i++)
		json_array_append_new(streams, tr_snapshot_json_stream(&session->streams[i]));
	json_object_set_new(object, "slot", json_integer(slot->number));
	json_object_set_new(object, "kind", json_string(tr_snapshot_json_kind(session->kind)));
	json_object_set_new(object, "state", json_string(tr_snapshot_phase_name(session->phase)));
	json_object_set_new(object, "meeting", tr_snapshot_json_meeting(&session->meeting));
	json_object_set_new(object, "progress",
		session->progress_ms
			? tr_snapshot_json_progress(&session->progress, session->progress_ms)
			: json_null());
	json_object_set_new(object, "streams", streams);
	return object;
}

json_t *tr_snapshot_json_slot(const struct tr_snapshot_slot *slot)
{
	json_t *object = tr_member_json_make(slot_members, slot);

	tr_member_json_add(object, ready_members, &slot->ready);
	json_object_set_new(object, "session",
		slot->has_session ? tr_snapshot_json_session(slot) : json_null());
	return object;
}
