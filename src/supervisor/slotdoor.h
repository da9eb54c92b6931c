/*
 * The socket at which a slot process that the service manager started reports for duty. One slot,
 * one door; it is open only while the slot has no process, so a second one waits outside.
 *
 * Who comes is checked by the kernel's word (SO_PEERCRED): root, our own user, or at N.sock the
 * user telerec-slot-N.
 */
#ifndef TR_SUPERVISOR_SLOTDOOR_H
#define TR_SUPERVISOR_SLOTDOOR_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

struct tr_slotdoor;

/* Gives the connection. */
typedef void tr_slotdoor_enter_fn(int fd, pid_t pid, uid_t uid, void *user);

/* Listens at `path`, closed at first; an old socket there is replaced. -errno; said. */
TR_CHECKED int tr_slotdoor_create(sd_event *event, const char *path, tr_slotdoor_enter_fn *enter,
	void *user, struct tr_slotdoor **ret_door);

/* With the door open `enter` comes from the loop, and closes it. */
void tr_slotdoor_open(struct tr_slotdoor *door);
void tr_slotdoor_close(struct tr_slotdoor *door);

/* Removes the socket. NULL is fine. */
void tr_slotdoor_destroy(struct tr_slotdoor *door);

TR_CLEANUP_DEFINE(struct tr_slotdoor, tr_slotdoor_destroy)

#endif
