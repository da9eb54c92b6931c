/*
 * What the outside (XMPP, Jibri's HTTP API) may ask of this node, and how the node answers: a table
 * of functions that the daemon fills. Everything here happens on the daemon's loop and returns at
 * once; nothing waits for a recording.
 *
 * A slot is one recorder: number 1..slots. Over XMPP each slot is an instance of its own, and the
 * request names its slot; over HTTP slot is 0 and the node picks one.
 */
#ifndef TR_CONTROL_ACTIONS_H
#define TR_CONTROL_ACTIONS_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

enum tr_control_kind { TR_CONTROL_FILE, TR_CONTROL_STREAM };

/* Whoever started a session and is to be told of it. A value; empty (connection 0) for HTTP. */
struct tr_control_origin {
	unsigned connection; /* the XMPP connection's number, from 1 */
	char address[3072];  /* the occupant JID that asked */
};

/* All strings are borrowed for the call, never NULL ("" for none). */
struct tr_control_start {
	enum tr_control_kind kind;
	unsigned slot;		 /* 0: any */
	const char *environment; /* "<name>-<host entry>" as health shows it; "" over HTTP */
	const char *session_id;
	const char *meeting_url; /* without fragment: base, tenant, room */
	const char *room;	 /* its JID, for logs; "" over HTTP */
	const char *call_name;	 /* the last word of the URL as the JID or the request has it */
	const char *call_jid;	 /* the hidden participant, user@domain */
	const char *call_password;
	const char *stream_url; /* a secret */
	const char *view_url;
	const char *metadata;	    /* JSON object as text; may hold secrets */
	const char *url_parameters; /* further "config.x=y&..." */
	int rtcstats;		    /* 0, 1; -1: not said */
	int64_t usage_timeout_ms;   /* 0: none */
	bool is_page; /* any page, no meeting of Jitsi's; only the node API has that */
	struct tr_control_origin origin;
};

enum tr_control_answer {
	TR_CONTROL_ACCEPTED,
	TR_CONTROL_DUPLICATE, /* this session runs already, in this slot: not on yet */
	TR_CONTROL_DUPLICATE_ON,
	TR_CONTROL_BUSY,    /* also while draining */
	TR_CONTROL_FAILED,  /* not here and now; another node may */
	TR_CONTROL_REFUSED, /* no node can serve it: stream not allowed, ... */
};

enum tr_control_health { TR_CONTROL_IDLE, TR_CONTROL_WORKING, TR_CONTROL_EXPIRED };

/* How one slot, or (slot 0) the node as a single Jibri, presents itself. */
struct tr_control_presence {
	enum tr_control_health busy; /* expired is shown over HTTP; in presence it is "busy" */
	bool is_healthy;
	char environment[512]; /* of the running session, or "" */
	char problem[512];     /* why it is unhealthy, or "" */
};

struct tr_control_actions {
	void *user;

	/* `why` gets a sentence for the log unless accepted (no secrets). The slot's presence has
	 * been published as busy before this returns ACCEPTED. */
	enum tr_control_answer (*start)(
		void *user, const struct tr_control_start *request, char *why, size_t why_size);

	/* Ends the session `session_id` if slot `slot` (0: any) runs it; an empty id ends what runs
	 * there, with slot 0 all. True when something was ended. */
	bool (*stop)(void *user, unsigned slot, const char *session_id);

	/* The connection over which sessions were started is gone for good (not resumed), or the
	 * slot was thrown out of its brewery. */
	void (*lost)(void *user, unsigned connection);

	/* "on" was answered with item-not-found: nobody waits for this session any more. */
	void (*orphaned)(void *user, unsigned slot, const char *session_id);

	/* slot 0: the node as one Jibri (busy when every slot is, unhealthy when none is well). */
	void (*read)(void *user, unsigned slot, struct tr_control_presence *ret_presence);

	/* HTTP: ends the process, at once or when idle; while it is pending nothing new starts.
	 * Waiting for all sessions to end is the daemon's. */
	void (*exit_when_idle)(void *user, int exit_code);
	void (*shut_down)(void *user, int exit_code); /* stops the sessions, then ends */
};

/* What the daemon tells about a session. */
enum tr_control_status { TR_CONTROL_ON, TR_CONTROL_OFF, TR_CONTROL_OFF_FAILED };

#endif
