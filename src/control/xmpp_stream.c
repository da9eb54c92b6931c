#include "control/xmpp_stream.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "control/xmpp_server.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

#define TR_LOG_AREA "xmpp"

#define ORDERS_MAX 256
#define HELD_MAX 64
#define REPORTS_MAX 16	      /* "on"s whose answer is remembered */
#define STACK_SIZE (32 << 20) /* libstrophe walks nested elements by recursion */
#define PROBE_MS 3000
#define TICK_MS 2000	 /* libstrophe's own time limits are looked at this often */
#define SETTLED_MS 10000 /* a stay after which the waits start from the shortest again */
#define MUC_NS "http://jabber.org/protocol/muc"
#define HEALTH_NS "http://jitsi.org/protocol/health"
#define PING_NS "urn:xmpp:ping"
#define VERSION_NS "jabber:iq:version"

enum order_type { ORDER_PUBLISH, ORDER_ANSWER, ORDER_ERROR, ORDER_REPORT, ORDER_QUIT };

struct order {
	struct order *next;
	enum order_type type;
	bool is_busy, is_healthy;
	unsigned age;
	char *to, *id;
	struct tr_jibri_iq_report report; /* its strings are the order's */
	char *error_type, *condition;
};

struct queue {
	struct order *first, **end;
	unsigned count;
};

/* Why a connection ended, for the next try's time. */
enum down { DOWN_LOST, DOWN_REFUSED, DOWN_CONFLICT, DOWN_AT_ONCE };

/* An "on" that was sent. */
struct sent_report {
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
	struct queue orders;
	struct tr_xmpp_link link;
	int cut_fd;	      /* the connection's socket once more; -1: none */
	int64_t login_due_ns; /* 0: not connecting */

	/* the thread's */
	xmpp_log_t log;
	xmpp_ctx_t *ctx;
	xmpp_conn_t *conn;
	struct tr_brewery brewery;
	struct queue held; /* for the age that may be resumed */
	struct sent_report reports[REPORTS_MAX];
	unsigned report_count;
	unsigned ids;
	unsigned age;
	unsigned activity;
	bool is_age_live; /* sessions may belong to this age */
	bool is_up;	  /* from the try to connect until its end */
	bool is_online;	  /* logged in */
	bool is_resumable;
	bool is_resuming;
	bool is_down; /* it ended, and nobody has drawn conclusions yet */
	bool is_writable_awaited;
	bool is_hashing; /* has the lock on libstrophe's SHA-1 */
	bool is_judged;	 /* the certificate */
	bool is_quitting;
	bool is_busy, is_healthy;
	bool is_busy_shown, is_healthy_shown;
	enum down down;
	bool is_no_tls, is_no_login, is_stream_over;
	char login_error[64];
	char certificate_error[256];
	char cut_reason[160];
	char problem[512];
	unsigned tries, refusals;
	int64_t due_ns; /* the next try */
	int64_t resume_due_ns;
	int64_t heard_ns;
	int64_t pinged_ns; /* 0: no ping since we heard the server */
	int64_t in_ns;	   /* since when in the brewery */
	int64_t quit_due_ns;
};

/* libstrophe's callbacks for sockets and certificates carry no pointer of ours; they come on the
 * thread that runs the connection. */
static _Thread_local struct tr_xmpp_stream *mine;

static int64_t after(int64_t now_ns, int64_t ms)
{
	return now_ns + ms * TR_NS_PER_MS;
}

/* ---- orders ---- */

static void destroy_order(struct order *order)
{
	if (!order)
		return;
	free(order->to);
	free(order->id);
	free((char *)order->report.session_id);
	free((char *)order->report.sip_address);
	free((char *)order->report.failure);
	free(order->error_type);
	free(order->condition);
	free(order);
}

static void append(struct queue *queue, struct order *order)
{
	if (!queue->first)
		queue->end = &queue->first;
	order->next = NULL;
	*queue->end = order;
	queue->end = &order->next;
	queue->count++;
}

static struct order *take_first(struct queue *queue)
{
	struct order *order = queue->first;

	if (order) {
		queue->first = order->next;
		queue->count--;
	}
	return order;
}

