/*
 * The recordings that wait for an upload: of uploads.c, whose turn it is, and uploads_items.c, what
 * is known of each. On the loop's thread.
 */
#ifndef TR_DAEMON_UPLOADS_INTERNAL_H
#define TR_DAEMON_UPLOADS_INTERNAL_H

#include "daemon/uploads.h"
#include "storage/upload.h"
#include "storage/upload_note.h"

struct tr_uploads_item {
	struct tr_uploads_item *next;
	char folder[NAME_MAX + 1];
	char session_id[128];
	char movie[NAME_MAX + 1];
	struct tr_upload_note note;
};

struct tr_uploads_counts {
	uint64_t done, failed_attempts, bytes;
	char problem[512];
};

struct tr_uploads {
	sd_event *event;
	struct tr_uploads_settings settings;
	struct tr_uploads_item *items; /* oldest first */
	struct tr_uploads_item *running_item;
	struct tr_upload_entry *running;
	struct tr_upload *upload;
	sd_event_source *timer;
	bool is_paused;
	struct tr_uploads_counts counts[TR_UPLOAD_TARGETS_MAX];
};

unsigned tr_uploads_target_count(const struct tr_uploads *uploads);
const struct tr_upload_target *tr_uploads_target(const struct tr_uploads *uploads, unsigned index);

/* Its number; -1: one of earlier days. */
int tr_uploads_find_target(const struct tr_uploads *uploads, const char *name);

/* Whether the target, or one of all, does not have it yet. */
bool tr_uploads_is_open(const struct tr_uploads *uploads, const struct tr_upload_entry *entry);
bool tr_uploads_is_complete(const struct tr_uploads *uploads, const struct tr_uploads_item *item);

/* NULL: none. */
struct tr_uploads_item *tr_uploads_find_item(const struct tr_uploads *uploads, const char *folder);

/* As the last one, from the note in its folder. -ENOENT: there is no note, or no folder. */
TR_CHECKED int tr_uploads_add_item(
	struct tr_uploads *uploads, const char *folder, struct tr_uploads_item **ret_item);
void tr_uploads_remove_item(struct tr_uploads *uploads, struct tr_uploads_item *item);

/* Writes the note. -errno. */
TR_CHECKED int tr_uploads_save(struct tr_uploads *uploads, const struct tr_uploads_item *item);

#endif
