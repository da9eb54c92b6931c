#include "control/metrics.h"

#include "control/metrics_text_internal.h"
#include "control/metrics_uploads_internal.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum kind { KIND_BOOL, KIND_INT, KIND_UNSIGNED, KIND_INT64, KIND_UINT64, KIND_DOUBLE };

/* One family of series: a member of a struct, times `scale`. */
struct row {
	const char *name;
	const char *type;
	const char *help;
	const char *labels; /* further ones, or NULL: a family goes on in the next row */
	size_t offset;
	enum kind kind;
	double scale;
};

#define KIND_OF(holder, member)                                                                    \
	_Generic(((struct holder *)0)->member, bool                                                \
		 : KIND_BOOL, int                                                                  \
		 : KIND_INT, unsigned                                                              \
		 : KIND_UNSIGNED, int64_t                                                          \
		 : KIND_INT64, uint64_t                                                            \
		 : KIND_UINT64, double                                                             \
		 : KIND_DOUBLE)
#define ROW(type_, name_, labels_, holder, member, scale_, help_)                                  \
	{                                                                                          \
		.name = name_, .type = type_, .help = help_, .labels = labels_,                    \
		.offset = offsetof(struct holder, member), .kind = KIND_OF(holder, member),        \
		.scale = scale_                                                                    \
	}
#define GAUGE(...) ROW("gauge", __VA_ARGS__)
#define COUNTER(...) ROW("counter", __VA_ARGS__)

#define MS 1e-3
#define KBPS 125.0 /* bytes a second in one */

static const struct row node_rows[] = {
	GAUGE("telerec_start_time_seconds", NULL, tr_snapshot, started_ms, MS,
		"When telerecd was started, since 1970."),
	GAUGE("telerec_healthy", NULL, tr_snapshot, is_healthy, 1,
		"Whether at least one slot can record."),
	GAUGE("telerec_draining", NULL, tr_snapshot, is_draining, 1,
		"Whether nothing new starts because the node is to end."),
	GAUGE("telerec_slots", NULL, tr_snapshot, slot_count, 1, "How many slots there are."),
	GAUGE("telerec_recordings_finishing", NULL, tr_snapshot, recordings_finishing, 1,
		"Recordings whose files or finalize script are not through."),
	GAUGE("telerec_disk_free_bytes", NULL, tr_snapshot, disk.free_bytes, 1,
		"Free space for recordings."),
	GAUGE("telerec_disk_size_bytes", NULL, tr_snapshot, disk.total_bytes, 1,
		"Size of the file system that holds the recordings."),
	COUNTER("telerec_sessions_started_total", NULL, tr_snapshot, counts.started, 1,
		"Sessions that were accepted."),
	COUNTER("telerec_sessions_on_total", NULL, tr_snapshot, counts.on, 1,
		"Sessions that got as far as pictures and sound on the disk, or with a server."),
	COUNTER("telerec_sessions_ended_total", NULL, tr_snapshot, counts.ended, 1,
		"Sessions that ended, well or not."),
	COUNTER("telerec_sessions_failed_total", NULL, tr_snapshot, counts.failed, 1,
		"Sessions that ended by a failure."),
	COUNTER("telerec_starts_refused_total", "cause=\"busy\"", tr_snapshot, counts.refused_busy,
		1, "Starts that were refused."),
	COUNTER("telerec_starts_refused_total", "cause=\"other\"", tr_snapshot, counts.refused, 1,
		NULL),
	COUNTER("telerec_files_total", "result=\"made\"", tr_snapshot, counts.files_made, 1,
		"Recordings whose files were made, or could not be."),
	COUNTER("telerec_files_total", "result=\"failed\"", tr_snapshot, counts.files_failed, 1,
		NULL),
	COUNTER("telerec_finalize_scripts_total", "result=\"done\"", tr_snapshot,
		counts.scripts_done, 1, "Finalize scripts that ended."),
	COUNTER("telerec_finalize_scripts_total", "result=\"failed\"", tr_snapshot,
		counts.scripts_failed, 1, NULL),
	COUNTER("telerec_slot_restarts_total", NULL, tr_snapshot, counts.slot_restarts, 1,
		"Slot processes that were started again."),
	COUNTER("telerec_stream_failures_total", NULL, tr_snapshot, counts.stream_failures, 1,
		"Streams that a server refused or that broke off."),
	COUNTER("telerec_frames_total", "stage=\"grabbed\"", tr_snapshot, counts.frames_grabbed, 1,
		"Pictures of the sessions that have ended."),
	COUNTER("telerec_frames_total", "stage=\"encoded\"", tr_snapshot, counts.frames_encoded, 1,
		NULL),
	COUNTER("telerec_frames_total", "stage=\"dropped\"", tr_snapshot, counts.frames_dropped, 1,
		NULL),
	COUNTER("telerec_recorded_bytes_total", NULL, tr_snapshot, counts.bytes_recorded, 1,
		"Bytes of the recordings that have ended."),
	COUNTER("telerec_removed_recordings_total", NULL, tr_snapshot, counts.removed_recordings, 1,
		"Recordings that were removed by the rules of keeping."),
	COUNTER("telerec_removed_bytes_total", NULL, tr_snapshot, counts.removed_bytes, 1,
		"Bytes of these."),
	GAUGE("jitsi_jibri_healthy", NULL, tr_snapshot, is_healthy, 1,
		"As telerec_healthy, by Jibri's name."),
	COUNTER("jitsi_jibri_sessions_started_total", NULL, tr_snapshot, counts.started, 1,
		"As telerec_sessions_started_total, by Jibri's name."),
	COUNTER("jitsi_jibri_sessions_stopped_total", NULL, tr_snapshot, counts.ended, 1,
		"As telerec_sessions_ended_total, by Jibri's name."),
	COUNTER("jitsi_jibri_errors_total", NULL, tr_snapshot, counts.failed, 1,
		"As telerec_sessions_failed_total, by Jibri's name."),
	COUNTER("jitsi_jibri_busy_total", NULL, tr_snapshot, counts.refused_busy, 1,
		"Starts refused as busy, by Jibri's name."),
};