static void wake(struct tr_xmpp_stream *stream)
{
	uint64_t one = 1;

	if (write(stream->eventfd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		tr_fail(-errno, "%s: cannot wake the connection", stream->name);
}

/* Takes the order. When the thread does not come to read, what would be too late anyway goes. */
static void give(struct tr_xmpp_stream *stream, struct order *order)
{
	bool is_kept = order->type == ORDER_PUBLISH || order->type == ORDER_QUIT;

	pthread_mutex_lock(&stream->lock);
	bool has_room = is_kept || stream->orders.count < ORDERS_MAX;
	if (has_room)
		append(&stream->orders, order);
	pthread_mutex_unlock(&stream->lock);
	if (!has_room) {
		tr_warning(
			"%s: dropping an answer, the connection does not take any", stream->name);
		destroy_order(order);
	}
	wake(stream);
}

static struct order *new_order(struct tr_xmpp_stream *stream, enum order_type type)
{
	struct order *order = calloc(1, sizeof(*order));

	if (order)
		order->type = type;
	else
		tr_fail(-ENOMEM, "%s: an order is lost", stream->name);
	return order;
}

static char *copy(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

static void copy_report(struct order *order, const struct tr_jibri_iq_report *report)
{
	order->report = *report;
	order->report.failure = copy(report->failure);
	order->report.session_id = copy(report->session_id);
	order->report.sip_address = copy(report->sip_address);
}

void tr_xmpp_stream_publish(struct tr_xmpp_stream *stream, bool is_busy, bool is_healthy)
{
	struct order *order = new_order(stream, ORDER_PUBLISH);

	if (!order)
		return;
	order->is_busy = is_busy;
	order->is_healthy = is_healthy;
	give(stream, order);
}

void tr_xmpp_stream_answer(struct tr_xmpp_stream *stream, const struct tr_xmpp_news *request,
	const struct tr_jibri_iq_report *report)
{
	struct order *order = new_order(stream, ORDER_ANSWER);

	if (!order)
		return;
	order->age = request->age;
	order->to = copy(request->from);
	order->id = copy(request->id);
	copy_report(order, report);
	give(stream, order);
}

void tr_xmpp_stream_refuse(struct tr_xmpp_stream *stream, const struct tr_xmpp_news *request,
	const char *error_type, const char *condition)
{
	struct order *order = new_order(stream, ORDER_ERROR);

	if (!order)
		return;
	order->age = request->age;
	order->to = copy(request->from);
	order->id = copy(request->id);
	order->error_type = copy(error_type);
	order->condition = copy(condition);
	give(stream, order);
}

void tr_xmpp_stream_report(struct tr_xmpp_stream *stream, const char *to, unsigned age,
	const struct tr_jibri_iq_report *report)
{
	struct order *order = new_order(stream, ORDER_REPORT);

	if (!order)
		return;
	order->age = age;
	order->to = copy(to);
	copy_report(order, report);
	give(stream, order);
}

/* ---- the connection's socket ---- */

static void replace_cut_fd(struct tr_xmpp_stream *stream, int fd)
{
	pthread_mutex_lock(&stream->lock);
	int old = stream->cut_fd;
	stream->cut_fd = fd;
	pthread_mutex_unlock(&stream->lock);
	if (old >= 0)
		close(old);
}

/* Ends the connection for both sides without a word; libstrophe finds out when it looks. */
static void cut_socket(struct tr_xmpp_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	if (stream->cut_fd >= 0)
		shutdown(stream->cut_fd, SHUT_RDWR);
	pthread_mutex_unlock(&stream->lock);
}

static void cut(struct tr_xmpp_stream *stream, const char *reason)
{
	snprintf(stream->cut_reason, sizeof(stream->cut_reason), "%s", reason);
	cut_socket(stream);
}

static int on_socket(xmpp_conn_t *conn, void *socket)
{
	(void)conn;
	int fd = *(int *)socket, on = 1, idle_s = 20, interval_s = 10, count = 2;
	unsigned unacknowledged_ms = 45000;

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(
		fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof(unacknowledged_ms));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	replace_cut_fd(mine, fcntl(fd, F_DUPFD_CLOEXEC, 3));
	mine->is_writable_awaited = true;
	return 0;
}

/* ---- sending ---- */

/* Takes the stanza; it goes out when the thread next runs libstrophe. */
static void send_stanza(struct tr_xmpp_stream *stream, xmpp_stanza_t *stanza)
{
	if (!stanza) {
		tr_fail(-ENOMEM, "%s: a stanza is not sent", stream->name);
		return;
	}
	stream->activity++;
	if (stream->is_online)
		xmpp_send(stream->conn, stanza);
	xmpp_stanza_release(stanza);
}

/* Gives the new child of `parent`. */
static xmpp_stanza_t *add(
	struct tr_xmpp_stream *stream, xmpp_stanza_t *parent, const char *name, const char *ns)
{
	xmpp_stanza_t *child = parent ? xmpp_stanza_new(stream->ctx) : NULL;

	if (!child)
		return NULL;
	xmpp_stanza_set_name(child, name);
	if (ns)
		xmpp_stanza_set_ns(child, ns);
	xmpp_stanza_add_child_ex(parent, child, 0);
	return child;
}

static void set(xmpp_stanza_t *stanza, const char *name, const char *value)
{
	if (stanza && value)
		xmpp_stanza_set_attribute(stanza, name, value);
}

static void add_text(
	struct tr_xmpp_stream *stream, xmpp_stanza_t *parent, const char *name, const char *text)
{
	xmpp_stanza_t *child = add(stream, parent, name, NULL);
	xmpp_stanza_t *inside = child ? xmpp_stanza_new(stream->ctx) : NULL;

	if (!inside)
		return;
	xmpp_stanza_set_text(inside, text);
	xmpp_stanza_add_child_ex(child, inside, 0);
}

static const char *next_id(struct tr_xmpp_stream *stream, char *out, size_t size)
{
	snprintf(out, size, "tr-%u", ++stream->ids);
	return out;
}

static xmpp_stanza_t *new_presence(struct tr_xmpp_stream *stream, const char *nick)
{
	char to[TR_BREWERY_JID_MAX], id[32];
	xmpp_stanza_t *presence = xmpp_presence_new(stream->ctx);

	if (!presence)
		return NULL;
	snprintf(to, sizeof(to), "%s/%s", stream->brewery.room, nick);
	set(presence, "to", to);
	set(presence, "id", next_id(stream, id, sizeof(id)));
	return presence;
}

/* A join never goes without the state, and the state always has both of its halves. */
static void send_presence(struct tr_xmpp_stream *stream, bool is_join)
{
	xmpp_stanza_t *presence = new_presence(stream, stream->brewery.nick);

	if (is_join)
		add(stream, presence, "x", MUC_NS);
	xmpp_stanza_t *status = add(stream, presence, "jibri-status", TR_JIBRI_IQ_NS);
	set(add(stream, status, "busy-status", TR_JIBRI_IQ_NS), "status",
		stream->is_busy ? "busy" : "idle");
	set(add(stream, status, "health-status", HEALTH_NS), "status",
		stream->is_healthy ? "healthy" : "unhealthy");
	send_stanza(stream, presence);
	stream->is_busy_shown = stream->is_busy;
	stream->is_healthy_shown = stream->is_healthy;
}

static void send_leave(struct tr_xmpp_stream *stream, const char *nick)
{
	xmpp_stanza_t *presence = new_presence(stream, nick);

	if (presence)
		xmpp_stanza_set_type(presence, "unavailable");
	send_stanza(stream, presence);
}

static void send_ping(struct tr_xmpp_stream *stream, const char *to, const char *id)
{
	xmpp_stanza_t *iq = xmpp_iq_new(stream->ctx, "get", id);

	set(iq, "to", to);
	add(stream, iq, "ping", PING_NS);
	send_stanza(stream, iq);
}

/* A room that its maker has not configured may stay locked for all others; and Jicofo wants to see
 * real JIDs. */
static void send_room_form(struct tr_xmpp_stream *stream)
{
	char id[32];
	xmpp_stanza_t *iq = xmpp_iq_new(stream->ctx, "set", next_id(stream, id, sizeof(id)));

	set(iq, "to", stream->brewery.room);
	xmpp_stanza_t *query = add(stream, iq, "query", MUC_NS "#owner");
	xmpp_stanza_t *form = add(stream, query, "x", "jabber:x:data");
	set(form, "type", "submit");
	xmpp_stanza_t *field = add(stream, form, "field", NULL);
	set(field, "var", "FORM_TYPE");
	add_text(stream, field, "value", MUC_NS "#roomconfig");
	field = add(stream, form, "field", NULL);
	set(field, "var", "muc#roomconfig_whois");
	add_text(stream, field, "value", "anyone");
	send_stanza(stream, iq);
}

static void send_error(struct tr_xmpp_stream *stream, const char *to, const char *id,
	const char *type, const char *condition)
{
	xmpp_stanza_t *iq = xmpp_iq_new(stream->ctx, "error", id);

	set(iq, "to", to);
	xmpp_stanza_t *error = add(stream, iq, "error", NULL);
	set(error, "type", type);
	add(stream, error, condition, XMPP_NS_STANZAS_IETF);
	send_stanza(stream, iq);
}

/* ---- what is told to the loop ---- */

static void tell(struct tr_xmpp_stream *stream, struct tr_xmpp_news *news)
{
	news->connection = stream->connection;
	news->age = stream->age;
	if (tr_xmpp_inbox_push(stream->inbox, news) < 0)
		tr_warning("%s: too many requests, one is dropped", stream->name);
}

static void drop_held(struct tr_xmpp_stream *stream)
{
	for (struct order *order; (order = take_first(&stream->held));) {
		tr_info("%s: not sending a status, its connection is gone", stream->name);
		destroy_order(order);
	}
}

/* Whoever was promised a session here has looked for another recorder by now. */
static void lose_age(struct tr_xmpp_stream *stream)
{
	if (stream->is_age_live) {
		struct tr_xmpp_news *news = calloc(1, sizeof(*news));
		if (news) {
			news->type = TR_XMPP_NEWS_LOST;
			tell(stream, news);
		}
	}
	stream->is_age_live = false;
	stream->age++;
	stream->report_count = 0;
	memset(stream->reports, 0, sizeof(stream->reports));
	drop_held(stream);
}

/* ---- orders carried out ---- */

static void remember_on(struct tr_xmpp_stream *stream, const char *id, const char *session_id)
{
	struct sent_report *report = &stream->reports[stream->report_count++ % REPORTS_MAX];

	if (!session_id || strlen(session_id) >= sizeof(report->session_id))
		return;
	strcpy(report->session_id, session_id);
	snprintf(report->id, sizeof(report->id), "%s", id);
}

static void carry_out(struct tr_xmpp_stream *stream, const struct order *order)
{
	char id[32];

	if (order->type == ORDER_ERROR) {
		send_error(stream, order->to, order->id, order->error_type, order->condition);
		return;
	}
	bool is_answer = order->type == ORDER_ANSWER;
	if (!is_answer) {
		next_id(stream, id, sizeof(id));
		if (order->report.status == TR_JIBRI_IQ_ON)
			remember_on(stream, id, order->report.session_id);
	}
	send_stanza(stream, tr_jibri_iq_build(stream->ctx, order->to, is_answer ? order->id : id,
				    is_answer, &order->report));
}

static void take_publish(struct tr_xmpp_stream *stream, const struct order *order)
{
	stream->is_busy = stream->brewery.is_busy = order->is_busy;
	stream->is_healthy = order->is_healthy;
	if (stream->is_online && stream->brewery.state == TR_BREWERY_IN &&
		(stream->is_busy != stream->is_busy_shown ||
			stream->is_healthy != stream->is_healthy_shown))
		send_presence(stream, false);
}

static void start_quitting(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	stream->is_quitting = true;
	stream->quit_due_ns = stream->is_online ? after(now_ns, stream->waits.quit) : now_ns;
	if (!stream->is_online)
		return;
	if (stream->brewery.state == TR_BREWERY_IN)
		send_leave(stream, stream->brewery.nick);
	xmpp_disconnect(stream->conn);
}

/* True when the order is kept for later. */
static bool take_order(struct tr_xmpp_stream *stream, struct order *order, int64_t now_ns)
{
	if (order->type == ORDER_PUBLISH) {
		take_publish(stream, order);
	} else if (order->type == ORDER_QUIT) {
		start_quitting(stream, now_ns);
	} else if (order->age != stream->age) {
		tr_info("%s: not sending an answer or status, its connection is gone",
			stream->name);
	} else if (stream->is_online) {
		carry_out(stream, order);
	} else if (stream->is_resumable && stream->held.count < HELD_MAX) {
		append(&stream->held, order);
		return true;
	} else {
		tr_info("%s: not sending an answer or status while offline", stream->name);
	}
	return false;
}

static void take_orders(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	uint64_t count;

	if (read(stream->eventfd, &count, sizeof(count)) < 0)
		count = 0; /* woken by something else */
	for (;;) {
		pthread_mutex_lock(&stream->lock);
		struct order *order = take_first(&stream->orders);
		pthread_mutex_unlock(&stream->lock);
		if (!order)
			break;
		if (!take_order(stream, order, now_ns))
			destroy_order(order);
	}
}

/* ---- requests ---- */

static void answer_ping(struct tr_xmpp_stream *stream, const char *from, const char *id)
{
	xmpp_stanza_t *iq = xmpp_iq_new(stream->ctx, "result", id);

	set(iq, "to", from);
	send_stanza(stream, iq);
}

static void answer_disco(
	struct tr_xmpp_stream *stream, const char *from, const char *id, const char *node)
{
	static const char *const features[] = {
		XMPP_NS_DISCO_INFO, TR_JIBRI_IQ_NS, VERSION_NS, PING_NS};
	xmpp_stanza_t *iq = xmpp_iq_new(stream->ctx, "result", id);

	set(iq, "to", from);
	xmpp_stanza_t *query = add(stream, iq, "query", XMPP_NS_DISCO_INFO);
	set(query, "node", node);
	xmpp_stanza_t *identity = add(stream, query, "identity", NULL);
	set(identity, "category", "client");
	set(identity, "type", "bot");
	set(identity, "name", "telerec");
	for (size_t i = 0; i < TR_COUNT(features); i++)
		set(add(stream, query, "feature", NULL), "var", features[i]);
	send_stanza(stream, iq);
}

static void answer_version(struct tr_xmpp_stream *stream, const char *from, const char *id)
{
	xmpp_stanza_t *iq = xmpp_iq_new(stream->ctx, "result", id);

	set(iq, "to", from);
	xmpp_stanza_t *query = add(stream, iq, "query", VERSION_NS);
	add_text(stream, query, "name", "telerec");
	add_text(stream, query, "version", TR_VERSION);
	send_stanza(stream, iq);
}

static void take_jibri(struct tr_xmpp_stream *stream, xmpp_stanza_t *jibri, const char *from,
	const char *id, bool is_get)
{
	if (!tr_brewery_may_order(&stream->brewery, from)) {
		tr_warning("%s: refusing a request of %s, who is %s", stream->name,
			from ? from : "the server",
			tr_brewery_is_occupant(&stream->brewery, from) ? "not Jicofo"
								       : "not in our brewery");
		send_error(stream, from, id, "auth", "forbidden");
		return;
	}
	struct tr_xmpp_news *news = calloc(1, sizeof(*news));
	if (!news || tr_jibri_iq_parse(jibri, &news->iq) < 0) {
		tr_xmpp_news_destroy(news);
		send_error(stream, from, id, "cancel", "internal-server-error");
		return;
	}
	news->from = strdup(from);
	news->id = copy(id);
	if (is_get || news->iq->action == TR_JIBRI_IQ_NO_ACTION || !news->from || !news->id) {
		send_error(stream, from, id, "modify", "bad-request");
		tr_xmpp_news_destroy(news);
		return;
	}
	news->type = TR_XMPP_NEWS_REQUEST;
	tell(stream, news);
}

static xmpp_stanza_t *only_child(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *child = xmpp_stanza_get_children(stanza), *only = NULL;

	for (; child; child = xmpp_stanza_get_next(child)) {
		if (!xmpp_stanza_is_tag(child))
			continue;
		if (only)
			return NULL;
		only = child;
	}
	return only;
}

static void take_request(struct tr_xmpp_stream *stream, xmpp_stanza_t *iq, bool is_get)
{
	const char *from = xmpp_stanza_get_from(iq), *id = xmpp_stanza_get_id(iq);
	xmpp_stanza_t *child = only_child(iq);
	const char *name = child ? xmpp_stanza_get_name(child) : NULL;
	const char *ns = child ? xmpp_stanza_get_ns(child) : NULL;

	if (!name || !ns)
		send_error(stream, from, id, "modify", "bad-request");
	else if (!strcmp(ns, TR_JIBRI_IQ_NS) && !strcmp(name, "jibri"))
		take_jibri(stream, child, from, id, is_get);
	else if (is_get && !strcmp(ns, PING_NS))
		answer_ping(stream, from, id);
	else if (is_get && !strcmp(ns, XMPP_NS_DISCO_INFO))
		answer_disco(stream, from, id, xmpp_stanza_get_attribute(child, "node"));
	else if (is_get && !strcmp(ns, VERSION_NS))
		answer_version(stream, from, id);
	else
		send_error(stream, from, id, "cancel", "service-unavailable");
}

static void take_report_answer(struct tr_xmpp_stream *stream, const char *id, const char *condition)
{
	for (unsigned i = 0; i < REPORTS_MAX; i++) {
		struct sent_report *report = &stream->reports[i];
		if (!report->id[0] || strcmp(report->id, id))
			continue;
		report->id[0] = '\0';
		struct tr_xmpp_news *news = NULL;
		if (condition && !strcmp(condition, "item-not-found"))
			news = calloc(1, sizeof(*news));
		if (!news)
			return;
		news->type = TR_XMPP_NEWS_ORPHAN;
		news->session_id = strdup(report->session_id);
		tell(stream, news);
		return;
	}
}

static void take_answer(struct tr_xmpp_stream *stream, xmpp_stanza_t *iq, bool is_error)
{
	const char *from = xmpp_stanza_get_from(iq), *id = xmpp_stanza_get_id(iq);
	const char *condition = is_error ? tr_brewery_condition(iq) : NULL;

	if (!id)
		return;
	if (!strcmp(id, stream->brewery.ping_id))
		tr_brewery_take_pong(&stream->brewery, condition, tr_clock_now_ns());
	else if (tr_brewery_is_occupant(&stream->brewery, from))
		take_report_answer(stream, id, condition);
}

static void take_enabled(struct tr_xmpp_stream *stream, xmpp_stanza_t *enabled)
{
	const char *resume = xmpp_stanza_get_attribute(enabled, "resume");

	stream->is_resumable = resume && (!strcasecmp(resume, "true") || !strcmp(resume, "1"));
}

static void take_presence(struct tr_xmpp_stream *stream, xmpp_stanza_t *presence)
{
	tr_brewery_take_presence(&stream->brewery, presence, tr_clock_now_ns());
	if (stream->brewery.state == TR_BREWERY_IN && !stream->is_age_live) {
		stream->is_age_live = true;
		stream->in_ns = tr_clock_now_ns();
		tr_info("%s: in %s as \"%s\"", stream->name, stream->brewery.room,
			stream->brewery.nick);
	}
	if (stream->brewery.is_removed)
		lose_age(stream);
	stream->brewery.is_removed = false;
}

static int on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *user)
{
	struct tr_xmpp_stream *stream = user;
	const char *name = xmpp_stanza_get_name(stanza), *ns = xmpp_stanza_get_ns(stanza);
	const char *type = xmpp_stanza_get_type(stanza);

	stream->activity++;
	if (!stream->is_online || conn != stream->conn || !name || stream->is_quitting)
		return 1;
	if (!strcmp(name, "presence"))
		take_presence(stream, stanza);
	else if (!strcmp(name, "iq") && type && (!strcmp(type, "get") || !strcmp(type, "set")))
		take_request(stream, stanza, !strcmp(type, "get"));
	else if (!strcmp(name, "iq"))
		take_answer(stream, stanza, type && !strcmp(type, "error"));
	else if (!strcmp(name, "enabled") && ns && !strcmp(ns, XMPP_NS_SM))
		take_enabled(stream, stanza);
	return 1;
}

/* ---- libstrophe's log ---- */

static void lock_hashes(struct tr_xmpp_stream *stream)
{
	tr_xmpp_inbox_lock_login(stream->inbox);
	stream->is_hashing = true;
}

static void unlock_hashes(struct tr_xmpp_stream *stream)
{
	if (stream->is_hashing)
		tr_xmpp_inbox_unlock_login(stream->inbox);
	stream->is_hashing = false;
}

/* The log holds whole stanzas, passwords and keys among them: nothing of it is passed on. It is the
 * only place that says why a log-in did not work. */
static void on_log(void *user, xmpp_log_level_t level, const char *area, const char *text)
{
	struct tr_xmpp_stream *stream = user;
	static const char *const failures[] = {"not-authorized", "account-disabled",
		"credentials-expired", "temporary-auth-failure", "encryption-required",
		"mechanism-too-weak", "invalid-mechanism", "invalid-authzid"};

	(void)area;
	stream->activity++;
	if (level >= XMPP_LEVEL_ERROR) {
		stream->is_no_tls |= strstr(text, "TLS is not supported") != NULL;
		stream->is_no_login |= strstr(text, "Cannot authenticate") != NULL;
	} else if (!strncmp(text, "RECV: <failure", strlen("RECV: <failure"))) {
		for (size_t i = 0; i < TR_COUNT(failures); i++) {
			if (strstr(text, failures[i]))
				snprintf(stream->login_error, sizeof(stream->login_error), "%s",
					failures[i]);
		}
	} else if (!strncmp(text, "RECV: <proceed", strlen("RECV: <proceed"))) {
		unlock_hashes(stream); /* a handshake comes, which takes its time */
	} else if (!strncmp(text, "RECV: </stream", strlen("RECV: </stream"))) {
		stream->is_stream_over = true;
	}
}

/* ---- certificates ---- */

/* Goes on in any case, for the server's own certificate is not known before the handshake's end:
 * judge() sees it before anything is sent inside TLS, and hands out the password only then. */
static int on_bad_certificate(const xmpp_tlscert_t *certificate, const char *const why)
{
	(void)certificate;
	if (!mine->certificate_error[0])
		snprintf(mine->certificate_error, sizeof(mine->certificate_error), "%s",
			why ? why : "not valid");
	return 1;
}

static void format_fingerprint(const char *digits, char *out, size_t size)
{
	size_t length = 0;

	for (; *digits && length + 4 < size; digits++) {
		if (!isxdigit((unsigned char)*digits))
			continue;
		if (length % 3 == 2)
			out[length++] = ':';
		out[length++] = (char)toupper((unsigned char)*digits);
	}
	out[length] = '\0';
}

static void refuse_certificate(struct tr_xmpp_stream *stream, const char *fingerprint)
{
	const struct tr_xmpp_server *server = &stream->server;

	if (server->fingerprint[0])
		snprintf(stream->problem, sizeof(stream->problem),
			"the server shows another certificate than the configured one: its SHA-256 "
			"fingerprint is %s",
			fingerprint);
	else
		snprintf(stream->problem, sizeof(stream->problem),
			"the certificate for %s is not trusted (%s); its SHA-256 fingerprint is %s",
			server->control_domain, stream->certificate_error, fingerprint);
	stream->down = DOWN_REFUSED;
	cut_socket(stream);
}

static void judge(struct tr_xmpp_stream *stream)
{
	const struct tr_xmpp_server *server = &stream->server;
	char fingerprint[128] = "";

	if (stream->is_judged || !stream->conn || !xmpp_conn_is_secured(stream->conn))
		return;
	stream->is_judged = true;
	xmpp_tlscert_t *certificate = xmpp_conn_get_peer_cert(stream->conn);
	const char *digits =
		certificate ? xmpp_tlscert_get_string(certificate, XMPP_CERT_FINGERPRINT_SHA256)
			    : NULL;
	format_fingerprint(digits ? digits : "", fingerprint, sizeof(fingerprint));
	if (certificate)
		xmpp_tlscert_free(certificate);
	bool is_good = server->fingerprint[0] ? tr_xmpp_server_is_pinned(server, fingerprint)
					      : server->trust_all || !stream->certificate_error[0];
	if (is_good)
		xmpp_conn_set_pass(stream->conn, server->control_password);
	else
		refuse_certificate(stream, fingerprint);
}

/* ---- up and down ---- */

static void set_login_due(struct tr_xmpp_stream *stream, int64_t due_ns)
{
	pthread_mutex_lock(&stream->lock);
	stream->login_due_ns = due_ns;
	pthread_mutex_unlock(&stream->lock);
}

static void on_login(struct tr_xmpp_stream *stream)
{
	int64_t now = tr_clock_now_ns();
	const char *jid = xmpp_conn_get_bound_jid(stream->conn);

	if (!jid)
		jid = "";
	set_login_due(stream, 0);
	stream->is_online = true;
	stream->heard_ns = now;
	stream->pinged_ns = 0;
	stream->problem[0] = '\0';
	bool was_resuming = stream->is_resuming;
	stream->is_resuming = false;
	if (was_resuming && stream->is_resumable && !strcmp(jid, stream->brewery.own_jid)) {
		tr_info("%s: the connection is back and goes on where it was", stream->name);
		tr_brewery_resume(&stream->brewery, now);
		for (struct order *order; (order = take_first(&stream->held));) {
			carry_out(stream, order);
			destroy_order(order);
		}
		return;
	}
	if (was_resuming) {
		/* libstrophe goes on counting from the old stream, and would send its stanzas
		 * again after the next loss: a connection without a past is the safe one. */
		lose_age(stream);
		stream->is_online = stream->is_resumable = false;
		stream->down = DOWN_AT_ONCE;
		cut_socket(stream);
		return;
	}
	stream->is_resumable = false; /* until it is enabled */
	tr_brewery_reset(&stream->brewery, jid, now);
	stream->brewery.is_busy = stream->is_busy;
}

static const char *error_name(int type)
{
	static const char *const names[] = {
		[XMPP_SE_CONFLICT] = "conflict",
		[XMPP_SE_CONN_TIMEOUT] = "connection-timeout",
		[XMPP_SE_HOST_GONE] = "host-gone",
		[XMPP_SE_HOST_UNKNOWN] = "host-unknown",
		[XMPP_SE_INTERNAL_SERVER_ERROR] = "internal-server-error",
		[XMPP_SE_NOT_AUTHORIZED] = "not-authorized",
		[XMPP_SE_POLICY_VIOLATION] = "policy-violation",
		[XMPP_SE_RESOURCE_CONSTRAINT] = "resource-constraint",
		[XMPP_SE_SYSTEM_SHUTDOWN] = "system-shutdown",
		[XMPP_SE_XML_NOT_WELL_FORMED] = "not-well-formed",
	};

	return type >= 0 && type < (int)TR_COUNT(names) && names[type] ? names[type] : "error";
}

static void explain_login_error(struct tr_xmpp_stream *stream)
{
	const struct tr_xmpp_server *server = &stream->server;

	stream->down = DOWN_REFUSED;
	snprintf(stream->problem, sizeof(stream->problem),
		"the server does not let %s@%s log in (%s): the name or the password is wrong",
		server->control_username, server->control_domain,
		stream->login_error[0] ? stream->login_error : "no method in common");
}

static void explain_stream_error(struct tr_xmpp_stream *stream, int type)
{
	if (type == XMPP_SE_CONFLICT)
		stream->down = DOWN_CONFLICT;
	if (type == XMPP_SE_HOST_UNKNOWN) {
		stream->down = DOWN_REFUSED;
		snprintf(stream->problem, sizeof(stream->problem),
			"the server does not serve the domain %s (host-unknown)",
			stream->server.control_domain);
		return;
	}
	snprintf(stream->problem, sizeof(stream->problem), "the server ended the connection (%s)",
		error_name(type));
}

static void explain_no_connection(struct tr_xmpp_stream *stream, int error)
{
	const char *why = error == ECONNREFUSED || error == ETIMEDOUT || error == EHOSTUNREACH ||
					  error == ENETUNREACH || error == ECONNRESET
				  ? strerrordesc_np(error)
				  : "no answer";

	snprintf(stream->problem, sizeof(stream->problem), "%s (%s)",
		stream->is_judged ? "the connection ended before the log-in"
				  : "the server cannot be reached",
		why);
}

static void explain_down(struct tr_xmpp_stream *stream, int error, const xmpp_stream_error_t *fault)
{
	pthread_mutex_lock(&stream->lock);
	bool is_late = stream->login_due_ns && tr_clock_now_ns() >= stream->login_due_ns;
	pthread_mutex_unlock(&stream->lock);

	if (stream->down == DOWN_REFUSED || stream->down == DOWN_AT_ONCE)
		return; /* it has been said */
	if (stream->cut_reason[0]) {
		snprintf(stream->problem, sizeof(stream->problem), "%s", stream->cut_reason);
	} else if (is_late) {
		snprintf(stream->problem, sizeof(stream->problem),
			"the server did not finish the log-in within %d s",
			stream->waits.login / 1000);
	} else if (stream->is_no_tls) {
		stream->down = DOWN_REFUSED;
		snprintf(stream->problem, sizeof(stream->problem),
			"the server offers no TLS, which is required");
	} else if (!stream->is_online && (stream->login_error[0] || stream->is_no_login)) {
		explain_login_error(stream);
	} else if (fault) {
		explain_stream_error(stream, (int)fault->type);
	} else if (stream->is_online) {
		snprintf(stream->problem, sizeof(stream->problem), "the connection was lost");
	} else {
		explain_no_connection(stream, error);
	}
}

static void on_down(struct tr_xmpp_stream *stream, int error, const xmpp_stream_error_t *fault)
{
	if (!stream->is_up)
		return;
	explain_down(stream, error, fault);
	if (fault || stream->is_stream_over)
		stream->is_resumable = false;
	replace_cut_fd(stream, -1);
	set_login_due(stream, 0);
	stream->is_writable_awaited = stream->is_up = false;
	stream->is_down = true;
}

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
	xmpp_stream_error_t *fault, void *user)
{
	struct tr_xmpp_stream *stream = user;

	stream->activity++;
	if (conn != stream->conn)
		return;
	if (event == XMPP_CONN_CONNECT)
		on_login(stream);
	else if (event == XMPP_CONN_DISCONNECT || event == XMPP_CONN_FAIL)
		on_down(stream, error, fault);
}

static int64_t by_chance(int64_t ms)
{
	uint32_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (uint32_t)tr_clock_now_ns();
	return ms - (int64_t)(chance % (uint32_t)(ms / 2 + 1));
}

static int64_t doubled(int64_t ms, unsigned times, int64_t max)
{
	ms <<= times < 16 ? times : 16;
	return ms < max ? ms : max;
}

static int64_t next_wait_ms(struct tr_xmpp_stream *stream)
{
	const struct tr_xmpp_waits *waits = &stream->waits;

	switch (stream->down) {
	case DOWN_AT_ONCE:
		return 0;
	case DOWN_REFUSED:
		return by_chance(doubled(waits->refused, stream->refusals++, waits->refused_max));
	case DOWN_CONFLICT:
		return waits->conflict;
	case DOWN_LOST:
		break;
	}
	return by_chance(doubled(waits->retry, stream->tries++, waits->retry_max));
}

static void after_down(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	bool was_online = stream->is_online;

	stream->is_down = stream->is_online = false;
	if (stream->is_quitting)
		return;
	if (was_online && stream->is_resumable)
		stream->resume_due_ns = after(now_ns, stream->waits.resume);
	else if (was_online)
		lose_age(stream);
	bool is_silent = stream->down == DOWN_AT_ONCE;
	int64_t wait = next_wait_ms(stream);
	stream->due_ns = after(now_ns, wait);
	if (!is_silent)
		tr_warning("%s: %s, trying again in %.1f s", stream->name, stream->problem,
			(double)wait / 1000);
}

static void drop_connection(struct tr_xmpp_stream *stream)
{
	xmpp_conn_t *conn = stream->conn;

	if (!conn)
		return;
	cut_socket(stream);  /* or it would wait for the server's farewell */
	stream->conn = NULL; /* what it still calls is not for us */
	xmpp_conn_release(conn);
	replace_cut_fd(stream, -1);
	stream->is_up = stream->is_online = false;
}

static int make_connection(struct tr_xmpp_stream *stream)
{
	const struct tr_xmpp_server *server = &stream->server;
	char jid[2048];
	long flags = server->security == TR_XMPP_PLAIN ? XMPP_CONN_FLAG_DISABLE_TLS : 0;

	if (server->security == TR_XMPP_STARTTLS || server->security == TR_XMPP_DIRECT_TLS)
		flags |= XMPP_CONN_FLAG_MANDATORY_TLS;
	if (server->security == TR_XMPP_DIRECT_TLS)
		flags |= XMPP_CONN_FLAG_LEGACY_SSL;
	if (server->security != TR_XMPP_PLAIN && (server->trust_all || server->fingerprint[0]))
		flags |= XMPP_CONN_FLAG_TRUST_TLS; /* judge() looks at the fingerprint */
	int rc = tr_text_format(
		jid, sizeof(jid), "%s@%s", server->control_username, server->control_domain);
	if (rc < 0)
		return rc;
	stream->conn = xmpp_conn_new(stream->ctx);
	if (!stream->conn)
		return -ENOMEM;
	xmpp_conn_set_jid(stream->conn, jid); /* the server makes the resource: never twice one */
	xmpp_conn_set_sockopt_callback(stream->conn, on_socket);
	xmpp_conn_set_certfail_handler(stream->conn, on_bad_certificate);
	if (server->ca_file[0])
		xmpp_conn_set_cafile(stream->conn, server->ca_file);
	if (xmpp_conn_set_flags(stream->conn, flags) != XMPP_EOK)
		return -EINVAL;
	xmpp_handler_add(stream->conn, on_stanza, NULL, NULL, NULL, stream);
	return 0;
}

static int port_of(const struct tr_xmpp_server *server)
{
	if (server->port || !server->host[0])
		return server->port;
	return server->security == TR_XMPP_DIRECT_TLS ? 5223 : 5222;
}

static int open_connection(struct tr_xmpp_stream *stream)
{
	const struct tr_xmpp_server *server = &stream->server;
	bool is_tls =
		server->security == TR_XMPP_STARTTLS || server->security == TR_XMPP_DIRECT_TLS;

	if (!stream->is_resumable) {
		drop_connection(stream);
		int rc = make_connection(stream);
		if (rc < 0)
			return rc;
	}
	/* With TLS the password is not even there until the certificate was looked at. */
	xmpp_conn_set_pass(stream->conn, is_tls ? "" : server->control_password);
	stream->is_resuming = stream->is_resumable;
	stream->is_up = true;
	if (xmpp_connect_client(stream->conn, server->host[0] ? server->host : NULL,
		    (unsigned short)port_of(server), on_connection, stream) != XMPP_EOK)
		on_down(stream, ECONNREFUSED, NULL);
	return 0;
}

static bool answers(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	int rc = connect(fd, address->ai_addr, address->ai_addrlen), error = errno;
	socklen_t size = sizeof(error);
	if (rc < 0 && error == EINPROGRESS) {
		struct pollfd wait = {.fd = fd, .events = POLLOUT};
		rc = poll(&wait, 1, PROBE_MS) == 1
			     ? getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size)
			     : -1;
		rc = rc < 0 || error ? -1 : 0;
	}
	close(fd);
	return rc == 0;
}

