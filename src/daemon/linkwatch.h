/* The control connections: how they are, and an event when that changes (looked at every second,
 * as each connection lives in a thread of its own). */
#ifndef TR_DAEMON_LINKWATCH_H
#define TR_DAEMON_LINKWATCH_H

#include "control/events.h"
#include "control/snapshot.h"
#include "control/xmpp.h"

#include <systemd/sd-event.h>

struct tr_linkwatch;

/* Keeps the connections (NULL: there are none). -errno. */
TR_CHECKED int tr_linkwatch_create(sd_event *event, const struct tr_xmpp *xmpp, tr_event_fn *tell,
	void *user, struct tr_linkwatch **ret_watch);
void tr_linkwatch_destroy(struct tr_linkwatch *watch);

/* Fills in `links`. */
void tr_linkwatch_read(const struct tr_linkwatch *watch, struct tr_snapshot *snapshot);

TR_CLEANUP_DEFINE(struct tr_linkwatch, tr_linkwatch_destroy)

#endif
