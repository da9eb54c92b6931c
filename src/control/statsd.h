/*
 * Counts for a StatsD server over UDP, by Jibri's names with DogStatsD's tags:
 * "jibri.start:1|c|#recording".
 *
 * Unlike Jibri's, streams are tagged as such when they end, and every failure counts. A server that
 * is away costs nothing: what cannot be sent at once is lost. Names are looked up in a thread of
 * the C library's, again every few minutes.
 */
#ifndef TR_CONTROL_STATSD_H
#define TR_CONTROL_STATSD_H

#include "control/events.h"

struct tr_statsd;

/* Copies the host: a name or an address. -errno, said. */
TR_CHECKED int tr_statsd_create(const char *host, int port, struct tr_statsd **ret_statsd);
void tr_statsd_destroy(struct tr_statsd *statsd); /* NULL is fine */

/* A tr_event_fn. Never waits. */
void tr_statsd_tell(const struct tr_event *event, void *statsd);

TR_CLEANUP_DEFINE(struct tr_statsd, tr_statsd_destroy)

#endif