/* libstrophe forgets the old stream at the first try that fails: it gets one when the server takes
 * connections again. */
static bool can_reach(const struct tr_xmpp_server *server)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *addresses = NULL;
	char port[16];
	bool is_there = false;

	if (!server->host[0])
		return true; /* found by SRV, which is libstrophe's */
	snprintf(port, sizeof(port), "%d", port_of(server));
	if (getaddrinfo(server->host, port, &hints, &addresses))
		return false;
	for (struct addrinfo *at = addresses; at && !is_there; at = at->ai_next)
		is_there = answers(at);
	freeaddrinfo(addresses);
	return is_there;
}

static void connect_now(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	stream->down = DOWN_LOST;
	stream->is_no_tls = stream->is_no_login = stream->is_judged = false;
	stream->is_stream_over = false;
	stream->certificate_error[0] = stream->cut_reason[0] = stream->login_error[0] = '\0';
	if (stream->server.ca_file[0] && access(stream->server.ca_file, R_OK) < 0) {
		snprintf(stream->problem, sizeof(stream->problem), "the CA file %s cannot be read",
			stream->server.ca_file);
		stream->down = DOWN_REFUSED;
		stream->is_down = true;
		return;
	}
	if (stream->is_resumable && !can_reach(&stream->server)) {
		explain_no_connection(stream, 0);
		stream->is_down = true;
		return;
	}
	set_login_due(stream, after(now_ns, stream->waits.login));
	int rc = open_connection(stream);
	if (rc < 0) {
		snprintf(stream->problem, sizeof(stream->problem), "out of memory");
		set_login_due(stream, 0);
		stream->is_up = false;
		stream->is_down = true;
	}
}

