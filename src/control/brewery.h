/*
 * Being an occupant of a brewery: joining under a nick that nobody else has, noticing that one was
 * thrown out, or has never got an answer, and trying again in good time.
 *
 * Knows no connection and no clock: presences and the time in, what to do out. The rooms' servers
 * compare names of rooms and hosts in any case, nicks exactly.
 */
#ifndef TR_CONTROL_BREWERY_H
#define TR_CONTROL_BREWERY_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

#include <strophe.h>

#define TR_BREWERY_JID_MAX 3072
#define TR_BREWERY_NICK_MAX 160
#define TR_BREWERY_FOCUS_MAX                                                                       \
	8 /* occupants that are Jicofo; one, but for a second at its restart                       \
	   */

/* Milliseconds. */
struct tr_brewery_waits {
	int join;  /* without any answer */
	int retry; /* after a refused join; doubled each time */
	int retry_max;
	int kicked;
	int banned;
	int merged; /* another one under our nick, who was there later */
	int self_ping;
	int focus; /* Jicofo away, until it is called a problem */
};

enum tr_brewery_state { TR_BREWERY_OUT, TR_BREWERY_JOINING, TR_BREWERY_IN };

/* What to do now. */
enum tr_brewery_order {
	TR_BREWERY_NONE,
	TR_BREWERY_JOIN,      /* send a presence with the join element to `nick` */
	TR_BREWERY_LEAVE,     /* send an unavailable presence to `left_nick` */
	TR_BREWERY_CONFIGURE, /* we made the room: submit the owner's form, and publish */
	TR_BREWERY_PUBLISH,   /* send the state again */
	TR_BREWERY_SELF_PING, /* ask the server whether we are in, with the id `ping_id` */
};

struct tr_brewery {
	/* fixed after init */
	char room[2048]; /* bare, in lower case */
	char base_nick[TR_BREWERY_NICK_MAX];
	char focus[2048]; /* bare JID in lower case, or "": any */
	struct tr_brewery_waits waits;

	enum tr_brewery_state state;
	char nick[TR_BREWERY_NICK_MAX];
	char left_nick[TR_BREWERY_NICK_MAX];
	char own_jid[TR_BREWERY_JID_MAX]; /* full, of this stream */
	char focus_nicks[TR_BREWERY_FOCUS_MAX][TR_BREWERY_NICK_MAX];
	char problem[512]; /* one sentence, or "" */
	char ping_id[32];
	bool is_busy;	 /* set by the owner: do not move while it records */
	bool is_removed; /* set when we were in and are not any more; the owner clears it */

	int64_t due_ns; /* OUT: the next join; JOINING: no answer any more */
	int64_t ping_due_ns;
	int64_t merged_ns; /* since when another one has our nick; 0: nobody */
	int64_t focus_ns;  /* since when there is no Jicofo; 0: there is one */
	unsigned refusals;
	unsigned pings;
	bool is_leaving;
	bool is_configuring;
	bool is_publishing;
	bool is_self_pinged;
};

/* Copies. -ENAMETOOLONG. `focus_jid` "" lets every occupant start and stop. */
TR_CHECKED int tr_brewery_init(struct tr_brewery *brewery, const char *room, const char *domain,
	const char *nick, const char *focus_jid, const struct tr_brewery_waits *waits);

/* A new stream under this JID: out of the room, and to join at once. */
void tr_brewery_reset(struct tr_brewery *brewery, const char *own_jid, int64_t now_ns);

/* The same stream goes on, and nothing is known to have changed but time. */
void tr_brewery_resume(struct tr_brewery *brewery, int64_t now_ns);

/* The next thing to do; call again until none is left. */
enum tr_brewery_order tr_brewery_next(struct tr_brewery *brewery, int64_t now_ns);

/* When to call tr_brewery_next() again if nothing happens. */
int64_t tr_brewery_due_ns(const struct tr_brewery *brewery);

/* Any presence. Foreign ones are ignored. */
void tr_brewery_take_presence(struct tr_brewery *brewery, xmpp_stanza_t *presence, int64_t now_ns);

/* The answer to a self-ping: `condition` is the error's name, NULL for a result. */
void tr_brewery_take_pong(struct tr_brewery *brewery, const char *condition, int64_t now_ns);

/* Is this the address of an occupant, and may it start and stop? */
bool tr_brewery_is_occupant(const struct tr_brewery *brewery, const char *jid);
bool tr_brewery_may_order(const struct tr_brewery *brewery, const char *jid);

bool tr_brewery_has_focus(const struct tr_brewery *brewery);

/* The name of a stanza error's condition, "undefined-condition" when there is none. */
const char *tr_brewery_condition(xmpp_stanza_t *stanza);

#endif
