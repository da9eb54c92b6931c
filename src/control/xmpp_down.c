#include "control/xmpp_stream_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "core/log.h"

#define TR_LOG_AREA "xmpp"

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

	stream->down = TR_XMPP_DOWN_REFUSED;
	snprintf(stream->problem, sizeof(stream->problem),
		"the server does not let %s@%s log in (%s): the name or the password is wrong",
		server->control_username, server->control_domain,
		stream->login_error[0] ? stream->login_error : "no method in common");
}

static void explain_stream_error(struct tr_xmpp_stream *stream, int type)
{
	if (type == XMPP_SE_CONFLICT)
		stream->down = TR_XMPP_DOWN_CONFLICT;
	if (type == XMPP_SE_HOST_UNKNOWN) {
		stream->down = TR_XMPP_DOWN_REFUSED;
		snprintf(stream->problem, sizeof(stream->problem),
			"the server does not serve the domain %s (host-unknown)",
			stream->server.control_domain);
		return;
	}
	snprintf(stream->problem, sizeof(stream->problem), "the server ended the connection (%s)",
		error_name(type));
}

void tr_xmpp_down_explain_unreached(struct tr_xmpp_stream *stream, int error)
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

	if (stream->down == TR_XMPP_DOWN_REFUSED || stream->down == TR_XMPP_DOWN_AT_ONCE)
		return; /* it has been said */
	if (stream->cut_reason[0]) {
		snprintf(stream->problem, sizeof(stream->problem), "%s", stream->cut_reason);
	} else if (is_late) {
		snprintf(stream->problem, sizeof(stream->problem),
			"the server did not finish the log-in within %d s",
			stream->waits.login / 1000);
	} else if (stream->is_no_tls) {
		stream->down = TR_XMPP_DOWN_REFUSED;
		snprintf(stream->problem, sizeof(stream->problem),
			"the server offers no TLS, which is required");
	} else if (!stream->is_online && (stream->login_error[0] || stream->is_no_login)) {
		explain_login_error(stream);
	} else if (fault) {
		explain_stream_error(stream, (int)fault->type);
	} else if (stream->is_online) {
		snprintf(stream->problem, sizeof(stream->problem), "the connection was lost");
	} else {
		tr_xmpp_down_explain_unreached(stream, error);
	}
}

void tr_xmpp_down_take(struct tr_xmpp_stream *stream, int error, const xmpp_stream_error_t *fault)
{
	if (!stream->is_up)
		return;
	explain_down(stream, error, fault);
	if (fault || stream->is_stream_over)
		stream->is_resumable = false;
	tr_xmpp_login_replace_fd(stream, -1);
	tr_xmpp_login_set_due(stream, 0);
	stream->is_writable_awaited = stream->is_up = false;
	stream->is_down = true;
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
	case TR_XMPP_DOWN_AT_ONCE:
		return 0;
	case TR_XMPP_DOWN_REFUSED:
		return by_chance(doubled(waits->refused, stream->refusals++, waits->refused_max));
	case TR_XMPP_DOWN_CONFLICT:
		return waits->conflict;
	case TR_XMPP_DOWN_LOST:
		break;
	}
	return by_chance(doubled(waits->retry, stream->tries++,
		stream->is_resumable ? waits->resume_retry_max : waits->retry_max));
}

void tr_xmpp_down_plan(struct tr_xmpp_stream *stream, int64_t now_ns)
{
	bool was_online = stream->is_online;

	stream->is_down = stream->is_online = false;
	if (stream->is_quitting)
		return;
	if (was_online && stream->is_resumable)
		stream->resume_due_ns = tr_xmpp_stream_after(now_ns, stream->waits.resume);
	else if (was_online)
		tr_xmpp_hear_loss(stream);
	bool is_said = stream->down == TR_XMPP_DOWN_AT_ONCE ||
		       !strcmp(stream->problem, stream->said_problem);
	int64_t wait = next_wait_ms(stream);
	stream->due_ns = tr_xmpp_stream_after(now_ns, wait);
	if (is_said)
		return; /* once, however often it is tried */
	memcpy(stream->said_problem, stream->problem, sizeof(stream->said_problem));
	tr_warning("%s: %s, trying again in %.1f s and so on", stream->name, stream->problem,
		(double)wait / 1000);
}