/* ---- the thread ---- */

static void tend_brewery(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	struct tr_brewery *brewery = &stream->brewery;
	char here[TR_BREWERY_JID_MAX];

	for (enum tr_brewery_order order; (order = tr_brewery_next(brewery, now_ns));) {
		switch (order) {
		case TR_BREWERY_NONE:
			break;
		case TR_BREWERY_JOIN:
			send_presence(stream, true);
			break;
		case TR_BREWERY_LEAVE:
			send_leave(stream, brewery->left_nick);
			break;
		case TR_BREWERY_CONFIGURE:
			send_room_form(stream);
			break;
		case TR_BREWERY_PUBLISH:
			send_presence(stream, false);
			break;
		case TR_BREWERY_SELF_PING:
			snprintf(here, sizeof(here), "%s/%s", brewery->room, brewery->nick);
			send_ping(stream, here, brewery->ping_id);
			break;
		}
		if (brewery->is_removed)
			lose_age(stream);
		brewery->is_removed = false;
	}
	if (brewery->state == TR_BREWERY_IN &&
		(stream->is_busy != stream->is_busy_shown ||
			stream->is_healthy != stream->is_healthy_shown))
		send_presence(stream, false); /* it changed while the join was under way */
}

static void tend_link(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	char id[32];

	if (now_ns >= after(stream->heard_ns, stream->waits.ping + stream->waits.pong)) {
		cut(stream, "the server does not answer any more");
	} else if (!stream->pinged_ns && now_ns >= after(stream->heard_ns, stream->waits.ping)) {
		stream->pinged_ns = now_ns;
		send_ping(stream, stream->server.control_domain, next_id(stream, id, sizeof(id)));
	}
	if (stream->brewery.state == TR_BREWERY_IN && (stream->tries || stream->refusals) &&
		now_ns >= after(stream->in_ns, SETTLED_MS))
		stream->tries = stream->refusals = 0;
}

