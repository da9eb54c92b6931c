#include "sample_snapshot.h"

#include <stdio.h>
#include <string.h>

#define NOW_MS INT64_C(1795000000000)

static void set_session(struct tr_snapshot_session *session, enum tr_control_kind kind)
{
	snprintf(session->id, sizeof(session->id), "the-session-of-somebody");
	snprintf(session->folder, sizeof(session->folder), "the-session-of-somebody");
	snprintf(session->room, sizeof(session->room), "secretroom@conference.meet.example.org");
	snprintf(session->environment, sizeof(session->environment), "meet-xmpp.example.org");
	session->kind = kind;
	session->phase = TR_SNAPSHOT_ON;
	session->accepted_ms = NOW_MS - 61000;
	session->on_ms = NOW_MS - 60000;
	session->meeting = (struct tr_message_meeting){true, 4, 1, true, 1500};
	session->progress = (struct tr_message_progress){.time_ms = 60500,
		.frames_grabbed = 1800,
		.frames_encoded = 1750,
		.frames_dropped = 3,
		.video_kbps = 812.5,
		.bytes = 7000000,
		.peak_db = -6.5,
		.rms_db = -21.25,
		.free_bytes = 1000,
		.drift_ppm = -12.5,
		.sound_gap_ms = 250,
		.encoder_restarts = 1,
		.encoder = "libx264"};
	session->progress_ms = NOW_MS - 500;
}

static void add_stream(struct tr_snapshot_session *session, const char *name, const char *state)
{
	struct tr_message_stream *stream = &session->streams[session->stream_count++];

	memcpy(stream->session_id, session->id, sizeof(session->id));
	snprintf(stream->name, sizeof(stream->name), "%s", name);
	snprintf(stream->state, sizeof(stream->state), "%s", state);
	snprintf(stream->problem, sizeof(stream->problem), "no answer");
	stream->kbps = 3000;
	stream->queued_ms = 1500;
	stream->reconnects = 2;
	stream->dropped = 7;
	stream->bytes = 123456;
}

static void set_slot(struct tr_snapshot_slot *slot, unsigned number, const char *state)
{
	slot->number = number;
	snprintf(slot->state, sizeof(slot->state), "%s", state);
	slot->is_busy = number < 3;
	slot->is_healthy = true;
	slot->starts = 1;
	snprintf(slot->ready.sound, sizeof(slot->ready.sound), "plugin");
	snprintf(slot->ready.encoder, sizeof(slot->ready.encoder), "software");
	snprintf(slot->ready.display, sizeof(slot->ready.display), ":99");
	snprintf(slot->ready.browser_version, sizeof(slot->ready.browser_version), "Chrome/142");
	slot->has_session = number < 3;
}

static void add_link(struct tr_snapshot *snapshot, unsigned slot, enum tr_xmpp_link_state state)
{
	struct tr_xmpp_link *link = &snapshot->links[snapshot->link_count++];

	link->connection = snapshot->link_count;
	link->slot = slot;
	snprintf(link->environment, sizeof(link->environment), "meet \"one\\two\"\nthree");
	snprintf(link->entry, sizeof(link->entry), "xmpp.example.org:5222");
	link->state = state;
	link->has_focus = state == TR_XMPP_PRESENT;
	link->reconnects = slot;
}

void sample_snapshot_fill(struct tr_snapshot *snapshot)
{
	memset(snapshot, 0, sizeof(*snapshot));
	snprintf(snapshot->id, sizeof(snapshot->id), "telerec-1");
	snprintf(snapshot->version, sizeof(snapshot->version), "1.2.3");
	snapshot->now_ms = NOW_MS;
	snapshot->started_ms = NOW_MS - 3600000;
	snapshot->is_healthy = true;
	snapshot->recordings_finishing = 2;
	snapshot->disk = (struct tr_snapshot_disk){.path = "/secret/path",
		.state = TR_SNAPSHOT_DISK_LOW,
		.free_bytes = 5000000000,
		.total_bytes = 100000000000,
		.hours_left = 2.5,
		.is_in_memory = true};
	snapshot->counts = (struct tr_snapshot_counts){.started = 10,
		.on = 9,
		.ended = 8,
		.failed = 1,
		.refused_busy = 4,
		.refused = 3,
		.files_made = 7,
		.files_failed = 1,
		.scripts_done = 6,
		.scripts_failed = 2,
		.slot_restarts = 5,
		.stream_failures = 11,
		.frames_grabbed = 12000,
		.frames_encoded = 11000,
		.frames_dropped = 12,
		.bytes_recorded = 900000000,
		.removed_recordings = 13,
		.removed_bytes = 14};
	snapshot->upload_count = 1;
	snapshot->uploads[0] = (struct tr_snapshot_upload){.name = "archive",
		.url = "sftp://nas.example.org/recordings",
		.waiting = 3,
		.running = 1,
		.failing = 2,
		.done = 15,
		.failed_attempts = 16,
		.bytes = 800000000,
		.oldest_ms = NOW_MS - 1800000,
		.problem = "the server does not answer"};
	snapshot->slot_count = 3;
	set_slot(&snapshot->slots[0], 1, "recording");
	set_slot(&snapshot->slots[1], 2, "recording");
	set_slot(&snapshot->slots[2], 3, "idle");
	set_session(&snapshot->slots[0].session, TR_CONTROL_FILE);
	set_session(&snapshot->slots[1].session, TR_CONTROL_STREAM);
	add_stream(&snapshot->slots[1].session, "live.example.org", "streaming");
	add_stream(&snapshot->slots[1].session, "live.example.org", "waiting");
	add_link(snapshot, 1, TR_XMPP_PRESENT);
	add_link(snapshot, 2, TR_XMPP_JOINING);
	add_link(snapshot, 3, TR_XMPP_OFFLINE);
}
