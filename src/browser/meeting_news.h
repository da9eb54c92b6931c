/* What the script in the meeting's page pushes. A page can push anything: sizes are bounded and
 * types checked here. */
#ifndef TR_BROWSER_MEETING_NEWS_H
#define TR_BROWSER_MEETING_NEWS_H

#include "browser/call_checks.h"
#include "core/cleanup.h"

#include <jansson.h>

#define TR_MEETING_NEWS_MAX 16384 /* bytes of one */
#define TR_MEETING_NEWS_TEXT 256

enum tr_meeting_news_kind {
	TR_MEETING_NEWS_NONE, /* nothing so far */
	TR_MEETING_NEWS_STATE,
	TR_MEETING_NEWS_MEMBER,
	TR_MEETING_NEWS_AWAY,
};

struct tr_meeting_news {
	enum tr_meeting_news_kind kind;

	/* state */
	bool has_app; /* a Jitsi page, as far as one can see */
	bool is_joined;
	bool is_no_recorder; /* config.iAmRecorder did not arrive */
	bool is_in_lobby;
	struct tr_call_sample sample;
	char connection_error[TR_MEETING_NEWS_TEXT]; /* "connection.passwordRequired", or "" */
	char conference_error[TR_MEETING_NEWS_TEXT]; /* "conference.destroyed", or "" */

	char jid[TR_MEETING_NEWS_TEXT]; /* member */
	json_t *identity;		/* member: an object, owned */

	char origin[TR_MEETING_NEWS_TEXT]; /* away: the other site, printable ASCII */
};

/* -EPROTO for what is none, and `news` has nothing to be freed. */
TR_CHECKED int tr_meeting_news_parse(const char *payload, struct tr_meeting_news *news);

void tr_meeting_news_release(struct tr_meeting_news *news);

#endif