static void step(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	if (stream->is_down)
		after_down(stream, now_ns);
	if (!stream->is_online && stream->is_resumable && now_ns >= stream->resume_due_ns) {
		tr_warning("%s: away for too long, its sessions are given up", stream->name);
		stream->is_resumable = false;
		lose_age(stream);
		if (stream->is_up)
			cut(stream, "a try to take up the old connection took too long");
	}
	if (stream->is_quitting)
		return;
	if (!stream->is_up && now_ns >= stream->due_ns)
		connect_now(stream, now_ns);
	if (stream->is_up && !stream->is_online && stream->login_due_ns &&
		now_ns >= stream->login_due_ns)
		cut_socket(stream);
	if (stream->is_online) {
		tend_brewery(stream, now_ns);
		tend_link(stream, now_ns);
	}
}

/* libstrophe's SHA-1 works in memory that all threads share: hashes of two passwords at the same
 * time come out wrong, and the server refuses the login. So only one thread at a time is in that
 * part. Before TLS a step may sleep in the handshake, and is not kept back by others, nor keeps
 * them (where TLS is optional it does, until on_log() sees it begin). */
static void run_once(struct tr_xmpp_stream *stream)
{
	bool is_tls_first = stream->server.security == TR_XMPP_STARTTLS ||
			    stream->server.security == TR_XMPP_DIRECT_TLS;

	if (!stream->is_online && (!is_tls_first || xmpp_conn_is_secured(stream->conn)))
		lock_hashes(stream);
	xmpp_run_once(stream->ctx, 0);
	unlock_hashes(stream);
}