static const struct row slot_rows[] = {
	GAUGE("telerec_slot_healthy", NULL, tr_snapshot_slot, is_healthy, 1,
		"Whether the slot can record."),
	GAUGE("telerec_slot_busy", NULL, tr_snapshot_slot, is_busy, 1,
		"Whether the slot takes no recording now."),
	GAUGE("telerec_slot_held", NULL, tr_snapshot_slot, is_held, 1,
		"Whether the slot rests after a failure."),
	COUNTER("telerec_slot_starts_total", NULL, tr_snapshot_slot, starts, 1,
		"Starts of the slot's process."),
	GAUGE("telerec_slot_recording", NULL, tr_snapshot_slot, has_session, 1,
		"Whether the slot has a session."),
};

/* While a session is on. */
static const struct row session_rows[] = {
	GAUGE("telerec_slot_recorded_seconds", NULL, tr_snapshot_session, progress.time_ms, MS,
		"How long the slot's session has recorded."),
	COUNTER("telerec_slot_recorded_bytes_total", NULL, tr_snapshot_session, progress.bytes, 1,
		"Bytes of the slot's session on the disk."),
	COUNTER("telerec_slot_frames_grabbed_total", NULL, tr_snapshot_session,
		progress.frames_grabbed, 1, "Pictures taken from the slot's screen."),
	COUNTER("telerec_slot_frames_encoded_total", NULL, tr_snapshot_session,
		progress.frames_encoded, 1, "Pictures that were encoded."),
	COUNTER("telerec_slot_frames_dropped_total", NULL, tr_snapshot_session,
		progress.frames_dropped, 1,
		"Changes of the screen that no picture shows because the encoder was busy."),
	GAUGE("telerec_slot_video_bytes_per_second", NULL, tr_snapshot_session, progress.video_kbps,
		KBPS, "Rate of the encoded pictures, of late."),
	COUNTER("telerec_slot_encoder_restarts_total", NULL, tr_snapshot_session,
		progress.encoder_restarts, 1, "Encoders that died in the middle of the session."),
	GAUGE("telerec_slot_sound_peak_dbfs", NULL, tr_snapshot_session, progress.peak_db, 1,
		"Loudest sample of late, in dB of full scale; -200 is silence."),
	GAUGE("telerec_slot_sound_rms_dbfs", NULL, tr_snapshot_session, progress.rms_db, 1,
		"Mean level of the sound of late, in dB of full scale; -200 is silence."),
	GAUGE("telerec_slot_sound_drift_ppm", NULL, tr_snapshot_session, progress.drift_ppm, 1,
		"How much faster the sound card's clock is than ours, in parts of a million."),
	COUNTER("telerec_slot_sound_gap_seconds_total", NULL, tr_snapshot_session,
		progress.sound_gap_ms, MS, "Holes in the sound, filled with silence."),
	GAUGE("telerec_slot_meeting_joined", NULL, tr_snapshot_session, meeting.is_joined, 1,
		"Whether the page is in its meeting."),
	GAUGE("telerec_slot_meeting_connected", NULL, tr_snapshot_session, meeting.is_connected, 1,
		"Whether the page has a connection to the meeting's bridge."),
	GAUGE("telerec_slot_meeting_participants", NULL, tr_snapshot_session, meeting.participants,
		1, "The other participants of the meeting."),
	GAUGE("telerec_slot_meeting_muted", NULL, tr_snapshot_session, meeting.muted, 1,
		"Those of them that send neither picture nor sound."),
	GAUGE("telerec_slot_meeting_download_bytes_per_second", NULL, tr_snapshot_session,
		meeting.download_kbps, KBPS, "What the page receives of the meeting."),
};

