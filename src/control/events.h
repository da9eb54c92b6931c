/*
 * What happens on the node, for whoever wants to hear of it: live events of the node API, metrics,
 * StatsD, webhooks. The daemon tells every listener, on the loop; a listener returns at once and
 * never calls an action from within.
 *
 * An event is borrowed for the call. No secrets in it.
 */
#ifndef TR_CONTROL_EVENTS_H
#define TR_CONTROL_EVENTS_H

#include "control/actions.h"
#include "control/xmpp.h"
#include "protocol/message.h"

enum tr_event_type {
	TR_EVENT_NODE,	   /* the node in one line has changed: sentence */
	TR_EVENT_SLOT,	   /* its state, busy or health has changed: slot, state, presence */
	TR_EVENT_ACCEPTED, /* a session */
	TR_EVENT_REFUSED,  /* a start: answer, sentence */
	TR_EVENT_ON,	   /* its first pictures and sound are on the disk (or with a server) */
	TR_EVENT_MEETING,  /* message->meeting */
	TR_EVENT_PROGRESS, /* message->progress, about twice a second */
	TR_EVENT_STREAM,   /* message->stream */
	TR_EVENT_WARNING,  /* sentence */
	TR_EVENT_ENDED,	   /* nothing more comes into its file: is_failure, reason, sentence */
	TR_EVENT_FILES,	   /* message->finished, or message->failed */
	TR_EVENT_SCRIPT,   /* the finalize script is through: is_failure, sentence */
	TR_EVENT_OVER,	   /* files and script: nothing more comes of this session */
	TR_EVENT_UPLOAD, /* of a recording's: target, state as in its list, is_failure, sentence */
	TR_EVENT_DISK,	 /* the recordings directory's state has changed: state, sentence */
	TR_EVENT_LINK,	 /* of the control connections: slot, environment, state, sentence */
	TR_EVENT_COUNT_,
};

/* Strings are never NULL. */
struct tr_event {
	enum tr_event_type type;
	unsigned slot;		/* 0: none */
	const char *session_id; /* "": none */
	const char *room;
	const char *environment;
	const char *state;
	const char *sentence;
	const char *target; /* of an upload */
	enum tr_control_kind kind;
	enum tr_control_answer answer;
	bool is_failure;
	enum tr_reason reason;
	struct tr_control_presence presence; /* of the slot */
	const struct tr_message *message;    /* or NULL */
	const struct tr_xmpp_link *link;     /* of a connection, or NULL */
};

typedef void tr_event_fn(const struct tr_event *event, void *user);

/* "node", "slot", ... */
const char *tr_event_type_name(enum tr_event_type type);

#endif
