/*
 * The node in the breweries: for each slot, environment and server of it one XMPP connection with a
 * nick of its own (libstrophe). What it says and takes is Jibri's protocol
 * (http://jitsi.org/protocol/jibri) as Jicofo needs it.
 *
 * Each connection has a thread of its own: libstrophe looks up names and shakes TLS hands without
 * giving back control, and a server that is silent in the middle of that must not hold up others.
 *
 * Functions are the loop's, and never wait but tr_xmpp_destroy(); the actions are called on the
 * loop. Orders to a connection are carried out in the order they were given: a presence published
 * before an action returns is on the wire before the answer, and a status told inside an action
 * follows it.
 *
 * A status goes out only while who asked for the session is still there: on the same connection
 * (held back while it may be resumed), and in the brewery all the time since. Otherwise it is
 * dropped with a line in the log.
 */
#ifndef TR_CONTROL_XMPP_H
#define TR_CONTROL_XMPP_H

#include "control/actions.h"

#include <systemd/sd-event.h>

enum tr_xmpp_security {
	TR_XMPP_STARTTLS,      /* required */
	TR_XMPP_DIRECT_TLS,    /* TLS from the first byte */
	TR_XMPP_OPPORTUNISTIC, /* STARTTLS when offered: Jibri's "ifpossible" */
	TR_XMPP_PLAIN,	       /* none: Jibri's "disabled" */
};

/* One server of one environment. Strings are copied; "" for what is not set. */
struct tr_xmpp_server {
	const char *environment; /* its name */
	const char
		*entry;	  /* "host" or "host:port" as configured; the ownership tag is NAME-ENTRY */
	const char *host; /* "": the control domain, by SRV */
	int port;	  /* 0: 5222, or 5223 for direct TLS */
	enum tr_xmpp_security security;
	bool trust_all;		 /* no certificate is checked: said loudly */
	const char *ca_file;	 /* private CA to trust besides the system's */
	const char *fingerprint; /* SHA-256 of the server's certificate, hex, colons allowed: only
				    this */

	const char *control_domain, *control_username, *control_password;
	const char *brewery_domain, *brewery_room;
	const char *nickname;  /* with several slots "-2", "-3"... is appended from the second on */
	const char *focus_jid; /* only its bare JID may start and stop; "": every occupant */

	const char *xmpp_domain, *base_url, *strip;
	const char *call_domain, *call_username, *call_password;
	bool call_randomize;
	int64_t usage_timeout_ms;
};

struct tr_xmpp_settings {
	unsigned slots;
	const struct tr_xmpp_server *servers;
	unsigned server_count;
	int ping_interval_ms; /* 0: 30 s */
	int ping_timeout_ms;  /* 0: 20 s */
};

enum tr_xmpp_link_state {
	TR_XMPP_OFFLINE, /* `problem` says why, and the next try is planned */
	TR_XMPP_CONNECTING,
	TR_XMPP_JOINING, /* logged in */
	TR_XMPP_PRESENT, /* in the brewery */
};

/* For status pages. A value. */
struct tr_xmpp_link {
	unsigned connection; /* from 1 */
	unsigned slot;
	char environment[160];
	char entry[256];
	char nickname[160];
	enum tr_xmpp_link_state state;
	bool has_focus;	   /* Jicofo is in the room */
	char problem[512]; /* one plain sentence, "" for none; also warnings such as trust_all's */
	unsigned reconnects;
};

struct tr_xmpp;

/* Copies everything and starts the thread, which connects at once. -EINVAL for settings that can
 * never work, with a sentence; -errno. */
TR_CHECKED int tr_xmpp_create(sd_event *event, const struct tr_xmpp_settings *settings,
	const struct tr_control_actions *actions, struct tr_xmpp **ret_xmpp);

/* Leaves the breweries, closes the streams, waits for the thread, at most two seconds for each
 * server that does not answer any more, all at once. NULL is fine. */
void tr_xmpp_destroy(struct tr_xmpp *xmpp);

/* Publishes in all breweries of the slot, now and again after each rejoin. Before the first call a
 * slot shows itself as busy and unhealthy. */
void tr_xmpp_set_presence(struct tr_xmpp *xmpp, unsigned slot, bool is_busy, bool is_healthy);

/* Sends a status IQ to who started the session. OFF_FAILED has failure_reason "error". */
void tr_xmpp_send_status(struct tr_xmpp *xmpp, const struct tr_control_origin *origin,
	const char *session_id, enum tr_control_status status, bool should_retry);

/* How many links there are, and the state of the one with this index. */
unsigned tr_xmpp_link_count(const struct tr_xmpp *xmpp);
void tr_xmpp_read_link(const struct tr_xmpp *xmpp, unsigned index, struct tr_xmpp_link *ret_link);

TR_CLEANUP_DEFINE(struct tr_xmpp, tr_xmpp_destroy)

#endif
