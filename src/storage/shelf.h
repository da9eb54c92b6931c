/*
 * The recordings directory as a shelf: what stands on it, what is in one folder, and taking one
 * away. Folders without a state.json are none of ours. Links are never followed, and no name leaves
 * its folder.
 *
 * Only what the folders say: whether one is in use just now the caller knows.
 */
#ifndef TR_STORAGE_SHELF_H
#define TR_STORAGE_SHELF_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdbool.h>

/* Keeps what it has read; a folder that has not changed is not read again. */
struct tr_shelf;

TR_CHECKED int tr_shelf_create(const char *recordings, struct tr_shelf **ret_shelf);
void tr_shelf_destroy(struct tr_shelf *shelf);

/* Newest first, an array of {"id" (the folder's name), "session_id", "room", "name", "state",
 * "reason", "file", "bytes", "duration_ms", "created_ms", "grade", "is_finalized",
 * "uploads" (upload_note.h)}. Gives a reference; a missing directory has none. -errno. */
TR_CHECKED int tr_shelf_list(struct tr_shelf *shelf, json_t **ret_list);

/* One of them, with "files" ([{"name", "bytes"}]), "report" and "metadata" (or null; members that
 * may be secrets are left out). -ENOENT, -errno. */
TR_CHECKED int tr_shelf_read(struct tr_shelf *shelf, const char *id, json_t **ret_entry);

/* A file that tr_shelf_read() names, for reading. -ENOENT, -errno. */
TR_CHECKED int tr_shelf_open_file(
	struct tr_shelf *shelf, const char *id, const char *name, int *ret_fd);

/* Removes the folder with all below. -ENOENT, -errno. */
TR_CHECKED int tr_shelf_remove(struct tr_shelf *shelf, const char *id);

/* Whether somebody has written into the folder within the last `seconds`. */
bool tr_shelf_is_fresh(struct tr_shelf *shelf, const char *id, int seconds);

TR_CLEANUP_DEFINE(struct tr_shelf, tr_shelf_destroy)

#endif
