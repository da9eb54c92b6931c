/* Notices when a GPU comes or goes, by udev's word; /dev/dri itself is hidden from telerecd. */
#ifndef TR_DAEMON_GPUWATCH_H
#define TR_DAEMON_GPUWATCH_H

#include "core/cleanup.h"

#include <systemd/sd-event.h>

struct tr_gpuwatch;

/* `changed` is called from the loop, once for a device that comes with several events. Keeps the
 * loop. -errno where there is no udev to listen to. */
TR_CHECKED int tr_gpuwatch_create(
	sd_event *event, void (*changed)(void *user), void *user, struct tr_gpuwatch **ret_watch);
void tr_gpuwatch_destroy(struct tr_gpuwatch *watch); /* NULL is fine */

TR_CLEANUP_DEFINE(struct tr_gpuwatch, tr_gpuwatch_destroy)

#endif
