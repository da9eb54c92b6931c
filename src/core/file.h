/* Files below an open folder: whole reads, replacing writes, space left. No path is ever resolved
 * from the working directory unless the caller passes AT_FDCWD. */
#ifndef TR_CORE_FILE_H
#define TR_CORE_FILE_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Writes under another name, syncs, renames, syncs the folder: a reader sees the old or the new
 * file, also after a power cut. -errno. */
TR_CHECKED int tr_file_replace(int dirfd, const char *name, const void *data, size_t size);

/* The same for what may hold secrets: readable by its owner only, or in a folder that a group
 * shares (it may write there, others may not even look) by that group. */
TR_CHECKED int tr_file_replace_private(int dirfd, const char *name, const void *data, size_t size);

/* Gives the file's bytes with a NUL behind them. -EFBIG above `limit`; -errno. */
TR_CHECKED int tr_file_read(
	int dirfd, const char *name, size_t limit, char **ret, size_t *ret_size);

/* Creates `path` and what is missing above it. An existing folder is fine. -errno. */
TR_CHECKED int tr_file_make_folders(const char *path, mode_t mode);

/* Bytes that an ordinary user may still write on the file system of `dirfd`; -errno. */
int64_t tr_file_free_bytes(int dirfd);

/* What is there is lost when the machine is switched off. */
bool tr_file_is_in_memory(const char *path);

/* All of `size`, whatever write() takes at a time. -errno. */
TR_CHECKED int tr_file_write_all(int fd, const void *data, size_t size);

/* Removes `path` and all below it; never follows links, never leaves the file system it is on.
 * Best effort: 0 or the first -errno. */
int tr_file_remove_tree(const char *path);

#endif
