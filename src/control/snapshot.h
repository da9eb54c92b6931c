/*
 * The node as the outside may see it at one moment: what the node API, /metrics and StatsD are made
 * from. A value without pointers and without secrets; large (some 200 KiB): allocate it.
 *
 * Times are wall clock in ms since 1970, 0 for "not yet".
 */
#ifndef TR_CONTROL_SNAPSHOT_H
#define TR_CONTROL_SNAPSHOT_H

#include "control/actions.h"
#include "control/xmpp.h"
#include "protocol/message.h"

#define TR_SNAPSHOT_SLOTS_MAX 16
#define TR_SNAPSHOT_STREAMS_MAX 8
#define TR_SNAPSHOT_LINKS_MAX 256
#define TR_SNAPSHOT_UPLOADS_MAX 4

enum tr_snapshot_phase {
	TR_SNAPSHOT_PENDING, /* accepted; nothing on the disk yet */
	TR_SNAPSHOT_ON,
	TR_SNAPSHOT_ENDING,
};

struct tr_snapshot_session {
	char id[128];
	char folder[NAME_MAX + 1]; /* its name in the recordings directory */
	char room[3072];	   /* JID; "" when it was not said */
	char name[TR_MESSAGE_NAME_MAX];
	char environment[512];
	enum tr_control_kind kind;
	enum tr_snapshot_phase phase;
	int64_t accepted_ms, on_ms;
	struct tr_message_meeting meeting;
	struct tr_message_progress progress;
	int64_t progress_ms; /* when it came */
	unsigned stream_count;
	struct tr_message_stream streams[TR_SNAPSHOT_STREAMS_MAX];
	char warning[512]; /* the last one, or "" */
};

struct tr_snapshot_slot {
	unsigned number;
	char state[32]; /* as in the supervisor's table: "starting", "idle", "recording", ... */
	bool is_busy, is_healthy, is_held;
	char problem[512];
	struct tr_message_ready ready; /* as it said last */
	unsigned starts;	       /* of its process */
	bool has_session;
	struct tr_snapshot_session session;
};

enum tr_snapshot_disk_state {
	TR_SNAPSHOT_DISK_FINE,
	TR_SNAPSHOT_DISK_LOW,  /* warned; recordings start all the same */
	TR_SNAPSHOT_DISK_FULL, /* none starts, running ones cost less */
	TR_SNAPSHOT_DISK_LOST, /* it cannot be written */
};

struct tr_snapshot_disk {
	char path[PATH_MAX];
	enum tr_snapshot_disk_state state;
	char problem[512];
	int64_t free_bytes, total_bytes;
	double hours_left; /* of one recording, by the rates of late; negative: unknown */
	bool is_in_memory; /* what is there is lost when the machine is switched off */
};

/* Since the daemon's start. */
struct tr_snapshot_counts {
	uint64_t started, on, ended, failed, refused_busy, refused;
	uint64_t files_made, files_failed;
	uint64_t scripts_done, scripts_failed;
	uint64_t slot_restarts, stream_failures;
	uint64_t frames_grabbed, frames_encoded, frames_dropped; /* of ended sessions */
	uint64_t bytes_recorded;
	uint64_t removed_recordings, removed_bytes; /* by the rules of keeping */
};

/* A target of uploads: how many recordings are on their way, and what went since the start. */
struct tr_snapshot_upload {
	char name[64];
	char url[1024];			    /* without a user */
	unsigned waiting, running, failing; /* failing: it is tried again later */
	uint64_t done, failed_attempts, bytes;
	int64_t oldest_ms; /* since when the one that is longest on its way is; 0: none */
	char problem[512]; /* of the last attempt, or "" */
};

struct tr_snapshot {
	char id[160];
	char version[32];
	int64_t started_ms, now_ms;
	bool is_draining;
	bool is_healthy; /* as one Jibri */
	char problem[512];
	unsigned recordings_finishing;
	struct tr_snapshot_disk disk;
	struct tr_snapshot_counts counts;
	unsigned slot_count;
	struct tr_snapshot_slot slots[TR_SNAPSHOT_SLOTS_MAX];
	unsigned link_count;
	struct tr_xmpp_link links[TR_SNAPSHOT_LINKS_MAX];
	unsigned upload_count;
	struct tr_snapshot_upload uploads[TR_SNAPSHOT_UPLOADS_MAX];
};

/* "pending", "on", "ending"; "fine", "low", "full", "lost"; "offline", "connecting", "joining",
 * "present". */
const char *tr_snapshot_phase_name(enum tr_snapshot_phase phase);
const char *tr_snapshot_disk_name(enum tr_snapshot_disk_state state);
const char *tr_snapshot_link_name(enum tr_xmpp_link_state state);

#endif
