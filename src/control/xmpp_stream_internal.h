/*
 * The parts of one login, which is split over several files: its state, and what they call of each
 * other. All but the orders runs on the login's own thread.
 */
#ifndef TR_CONTROL_XMPP_STREAM_INTERNAL_H
#define TR_CONTROL_XMPP_STREAM_INTERNAL_H

#include "control/xmpp_stream.h"

#include <pthread.h>

#include "core/clock.h"

#define REPORTS_MAX 16 /* "on"s whose answer is remembered */
#define PING_NS "urn:xmpp:ping"
#define VERSION_NS "jabber:iq:version"

enum tr_xmpp_order_type {
	TR_XMPP_ORDER_PUBLISH,
	TR_XMPP_ORDER_ANSWER,
	TR_XMPP_ORDER_ERROR,
	TR_XMPP_ORDER_REPORT,
	TR_XMPP_ORDER_QUIT
};

struct tr_xmpp_order {
	struct tr_xmpp_order *next;
	enum tr_xmpp_order_type type;
	bool is_busy, is_healthy;
	unsigned age;
	char *to, *id;
	struct tr_jibri_iq_report report; /* its strings are the order's */
	char *error_type, *condition;
};

struct tr_xmpp_orders {
	struct tr_xmpp_order *first, **end;
	unsigned count;
};

/* Why a connection ended, for the next try's time. */
enum tr_xmpp_down {
	TR_XMPP_DOWN_LOST,
	TR_XMPP_DOWN_REFUSED,
	TR_XMPP_DOWN_CONFLICT,
	TR_XMPP_DOWN_AT_ONCE
};

/* An "on" that was sent. */
struct tr_xmpp_sent_report {
	char id[32];
	char session_id[256];
};

struct tr_xmpp_stream {
	/* fixed after creation */
	struct tr_xmpp_server server;
	struct tr_xmpp_waits waits;
	unsigned connection, slot;
	char name[512];
	struct tr_xmpp_inbox *inbox;
	int eventfd;
	pthread_t thread;
	pthread_mutex_t lock;

	/* under `lock` */
	unsigned refs;
	struct tr_xmpp_orders orders;
	struct tr_xmpp_link link;
	int cut_fd;	      /* the connection's socket once more; -1: none */
	int64_t login_due_ns; /* 0: not connecting */

	/* the thread's */
	xmpp_log_t log;
	xmpp_ctx_t *ctx;
	xmpp_conn_t *conn;
	struct tr_brewery brewery;
	struct tr_xmpp_orders held; /* for the age that may be resumed */
	struct tr_xmpp_sent_report reports[REPORTS_MAX];
	unsigned report_count;
	unsigned ids;
	unsigned age;
	unsigned activity;
	bool is_age_live;	/* sessions may belong to this age */
	bool is_up;		/* from the try to connect until its end */
	bool is_online;		/* logged in */
	bool is_resume_offered; /* by this stream */
	bool is_resumable;
	bool is_resuming;
	bool is_down; /* it ended, and nobody has drawn conclusions yet */
	bool is_writable_awaited;
	bool is_hashing; /* has the lock on libstrophe's SHA-1 */
	bool is_judged;	 /* the certificate */
	bool is_quitting;
	bool is_busy, is_healthy;
	bool is_busy_shown, is_healthy_shown;
	enum tr_xmpp_down down;
	bool is_no_tls, is_no_login, is_stream_over;
	char login_error[64];
	char certificate_error[256];
	char cut_reason[160];
	char problem[512];
	char said_problem[512]; /* in the log, since the last stay in the brewery */
	unsigned tries, refusals;
	int64_t due_ns; /* the next try */
	int64_t resume_due_ns;
	int64_t heard_ns;
	int64_t pinged_ns; /* 0: no ping since we heard the server */
	int64_t in_ns;	   /* since when in the brewery */
	int64_t quit_due_ns;
};

static inline int64_t tr_xmpp_stream_after(int64_t now_ns, int64_t ms)
{
	return now_ns + ms * TR_NS_PER_MS;
}

/* xmpp_order.c: orders given by the loop, and their queues */
void tr_xmpp_order_destroy(struct tr_xmpp_order *order);
void tr_xmpp_order_append(struct tr_xmpp_orders *queue, struct tr_xmpp_order *order);
struct tr_xmpp_order *tr_xmpp_order_take(struct tr_xmpp_orders *queue);

/* xmpp_say.c: what is sent; the thread's */
void tr_xmpp_say(struct tr_xmpp_stream *stream, xmpp_stanza_t *stanza);
const char *tr_xmpp_say_next_id(struct tr_xmpp_stream *stream, char *out, size_t size);
void tr_xmpp_say_presence(struct tr_xmpp_stream *stream, bool is_join);
void tr_xmpp_say_leave(struct tr_xmpp_stream *stream, const char *nick);
void tr_xmpp_say_ping(struct tr_xmpp_stream *stream, const char *to, const char *id);
void tr_xmpp_say_room_form(struct tr_xmpp_stream *stream);
void tr_xmpp_say_error(struct tr_xmpp_stream *stream, const char *to, const char *id,
	const char *type, const char *condition);
void tr_xmpp_say_result(struct tr_xmpp_stream *stream, const char *from, const char *id);
void tr_xmpp_say_disco(
	struct tr_xmpp_stream *stream, const char *from, const char *id, const char *node);
void tr_xmpp_say_version(struct tr_xmpp_stream *stream, const char *from, const char *id);

/* xmpp_hear.c: what comes in, and what of it is told to the loop */
void tr_xmpp_hear_loss(struct tr_xmpp_stream *stream);
int tr_xmpp_hear(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *user);

/* xmpp_login.c: a connection from its start to the log-in */
void tr_xmpp_login_replace_fd(struct tr_xmpp_stream *stream, int fd);
void tr_xmpp_login_cut_socket(struct tr_xmpp_stream *stream);
void tr_xmpp_login_cut(struct tr_xmpp_stream *stream, const char *reason);
void tr_xmpp_login_lock_hashes(struct tr_xmpp_stream *stream);
void tr_xmpp_login_unlock_hashes(struct tr_xmpp_stream *stream);
void tr_xmpp_login_log(void *user, xmpp_log_level_t level, const char *area, const char *text);
void tr_xmpp_login_judge(struct tr_xmpp_stream *stream);
void tr_xmpp_login_set_due(struct tr_xmpp_stream *stream, int64_t due_ns);
void tr_xmpp_login_drop(struct tr_xmpp_stream *stream);
void tr_xmpp_login_connect(struct tr_xmpp_stream *stream, int64_t now_ns);
void tr_xmpp_login_enter(struct tr_xmpp_stream *stream); /* the thread is this one's */

/* xmpp_down.c: why it ended, and when to try again */
void tr_xmpp_down_explain_unreached(struct tr_xmpp_stream *stream, int error);
void tr_xmpp_down_take(struct tr_xmpp_stream *stream, int error, const xmpp_stream_error_t *fault);
void tr_xmpp_down_plan(struct tr_xmpp_stream *stream, int64_t now_ns);

/* xmpp_stream.c: the thread */
void tr_xmpp_stream_carry_out(struct tr_xmpp_stream *stream, const struct tr_xmpp_order *order);

#endif
