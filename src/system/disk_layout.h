/*
 * How the appliance's disk is cut up. The places are fixed, so that everything is written by its
 * offset in the whole disk: no partition's device has to appear, and a file is as good as a disk.
 *
 * The last one, the data, goes to the disk's end.
 */
#ifndef TR_SYSTEM_DISK_LAYOUT_H
#define TR_SYSTEM_DISK_LAYOUT_H

#include "core/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define TR_MIB ((int64_t)1 << 20)
#define TR_DISK_LAYOUT_MIN_BYTES (4900 * TR_MIB)
#define TR_DISK_LAYOUT_TAIL_BYTES TR_MIB /* left free for the second copy of the table */
#define TR_DISK_LAYOUT_GRUBENV 1024

enum tr_disk_layout_part {
	TR_PART_BIOS_BOOT,
	TR_PART_ESP,
	TR_PART_BOOT_A,
	TR_PART_ROOT_A,
	TR_PART_BOOT_B,
	TR_PART_ROOT_B,
	TR_PART_DATA,
	TR_PART_COUNT,
};

struct tr_disk_layout_place {
	const char *name; /* of the partition */
	const char *type; /* sgdisk's code */
	int64_t offset;	  /* in bytes, as is the size; size 0: to the end */
	int64_t size;
};

const struct tr_disk_layout_place *tr_disk_layout_get(enum tr_disk_layout_part part);

/* Bytes of the data partition on a disk of this size. */
int64_t tr_disk_layout_data_bytes(int64_t disk_bytes);

/* The command that writes the table, in sectors of this size: gives a list that ends with NULL.
 * tr_disk_layout_free_command() it. -ENOMEM. */
TR_CHECKED int tr_disk_layout_command(
	const char *disk, int64_t disk_bytes, int sector_bytes, char ***ret_argv);
void tr_disk_layout_free_command(char **argv);

/* GRUB's memory of a new disk: slot A is there, and proved; there is no slot B. */
void tr_disk_layout_grubenv(char out[static TR_DISK_LAYOUT_GRUBENV]);

#endif
