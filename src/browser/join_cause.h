/* Why a meeting's page does not join, from what it says of itself: one plain sentence. Pure. */
#ifndef TR_BROWSER_JOIN_CAUSE_H
#define TR_BROWSER_JOIN_CAUSE_H

#include "browser/meeting_news.h"

#include <stddef.h>

struct tr_join_state {
	const struct tr_meeting_news *news; /* the last, of kind state or zeroed */
	const char *away;		    /* another site that it went to, or "" */
	bool has_login;			    /* the recorder has an account */
	int64_t timeout_ms;		    /* it was waited for so long */
};

/* Waiting does not help, if the page goes on saying so. */
bool tr_join_cause_is_final(const struct tr_join_state *state);

/* The most likely cause, and what to do. */
void tr_join_cause_describe(const struct tr_join_state *state, char *out, size_t size);

/* "30 s", "1.5 s", "10 min" */
const char *tr_join_cause_format_ms(int64_t ms, char out[static 32]);

#endif
