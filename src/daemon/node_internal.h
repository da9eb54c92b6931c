/*
 * The node's own parts see each other here: node.c (how it is, and its life), node_session.c (what
 * is asked of it), node_message.c (what slots say), node_leftover.c (files that are still to be
 * made), node_view.c (what it shows of itself) and node_operate.c (what operators ask besides).
 */
#ifndef TR_DAEMON_NODE_INTERNAL_H
#define TR_DAEMON_NODE_INTERNAL_H

#include "control/snapshot.h"
#include "daemon/afterwork.h"
#include "daemon/disk_guard.h"
#include "daemon/history.h"
#include "daemon/keeper.h"
#include "daemon/node.h"
#include "daemon/recordings_dir.h"
#include "daemon/uploads.h"
#include "output/target_list.h"
#include "storage/recording.h"

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
	bool has_failed;   /* and that has been told */
	bool is_unheard;   /* nobody is to be told of it any more */
	bool is_stream;	   /* that is what was asked for */
	bool has_file;	   /* it takes room */
	bool has_lost_gpu; /* software encodes it though there is a GPU; said */
	struct tr_disk_guard_rate rate;
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
	struct tr_snapshot_session view; /* but for what stands above */
	sd_event_source *start_timer, *usage_timer;
};

struct preview {
	struct tr_node_waiter *waiters; /* oldest first */
	sd_event_source *timer;
	bool is_asked;	  /* the slot, for the first one's */
	int64_t asked_ns; /* last */
	void *jpeg;	  /* the last one, or NULL */
	size_t size;
	unsigned width;
	int64_t taken_ns;
};

struct place {
	struct preview preview;
	struct session *session; /* NULL: none */
	sd_event_source *hold_timer;
	bool is_held;	 /* busy for a while after a failure */
	bool is_expired; /* single use, and used */
	bool was_told;	 /* its presence, as follows */
	bool was_busy, was_healthy;
	enum tr_slotlife_state last_state; /* that was told as an event */
};

/* A recording whose files are still to be made, with no slot at it. */
struct unfinished {
	struct unfinished *next;
	char session_id[160];
	char folder[NAME_MAX + 1];
	int64_t not_before_ns;
	int64_t more_than_bytes; /* must be free: so much was too little */
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
	struct tr_snapshot_disk disk;
	struct tr_disk_guard guard;
	struct tr_keeper *keeper;
	struct tr_uploads *uploads;
	int64_t made_room_ns; /* when the keeper was asked for it last */
	int economy;	      /* that the slots were told */
	struct tr_snapshot_counts counts;
	struct tr_history *history;
	int64_t started_ms;	       /* wall clock */
	struct unfinished *unfinished; /* oldest first */
	uint64_t unfinished_job;       /* of one that a slot is at; 0: none */
	uint64_t last_own_job;
	struct capacity {
		unsigned offered;      /* slots that may record at a time */
		unsigned gpu_sessions; /* that the GPUs can encode, as measured */
		bool has_lost_gpu;     /* they failed in a recording, and were not tried since */
		int64_t pause_ms;      /* until they are */
		sd_event_source *timer;
	} capacity;
	bool is_draining, is_shutting_down, has_left;
	bool is_staying; /* it drains, but does not leave */
	int exit_code;
	char description[300];
	unsigned slot_count;
	struct place places[]; /* slot 1 is the first */
};

/* ---- node.c ---- */

struct place *tr_node_place(struct tr_node *node, unsigned slot);
bool tr_node_is_free(struct tr_node *node, unsigned slot);
void tr_node_read_slot(struct tr_node *node, unsigned slot, struct tr_control_presence *presence);

/* Tells what has changed: the node in a line; that and every slot's presence. */
void tr_node_describe(struct tr_node *node);
void tr_node_publish_all(struct tr_node *node);

void tr_node_leave_if_done(struct tr_node *node);

/* Replaces `*source`. */
TR_CHECKED int tr_node_add_timer(struct tr_node *node, sd_event_source **source, int64_t after_ms,
	sd_event_time_handler_t handler, void *user);

/* Jicofo looks for another recorder right after a failure, and must not find the same one. */
void tr_node_hold(struct tr_node *node, unsigned slot);

/* ---- node_session.c ---- */

/* For the table of actions. */
enum tr_control_answer tr_node_start(
	void *user, const struct tr_control_start *request, char *why, size_t why_size);