static const struct row stream_rows[] = {
	GAUGE("telerec_stream_bytes_per_second", NULL, tr_message_stream, kbps, KBPS,
		"What the server takes, of late."),
	GAUGE("telerec_stream_queued_seconds", NULL, tr_message_stream, queued_ms, MS,
		"What waits to be sent."),
	COUNTER("telerec_stream_reconnects_total", NULL, tr_message_stream, reconnects, 1,
		"Times that the stream was begun again."),
	COUNTER("telerec_stream_dropped_pictures_total", NULL, tr_message_stream, dropped, 1,
		"Pictures that the server did not get."),
	COUNTER("telerec_stream_sent_bytes_total", NULL, tr_message_stream, bytes, 1,
		"Bytes that the server took."),
};

static const struct row link_rows[] = {
	GAUGE("telerec_link_focus", NULL, tr_xmpp_link, has_focus, 1,
		"Whether Jicofo is in the brewery."),
	COUNTER("telerec_link_reconnects_total", NULL, tr_xmpp_link, reconnects, 1,
		"Connections to the server after the first."),
};

/* ---- members ---- */

static double read_member(const void *holder, const struct row *row)
{
	const void *at = (const char *)holder + row->offset;

	switch (row->kind) {
	case KIND_BOOL:
		return *(const bool *)at;
	case KIND_INT:
		return *(const int *)at * row->scale;
	case KIND_UNSIGNED:
		return *(const unsigned *)at * row->scale;
	case KIND_INT64:
		return (double)*(const int64_t *)at * row->scale;
	case KIND_UINT64:
		return (double)*(const uint64_t *)at * row->scale;
	case KIND_DOUBLE:
		return *(const double *)at * row->scale;
	}
	return 0;
}

static void label_slot(char *labels, const struct tr_snapshot_slot *slot)
{
	labels[0] = '\0';
	tr_metrics_text_add_number(labels, "slot", slot->number);
}

static void label_stream(char *labels, const struct tr_snapshot_slot *slot, unsigned index)
{
	label_slot(labels, slot);
	tr_metrics_text_add_number(labels, "stream", index + 1);
	tr_metrics_text_add_label(labels, "target", slot->session.streams[index].name);
}

static void label_link(char *labels, const struct tr_xmpp_link *link)
{
	labels[0] = '\0';
	tr_metrics_text_add_number(labels, "slot", link->slot);
	tr_metrics_text_add_number(labels, "connection", link->connection);
	tr_metrics_text_add_label(labels, "environment", link->environment);
	tr_metrics_text_add_label(labels, "server", link->entry);
}

/* ---- the node ---- */

static void print_build(FILE *out, const struct tr_snapshot *snapshot, char *labels)
{
	labels[0] = '\0';
	tr_metrics_text_add_label(labels, "id", snapshot->id);
	tr_metrics_text_add_label(labels, "version", snapshot->version);
	tr_metrics_text_head(
		out, "telerec_build_info", "gauge", "The node's name and version; always 1.");
	tr_metrics_text_sample(out, "telerec_build_info", labels, 1);
}

static void print_node(FILE *out, const struct tr_snapshot *snapshot, char *labels)
{
	print_build(out, snapshot, labels);
	for (size_t i = 0; i < TR_COUNT(node_rows); i++) {
		const struct row *row = &node_rows[i];
		if (row->help)
			tr_metrics_text_head(out, row->name, row->type, row->help);
		tr_metrics_text_sample(out, row->name, row->labels, read_member(snapshot, row));
	}
	tr_metrics_text_head(out, "telerec_disk_state", "gauge",
		"1 for what the recordings' file system is: fine, low, full or lost.");
	for (unsigned i = TR_SNAPSHOT_DISK_FINE; i <= TR_SNAPSHOT_DISK_LOST; i++)
		tr_metrics_text_flag(out, "telerec_disk_state", "", tr_snapshot_disk_name(i),
			tr_snapshot_disk_name(snapshot->disk.state));
	if (snapshot->disk.hours_left < 0)
		return;
	tr_metrics_text_head(out, "telerec_disk_recording_left_seconds", "gauge",
		"How long one more recording would find space, by the rates of late.");
	tr_metrics_text_sample(
		out, "telerec_disk_recording_left_seconds", NULL, snapshot->disk.hours_left * 3600);
}

