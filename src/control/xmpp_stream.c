#include "control/xmpp_stream_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "control/xmpp_server.h"
#include "core/log.h"

#define TR_LOG_AREA "xmpp"

#define HELD_MAX 64
#define STACK_SIZE (32 << 20) /* libstrophe walks nested elements by recursion */
#define TICK_MS 2000	      /* libstrophe's own time limits are looked at this often */
#define SETTLED_MS 10000      /* a stay after which the waits start from the shortest again */

static void remember_on(struct tr_xmpp_stream *stream, const char *id, const char *session_id)
{
	struct tr_xmpp_sent_report *report = &stream->reports[stream->report_count++ % REPORTS_MAX];

	if (!session_id || strlen(session_id) >= sizeof(report->session_id))
		return;
	memcpy(report->session_id, session_id, strlen(session_id) + 1);
	snprintf(report->id, sizeof(report->id), "%s", id);
}

void tr_xmpp_stream_carry_out(struct tr_xmpp_stream *stream, const struct tr_xmpp_order *order)
{
	char id[32];

	if (order->type == TR_XMPP_ORDER_ERROR) {
		tr_xmpp_say_error(
			stream, order->to, order->id, order->error_type, order->condition);
		return;
	}
	bool is_answer = order->type == TR_XMPP_ORDER_ANSWER;
	if (!is_answer) {
		tr_xmpp_say_next_id(stream, id, sizeof(id));
		if (order->report.status == TR_JIBRI_IQ_ON)
			remember_on(stream, id, order->report.session_id);
	}
	tr_xmpp_say(stream, tr_jibri_iq_build(stream->ctx, order->to, is_answer ? order->id : id,
				    is_answer, &order->report));
}

static void take_publish(struct tr_xmpp_stream *stream, const struct tr_xmpp_order *order)
{
	stream->is_busy = stream->brewery.is_busy = order->is_busy;
	stream->is_healthy = order->is_healthy;
	if (stream->is_online && stream->brewery.state == TR_BREWERY_IN &&
		(stream->is_busy != stream->is_busy_shown ||
			stream->is_healthy != stream->is_healthy_shown))
		tr_xmpp_say_presence(stream, false);
}

static void start_quitting(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	stream->is_quitting = true;
	stream->quit_due_ns =
		stream->is_online ? tr_xmpp_stream_after(now_ns, stream->waits.quit) : now_ns;
	if (!stream->is_online)
		return;
	if (stream->brewery.state == TR_BREWERY_IN)
		tr_xmpp_say_leave(stream, stream->brewery.nick);
	xmpp_disconnect(stream->conn);
}

/* True when the order is kept for later. */
static bool take_order(struct tr_xmpp_stream *stream, struct tr_xmpp_order *order, int64_t now_ns)
{
	if (order->type == TR_XMPP_ORDER_PUBLISH) {
		take_publish(stream, order);
	} else if (order->type == TR_XMPP_ORDER_QUIT) {
		start_quitting(stream, now_ns);
	} else if (order->age != stream->age) {
		tr_info("%s: not sending an answer or status, its connection is gone",
			stream->name);
	} else if (stream->is_online) {
		tr_xmpp_stream_carry_out(stream, order);
	} else if (stream->is_resumable && stream->held.count < HELD_MAX) {
		tr_xmpp_order_append(&stream->held, order);
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
		struct tr_xmpp_order *order = tr_xmpp_order_take(&stream->orders);
		pthread_mutex_unlock(&stream->lock);
		if (!order)
			break;
		if (!take_order(stream, order, now_ns))
			tr_xmpp_order_destroy(order);
	}
}

static void tend_brewery(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	struct tr_brewery *brewery = &stream->brewery;
	char here[TR_BREWERY_JID_MAX];

	for (enum tr_brewery_order order; (order = tr_brewery_next(brewery, now_ns));) {
		switch (order) {
		case TR_BREWERY_NONE:
			break;
		case TR_BREWERY_JOIN:
			tr_xmpp_say_presence(stream, true);
			break;
		case TR_BREWERY_LEAVE:
			tr_xmpp_say_leave(stream, brewery->left_nick);
			break;
		case TR_BREWERY_CONFIGURE:
			tr_xmpp_say_room_form(stream);
			break;
		case TR_BREWERY_PUBLISH:
			tr_xmpp_say_presence(stream, false);
			break;
		case TR_BREWERY_SELF_PING:
			snprintf(here, sizeof(here), "%s/%s", brewery->room, brewery->nick);
			tr_xmpp_say_ping(stream, here, brewery->ping_id);
			break;
		}
		if (brewery->is_removed)
			tr_xmpp_hear_loss(stream);
		brewery->is_removed = false;
	}
	if (brewery->state == TR_BREWERY_IN &&
		(stream->is_busy != stream->is_busy_shown ||
			stream->is_healthy != stream->is_healthy_shown))
		tr_xmpp_say_presence(stream, false); /* it changed while the join was under way */
}

