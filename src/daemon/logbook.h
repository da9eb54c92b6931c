/*
 * The last lines of the log, for people who ask over the node API: our own and those of the slots
 * that we started. Bounded: the oldest go. Under the service manager it is the journal that is
 * read, which has all units' lines, and the book only when that cannot be.
 */
#ifndef TR_DAEMON_LOGBOOK_H
#define TR_DAEMON_LOGBOOK_H

#include "daemon/logline.h"

#include <jansson.h>

#define TR_LOGBOOK_LINES 2000

struct tr_logbook;

/* Hears all that is logged from now on, see core/log.h; one at a time. -ENOMEM. */
TR_CHECKED int tr_logbook_create(struct tr_logbook **ret_book);
void tr_logbook_destroy(struct tr_logbook *book);

/* A line that a slot wrote. */
void tr_logbook_add(struct tr_logbook *book, unsigned slot, const char *raw);

/* The lines that fit, oldest first, as control/node_api.h has them. Any thread. -errno. */
TR_CHECKED int tr_logbook_read(
	const struct tr_logbook *book, const struct tr_logline_filter *filter, json_t **ret_lines);

TR_CLEANUP_DEFINE(struct tr_logbook, tr_logbook_destroy)

#endif
