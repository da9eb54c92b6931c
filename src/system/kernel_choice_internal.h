/* The steps that choosing a kernel and settling on it share. All say what went wrong in `why`. */
#ifndef TR_SYSTEM_KERNEL_CHOICE_INTERNAL_H
#define TR_SYSTEM_KERNEL_CHOICE_INTERNAL_H

#include "system/kernel_choice.h"

/* Writes the choice down. */
TR_CHECKED int tr_kernel_choice_remember(
	struct tr_change *change, const struct tr_kernel_choice *choice);

/* Our file among GRUB's settings, as the phase wants it. */
TR_CHECKED int tr_kernel_choice_write_drop_in(
	struct tr_change *change, const struct tr_kernel_choice *choice);

TR_CHECKED int tr_kernel_choice_update_grub(struct tr_change *change);

/* -EBADMSG when GRUB's menu and memory do not say what the choice says. */
TR_CHECKED int tr_kernel_choice_verify(
	struct tr_change *change, const struct tr_kernel_choice *choice);

/* After a trial that was lost, or could not be begun: the settings are as before it. */
TR_CHECKED int tr_kernel_choice_give_back(
	struct tr_change *change, const struct tr_kernel_choice *choice);

#endif
