/*
 * A Jitsi meeting in the browser's page: the address and the hidden log-in it is opened with, and
 * what the page says about itself, pushed by a binding and never polled for.
 *
 * Lives on the browser's loop. The owner hands on the browser's events; the meeting opens the page,
 * waits for the join, judges by Jibri's rules (empty, all muted, no media, ICE), and reports one
 * end. It knows the recorder's side of the page: scripts put into it touch only what
 * jitsi-control.md §3 lists, and guard for old pages.
 */
#ifndef TR_BROWSER_MEETING_H
#define TR_BROWSER_MEETING_H

#include "browser/browser.h"

/* The name of the binding: to be in tr_browser_settings.bindings. */
#define TR_MEETING_BINDING "telerecPush"

struct tr_meeting_settings {
	const char *url;	/* the meeting's, without fragment */
	const char *mode;	/* "file" or "stream": what the room is told */
	const char *session_id; /* told to the room */
	const char *view_url;	/* told to the room; "" for none */
	const char *call_jid;	/* account of the hidden participant; "": the page's own way in */
	const char *call_password;
	const char *call_name;	      /* callStatsUserName */
	const char *url_parameters;   /* further ones, joined by '&', or "" */
	int rtcstats;		      /* 0, 1; -1: not said */
	int64_t load_timeout_ms;      /* 0: 60 s */
	int64_t join_timeout_ms;      /* from the load; 0: 30 s */
	int64_t empty_timeout_ms;     /* 0: 30 s */
	int64_t no_media_timeout_ms;  /* 0: 3 min */
	int64_t all_muted_timeout_ms; /* 0: 10 min */
	int64_t ice_timeout_ms;	      /* 0: 30 s */
};

enum tr_meeting_end {
	TR_MEETING_EMPTY,	/* clean */
	TR_MEETING_MUTED,	/* clean */
	TR_MEETING_KICKED,	/* clean */
	TR_MEETING_JOIN_FAILED, /* also: log-in refused, lobby, password, overrides switched off */
	TR_MEETING_NO_MEDIA,
	TR_MEETING_ICE_FAILED, /* also: the page lost the meeting and did not find back */
};

struct tr_meeting_state {
	bool is_joined;
	int participants; /* the others, without hidden ones */
	int muted;	  /* of them, both ways; telephones count */
	bool is_connected;
	int64_t download_kbps;
};

struct tr_meeting_events {
	/* In the meeting, now or again after a repair. */
	void (*on_joined)(void *user);
	void (*on_state)(const struct tr_meeting_state *state, void *user);
	/* Once. `sentence` says plainly why; `picture` is a PNG of what the browser showed at a
	 * failure, NULL when it could not be had (waits for it two seconds at most). */
	void (*on_ended)(enum tr_meeting_end end, const char *sentence, const uint8_t *picture,
		size_t picture_size, void *user);
};

struct tr_meeting;

/* Borrows the settings, copies the events. Opens nothing yet. */
TR_CHECKED int tr_meeting_create(sd_event *event, const struct tr_meeting_settings *settings,
	const struct tr_meeting_events *events, void *user, struct tr_meeting **ret_meeting);
void tr_meeting_destroy(struct tr_meeting *meeting); /* NULL is fine; not from within an event */

/* Opens the meeting's page in this browser (also again, after a crash or in another browser).
 * Errors as tr_browser_open(). */
TR_CHECKED int tr_meeting_open(struct tr_meeting *meeting, struct tr_browser *browser);

/* What the owner's tr_browser_events got while the meeting's page is open; failures of loading and
 * crashes are the owner's own. */
void tr_meeting_handle_loaded(struct tr_meeting *meeting);
void tr_meeting_handle_push(struct tr_meeting *meeting, const char *name, const char *payload);

/* The browser of tr_meeting_open() has gone (crash, exit): nothing is judged until the next open.
 * Before or after tr_browser_stop(). */
void tr_meeting_forget_browser(struct tr_meeting *meeting);

/* Leaves the room and then the page (about:blank), takes the log-in out of the page's storage; `fn`
 * comes from the loop when it has left, at most `timeout_ms` later, never from within. After it
 * nothing else is reported. May be called from an event of the meeting. */
TR_CHECKED int tr_meeting_leave(
	struct tr_meeting *meeting, int timeout_ms, void (*fn)(void *user), void *user);

/* Identity objects of everyone who was there, for metadata.json (array, borrowed). */
const json_t *tr_meeting_participants(const struct tr_meeting *meeting);

TR_CLEANUP_DEFINE(struct tr_meeting, tr_meeting_destroy)

#endif
