/* Snapshots and events as the node API shows them; conf/openapi.yaml names the members. All give a
 * new object, NULL without memory. */
#ifndef TR_CONTROL_SNAPSHOT_JSON_H
#define TR_CONTROL_SNAPSHOT_JSON_H

#include "control/events.h"
#include "control/snapshot.h"

#include <jansson.h>

json_t *tr_snapshot_json_node(const struct tr_snapshot *snapshot);

/* With its session, or null. */
json_t *tr_snapshot_json_slot(const struct tr_snapshot_slot *slot);

/* Of a slot that has one. */
json_t *tr_snapshot_json_session(const struct tr_snapshot_slot *slot);

/* `ms`: when it happened. */
json_t *tr_event_json_make(const struct tr_event *event, int64_t ms);

#endif
