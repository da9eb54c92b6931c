/*
 * A disk that is attached, for recordings: its label says so (TELEREC-REC...), by that it is
 * mounted below /run/media/telerec whenever it is there, and a folder on it belongs to the
 * service's user. Every step is a tr_change, so it can be shown first. Needs root.
 */
#ifndef TR_SYSTEM_DISK_RECORDINGS_H
#define TR_SYSTEM_DISK_RECORDINGS_H

#include "system/disks.h"
#include "system/kernel_change.h"

#include <limits.h>

#define TR_DISK_RECORDINGS_LABEL "TELEREC-REC"

/* What stands in the way of recordings on it, a sentence's end ("it holds vfat, ..."), or NULL.
 * `mounted`: where it is now, or "". */
const char *tr_disk_recordings_obstacle(const struct tr_disk_part *part, const char *mounted);

/* Where a device is mounted by the mounts below `root`; "" when it is not. */
void tr_disk_recordings_mounted(const char *root, const char *device, char *out, size_t size);

/* Labels and mounts the file system on `device` ("/dev/sdb1"), what is on it stays. Gives the
 * folder for the setting `recordings`. -EINVAL, -ENOENT, -EBUSY, -EIO with `why`. */
TR_CHECKED int tr_disk_recordings_use(
	struct tr_change *change, const char *device, char ret_folder[static PATH_MAX]);

/* Makes an empty file system on it: ALL THAT IS ON IT IS LOST. For a partition, or a disk without
 * any, that nobody uses. -EBUSY, -ENOENT, -EIO with `why`. */
TR_CHECKED int tr_disk_recordings_format(struct tr_change *change, const char *device);

#endif
