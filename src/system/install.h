/*
 * Puts the system of a medium (the stick that is booted) on a disk: table, slot A, boot files for
 * BIOS and UEFI, data. What makes the disk boot is written last, so that an install that was cut
 * off leaves a disk that does not pretend to be one.
 *
 * The medium's folder "live" holds root.squashfs, boot.squashfs (kernel and initrd),
 * bios/boot.img, bios/core.img, esp/ and SHA256SUMS. Tools: sgdisk, mkfs.vfat, mcopy, mkfs.ext4.
 */
#ifndef TR_SYSTEM_INSTALL_H
#define TR_SYSTEM_INSTALL_H

#include "core/cleanup.h"

#include <stdbool.h>

#define TR_INSTALL_MEDIUM "/run/telerec-image/medium"
#define TR_INSTALL_DATA "/data"

struct tr_install_wish {
	const char *disk;   /* path of the disk; a file that stands for one will do */
	const char *medium; /* folder in which "live" is */
	const char *data;   /* folder whose settings go to the new disk; NULL: none */
	bool keeps_data;    /* the data partition stays as it is */
};

/* A step begins, or goes on: percent 0 to 100 of the step. Borrowed words. */
typedef void tr_install_tell_fn(const char *step, int percent, void *user);

struct tr_install_result {
	bool is_touched; /* something was written: the disk's old contents are gone */
	char why[768];	 /* the sentence when it failed */
};

/*
 * -ENOENT: the medium has no system, or a tool is missing; -EBUSY: somebody uses the disk; -EINVAL:
 * the disk is too small, or has no data to keep; -EBADMSG: what was read back is not what was
 * written; -EIO when a tool failed, -errno. All but is_touched say it in `why`.
 */
TR_CHECKED int tr_install_run(const struct tr_install_wish *wish, tr_install_tell_fn *tell,
	void *user, struct tr_install_result *ret_result);

/* True when at the data's place of this disk lies a file system with our label. */
bool tr_install_finds_data(const char *disk);

#endif
