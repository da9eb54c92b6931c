/*
 * Which recordings go by the operator's rules. Pure: a list in, marks out.
 *
 * A recording goes only when it is complete, old enough for its rule (min_age) and, where the rule
 * asks for it, taken over by the finalize script. What no rule is for stays for ever.
 */
#ifndef TR_STORAGE_KEEPING_H
#define TR_STORAGE_KEEPING_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

#define TR_KEEPING_NO_RULE UINT32_MAX

/* 0: no limit. */
struct tr_keeping_rule {
	int64_t min_age_ms;
	int64_t max_age_ms;
	int64_t max_bytes;	/* of all of its recordings */
	int64_t min_free_bytes; /* on the disk; not 0: they may also go for a recording to start */
	bool uploaded_only;
};

enum tr_keeping_reason {
	TR_KEEPING_STAYS,
	TR_KEEPING_TOO_OLD,
	TR_KEEPING_TOO_MUCH,  /* all of the rule's together */
	TR_KEEPING_TOO_FULL,  /* the disk, by the rule */
	TR_KEEPING_FOR_START, /* a recording could not start otherwise */
};

struct tr_keeping_item {
	uint32_t rule; /* index, or TR_KEEPING_NO_RULE */
	int64_t bytes;
	int64_t ended_wall_ns;
	bool is_complete; /* nobody works on it any more */
	bool is_taken_over;
	enum tr_keeping_reason reason; /* the answer */
};

struct tr_keeping_disk {
	int64_t now_wall_ns;
	int64_t free_bytes;
	int64_t lacks_bytes; /* for a recording to start; 0: nothing */
};

/* Marks what goes. The items are in the order of their ends, the oldest first. */
void tr_keeping_decide(const struct tr_keeping_rule *rules, const struct tr_keeping_disk *disk,
	struct tr_keeping_item *items, unsigned count);

/* "it is older than its rule keeps recordings", ... */
const char *tr_keeping_sentence(enum tr_keeping_reason reason);

#endif
