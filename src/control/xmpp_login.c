#include "control/xmpp_stream_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "control/xmpp_server.h"
#include "core/log.h"
#include "core/text.h"

#define TR_LOG_AREA "xmpp"

#define PROBE_MS 3000

/* libstrophe's callbacks for sockets and certificates carry no pointer of ours; they come on the
 * thread that runs the connection. */
static _Thread_local struct tr_xmpp_stream *mine;

void tr_xmpp_login_enter(struct tr_xmpp_stream *stream)
{
	mine = stream;
}

void tr_xmpp_login_replace_fd(struct tr_xmpp_stream *stream, int fd)
{
	pthread_mutex_lock(&stream->lock);
	int old = stream->cut_fd;
	stream->cut_fd = fd;
	pthread_mutex_unlock(&stream->lock);
	if (old >= 0)
		close(old);
}

/* Ends the connection for both sides without a word; libstrophe finds out when it looks. */
void tr_xmpp_login_cut_socket(struct tr_xmpp_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	if (stream->cut_fd >= 0)
		shutdown(stream->cut_fd, SHUT_RDWR);
	pthread_mutex_unlock(&stream->lock);
}

void tr_xmpp_login_cut(struct tr_xmpp_stream *stream, const char *reason)
{
	snprintf(stream->cut_reason, sizeof(stream->cut_reason), "%s", reason);
	tr_xmpp_login_cut_socket(stream);
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
	tr_xmpp_login_replace_fd(mine, fcntl(fd, F_DUPFD_CLOEXEC, 3));
	mine->is_writable_awaited = true;
	return 0;
}

void tr_xmpp_login_lock_hashes(struct tr_xmpp_stream *stream)
{
	tr_xmpp_inbox_lock_login(stream->inbox);
	stream->is_hashing = true;
}

void tr_xmpp_login_unlock_hashes(struct tr_xmpp_stream *stream)
{
	if (stream->is_hashing)
		tr_xmpp_inbox_unlock_login(stream->inbox);
	stream->is_hashing = false;
}

/* The log holds whole stanzas, passwords and keys among them: nothing of it is passed on. It is the
 * only place that says why a log-in did not work. */
void tr_xmpp_login_log(void *user, xmpp_log_level_t level, const char *area, const char *text)
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
		tr_xmpp_login_unlock_hashes(stream); /* a handshake comes, which takes its time */
	} else if (!strncmp(text, "RECV: <enabled", strlen("RECV: <enabled"))) {
		/* libstrophe 0.14 gets it before it says that we are logged in, 0.12 after that */
		stream->is_resume_offered = strstr(text, "resume=\"true\"") != NULL ||
					    strstr(text, "resume=\"1\"") != NULL;
		stream->is_resumable = stream->is_online && stream->is_resume_offered;
	} else if (!strncmp(text, "RECV: </stream", strlen("RECV: </stream"))) {
		stream->is_stream_over = true;
	}
}

/* Goes on in any case, for the server's own certificate is not known before the handshake's end:
 * tr_xmpp_login_judge() sees it before anything is sent inside TLS, and hands out the password only
 * then. */
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
	stream->down = TR_XMPP_DOWN_REFUSED;
	tr_xmpp_login_cut_socket(stream);
}

void tr_xmpp_login_judge(struct tr_xmpp_stream *stream)
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

void tr_xmpp_login_set_due(struct tr_xmpp_stream *stream, int64_t due_ns)
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
	tr_xmpp_login_set_due(stream, 0);
	stream->is_online = true;
	stream->heard_ns = now;
	stream->pinged_ns = 0;
	stream->problem[0] = '\0';
	bool was_resuming = stream->is_resuming;
	stream->is_resuming = false;
	if (was_resuming && stream->is_resumable && !strcmp(jid, stream->brewery.own_jid)) {
		tr_info("%s: the connection is back and goes on where it was", stream->name);
		tr_brewery_resume(&stream->brewery, now);
		for (struct tr_xmpp_order *order; (order = tr_xmpp_order_take(&stream->held));) {
			tr_xmpp_stream_carry_out(stream, order);
			tr_xmpp_order_destroy(order);
		}
		return;
	}
	if (was_resuming) {
		/* libstrophe goes on counting from the old stream, and would send its stanzas
		 * again after the next loss: a connection without a past is the safe one. */
		tr_xmpp_hear_loss(stream);
		stream->is_online = stream->is_resumable = false;
		stream->down = TR_XMPP_DOWN_AT_ONCE;
		tr_xmpp_login_cut_socket(stream);
		return;
	}
	stream->is_resumable = stream->is_resume_offered;
	tr_brewery_reset(&stream->brewery, jid, now);
	stream->brewery.is_busy = stream->is_busy;
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
		tr_xmpp_down_take(stream, error, fault);
}

void tr_xmpp_login_drop(struct tr_xmpp_stream *stream)
{
	xmpp_conn_t *conn = stream->conn;

	if (!conn)
		return;
	tr_xmpp_login_cut_socket(stream); /* or it would wait for the server's farewell */
	stream->conn = NULL;		  /* what it still calls is not for us */
	xmpp_conn_release(conn);
	tr_xmpp_login_replace_fd(stream, -1);
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
		flags |= XMPP_CONN_FLAG_TRUST_TLS; /* tr_xmpp_login_judge() looks at the fingerprint
						    */
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
	xmpp_handler_add(stream->conn, tr_xmpp_hear, NULL, NULL, NULL, stream);
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
		tr_xmpp_login_drop(stream);
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
		tr_xmpp_down_take(stream, ECONNREFUSED, NULL);
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

void tr_xmpp_login_connect(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	stream->down = TR_XMPP_DOWN_LOST;
	stream->is_no_tls = stream->is_no_login = stream->is_judged = false;
	stream->is_stream_over = stream->is_resume_offered = false;
	stream->certificate_error[0] = stream->cut_reason[0] = stream->login_error[0] = '\0';
	if (stream->server.ca_file[0] && access(stream->server.ca_file, R_OK) < 0) {
		snprintf(stream->problem, sizeof(stream->problem), "the CA file %s cannot be read",
			stream->server.ca_file);
		stream->down = TR_XMPP_DOWN_REFUSED;
		stream->is_down = true;
		return;
	}
	if (stream->is_resumable && !can_reach(&stream->server)) {
		tr_xmpp_down_explain_unreached(stream, 0);
		stream->is_down = true;
		return;
	}
	tr_xmpp_login_set_due(stream, tr_xmpp_stream_after(now_ns, stream->waits.login));
	int rc = open_connection(stream);
	if (rc < 0) {
		snprintf(stream->problem, sizeof(stream->problem), "out of memory");
		tr_xmpp_login_set_due(stream, 0);
		stream->is_up = false;
		stream->is_down = true;
	}
}
