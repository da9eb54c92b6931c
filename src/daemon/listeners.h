/* Those who hear what happens on the node (control/events.h): live events, metrics, webhooks. Told
 * one after the other, in the order in which they came. */
#ifndef TR_DAEMON_LISTENERS_H
#define TR_DAEMON_LISTENERS_H

#include "control/events.h"

#define TR_LISTENERS_MAX 8

/* Starts as {0}. */
struct tr_listeners {
	unsigned count;
	struct {
		tr_event_fn *hear;
		void *user;
	} all[TR_LISTENERS_MAX];
};

/* Keeps `user`. More than TR_LISTENERS_MAX is a fault of the program. */
void tr_listeners_add(struct tr_listeners *listeners, tr_event_fn *hear, void *user);

/* No more events for this one. */
void tr_listeners_remove(struct tr_listeners *listeners, const void *user);

/* A tr_event_fn: tells all of them. */
void tr_listeners_tell(const struct tr_event *event, void *listeners);

#endif
