/*
 * Whether a meeting that is recorded is still worth it, or still works: Jibri's rules, told by
 * events. A condition must have held without a break for longer than its limit.
 *
 *   empty     nobody else is there
 *   muted     all others have sound and picture muted; telephones count as muted
 *   no media  somebody is not muted, and yet nothing comes in
 *   ICE       somebody is there, and the media connection is down
 *
 * Kinder than Jibri in two places: a shared video is life, though no media comes through the
 * bridge; and where a telephone is there and sound comes in, the meeting is not over because the
 * others are muted.
 *
 * Pure: times are passed in, in ms of one clock that never goes back.
 */
#ifndef TR_BROWSER_CALL_CHECKS_H
#define TR_BROWSER_CALL_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

enum tr_call_verdict {
	TR_CALL_FINE,
	TR_CALL_EMPTY,
	TR_CALL_MUTED,
	TR_CALL_NO_MEDIA,
	TR_CALL_ICE_FAILED,
	TR_CALL_KICKED,
};

struct tr_call_limits {
	int64_t empty_ms;
	int64_t muted_ms;
	int64_t no_media_ms;
	int64_t ice_ms;
};

struct tr_call_sample {
	int participants; /* the others, without hidden ones */
	int muted;	  /* of them, both ways, without telephones */
	int telephones;
	int64_t download_kbps;
	bool is_connected;
	bool has_shared_video;
	bool is_kicked;
};

struct tr_call_checks {
	struct tr_call_limits limits;
	bool is_kicked;
	int64_t since_ms[4]; /* of a condition that holds, else -1; by verdict, from EMPTY */
};

/* Nothing holds yet. */
void tr_call_checks_init(struct tr_call_checks *checks, const struct tr_call_limits *limits);

/* What the meeting is like from now on. */
void tr_call_checks_update(
	struct tr_call_checks *checks, const struct tr_call_sample *sample, int64_t now_ms);

/* The first that applies, in Jibri's order. */
enum tr_call_verdict tr_call_checks_judge(const struct tr_call_checks *checks, int64_t now_ms);

/* When the verdict will change if nothing else does; -1: never. */
int64_t tr_call_checks_next_ms(const struct tr_call_checks *checks);

#endif