/* A TLS record is up to 16 KiB, of which libstrophe takes 4 KiB at a time; the rest makes no
 * descriptor readable. What it answers goes out in the round after. */
static void pump(struct tr_xmpp_stream *stream)
{
	for (unsigned quiet = 0, rounds = 0; quiet < 6 && rounds < 200; rounds++) {
		unsigned before = stream->activity;
		if (!stream->conn || !stream->is_up)
			return;
		run_once(stream);
		judge(stream);
		quiet = before == stream->activity ? quiet + 1 : 0;
	}
}

static int64_t next_due_ns(const struct tr_xmpp_stream *stream, int64_t now_ns)
{
	int64_t due = after(now_ns, stream->is_up && !stream->is_online ? 200 : TICK_MS);

	if (stream->is_down)
		return now_ns;
	if (stream->is_quitting && stream->quit_due_ns < due)
		due = stream->quit_due_ns;
	if (!stream->is_up && !stream->is_quitting && stream->due_ns < due)
		due = stream->due_ns;
	if (stream->is_online && !stream->is_quitting && tr_brewery_due_ns(&stream->brewery) < due)
		due = tr_brewery_due_ns(&stream->brewery);
	return due;
}

static void wait_for_work(struct tr_xmpp_stream *stream)
{
	int64_t now = tr_clock_now_ns(), due = next_due_ns(stream, now);
	struct pollfd fds[2] = {{.fd = stream->eventfd, .events = POLLIN},
		{.fd = stream->cut_fd, .events = POLLIN}};
	int ms = due <= now ? 0 : (int)((due - now) / TR_NS_PER_MS) + 1;

	if (stream->is_writable_awaited ||
		(stream->is_online && xmpp_conn_send_queue_len(stream->conn) > 0))
		fds[1].events |= POLLOUT;
	if (poll(fds, 2, ms) <= 0)
		return;
	if (fds[1].revents & POLLIN) {
		stream->heard_ns = tr_clock_now_ns();
		stream->pinged_ns = 0;
	}
	if (fds[1].revents)
		stream->is_writable_awaited = false;
}

