/*
 * Server-sent events: bytes in, as they come; whole events out. Pure.
 *
 * An event whose data is longer than 1 MiB is passed over.
 */
#ifndef TR_PROTOCOL_EVENT_STREAM_H
#define TR_PROTOCOL_EVENT_STREAM_H

#include "core/cleanup.h"

#include <stddef.h>

struct tr_event_stream;

/* `type` is "message" when the event has none; `data` is its lines with '\n' between. Both are
 * borrowed for the call. Something else than 0 ends tr_event_stream_feed(). */
typedef int tr_event_stream_fn(const char *type, const char *data, void *user);

/* NULL: no memory. */
struct tr_event_stream *tr_event_stream_create(tr_event_stream_fn *call, void *user);
void tr_event_stream_destroy(struct tr_event_stream *stream);

/* 0, -ENOMEM, or what the function returned: nothing more may be fed then. */
TR_CHECKED int tr_event_stream_feed(struct tr_event_stream *stream, const char *data, size_t size);

TR_CLEANUP_DEFINE(struct tr_event_stream, tr_event_stream_destroy)

#endif
