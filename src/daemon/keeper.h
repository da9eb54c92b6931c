/*
 * Removes recordings by the operator's rules (storage.keep): now and then, when a session is over,
 * and when one could not start for lack of room. Without rules it does nothing.
 *
 * On the caller's loop; the folder of a long recording may take a moment to go, so between two
 * the loop turns, but where room is needed at once.
 */
#ifndef TR_DAEMON_KEEPER_H
#define TR_DAEMON_KEEPER_H

#include "config/config.h"
#include "daemon/recordings_dir.h"
#include "storage/holdings.h"
#include "storage/keeping.h"

#include <systemd/sd-event.h>

struct tr_keeper_settings {
	const struct tr_recordings_dir *dir; /* kept */
	const struct tr_config *rules;	     /* kept: storage.keep */
	int64_t interval_ms;		     /* 0: 1 h */
	void *user;
	/* The session in this folder runs, or is not over. */
	bool (*is_in_use)(void *user, const char *folder);
	/* It is gone; it has been logged. */
	void (*removed)(void *user, const struct tr_holding *holding);
};

struct tr_keeper;

/* Copies the settings. -ENOMEM, -errno. */
TR_CHECKED int tr_keeper_create(
	sd_event *event, const struct tr_keeper_settings *settings, struct tr_keeper **ret_keeper);
void tr_keeper_destroy(struct tr_keeper *keeper); /* NULL is fine */

/* Looks soon, from the loop. */
void tr_keeper_tidy(struct tr_keeper *keeper);

/* Removes until `lacks_bytes` more are free, as far as the rules allow it. Says how many recordings
 * went. */
unsigned tr_keeper_make_room(struct tr_keeper *keeper, int64_t lacks_bytes);

/* What would go now, the oldest first: for a dry run. The array is to be freed with free(). -errno.
 */
struct tr_keeper_plan {
	struct tr_holding holding;
	enum tr_keeping_reason reason;
};
TR_CHECKED int tr_keeper_make_plan(const struct tr_keeper_settings *settings, int64_t lacks_bytes,
	struct tr_keeper_plan **ret_plan, unsigned *ret_count);

TR_CLEANUP_DEFINE(struct tr_keeper, tr_keeper_destroy)

#endif
