/* A loopback sound card for each slot, now and at each boot; and away again. */
#ifndef TR_SYSTEM_ALOOP_SETUP_H
#define TR_SYSTEM_ALOOP_SETUP_H

#include "system/kernel.h"
#include "system/kernel_change.h"

#define TR_ALOOP_MODPROBE "/etc/modprobe.d/telerec-aloop.conf"
#define TR_ALOOP_LOAD "/etc/modules-load.d/telerec-aloop.conf"

/* Writes both files and loads the module; 0 when the cards are there. With `why`: -ENOTSUP in a
 * container or when this kernel has no snd-aloop, -EPERM when modprobe.d forbids it, -EBUSY when it
 * is in use with fewer cards (it comes right at the next boot), -EACCES, -EIO, -ENODEV. */
TR_CHECKED int tr_aloop_set_up(
	struct tr_change *change, const struct tr_kernel_status *status, unsigned slots);

/* Removes the two files; the cards stay until the next boot. `*ret_was_there` may be NULL. */
TR_CHECKED int tr_aloop_take_down(struct tr_change *change, bool *ret_was_there);

#endif
