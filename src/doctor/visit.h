/*
 * A short visit to an XMPP server under an account: log in with a resource of the server's making,
 * look into a room without being a recorder, leave. Waits, with a deadline for each step; nothing
 * of it remains on the server (no stream is kept for resumption).
 */
#ifndef TR_DOCTOR_VISIT_H
#define TR_DOCTOR_VISIT_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

#define TR_VISIT_OCCUPANTS_MAX 64
#define TR_VISIT_JID_SIZE 512

enum tr_visit_fault {
	TR_VISIT_FINE,
	TR_VISIT_REFUSED,     /* the account or its password; `word` is the server's */
	TR_VISIT_NO_METHOD,   /* no way of proving the password in common */
	TR_VISIT_CERTIFICATE, /* another one than before: the password was not sent */
	TR_VISIT_STREAM,      /* `word` */
	TR_VISIT_LOST,	      /* the connection ended */
	TR_VISIT_LATE,
	TR_VISIT_INTERNAL,
};

struct tr_visit_settings {
	const char *host;
	int port;
	bool is_direct;		 /* TLS from the first byte */
	const char *fingerprint; /* the only certificate that gets the password; "": no TLS */
	const char *domain, *username, *password;
	int timeout_ms; /* of each step */
};

struct tr_visit_room {
	char condition[64]; /* of a refused join, "" for none */
	char words[200];    /* what the server said to it */
	bool is_answered;
	bool is_new; /* it was made by our coming */
	unsigned count;
	struct tr_visit_occupant {
		char nick[160];
		char jid[TR_VISIT_JID_SIZE]; /* bare, in lower case; "" when the room hides it */
		bool is_recorder;
	} occupants[TR_VISIT_OCCUPANTS_MAX]; /* the others */
};

struct tr_visit;

/* `word` gets the server's word for the fault, or "". */
enum tr_visit_fault tr_visit_begin(const struct tr_visit_settings *settings,
	struct tr_visit **ret_visit, char *word, size_t word_size);
void tr_visit_end(struct tr_visit *visit); /* NULL is fine */

/* In and out again. -ETIMEDOUT: no answer (and is_answered is false); -EPIPE: the connection ended.
 */
TR_CHECKED int tr_visit_look_into(
	struct tr_visit *visit, const char *room, const char *nick, struct tr_visit_room *ret_room);

/* The name of a room there that is nearly `room`'s localpart, or one with "brewery" in its name;
 * "" when there is none, or rooms are hidden. */
void tr_visit_find_room(
	struct tr_visit *visit, const char *domain, const char *room, char *out, size_t size);

/* Does a room, or a host, tell about itself? (It need not list its rooms for that.) */
bool tr_visit_is_there(struct tr_visit *visit, const char *jid);

/* The server's clock against ours, in seconds (positive: theirs is ahead). -ENOENT: it does not
 * tell. */
TR_CHECKED int tr_visit_compare_clock(
	struct tr_visit *visit, const char *domain, int64_t *ret_ahead_s);

TR_CLEANUP_DEFINE(struct tr_visit, tr_visit_end)

#endif