bool tr_node_stop(void *user, unsigned slot, const char *session_id);
void tr_node_lost(void *user, unsigned connection);
void tr_node_orphaned(void *user, unsigned slot, const char *session_id);

/* 0 when no slot can take it. */
unsigned tr_node_choose_slot(struct tr_node *node, unsigned wanted);

/* To who started it; as one that another node may take on; ends it. */
void tr_node_tell_status(struct session *session, enum tr_control_status status, bool should_retry);
void tr_node_tell_failure(struct session *session, enum tr_reason reason);
void tr_node_end_session(struct session *session, const char *why);
void tr_node_free_session(struct session *session);

/* ---- node_message.c ---- */

/* What a slot says, see supervisor.h. */
void tr_node_on_message(unsigned slot, uint64_t job, const struct tr_message *message, void *user);

/* Files and script of the session in `folder` are through; `script` NULL: none ran. */
void tr_node_on_over(const char *session_id, const char *folder,
	const struct tr_finalize_result *script, void *user);

/* ---- node_disk.c ---- */

TR_CHECKED int tr_node_open_disk(struct tr_node *node);

/* Notes what became of the recordings directory since the last look; makes room by the rules. */
void tr_node_check_dir(struct tr_node *node, bool is_thorough);

/* The same from what a slot sees, which costs nothing; tells it when something has changed. */
void tr_node_disk_progress(struct session *session, const struct tr_message_progress *progress);

/* A session's process has (re)started: it does not know yet how it must save. */
void tr_node_economize(struct session *session);

/* Until the next look; shorter while the disk fills fast. */
int64_t tr_node_disk_pause_ms(const struct tr_node *node);

/* The session in this folder is over; its script, if there was one, has taken it over, or not. */
void tr_node_disk_over(struct tr_node *node, const char *folder, bool is_taken_over);

/* ---- node_capacity.c ---- */

/* Before anything is known of encoders. */
void tr_node_open_capacity(struct tr_node *node);

/* What a slot has found; what a running recording says of its encoder. */
void tr_node_on_encoders(const char *found, void *user);
void tr_node_note_encoder(struct session *session, const char *encoder);

/* As many record as this machine can carry. */
bool tr_node_is_full(const struct tr_node *node);

/* ---- node_uploads.c ---- */

TR_CHECKED int tr_node_open_uploads(struct tr_node *node);

/* When sessions come and go: nothing goes while something is recorded, if that is the rule. */
void tr_node_pause_uploads(struct tr_node *node);

/* Files and script of the recording in this folder are through: its uploads' turn comes. */
void tr_node_over_uploads(struct tr_node *node, const char *folder, bool is_taken_by_script);

/* ---- node_preview.c ---- */

void tr_node_on_picture(
	unsigned slot, const struct tr_message_picture *picture, int fd, void *user);

/* Whoever waits for a picture of the slot's gets `rc`. */
void tr_node_end_previews(struct tr_node *node, unsigned slot, int rc);

/* ---- node_view.c ---- */

/* Tells it whoever listens; what is NULL becomes "". */
void tr_node_tell(struct tr_node *node, struct tr_event event);
void tr_node_tell_session(const struct session *session, enum tr_event_type type,
	const struct tr_message *message, const char *sentence);

/* The beginnings of an event. */
struct tr_event tr_node_session_event(const struct session *session, enum tr_event_type type);
struct tr_event tr_node_history_event(
	const struct tr_history_entry *entry, enum tr_event_type type);

/* ---- node_leftover.c ---- */

/* The job's files are there; they cannot be made (now). */
void tr_node_files_made(struct tr_node *node, uint64_t job);
void tr_node_files_failed(
	struct tr_node *node, uint64_t job, const struct tr_message_failed *failed);

/* Gives the next recording without files to a slot; one at a time, and recordings that are wanted
 * now go first. */
void tr_node_finish_next(struct tr_node *node);

/* Files or script of a recording that nobody is at are still to come. -ENOMEM. */
TR_CHECKED int tr_node_take_up(
	struct tr_node *node, const struct tr_recording *recording, const char *folder);

/* Finds what an earlier run left. Only folders with the node's own note: others may just be
 * recorded to, by telerec(1). */
void tr_node_find_leftovers(struct tr_node *node);
void tr_node_free_leftovers(struct tr_node *node);

#endif