static enum tr_xmpp_link_state link_state(const struct tr_xmpp_stream *stream)
{
	if (!stream->is_up)
		return TR_XMPP_OFFLINE;
	if (!stream->is_online)
		return TR_XMPP_CONNECTING;
	return stream->brewery.state == TR_BREWERY_IN ? TR_XMPP_PRESENT : TR_XMPP_JOINING;
}

static void show(struct tr_xmpp_stream *stream)
{
	struct tr_xmpp_link *link = &stream->link;
	const char *problem = stream->is_online ? stream->brewery.problem : stream->problem;

	if (!problem[0] && stream->server.trust_all && !stream->server.fingerprint[0])
		problem = "no certificate is checked (trust_all): anybody on the way to the server "
			  "can take the password";
	pthread_mutex_lock(&stream->lock);
	enum tr_xmpp_link_state before = link->state;
	link->state = link_state(stream);
	if (before >= TR_XMPP_JOINING && link->state < TR_XMPP_JOINING)
		link->reconnects++;
	link->has_focus = link->state == TR_XMPP_PRESENT && tr_brewery_has_focus(&stream->brewery);
	snprintf(link->nickname, sizeof(link->nickname), "%s", stream->brewery.nick);
	snprintf(link->problem, sizeof(link->problem), "%s", problem);
	pthread_mutex_unlock(&stream->lock);
}

