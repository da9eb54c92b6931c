/*
 * One login on one server and one occupant of its brewery: the thread that lives for it, what it
 * is told (orders) and what it tells (news).
 *
 * Each has a thread of its own, for libstrophe resolves names, and runs TLS handshakes, without
 * giving back control: a server that is silent in the middle of either must not hold up the others.
 */
#ifndef TR_CONTROL_XMPP_STREAM_H
#define TR_CONTROL_XMPP_STREAM_H

#include "control/brewery.h"
#include "control/xmpp.h"
#include "control/xmpp_inbox.h"

#include <stdint.h>

/* Milliseconds. Zeros are replaced by the defaults. */
struct tr_xmpp_waits {
	int login;     /* from the connection's start until it is logged in */
	int retry;     /* after a lost connection, doubled each time, less up to a half by chance */
	int retry_max; /* short: a server is found back this soon */
	int resume_retry_max; /* instead, while the old stream may be resumed: servers keep it for
				 10 to 60 s only, however often it was lost before */
	int refused; /* after a wrong password or certificate; servers ban who asks too often */
	int refused_max;
	int conflict; /* after a stream error "conflict" */
	int resume;   /* how long a stream that may be resumed counts as there */
	int ping;     /* without a byte from the server */
	int pong;     /* more, and it counts as dead */
	int quit;     /* a server's time to answer the end of the stream */
	struct tr_brewery_waits brewery;
};

struct tr_xmpp_stream;

/* Copies the server's settings and starts the thread. -errno. */
TR_CHECKED int tr_xmpp_stream_create(const struct tr_xmpp_server *server, unsigned connection,
	unsigned slot, const struct tr_xmpp_waits *waits, struct tr_xmpp_inbox *inbox,
	struct tr_xmpp_stream **ret_stream);

/* Asks the thread to leave and log out. */
void tr_xmpp_stream_quit(struct tr_xmpp_stream *stream);

/* Waits for it until `deadline_ns`, cuts its connection, and lets go of it in any case: a thread
 * that sits in a name look-up ends by itself. */
void tr_xmpp_stream_destroy(struct tr_xmpp_stream *stream, int64_t deadline_ns);

/* Orders, carried out in their order. What belongs to an older age is not sent. */
void tr_xmpp_stream_publish(struct tr_xmpp_stream *stream, bool is_busy, bool is_healthy);
void tr_xmpp_stream_answer(struct tr_xmpp_stream *stream, const struct tr_xmpp_news *request,
	const struct tr_jibri_iq_report *report);
void tr_xmpp_stream_refuse(struct tr_xmpp_stream *stream, const struct tr_xmpp_news *request,
	const char *error_type, const char *condition);
void tr_xmpp_stream_report(struct tr_xmpp_stream *stream, const char *to, unsigned age,
	const struct tr_jibri_iq_report *report);

/* Cuts a connection that is still not logged in after its time: the thread may sit inside
 * libstrophe and cannot look at the clock. To be called now and then. */
void tr_xmpp_stream_watch(struct tr_xmpp_stream *stream, int64_t now_ns);

void tr_xmpp_stream_read(struct tr_xmpp_stream *stream, struct tr_xmpp_link *ret_link);

#endif