/* ---- slots ---- */

static void print_slot_words(FILE *out, const struct tr_snapshot *snapshot, char *labels)
{
	tr_metrics_text_head(out, "telerec_slot_state", "gauge",
		"1 for the state that the slot is in; others are left out.");
	for (unsigned i = 0; i < snapshot->slot_count; i++) {
		label_slot(labels, &snapshot->slots[i]);
		tr_metrics_text_add_label(labels, "state", snapshot->slots[i].state);
		tr_metrics_text_sample(out, "telerec_slot_state", labels, 1);
	}
	tr_metrics_text_head(
		out, "telerec_slot_info", "gauge", "What the slot works with; always 1.");
	for (unsigned i = 0; i < snapshot->slot_count; i++) {
		const struct tr_message_ready *ready = &snapshot->slots[i].ready;
		label_slot(labels, &snapshot->slots[i]);
		tr_metrics_text_add_label(labels, "sound", ready->sound);
		tr_metrics_text_add_label(labels, "encoder", ready->encoder);
		tr_metrics_text_add_label(labels, "browser", ready->browser_version);
		tr_metrics_text_sample(out, "telerec_slot_info", labels, 1);
	}
}

static unsigned count_busy(const struct tr_snapshot *snapshot)
{
	unsigned count = 0;

	for (unsigned i = 0; i < snapshot->slot_count; i++)
		count += snapshot->slots[i].is_busy;
	return count;
}

static void print_slots(FILE *out, const struct tr_snapshot *snapshot, char *labels)
{
	for (size_t i = 0; i < TR_COUNT(slot_rows); i++) {
		tr_metrics_text_head(out, slot_rows[i].name, slot_rows[i].type, slot_rows[i].help);
		for (unsigned j = 0; j < snapshot->slot_count; j++) {
			label_slot(labels, &snapshot->slots[j]);
			tr_metrics_text_sample(out, slot_rows[i].name, labels,
				read_member(&snapshot->slots[j], &slot_rows[i]));
		}
	}
	print_slot_words(out, snapshot, labels);
	tr_metrics_text_head(out, "jitsi_jibri_recording", "gauge",
		"Whether every slot is busy, which is what Jicofo sees of a Jibri.");
	tr_metrics_text_sample(out, "jitsi_jibri_recording", NULL,
		snapshot->slot_count > 0 && count_busy(snapshot) == snapshot->slot_count);
}

/* ---- sessions ---- */

static bool is_on(const struct tr_snapshot_slot *slot)
{
	return slot->has_session && slot->session.progress_ms > 0;
}

static void print_session_words(FILE *out, const struct tr_snapshot *snapshot, char *labels)
{
	tr_metrics_text_head(out, "telerec_slot_session", "gauge",
		"1 for a session: what kind it is, how far it is, who asked for it.");
	for (unsigned i = 0; i < snapshot->slot_count; i++) {
		const struct tr_snapshot_slot *slot = &snapshot->slots[i];
		if (!slot->has_session)
			continue;
		label_slot(labels, slot);
		tr_metrics_text_add_label(labels, "kind",
			slot->session.kind == TR_CONTROL_STREAM ? "stream" : "file");
		tr_metrics_text_add_label(
			labels, "phase", tr_snapshot_phase_name(slot->session.phase));
		tr_metrics_text_add_label(labels, "environment", slot->session.environment);
		tr_metrics_text_sample(out, "telerec_slot_session", labels, 1);
	}
	tr_metrics_text_head(out, "telerec_slot_progress_age_seconds", "gauge",
		"Since when the slot's session has not said how it is; more than 2 is odd.");
	for (unsigned i = 0; i < snapshot->slot_count; i++) {
		const struct tr_snapshot_slot *slot = &snapshot->slots[i];
		if (!is_on(slot))
			continue;
		label_slot(labels, slot);
		tr_metrics_text_sample(out, "telerec_slot_progress_age_seconds", labels,
			(double)(snapshot->now_ms - slot->session.progress_ms) * MS);
	}
}

