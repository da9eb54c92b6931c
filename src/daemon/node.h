/*
 * The node: its slots, the sessions in them, and the answers to what control asks (actions.h).
 *
 * Fills the table of actions, tells control what becomes of each session, and drives the
 * supervisor. Everything happens on the loop and returns at once; what is told to the outside may
 * be told from within an action.
 */
#ifndef TR_DAEMON_NODE_H
#define TR_DAEMON_NODE_H

#include "config/config.h"
#include "control/actions.h"
#include "control/events.h"
#include "control/node_api.h"
#include "control/snapshot.h"
#include "daemon/history.h"
#include "supervisor/supervisor.h"
#include "system/capacity.h"

#define TR_NODE_EXIT_STAY_DOWN                                                                     \
	255 /* wins over any other: the service manager starts it not again */

/* Zero means the default where one is named. All is copied but the rules. */
struct tr_node_settings {
	struct tr_supervisor_settings supervisor;
	const char *recordings;
	bool is_single_use;
	bool is_capacity_measured;  /* offer fewer slots than there are when that is what it can do
				     */
	struct tr_capacity machine; /* for that; cores 0: the one we run on */
	bool stop_on_control_loss;
	struct tr_message_start request; /* of every recording: quality, times, hosts; filled up */
	const struct tr_config *rules;	 /* of streams and rooms; kept */
	bool is_host_list_strict;	 /* no meeting elsewhere than on request.hosts */
	const char *finalize_script;	 /* "": none */
	int64_t finalize_timeout_ms;
	unsigned finalize_attempts;
	unsigned finalize_parallel; /* 2 */
	int64_t start_ms;	    /* 60 s: from the request to the first fragment on disk */
	int64_t hold_ms;	    /* 5 s: a slot is kept busy after a failure */
	int64_t check_ms;	    /* 30 s: between looks at the recordings directory */
	int64_t shut_down_ms;	    /* 90 s: for sessions to end */
	int64_t low_disk_bytes;	    /* see disk_guard.h: its reserve ... */
	int low_disk_percent;
	int64_t low_disk_ms; /* ... and its warning */
};

/* Where the node's words go. */
struct tr_node_outside {
	void *user;
	void (*set_presence)(void *user, unsigned slot, bool is_busy, bool is_healthy);
	void (*send_status)(void *user, const struct tr_control_origin *origin,
		const char *session_id, enum tr_control_status status, bool should_retry);
	/* A session was accepted; it is over with its files and script. */
	void (*began)(void *user, const char *session_id);
	void (*over)(void *user, const char *session_id);
	void (*describe)(
		void *user, const char *sentence); /* the node in one line, when it changes */
	void (*exit)(void *user, int exit_code);   /* everything has ended: leave */
	tr_event_fn *tell;			   /* all that happens; NULL: nobody listens */
	/* A line that a slot which we started has logged; NULL: they log where we do. */
	void (*log)(void *user, unsigned slot, const char *line);
};

struct tr_node;

/* Starts the slots, and takes up what an earlier run left in the recordings directory. A directory
 * that cannot be written is no error: the slots are unhealthy until it can be. -errno. */
TR_CHECKED int tr_node_create(sd_event *event, const struct tr_node_settings *settings,
	const struct tr_node_outside *outside, struct tr_node **ret_node);

/* Ends the slots; scripts that run are killed. NULL is fine. */
void tr_node_destroy(struct tr_node *node);

/* For control; lives as long as the node. */
const struct tr_control_actions *tr_node_actions(struct tr_node *node);

/* Tells the presence of every slot again. */
void tr_node_publish(struct tr_node *node);

/* How everything is; without the links. */
void tr_node_read(struct tr_node *node, struct tr_snapshot *ret_snapshot);

/* Ends all sessions, as failed ones that another node may take on, waits for them a while and then
 * exits; once more: exits at once. */
void tr_node_shut_down(struct tr_node *node, int exit_code);

/* Exits when nothing runs any more; nothing new starts. */
void tr_node_drain(struct tr_node *node, int exit_code);

/* Whether something new may start; with `is_leaving` as tr_node_drain(). */
void tr_node_set_drain(struct tr_node *node, bool is_on, bool is_leaving);

/* A GPU has come or gone: a slot looks what there is to encode with. */
void tr_node_look_for_encoders(struct tr_node *node);

/* Ends the slot's process; another comes. -ENOENT, -EBUSY while it records or makes files, -errno,
 * with a sentence. */
TR_CHECKED int tr_node_restart_slot(struct tr_node *node, unsigned slot, char *why, size_t size);

/* Whether the folder is recorded to, or its files or script are still to come. */
bool tr_node_uses_folder(const struct tr_node *node, const char *folder);

/* Makes the files of a recording, or when they are there runs its script, once more. -EBUSY,
 * -ENOENT, -errno, with a sentence. */
TR_CHECKED int tr_node_finish_again(
	struct tr_node *node, const char *folder, char *why, size_t size);

/* Uploads a recording now, see control/node_api.h. */
TR_CHECKED int tr_node_upload_again(
	struct tr_node *node, const char *folder, const char *target, char *why, size_t size);

/* Whether it is being uploaded just now; puts how far that is into a recording's object. */
bool tr_node_uploads_folder(const struct tr_node *node, const char *folder);
void tr_node_show_uploads(const struct tr_node *node, json_t *recording);

/* See control/node_api.h: -ENOENT for no such slot, -ENODATA while it shows nothing, -ETIMEDOUT,
 * -EBUSY when too many wait. */
void tr_node_preview(struct tr_node *node, unsigned slot, unsigned width,
	tr_node_api_preview_fn *done, void *user);

/* The sessions that ended, the newest is index 0; NULL behind the last. */
const struct tr_history_entry *tr_node_history(const struct tr_node *node, unsigned index);

TR_CLEANUP_DEFINE(struct tr_node, tr_node_destroy)

#endif
