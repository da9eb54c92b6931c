/* The directory of all recordings: whether it takes another one, and a folder for each session.
 * Calls block as long as the file system does. */
#ifndef TR_DAEMON_RECORDINGS_DIR_H
#define TR_DAEMON_RECORDINGS_DIR_H

#include "core/cleanup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct tr_recordings_dir {
	const char *path; /* kept */
};

/* Whether it can be written. `is_thorough`: by making a file, too; the directory is made when it is
 * missing. -errno; `why` gets a sentence. How full it is: disk_guard.h. */
TR_CHECKED int tr_recordings_dir_check(
	const struct tr_recordings_dir *dir, bool is_thorough, char *why, size_t why_size);

/* Below `media` there are only disks and shares: 0 when one is mounted where `path` is, or when
 * that is elsewhere; -ENODEV when what is written there would be beside it. -errno. */
TR_CHECKED int tr_recordings_dir_find_mount(const char *path, const char *media);

/* Of its file system, in bytes; free: for us. -errno. */
TR_CHECKED int tr_recordings_dir_read_space(
	const struct tr_recordings_dir *dir, int64_t *ret_free, int64_t *ret_total);

/* Makes a new folder, 0750, called as wanted; where that is taken "-2" and so on behind it: an
 * older one is left alone. Gives the name (room for NAME_MAX + 1) and the open descriptor. -errno.
 */
TR_CHECKED int tr_recordings_dir_add(const struct tr_recordings_dir *dir, const char *wanted,
	char *name, size_t name_size, int *ret_folder);

/* Opens an existing one. -errno. */
TR_CHECKED int tr_recordings_dir_open(
	const struct tr_recordings_dir *dir, const char *name, int *ret_folder);

/* Removes it if there is nothing in it. */
void tr_recordings_dir_remove_empty(const struct tr_recordings_dir *dir, const char *name);

#endif