static void print_sessions(FILE *out, const struct tr_snapshot *snapshot, char *labels)
{
	print_session_words(out, snapshot, labels);
	for (size_t i = 0; i < TR_COUNT(session_rows); i++) {
		const struct row *row = &session_rows[i];
		tr_metrics_text_head(out, row->name, row->type, row->help);
		for (unsigned j = 0; j < snapshot->slot_count; j++) {
			if (!is_on(&snapshot->slots[j]))
				continue;
			label_slot(labels, &snapshot->slots[j]);
			tr_metrics_text_sample(out, row->name, labels,
				read_member(&snapshot->slots[j].session, row));
		}
	}
}

/* ---- streams ---- */

typedef double read_stream_fn(const struct tr_message_stream *stream, const struct row *row);

static double read_stream(const struct tr_message_stream *stream, const struct row *row)
{
	return read_member(stream, row);
}

static double read_stream_up(const struct tr_message_stream *stream, const struct row *row)
{
	(void)row;
	return !strcmp(stream->state, "streaming");
}

static void print_stream_row(FILE *out, const struct tr_snapshot *snapshot, char *labels,
	const struct row *row, read_stream_fn *read)
{
	tr_metrics_text_head(out, row->name, row->type, row->help);
	for (unsigned i = 0; i < snapshot->slot_count; i++) {
		const struct tr_snapshot_slot *slot = &snapshot->slots[i];
		for (unsigned j = 0; slot->has_session && j < slot->session.stream_count; j++) {
			label_stream(labels, slot, j);
			tr_metrics_text_sample(
				out, row->name, labels, read(&slot->session.streams[j], row));
		}
	}
}

static void print_streams(FILE *out, const struct tr_snapshot *snapshot, char *labels)
{
	static const struct row up = {.name = "telerec_stream_up",
		.type = "gauge",
		.help = "Whether the server takes the stream."};

	print_stream_row(out, snapshot, labels, &up, read_stream_up);
	for (size_t i = 0; i < TR_COUNT(stream_rows); i++)
		print_stream_row(out, snapshot, labels, &stream_rows[i], read_stream);
}

/* ---- control connections ---- */

static void print_link_state(FILE *out, const struct tr_snapshot *snapshot, char *labels,
	const char *name, const char *help, enum tr_xmpp_link_state least)
{
	tr_metrics_text_head(out, name, "gauge", help);
	for (unsigned i = 0; i < snapshot->link_count; i++) {
		label_link(labels, &snapshot->links[i]);
		tr_metrics_text_sample(out, name, labels, snapshot->links[i].state >= least);
	}
}

static void print_links(FILE *out, const struct tr_snapshot *snapshot, char *labels)
{
	unsigned reconnects = 0;

	print_link_state(out, snapshot, labels, "telerec_link_connected",
		"Whether the slot is logged in at the XMPP server.", TR_XMPP_JOINING);
	print_link_state(out, snapshot, labels, "telerec_link_present",
		"Whether the slot is in its brewery.", TR_XMPP_PRESENT);
	for (size_t i = 0; i < TR_COUNT(link_rows); i++) {
		tr_metrics_text_head(out, link_rows[i].name, link_rows[i].type, link_rows[i].help);
		for (unsigned j = 0; j < snapshot->link_count; j++) {
			label_link(labels, &snapshot->links[j]);
			tr_metrics_text_sample(out, link_rows[i].name, labels,
				read_member(&snapshot->links[j], &link_rows[i]));
		}
	}
	for (unsigned i = 0; i < snapshot->link_count; i++)
		reconnects += snapshot->links[i].reconnects;
	tr_metrics_text_head(out, "jitsi_jibri_xmpp_reconnecting_total", "counter",
		"All of telerec_link_reconnects_total, by Jibri's name.");
	tr_metrics_text_sample(out, "jitsi_jibri_xmpp_reconnecting_total", NULL, reconnects);
}

int tr_metrics_print(const struct tr_snapshot *snapshot, char **ret_text)
{
	TR_CLEANUP(tr_freep) char *labels = malloc(TR_METRICS_LABELS_MAX);
	char *text = NULL;
	size_t size = 0;
	FILE *out = labels ? open_memstream(&text, &size) : NULL;

	if (!out)
		return -ENOMEM;
	print_node(out, snapshot, labels);
	print_slots(out, snapshot, labels);
	print_sessions(out, snapshot, labels);
	print_streams(out, snapshot, labels);
	print_links(out, snapshot, labels);
	tr_metrics_uploads_print(out, snapshot, labels);
	bool is_whole = !ferror(out);
	if (fclose(out) != 0 || !is_whole) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}
