/* Parts that snapshots and events share. */
#ifndef TR_CONTROL_SNAPSHOT_JSON_INTERNAL_H
#define TR_CONTROL_SNAPSHOT_JSON_INTERNAL_H

#include "control/snapshot_json.h"

/* "file", "stream". */
const char *tr_snapshot_json_kind(enum tr_control_kind kind);

json_t *tr_snapshot_json_meeting(const struct tr_message_meeting *meeting);
json_t *tr_snapshot_json_progress(const struct tr_message_progress *progress, int64_t ms);
json_t *tr_snapshot_json_stream(const struct tr_message_stream *stream);

#endif
