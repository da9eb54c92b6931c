/* Writing to a disk (or a file that stands for one) by offset, and believing only what can be read
 * back from it. */
#ifndef TR_SYSTEM_DISK_WRITE_H
#define TR_SYSTEM_DISK_WRITE_H

#include "core/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define TR_DISK_WRITE_HASH 65 /* a SHA-256 in hexadecimal digits, and NUL */

typedef void tr_disk_write_progress_fn(int64_t done, int64_t size, void *user);

/* Bytes of a disk or file; -errno. */
int64_t tr_disk_write_size(int fd);

/* Copies the file to `offset`, syncs, and gives the hash of what was read from the file. Whole
 * sectors are written, the last one filled with zeros. `progress` may be NULL. -errno. */
TR_CHECKED int tr_disk_write_file(int disk, int64_t offset, const char *path,
	char ret_hash[static TR_DISK_WRITE_HASH], tr_disk_write_progress_fn *progress, void *user);

/* Writes zeros, syncs. -errno. */
TR_CHECKED int tr_disk_write_zeros(int disk, int64_t offset, int64_t size);

/* The hash of `size` bytes from `offset`, which come from the disk itself and not from memory. */
TR_CHECKED int tr_disk_write_read_back(int disk, int64_t offset, int64_t size,
	char ret_hash[static TR_DISK_WRITE_HASH], tr_disk_write_progress_fn *progress, void *user);

/* Forgets what memory holds of the disk, after writing out what is dirty. */
void tr_disk_write_forget(int disk);

/* The hash that a list of sha256sum's has for `name`; -ENOENT. */
TR_CHECKED int tr_disk_write_find_hash(
	const char *list, const char *name, char ret_hash[static TR_DISK_WRITE_HASH]);

#endif
