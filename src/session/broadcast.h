/*
 * The streams of one recording: opens a target for each that was asked for, hands every packet to
 * all of them, and says when none is left.
 *
 * tr_broadcast_push() comes from the threads that make packets; everything else from the owner's
 * thread. The hooks come from the streams' threads, under a lock: they must not wait, nor call
 * anything here.
 */
#ifndef TR_SESSION_BROADCAST_H
#define TR_SESSION_BROADCAST_H

#include "output/stream.h"

#include <jansson.h>

#define TR_BROADCAST_MAX 8

struct tr_broadcast;

struct tr_broadcast_settings {
	const char *targets;		  /* JSON array of {"name", "url"}; the URLs are secrets */
	struct tr_stream_settings stream; /* of each; its url, hooks and user are filled in */

	/* A target could go on with a key picture now. */
	void (*request_key)(void *user);
	/* Each target has ended for good; `was_refused`: by its server. The sentence is
	 * the last one's. Once. */
	void (*on_none_left)(bool was_refused, const char *sentence, void *user);
	void *user;
};

struct tr_broadcast_target {
	char name[160]; /* as asked for, or what may be shown of its URL */
	struct tr_stream_status status;
};

/* Borrows the settings. -EINVAL (said) for targets that are none or too many; -errno. */
TR_CHECKED int tr_broadcast_open(
	const struct tr_broadcast_settings *settings, struct tr_broadcast **ret_broadcast);

/* Borrows the packet; never waits. */
void tr_broadcast_push(struct tr_broadcast *broadcast, struct tr_packet *packet);

unsigned tr_broadcast_count(const struct tr_broadcast *broadcast);
void tr_broadcast_read(
	struct tr_broadcast *broadcast, unsigned index, struct tr_broadcast_target *ret_target);

/* At least one target is or was connected. */
bool tr_broadcast_was_connected(struct tr_broadcast *broadcast);

/* Takes no more packets, calls no hook any more; what is queued goes out until close. */
void tr_broadcast_end(struct tr_broadcast *broadcast);

/* Waits until all is sent or the time for it is over (seconds), frees. With `ret_report` a JSON
 * array of how each fared, without secrets, or NULL. NULL is fine. */
void tr_broadcast_close(struct tr_broadcast *broadcast, json_t **ret_report);

#endif
