/*
 * What is left of a session when its recording has stopped: its files are made by a slot, then the
 * operator's script runs; a few scripts at a time, in the order in which the files were complete.
 * No slot is held by it.
 *
 * A note in the folder (storage/leftovers.h) stands until all is done, so that what is cut off is
 * taken up at the next start. On the caller's loop.
 */
#ifndef TR_DAEMON_AFTERWORK_H
#define TR_DAEMON_AFTERWORK_H

#include "daemon/recordings_dir.h"
#include "storage/finalize.h"

#include <systemd/sd-event.h>

struct tr_afterwork_settings {
	const struct tr_recordings_dir *dir; /* kept */
	const char *script;		     /* copied; "": none */
	int64_t timeout_ms;
	unsigned attempts;
	unsigned parallel; /* scripts at a time */
};

/* All is done for the session in `folder`; from the loop, or from within the two below. `script` is
 * what became of its script, NULL when none ran. */
typedef void tr_afterwork_over_fn(const char *session_id, const char *folder,
	const struct tr_finalize_result *script, void *user);

struct tr_afterwork;

TR_CHECKED int tr_afterwork_create(sd_event *event, const struct tr_afterwork_settings *settings,
	tr_afterwork_over_fn *over, void *user, struct tr_afterwork **ret_work);

/* Kills the scripts that run; the notes stay. NULL is fine. */
void tr_afterwork_destroy(struct tr_afterwork *work);

/* The supervisor's job makes the files of the session in `folder` (its name). -ENOMEM. */
TR_CHECKED int tr_afterwork_expect(
	struct tr_afterwork *work, uint64_t job, const char *session_id, const char *folder);

/* It has: the script's turn comes. */
void tr_afterwork_files_made(struct tr_afterwork *work, uint64_t job);

/* It could not, and there is nothing for a script: the note stays, the next start tries again. */
void tr_afterwork_give_up(struct tr_afterwork *work, uint64_t job);

/* The name of the job's folder while its files are made; NULL for a job that is none. */
const char *tr_afterwork_folder(const struct tr_afterwork *work, uint64_t job);

/* Whether a session in this folder is not over. */
bool tr_afterwork_has_folder(const struct tr_afterwork *work, const char *folder);

/* A session in this folder is not over. */
bool tr_afterwork_holds(const struct tr_afterwork *work, const char *folder);

/* Sessions that are not over. */
unsigned tr_afterwork_count(const struct tr_afterwork *work);

TR_CLEANUP_DEFINE(struct tr_afterwork, tr_afterwork_destroy)

#endif
