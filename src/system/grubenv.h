/*
 * GRUB's memory (grubenv, a block of 1024 bytes in which values are remembered between boots) and
 * the settings that its menu is generated from (/etc/default/grub and /etc/default/grub.d). Reads
 * only; grub-editenv, grub-reboot and update-grub change them.
 */
#ifndef TR_SYSTEM_GRUBENV_H
#define TR_SYSTEM_GRUBENV_H

#include "core/cleanup.h"

#include <stddef.h>

#define TR_GRUBENV_SIZE 1024
#define TR_GRUB_VALUE_MAX 1024

/* The value of `name` in a grubenv block; "" when it has none. -EINVAL when it is no such block,
 * -ENAMETOOLONG. */
TR_CHECKED int tr_grubenv_get(
	const char *block, size_t size, const char *name, char *out, size_t out_size);

/* The last NAME=VALUE of a settings file, which is shell: quotes go, "$OTHER" stays as written. A
 * file without it leaves `out` as it is. */
void tr_grub_read_setting(const char *text, const char *name, char *out, size_t size);

/* The same over ROOT/etc/default/grub and ROOT/etc/default/grub.d/ *.cfg in their order: "" when
 * nobody sets it. `ret_file` (PATH_MAX bytes, or NULL) tells who did last. */
void tr_grub_find_setting(
	const char *root, const char *name, char *out, size_t size, char *ret_file);

#endif
