/*
 * The node API: /v1/... (JSON) and /metrics, on a Unix socket, on loopback TCP when switched on,
 * and elsewhere only with TLS and a token. conf/openapi.yaml tells every path and member.
 *
 * The API asks the daemon by a table of functions and knows no other room. All functions are the
 * loop's and none waits.
 */
#ifndef TR_CONTROL_NODE_API_H
#define TR_CONTROL_NODE_API_H

#include "control/actions.h"
#include "control/events.h"
#include "control/snapshot.h"

#include <jansson.h>
#include <systemd/sd-event.h>

struct tr_node_api_settings {
	const char *socket_path; /* "": none. Its folder exists; a stale one is replaced */
	unsigned socket_mode;	 /* 0660 */
	const char *bind;	 /* for TCP */
	int port;		 /* 0: any free one; -1: off */
	const char *name;	 /* of this machine, by which clients may call it; "": none */
	const char *token; /* a secret of 16 bytes or more, asked for over TCP; "": none, which
			      only loopback and the socket allow */
	const char *certificate_file, *key_file; /* PEM; "": no TLS, which only loopback allows */
	int heartbeat_ms;			 /* between comments to listeners; 0: 15 s */
};

/* A picture of what a slot shows: a JPEG of `size` bytes, or NULL with -errno in `rc` (-ENODATA: it
 * shows nothing now). */
typedef void tr_node_api_preview_fn(const void *jpeg, size_t size, int rc, void *user);

/* What the daemon does for it. `ret_json` functions give a new reference; errors are -errno with a
 * sentence in `why` (-ENOENT: 404, -EINVAL: 400, -EBUSY, -ENODATA: 409, -EACCES, -EPERM, -EROFS:
 * 403, -ENOSPC: 507, -ETIMEDOUT: 504, others: 500). A NULL function is answered with 501.
 *
 * Of the objects given, exactly the members named here get out, others are left out; a missing one
 * (or one of a wrong type) is shown as "", 0 or false, a missing object as null. */
struct tr_node_api_source {
	void *user;
	const struct tr_control_actions *actions;
	void (*read)(void *user, struct tr_snapshot *ret_snapshot);

	/* {"url", "session_id"?, "room"?, "kind"?: "file"|"stream", "stream"?, "view_url"?,
	 * "slot"?, "for"?, "environment"?, "url_parameters"?, "metadata"?: {}} -> {"session_id",
	 * "slot"}; also TR_CONTROL_BUSY as -EBUSY. The types are checked, and unknown members
	 * refused, before. "for" is a duration such as "1h"; "stream" a name of the configuration
	 * or a URL. */
	int (*start)(void *user, const json_t *request, json_t **ret_json, char *why, size_t size);
	void (*set_drain)(void *user, bool is_on, bool is_leaving); /* leaving: end when idle */
	int (*restart_slot)(void *user, unsigned slot, char *why, size_t size);

	/* The last hundred that ended, newest first (those that run are in the snapshot):
	 * [{"session_id", "slot", "folder", "room", "name", "environment", "kind", "accepted_ms",
	 * "on_ms", "ended_ms", "is_failure", "reason" (its name), "sentence", "warning", "file",
	 * "grade", "bytes", "duration_ms", "is_over" (files and script are through)}]. */
	int (*list_sessions)(void *user, json_t **ret_json);

	/* All, newest first: [{"id" (the folder's name), "session_id", "room", "name", "state":
	 * "recording"|"finishing"|"done"|"failed", "reason", "file", "bytes", "duration_ms",
	 * "created_ms", "grade", "is_finalized", "uploads": [{"name", "state": "waiting"|"running"|
	 * "done"|"failed", "bytes", "total", "attempts", "error", "next_try_ms"}]}]. Searched and
	 * cut here. */
	int (*list_recordings)(void *user, json_t **ret_json);
	/* The same with "files": [{"name", "bytes"}], "report" and "metadata" (no tokens). */
	int (*read_recording)(
		void *user, const char *id, json_t **ret_json, char *why, size_t size);
	/* Read only, of a regular file. Neither has a slash or begins with a dot. */
	int (*open_file)(void *user, const char *id, const char *name, int *ret_fd);
	int (*remove_recording)(void *user, const char *id, char *why, size_t size);
	int (*finish_recording)(void *user, const char *id, char *why, size_t size); /* once more */
	/* Now, and from the start; to one target, or with NULL to all that it has not reached. */
	int (*upload_recording)(
		void *user, const char *id, const char *target, char *why, size_t size);

	/* {"path", "text" (of the file, without values of secrets), "settings": {} (all keys as
	 * they are in effect, without secrets)}; a file's text checked ({"complaints": [""],
	 * "warnings": [""]}), and, unless `is_check` or there are complaints, written. */
	int (*read_config)(void *user, json_t **ret_json);
	int (*write_config)(void *user, const char *text, bool is_check, json_t **ret_json,
		char *why, size_t size);

	/* Lines of the log, oldest first: [{"ms", "level": "error"|"warning"|"info"|"debug",
	 * "area", "slot", "session_id", "text"}]. "" and 0 for no filter; `level` is one of enum
	 * tr_log_level, with all above it; at most the last `limit`. */
	int (*read_log)(void *user, const char *session_id, unsigned slot, int level,
		int64_t since_ms, unsigned limit, json_t **ret_json);

	/* Calls `done` once, maybe from within. */
	void (*preview)(void *user, unsigned slot, unsigned width, tr_node_api_preview_fn *done,
		void *done_user);
};

struct tr_node_api;

/* Borrows the settings; keeps the source. -EADDRINUSE, -EACCES, -EINVAL (an address that is open to
 * others without TLS or token), ..., said. */
TR_CHECKED int tr_node_api_create(sd_event *event, const struct tr_node_api_settings *settings,
	const struct tr_node_api_source *source, struct tr_node_api **ret_api);
void tr_node_api_destroy(struct tr_node_api *api);

/* To all clients of /v1/events; a tr_event_fn. Slow ones lose events, and are told how many. */
void tr_node_api_tell(const struct tr_event *event, void *api);

int tr_node_api_port(const struct tr_node_api *api); /* -1: none */

TR_CLEANUP_DEFINE(struct tr_node_api, tr_node_api_destroy)

#endif
