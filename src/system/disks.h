/* The disks of this machine and what is on them, as a person must see it before one is erased. */
#ifndef TR_SYSTEM_DISKS_H
#define TR_SYSTEM_DISKS_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define TR_DISKS_MAX 64
#define TR_DISKS_PARTS_MAX 32

struct tr_disk_part {
	char path[64], name[64], label[64], type[32]; /* "" when there is none */
	int64_t bytes;
};

struct tr_disk {
	char path[64]; /* "/dev/sda" */
	char model[96], serial[64];
	char bus[16]; /* "sata", "usb", "nvme", "virtio", or "" */
	int64_t bytes;
	bool is_removable, is_read_only;
	char in_use[160]; /* "it is mounted at /data"; "" when nobody uses it */
	unsigned part_count;
	struct tr_disk_part parts[TR_DISKS_PARTS_MAX]; /* or one file system on the whole disk */
};

struct tr_disks {
	unsigned count;
	struct tr_disk disks[TR_DISKS_MAX];
};

/* Asks lsblk. Optical drives, RAM and loop devices are no disks. -ENOENT without lsblk, -EIO when
 * it fails, -EBADMSG. Some 400 KiB. */
TR_CHECKED int tr_disks_read(struct tr_disks *ret_disks);

/* By path, name ("sda") or a link such as /dev/disk/by-id/...; NULL when there is none. */
const struct tr_disk *tr_disks_find(const struct tr_disks *disks, const char *name);

/* Why the system cannot be put on it, a sentence's end ("it is mounted at /data"), or NULL. */
const char *tr_disks_obstacle(const struct tr_disk *disk);

/* "empty", or what its partitions hold, "ntfs \"Windows\" 80.0 GiB, ...". */
void tr_disks_describe(const struct tr_disk *disk, char *out, size_t size);

/* For scripts: a list. NULL: no memory. */
json_t *tr_disks_to_json(const struct tr_disks *disks);

#endif
