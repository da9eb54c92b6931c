/*
 * Makes a kernel with snd-aloop the one that GRUB boots, so that a kernel which does not boot costs
 * nothing but one restart:
 *
 *   use-generic: the kernel is chosen for one boot (next_entry), after which GRUB falls back by
 *	itself, and a panic restarts the machine. The phase is "trial".
 *   boot-ok, in a boot that came up well: it becomes the default. "chosen". In another kernel's
 *boot the trial was lost: "failed", and everything is as before. undo: takes everything back.
 *
 * The admin's files are never touched: the choice is a file of our own, /etc/default/grub.d/
 * zz-telerec.cfg, and what was is kept in /var/lib/telerec-kernel/choice.json. All need root.
 */
#ifndef TR_SYSTEM_KERNEL_CHOICE_H
#define TR_SYSTEM_KERNEL_CHOICE_H

#include "system/kernel.h"
#include "system/kernel_change.h"

#define TR_KERNEL_DROP_IN "/etc/default/grub.d/zz-telerec.cfg"
#define TR_KERNEL_CHOICE "/var/lib/telerec-kernel/choice.json"

enum tr_kernel_phase {
	TR_KERNEL_NOT_CHOSEN,
	TR_KERNEL_TRIAL,
	TR_KERNEL_FAILED,
	TR_KERNEL_CHOSEN,
};

struct tr_kernel_choice {
	enum tr_kernel_phase phase;
	char version[TR_KERNEL_VERSION_MAX];
	char path[TR_GRUB_VALUE_MAX];	/* of its menu entry */
	char before[TR_GRUB_VALUE_MAX]; /* GRUB's default before it */
	char before_version[TR_KERNEL_VERSION_MAX];
	char package[TR_KERNEL_PACKAGE_MAX]; /* that was installed for it, or "" */
	bool is_renewal; /* on trial in the place of one that was chosen, and stays if this fails */
};

struct tr_kernel_wish {
	bool may_install; /* the generic kernel's package, when no installed kernel does */
	bool skips_trial; /* the default at once: where GRUB cannot write */
};

/* Nothing chosen: 0 and TR_KERNEL_NOT_CHOSEN. -EINVAL when the file makes no sense; -errno. */
TR_CHECKED int tr_kernel_read_choice(const char *root, struct tr_kernel_choice *ret_choice);
const char *tr_kernel_phase_name(enum tr_kernel_phase phase); /* "none", "trial", ... */

/*
 * 0 when done, or nothing was to be done; the sentences go to `change`. With `why`: -ENOTSUP where
 * there is no GRUB that we may change (another loader, a container), -ENOENT when no kernel with
 * snd-aloop is installed, -EACCES, -EIO when a tool failed, -EBADMSG when the result does not name
 * the entry. What was changed until then is taken back.
 */
TR_CHECKED int tr_kernel_use_generic(struct tr_change *change, const struct tr_kernel_wish *wish);

TR_CHECKED int tr_kernel_undo(struct tr_change *change);

/* To be called in a boot that came up well. Nothing on trial: 0. -EAGAIN: the trial has yet to be
 * booted; -ECANCELED: it was lost, another kernel runs. */
TR_CHECKED int tr_kernel_boot_ok(struct tr_change *change);

#endif
