/*
 * The queue of uploads: recordings that are finished and not yet with every target, one transfer at
 * a time, each tried again with growing pauses until it is done. No slot is held by it, and nothing
 * waits for it.
 *
 * What is still to do stands in the recordings' folders (storage/upload_note.h) and is found again
 * after a restart. On the caller's loop.
 */
#ifndef TR_DAEMON_UPLOADS_H
#define TR_DAEMON_UPLOADS_H

#include "config/config.h"
#include "control/events.h"
#include "control/snapshot.h"
#include "daemon/recordings_dir.h"

#include <jansson.h>
#include <systemd/sd-event.h>

struct tr_uploads_settings {
	const struct tr_recordings_dir *dir; /* kept */
	const struct tr_config *config;	     /* kept: storage.uploads; NULL: no targets */
	int64_t pause_ms; /* after the first failure; 0: 1 min; doubles up to 1 h */
	void *user;
	/* Something of it has changed. */
	void (*tell)(void *user, const struct tr_event *event);
	/* It is with all targets; from the loop. */
	void (*taken_over)(void *user, const char *folder);
};

struct tr_uploads;

/* Copies the settings. -errno. */
TR_CHECKED int tr_uploads_create(sd_event *event, const struct tr_uploads_settings *settings,
	struct tr_uploads **ret_uploads);

/* Kills the transfer that runs; it is begun anew after the next start. NULL is fine. */
void tr_uploads_destroy(struct tr_uploads *uploads);

/* Takes up what an earlier run left. */
void tr_uploads_find(struct tr_uploads *uploads);

/* The recording in `folder` is meant for all targets, once tr_uploads_take() says that it is
 * finished: notes that. Said. */
void tr_uploads_expect(struct tr_uploads *uploads, const char *folder);
void tr_uploads_take(struct tr_uploads *uploads, const char *folder);

/* Without waiting for its turn; `target` NULL: to all that do not have it. -ENOENT, -EINVAL, -EBUSY
 * with a sentence. */
TR_CHECKED int tr_uploads_retry(
	struct tr_uploads *uploads, const char *folder, const char *target, char *why, size_t size);

/* While paused nothing goes; what runs is cut off, which is no failure. */
void tr_uploads_pause(struct tr_uploads *uploads, bool is_paused);

/* Whether the folder is being uploaded just now. */
bool tr_uploads_has_folder(const struct tr_uploads *uploads, const char *folder);

/* Into a recording's object with "id" and "uploads": what is newer than the file. */
void tr_uploads_show(const struct tr_uploads *uploads, json_t *recording);

void tr_uploads_read(const struct tr_uploads *uploads, struct tr_snapshot *ret_snapshot);

TR_CLEANUP_DEFINE(struct tr_uploads, tr_uploads_destroy)

#endif