static bool is_over(const struct tr_xmpp_stream *stream)
{
	return stream->is_quitting && (!stream->is_up || tr_clock_now_ns() >= stream->quit_due_ns);
}

static void unref(struct tr_xmpp_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	bool is_last = --stream->refs == 0;
	pthread_mutex_unlock(&stream->lock);
	if (!is_last)
		return;
	for (struct order *order; (order = take_first(&stream->orders));)
		destroy_order(order);
	pthread_mutex_destroy(&stream->lock);
	tr_xmpp_server_fini(&stream->server);
	tr_xmpp_inbox_unref(stream->inbox);
	if (stream->eventfd >= 0)
		close(stream->eventfd);
	free(stream);
}

static void *run(void *user)
{
	struct tr_xmpp_stream *stream = user;

	mine = stream;
	stream->log = (xmpp_log_t){.handler = on_log, .userdata = stream};
	lock_hashes(stream);
	stream->ctx = xmpp_ctx_new(NULL, &stream->log);
	unlock_hashes(stream);
	while (stream->ctx && !is_over(stream)) {
		take_orders(stream, tr_clock_now_ns());
		step(stream, tr_clock_now_ns());
		pump(stream);
		show(stream);
		if (!stream->is_down && !is_over(stream))
			wait_for_work(stream);
	}
	drop_connection(stream);
	for (struct order *order; (order = take_first(&stream->held));)
		destroy_order(order);
	if (stream->ctx)
		xmpp_ctx_free(stream->ctx);
	mine = NULL;
	unref(stream);
	return NULL;
}

/* ---- the loop's side ---- */

static int start_thread(struct tr_xmpp_stream *stream)
{
	pthread_attr_t attributes;
	sigset_t all, old;

	/* Signals are the main thread's; and a write to a server that is gone must not end us. */
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	stream->refs++;
	int rc = -pthread_create(&stream->thread, &attributes, run, stream);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	if (rc < 0)
		stream->refs--;
	return rc;
}

static int init(struct tr_xmpp_stream *stream, const struct tr_xmpp_server *server)
{
	struct tr_xmpp_link *link = &stream->link;
	char nick[TR_BREWERY_NICK_MAX + 16];

	int rc = tr_xmpp_server_copy(server, &stream->server);
	if (rc < 0)
		return rc;
	tr_xmpp_server_describe(&stream->server, stream->name, sizeof(stream->name));
	if (stream->slot > 1)
		snprintf(nick, sizeof(nick), "%s-%u", stream->server.nickname, stream->slot);
	else
		snprintf(nick, sizeof(nick), "%s", stream->server.nickname);
	link->connection = stream->connection;
	link->slot = stream->slot;
	link->state = TR_XMPP_CONNECTING;
	snprintf(link->environment, sizeof(link->environment), "%s", stream->server.environment);
	snprintf(link->entry, sizeof(link->entry), "%s", stream->server.entry);
	stream->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stream->eventfd < 0)
		return -errno;
	rc = tr_brewery_init(&stream->brewery, stream->server.brewery_room,
		stream->server.brewery_domain, nick, stream->server.focus_jid,
		&stream->waits.brewery);
	snprintf(link->nickname, sizeof(link->nickname), "%s", stream->brewery.nick);
	return rc;
}

int tr_xmpp_stream_create(const struct tr_xmpp_server *server, unsigned connection, unsigned slot,
	const struct tr_xmpp_waits *waits, struct tr_xmpp_inbox *inbox,
	struct tr_xmpp_stream **ret_stream)
{
	struct tr_xmpp_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	pthread_mutex_init(&stream->lock, NULL);
	stream->refs = 1;
	stream->waits = *waits;
	stream->connection = connection;
	stream->slot = slot;
	stream->inbox = tr_xmpp_inbox_ref(inbox);
	stream->eventfd = stream->cut_fd = -1;
	stream->is_busy = true;
	stream->age = 1;
	int rc = init(stream, server);
	if (rc == 0)
		rc = start_thread(stream);
	if (rc < 0) {
		unref(stream);
		return rc;
	}
	*ret_stream = stream;
	return 0;
}

void tr_xmpp_stream_quit(struct tr_xmpp_stream *stream)
{
	struct order *order = new_order(stream, ORDER_QUIT);

	if (order)
		give(stream, order);
}

static int join(struct tr_xmpp_stream *stream, int64_t deadline_ns)
{
	int64_t wall = tr_clock_wall_ns() + deadline_ns - tr_clock_now_ns();
	struct timespec until = {.tv_sec = wall / TR_NS_PER_S, .tv_nsec = wall % TR_NS_PER_S};

	return -pthread_timedjoin_np(stream->thread, NULL, &until);
}

void tr_xmpp_stream_destroy(struct tr_xmpp_stream *stream, int64_t deadline_ns)
{
	if (!stream)
		return;
	if (join(stream, deadline_ns) < 0) {
		cut_socket(stream);
		if (join(stream, after(tr_clock_now_ns(), 500)) < 0) {
			tr_warning("%s: still looking for the server, not waiting", stream->name);
			pthread_detach(stream->thread);
		}
	}
	unref(stream);
}

void tr_xmpp_stream_watch(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	pthread_mutex_lock(&stream->lock);
	bool is_late = stream->login_due_ns && now_ns >= stream->login_due_ns;
	pthread_mutex_unlock(&stream->lock);
	if (is_late)
		cut_socket(stream);
}

void tr_xmpp_stream_read(struct tr_xmpp_stream *stream, struct tr_xmpp_link *ret_link)
{
	pthread_mutex_lock(&stream->lock);
	*ret_link = stream->link;
	pthread_mutex_unlock(&stream->lock);
}
