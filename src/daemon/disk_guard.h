/*
 * Watches how full the recordings' disk is: whether a recording may start, for how long the rest is
 * good, and how much those that run must save. Pure: figures in, decisions out.
 *
 *   fine   all is well
 *   low    good for less than the warning's time: said once, nothing else
 *   full   less than the reserve is free: nothing starts
 *
 * Saving has steps (protocol's economize): by the time that the running recordings have left, and
 * by what is left of the reserve, whichever is worse. A step is taken back only when room was made,
 * not because saving has made the rest last longer.
 */
#ifndef TR_DAEMON_DISK_GUARD_H
#define TR_DAEMON_DISK_GUARD_H

#include "control/snapshot.h"

struct tr_disk_guard_settings {
	int64_t reserve_bytes; /* what must be free for a start ... */
	int reserve_percent;   /* ... or of the disk; both 0: 1 GiB, or 5 % where that is less */
	int64_t warn_ms;       /* of recording; 0: never */
	int64_t check_ms;      /* the longest time between two looks */
};

/* What a recording writes of late; zeroed at its beginning. */
struct tr_disk_guard_rate {
	int64_t since_ns, since_bytes;
	int64_t last_ns, last_bytes;
	double per_s; /* bytes; 0: not known yet */
};

struct tr_disk_guard_look {
	int64_t now_ns;
	int64_t free_bytes, total_bytes;
	unsigned recordings;
	double per_s; /* bytes that they write, together */
};

struct tr_disk_guard {
	struct tr_disk_guard_settings settings;
	enum tr_snapshot_disk_state state; /* fine, low or full */
	int economy;			   /* 0: none, to TR_MESSAGE_ECONOMY_MAX */
	int64_t reserve_bytes;		   /* of this disk */
	int64_t free_bytes, total_bytes;
	double one_per_s;	   /* what one recording writes; 0: unknown */
	double hours_left;	   /* of one recording; negative: unknown */
	int64_t next_ms;	   /* when to look again */
	int64_t looked_ns;	   /* 0: never */
	int64_t raised_free_bytes; /* when the economy got stricter */
};

void tr_disk_guard_init(struct tr_disk_guard *guard, const struct tr_disk_guard_settings *settings);

/* The recording has `bytes` on the disk now. */
void tr_disk_guard_note(struct tr_disk_guard_rate *rate, int64_t now_ns, int64_t bytes);

/* Decides anew; the figures above are the answer. */
void tr_disk_guard_look(struct tr_disk_guard *guard, const struct tr_disk_guard_look *look);

/* How much must be freed for a recording to start; 0: nothing. */
int64_t tr_disk_guard_lacks(const struct tr_disk_guard *guard);

/* What is the matter, for people; "" when all is fine. */
void tr_disk_guard_say(const struct tr_disk_guard *guard, const char *path, char *out, size_t size);

#endif
