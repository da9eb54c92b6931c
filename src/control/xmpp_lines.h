/*
 * The connections of a node, and the sessions that were promised on each: of xmpp.c, which makes
 * and ends them, and xmpp_requests.c, which answers what comes in. On the loop's thread.
 */
#ifndef TR_CONTROL_XMPP_LINES_H
#define TR_CONTROL_XMPP_LINES_H

#include "control/xmpp.h"
#include "control/xmpp_inbox.h"
#include "control/xmpp_server.h"
#include "control/xmpp_stream.h"

#define TR_XMPP_SESSIONS_MAX 8 /* of one line whose end was not yet told; more than one is rare */
#define TR_XMPP_DEFERRED_MAX 8

/* A session that was promised to somebody who is still there. */
struct tr_xmpp_session {
	char *id; /* NULL: none */
	unsigned age;
};

/* One slot on one server. */
struct tr_xmpp_line {
	struct tr_xmpp_stream *stream;
	const struct tr_xmpp_server *server;
	unsigned connection, slot;
	bool is_busy, is_healthy; /* as last published */
	struct tr_xmpp_session sessions[TR_XMPP_SESSIONS_MAX];
	unsigned newest;
};

/* A status that is told in the middle of a start, whose answer goes first. */
struct tr_xmpp_deferred {
	struct tr_xmpp_line *line;
	char *to, *session_id;
	enum tr_control_status status;
	bool should_retry;
};

struct tr_xmpp {
	struct tr_control_actions actions;
	struct tr_xmpp_server *servers;
	unsigned server_count;
	struct tr_xmpp_line *lines;
	unsigned line_count;
	struct tr_xmpp_inbox *inbox;
	sd_event_source *inbox_source, *watch_source;
	uint64_t watch_us;
	bool is_starting;
	struct tr_xmpp_deferred deferred[TR_XMPP_DEFERRED_MAX];
	unsigned deferred_count;
};

/* Does what the news asks for, by the actions, and answers. */
void tr_xmpp_take_news(struct tr_xmpp *xmpp, const struct tr_xmpp_news *news);

/* Frees what is remembered of sessions; nothing is sent. */
void tr_xmpp_forget_sessions(struct tr_xmpp *xmpp);

#endif