static void tend_link(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	char id[32];

	if (now_ns >=
		tr_xmpp_stream_after(stream->heard_ns, stream->waits.ping + stream->waits.pong)) {
		tr_xmpp_login_cut(stream, "the server does not answer any more");
	} else if (!stream->pinged_ns &&
		   now_ns >= tr_xmpp_stream_after(stream->heard_ns, stream->waits.ping)) {
		stream->pinged_ns = now_ns;
		tr_xmpp_say_ping(stream, stream->server.control_domain,
			tr_xmpp_say_next_id(stream, id, sizeof(id)));
	}
	if (stream->brewery.state == TR_BREWERY_IN && (stream->tries || stream->refusals) &&
		now_ns >= tr_xmpp_stream_after(stream->in_ns, SETTLED_MS))
		stream->tries = stream->refusals = 0;
}

static void step(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	if (stream->is_down)
		tr_xmpp_down_plan(stream, now_ns);
	if (!stream->is_online && stream->is_resumable && now_ns >= stream->resume_due_ns) {
		tr_warning("%s: away for too long, its sessions are given up", stream->name);
		stream->is_resumable = false;
		tr_xmpp_hear_loss(stream);
		if (stream->is_up)
			tr_xmpp_login_cut(
				stream, "a try to take up the old connection took too long");
	}
	if (stream->is_quitting)
		return;
	if (!stream->is_up && now_ns >= stream->due_ns)
		tr_xmpp_login_connect(stream, now_ns);
	if (stream->is_up && !stream->is_online && stream->login_due_ns &&
		now_ns >= stream->login_due_ns)
		tr_xmpp_login_cut_socket(stream);
	if (stream->is_online) {
		tend_brewery(stream, now_ns);
		tend_link(stream, now_ns);
	}
}

/* libstrophe's SHA-1 works in memory that all threads share: hashes of two passwords at the same
 * time come out wrong, and the server refuses the login. So only one thread at a time is in that
 * part. Before TLS a step may sleep in the handshake, and is not kept back by others, nor keeps
 * them (where TLS is optional it does, until tr_xmpp_login_log() sees it begin). */
static void run_once(struct tr_xmpp_stream *stream)
{
	bool is_tls_first = stream->server.security == TR_XMPP_STARTTLS ||
			    stream->server.security == TR_XMPP_DIRECT_TLS;

	if (!stream->is_online && (!is_tls_first || xmpp_conn_is_secured(stream->conn)))
		tr_xmpp_login_lock_hashes(stream);
	xmpp_run_once(stream->ctx, 0);
	tr_xmpp_login_unlock_hashes(stream);
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
		tr_xmpp_login_judge(stream);
		quiet = before == stream->activity ? quiet + 1 : 0;
	}
}

static int64_t next_due_ns(const struct tr_xmpp_stream *stream, int64_t now_ns)
{
	int64_t due =
		tr_xmpp_stream_after(now_ns, stream->is_up && !stream->is_online ? 200 : TICK_MS);

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
	for (struct tr_xmpp_order *order; (order = tr_xmpp_order_take(&stream->orders));)
		tr_xmpp_order_destroy(order);
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

	tr_xmpp_login_enter(stream);
	stream->log = (xmpp_log_t){.handler = tr_xmpp_login_log, .userdata = stream};
	tr_xmpp_login_lock_hashes(stream);
	stream->ctx = xmpp_ctx_new(NULL, &stream->log);
	tr_xmpp_login_unlock_hashes(stream);
	while (stream->ctx && !is_over(stream)) {
		take_orders(stream, tr_clock_now_ns());
		step(stream, tr_clock_now_ns());
		pump(stream);
		show(stream);
		if (!stream->is_down && !is_over(stream))
			wait_for_work(stream);
	}
	tr_xmpp_login_drop(stream);
	for (struct tr_xmpp_order *order; (order = tr_xmpp_order_take(&stream->held));)
		tr_xmpp_order_destroy(order);
	if (stream->ctx)
		xmpp_ctx_free(stream->ctx);
	tr_xmpp_login_enter(NULL);
	unref(stream);
	return NULL;
}

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
	char nick[TR_BREWERY_NICK_MAX + 16], where[sizeof(stream->name) - 32];

	int rc = tr_xmpp_server_copy(server, &stream->server);
	if (rc < 0)
		return rc;
	tr_xmpp_server_describe(&stream->server, where, sizeof(where));
	snprintf(stream->name, sizeof(stream->name), "%s, slot %u", where, stream->slot);
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
		tr_xmpp_login_cut_socket(stream);
		if (join(stream, tr_xmpp_stream_after(tr_clock_now_ns(), 200)) < 0) {
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
		tr_xmpp_login_cut_socket(stream);
}

void tr_xmpp_stream_read(struct tr_xmpp_stream *stream, struct tr_xmpp_link *ret_link)
{
	pthread_mutex_lock(&stream->lock);
	*ret_link = stream->link;
	pthread_mutex_unlock(&stream->lock);
}
