/* What the files of a meeting share: meeting.c (joining, the call, its end) and meeting_leave.c. */
#ifndef TR_BROWSER_MEETING_INTERNAL_H
#define TR_BROWSER_MEETING_INTERNAL_H

#include "browser/call_checks.h"
#include "browser/meeting.h"
#include "browser/meeting_news.h"

#define TR_MEETING_SENTENCE_SIZE 512

enum tr_meeting_phase {
	PHASE_NONE,    /* no page */
	PHASE_LOADING, /* opened, not yet loaded */
	PHASE_JOINING, /* loaded */
	PHASE_JOINED,
	PHASE_LOST,   /* was joined; the page may find back, loading itself again perhaps */
	PHASE_ENDING, /* the picture is taken */
	PHASE_ENDED,
	PHASE_LEAVING,	/* the room */
	PHASE_CLEARING, /* the page */
	PHASE_LEFT,
};

struct tr_meeting {
	struct tr_meeting_events events;
	void *user;
	sd_event_source *timer;
	char *url, *script;
	bool has_login;
	int64_t load_timeout_ms, join_timeout_ms, lost_timeout_ms;
	struct tr_call_limits limits;

	struct tr_browser *browser; /* of the open page; NULL: gone */
	enum tr_meeting_phase phase;
	int64_t deadline_ms; /* of joining or leaving */
	struct tr_call_checks checks;
	struct tr_call_sample sample; /* the last of a joined page */
	struct tr_meeting_state state;
	struct tr_meeting_news last;	 /* without an identity */
	char away[TR_MEETING_NEWS_TEXT]; /* another site that the page went to, or "" */
	int64_t cause_since_ms;		 /* of what keeps it out for good; -1: nothing does */
	bool is_confirming;

	enum tr_meeting_end end;
	char sentence[TR_MEETING_SENTENCE_SIZE];

	json_t *members; /* jid to its place in identities */
	json_t *identities;

	void (*left_fn)(void *user);
	void *left_user;
};

int64_t tr_meeting_now_ms(void);

/* `at_ms` -1: never. */
void tr_meeting_set_timer(struct tr_meeting *meeting, int64_t at_ms);

/* Nothing that was asked is answered any more, and no page gets the log-in. */
void tr_meeting_let_go(struct tr_meeting *meeting);

/* It has left, or there is no time left for it. */
void tr_meeting_tell_left(struct tr_meeting *meeting);

#endif
