/*
 * The DevTools pipe: JSON messages with a NUL byte behind each, both ways over one stream socket
 * (the browser has it as its descriptors 3 and 4). Nothing here waits; what cannot be written now
 * is kept, bounded.
 */
#ifndef TR_BROWSER_CDP_PIPE_H
#define TR_BROWSER_CDP_PIPE_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#define TR_CDP_PIPE_LIMIT ((size_t)16 << 20) /* bytes of one message, and of what waits to go */

/* `text` has a NUL behind its `length` bytes and lives for the call. */
typedef void (*tr_cdp_pipe_message_fn)(const char *text, size_t length, void *user);

/* The other end has gone: -EPIPE, or the -errno that ended it. Comes once. */
typedef void (*tr_cdp_pipe_closed_fn)(int rc, void *user);

/* Cuts a stream of bytes into messages. Start zeroed with `limit` set. */
struct tr_cdp_framer {
	size_t limit;
	char *bytes;
	size_t used, capacity;
	bool is_skipping; /* inside a message above the limit */
	unsigned dropped; /* such messages until now */
};

/* Calls `fn` for every message that `bytes` completes. A message above the limit is dropped and
 * counted, and the stream goes on behind it. -ENOMEM. */
TR_CHECKED int tr_cdp_pipe_feed(struct tr_cdp_framer *framer, const void *bytes, size_t size,
	tr_cdp_pipe_message_fn fn, void *user);
void tr_cdp_pipe_release(struct tr_cdp_framer *framer);

struct tr_cdp_pipe;

/* Takes `fd`, also when it fails. The functions are called from the event loop and must not close
 * the pipe. */
TR_CHECKED int tr_cdp_pipe_open(sd_event *event, int fd, tr_cdp_pipe_message_fn on_message,
	tr_cdp_pipe_closed_fn on_closed, void *user, struct tr_cdp_pipe **ret_pipe);
void tr_cdp_pipe_close(struct tr_cdp_pipe *pipe);

/* Sends or keeps the message. -ENOBUFS when too much waits already, -EPIPE after the end. */
TR_CHECKED int tr_cdp_pipe_send(struct tr_cdp_pipe *pipe, const char *text, size_t length);

TR_CLEANUP_DEFINE(struct tr_cdp_pipe, tr_cdp_pipe_close)

#endif
