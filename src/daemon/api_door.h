/*
 * The node API of this daemon: the socket and the port, what stands behind them, and the log book.
 * A door that cannot be opened is said and left closed: recordings matter more.
 */
#ifndef TR_DAEMON_API_DOOR_H
#define TR_DAEMON_API_DOOR_H

#include "daemon/api_source.h"

struct tr_api_door;

/* Keeps the settings' parts. -ENOMEM, -errno. */
TR_CHECKED int tr_api_door_open(sd_event *event, const struct tr_api_source_settings *settings,
	struct tr_api_door **ret_door);
void tr_api_door_close(struct tr_api_door *door); /* NULL is fine */

/* A tr_event_fn: to those who listen at the API. */
void tr_api_door_tell(const struct tr_event *event, void *door);

TR_CLEANUP_DEFINE(struct tr_api_door, tr_api_door_close)

#endif
