/*
 * A meeting for stream tests: 25 pictures a second with a key picture each two seconds, and sound,
 * really encoded and in real time, pushed to any number of streams from a thread.
 */
#ifndef TR_TESTS_OUTPUT_LIVE_SOURCE_H
#define TR_TESTS_OUTPUT_LIVE_SOURCE_H

#include "output/stream.h"

#define LIVE_RATE 25

struct live_source;

struct live_source *live_source_create(void);
void live_source_destroy(struct live_source *source);

/* The stream settings that fit; the URL and the hooks are the caller's to fill in. */
struct tr_stream_settings live_source_settings(struct live_source *source, const char *url);

/* Packets go to the stream until it is removed. */
void live_source_add(struct live_source *source, struct tr_stream *stream);
void live_source_remove(struct live_source *source, struct tr_stream *stream);

/* The next picture is a key picture. A tr_stream_request_key_fn. */
void live_source_request_key(void *source);

unsigned live_source_keys_requested(struct live_source *source);

/* No key pictures but those asked for (and the first). */
void live_source_stop_regular_keys(struct live_source *source);

#endif
