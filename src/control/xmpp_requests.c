/* What Jicofo asks for, and what becomes of the sessions that were promised to it. */
#include "control/xmpp_lines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "control/room_url.h"
#include "core/log.h"
#include "core/text.h"

#define TR_LOG_AREA "xmpp"

/* ---- sessions ---- */

static struct tr_xmpp_session *find_session(struct tr_xmpp_line *line, const char *id)
{
	for (unsigned i = 0; i < TR_XMPP_SESSIONS_MAX; i++) {
		struct tr_xmpp_session *session = &line->sessions[i];
		if (session->id && !strcmp(session->id, id))
			return session;
	}
	return NULL;
}

static void forget_session(struct tr_xmpp_session *session)
{
	if (!session)
		return;
	free(session->id);
	*session = (struct tr_xmpp_session){0};
}

static void remember_session(struct tr_xmpp_line *line, const char *id, unsigned age)
{
	struct tr_xmpp_session *session = find_session(line, id);

	if (!session) {
		session = &line->sessions[line->newest++ % TR_XMPP_SESSIONS_MAX];
		forget_session(session);
		session->id = strdup(id);
	}
	session->age = age;
}

static bool has_session(const struct tr_xmpp_line *line)
{
	for (unsigned i = 0; i < TR_XMPP_SESSIONS_MAX; i++) {
		if (line->sessions[i].id)
			return true;
	}
	return false;
}

/* ---- answers ---- */

static void answer(struct tr_xmpp_line *line, const struct tr_xmpp_news *news,
	enum tr_jibri_iq_status status, const char *failure, bool should_retry)
{
	const struct tr_jibri_iq_report report = {
		.status = status,
		.failure = failure,
		.should_retry = should_retry,
		.session_id = news->iq->session_id,
		.sip_address = news->iq->sip_address,
	};

	tr_xmpp_stream_answer(line->stream, news, &report);
}

static void report(struct tr_xmpp_line *line, const char *to, unsigned age, const char *session_id,
	enum tr_control_status status, bool should_retry)
{
	const struct tr_jibri_iq_report report = {
		.status = status == TR_CONTROL_ON ? TR_JIBRI_IQ_ON : TR_JIBRI_IQ_OFF,
		.failure = status == TR_CONTROL_OFF_FAILED ? "error" : NULL,
		.should_retry = should_retry,
		.session_id = session_id,
	};

	tr_xmpp_stream_report(line->stream, to, age, &report);
}

/* In the answer to a start "should_retry" has no effect, each failure costs another try on another
 * node. Only after "pending" a failure can be the last word; and who answers that is busy. */
static void refuse_for_good(struct tr_xmpp_line *line, const struct tr_xmpp_news *news)
{
	const struct tr_xmpp_news *to = news;

	tr_xmpp_stream_publish(line->stream, true, line->is_healthy);
	answer(line, news, TR_JIBRI_IQ_PENDING, NULL, false);
	report(line, to->from, to->age, to->iq->session_id, TR_CONTROL_OFF_FAILED, false);
	tr_xmpp_stream_publish(line->stream, line->is_busy, line->is_healthy);
}

static void drop_deferred(struct tr_xmpp *xmpp)
{
	for (unsigned i = 0; i < xmpp->deferred_count; i++) {
		free(xmpp->deferred[i].to);
		free(xmpp->deferred[i].session_id);
	}
	xmpp->deferred_count = 0;
}

static void send_deferred(struct tr_xmpp *xmpp, unsigned age)
{
	for (unsigned i = 0; i < xmpp->deferred_count; i++) {
		struct tr_xmpp_deferred *deferred = &xmpp->deferred[i];
		report(deferred->line, deferred->to, age, deferred->session_id, deferred->status,
			deferred->should_retry);
		if (deferred->status != TR_CONTROL_ON)
			forget_session(find_session(deferred->line, deferred->session_id));
	}
	drop_deferred(xmpp);
}

/* ---- start ---- */

/* The hidden participant's account; with call_randomize each meeting gets another. */
static void make_call_jid(const struct tr_xmpp_server *server, char *out, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char chance[8] = {0};
	char tail[10] = "";

	out[0] = '\0';
	if (!server->call_username[0])
		return;
	if (server->call_randomize && getrandom(chance, sizeof(chance), 0) == sizeof(chance)) {
		tail[0] = '-';
		for (size_t i = 0; i < sizeof(chance); i++)
			tail[1 + i] = letters[chance[i] % (sizeof(letters) - 1)];
	}
	snprintf(out, size, "%s%s@%s", server->call_username, tail, server->call_domain);
}

struct extras {
	char *stream_url, *view_url, *metadata;
};

static void wipe(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

static void extras_fini(struct extras *extras)
{
	wipe(&extras->stream_url);
	wipe(&extras->view_url);
	wipe(&extras->metadata);
}

/* A recording without its metadata is better than none. */
static int make_extras(const struct tr_jibri_iq *iq, struct extras *extras)
{
	bool is_file = iq->mode == TR_JIBRI_IQ_FILE;
	int rc = is_file ? tr_jibri_iq_metadata(iq, &extras->metadata) : 0;

	if (rc < 0 && rc != -ENOMEM)
		tr_warning("session %s: app_data is %s, going on without its metadata",
			iq->session_id, rc == -EFBIG ? "too long" : "not a JSON object");
	extras->stream_url = is_file ? strdup("") : tr_jibri_iq_stream_url(iq);
	extras->view_url = is_file ? strdup("") : tr_jibri_iq_view_url(iq);
	if (!extras->metadata)
		extras->metadata = strdup("");
	return extras->stream_url && extras->view_url && extras->metadata ? 0 : -ENOMEM;
}

static enum tr_control_answer call_start(struct tr_xmpp *xmpp, struct tr_xmpp_line *line,
	const struct tr_xmpp_news *news, const struct tr_room_url *url, const struct extras *extras)
{
	const struct tr_xmpp_server *server = line->server;
	const struct tr_jibri_iq *iq = news->iq;
	char environment[512], call_jid[2048], why[512] = "";
	struct tr_control_start start = {
		.kind = iq->mode == TR_JIBRI_IQ_FILE ? TR_CONTROL_FILE : TR_CONTROL_STREAM,
		.slot = line->slot,
		.environment = environment,
		.session_id = iq->session_id,
		.meeting_url = url->url,
		.room = iq->room,
		.call_name = url->call_name,
		.call_jid = call_jid,
		.call_password = server->call_password,
		.stream_url = extras->stream_url,
		.view_url = extras->view_url,
		.metadata = extras->metadata,
		.url_parameters = "",
		.rtcstats = iq->rtcstats,
		.usage_timeout_ms = server->usage_timeout_ms,
		.origin = {.connection = line->connection},
	};

	snprintf(environment, sizeof(environment), "%s-%s", server->environment, server->entry);
	snprintf(start.origin.address, sizeof(start.origin.address), "%s", news->from);
	make_call_jid(server, call_jid, sizeof(call_jid));
	xmpp->is_starting = true;
	enum tr_control_answer result =
		xmpp->actions.start(xmpp->actions.user, &start, why, sizeof(why));
	xmpp->is_starting = false;
	if (result > TR_CONTROL_DUPLICATE_ON)
		tr_info("session %s for %s is not taken: %s", iq->session_id, iq->room,
			why[0] ? why : "no reason given");
	return result;
}

static void give_start(struct tr_xmpp *xmpp, struct tr_xmpp_line *line,
	const struct tr_xmpp_news *news, const struct tr_room_url *url, const struct extras *extras)
{
	const char *id = news->iq->session_id;

	bool was_known = find_session(line, id) != NULL;
	remember_session(line, id, news->age);
	enum tr_control_answer result = call_start(xmpp, line, news, url, extras);
	switch (result) {
	case TR_CONTROL_ACCEPTED:
	case TR_CONTROL_DUPLICATE:
	case TR_CONTROL_DUPLICATE_ON:
		answer(line, news, TR_JIBRI_IQ_PENDING, NULL, false);
		if (result == TR_CONTROL_DUPLICATE_ON)
			report(line, news->from, news->age, id, TR_CONTROL_ON, false);
		send_deferred(xmpp, news->age);
		return;
	case TR_CONTROL_BUSY:
		answer(line, news, TR_JIBRI_IQ_OFF, "busy", true);
		break;
	case TR_CONTROL_FAILED:
		answer(line, news, TR_JIBRI_IQ_OFF, "error", true);
		break;
	case TR_CONTROL_REFUSED:
		refuse_for_good(line, news);
		break;
	}
	drop_deferred(xmpp);
	if (!was_known)
		forget_session(find_session(line, id));
}

static void start_in(struct tr_xmpp *xmpp, struct tr_xmpp_line *line,
	const struct tr_xmpp_news *news, const struct tr_room_url *url)
{
	TR_CLEANUP(extras_fini) struct extras extras = {0};

	if (make_extras(news->iq, &extras) < 0)
		answer(line, news, TR_JIBRI_IQ_OFF, "error", true);
	else
		give_start(xmpp, line, news, url, &extras);
}

/* What can be said without asking the node; true when it was. */
static bool refuse_early(struct tr_xmpp_line *line, const struct tr_xmpp_news *news)
{
	const struct tr_jibri_iq *iq = news->iq;

	if (iq->sip_address[0]) {
		tr_info("a call to a SIP address is not taken: this node has no SIP");
		answer(line, news, TR_JIBRI_IQ_OFF, "error", true);
	} else if (!iq->session_id[0]) {
		tr_warning("a start without a session id is not taken");
		answer(line, news, TR_JIBRI_IQ_OFF, "error", true);
	} else if (iq->mode == TR_JIBRI_IQ_NO_MODE ||
		   (iq->mode == TR_JIBRI_IQ_STREAM && !iq->stream_id[0])) {
		tr_warning("session %s is refused: %s", iq->session_id,
			iq->mode == TR_JIBRI_IQ_STREAM ? "a stream without a key"
						       : "neither file nor stream");
		if (line->is_busy)
			answer(line, news, TR_JIBRI_IQ_OFF, "busy", true);
		else
			refuse_for_good(line, news);
	} else {
		return false;
	}
	return true;
}

static void take_start(
	struct tr_xmpp *xmpp, struct tr_xmpp_line *line, const struct tr_xmpp_news *news)
{
	const struct tr_xmpp_server *server = line->server;
	const struct tr_room_url_rule rule = {server->xmpp_domain, server->base_url, server->strip};
	TR_CLEANUP(tr_room_url_fini) struct tr_room_url url = {0};

	if (refuse_early(line, news))
		return;
	int rc = tr_room_url_make(&rule, news->iq->room, &url);
	if (rc == -EINVAL) {
		tr_warning("session %s: \"%.200s\" is not the address of a room",
			news->iq->session_id, news->iq->room);
		tr_xmpp_stream_refuse(line->stream, news, "modify", "bad-request");
	} else if (rc < 0) {
		tr_warning("session %s: the room %.200s is not below xmpp_domain \"%s\" (without "
			   "\"%s\"), another recorder may be set up for it",
			news->iq->session_id, news->iq->room, server->xmpp_domain, server->strip);
		answer(line, news, TR_JIBRI_IQ_OFF, "error", true);
	} else {
		start_in(xmpp, line, news, &url);
	}
}

/* ---- news ---- */

/* Always answered at once: Jicofo has closed the session already, or waits. */
static void take_stop(
	struct tr_xmpp *xmpp, struct tr_xmpp_line *line, const struct tr_xmpp_news *news)
{
	const char *id = news->iq->session_id;

	/* One without an id may end what this server started, not what another one did. */
	if (id[0] || has_session(line))
		xmpp->actions.stop(xmpp->actions.user, line->slot, id);
	answer(line, news, TR_JIBRI_IQ_OFF, NULL, false);
}

static void take_loss(struct tr_xmpp *xmpp, struct tr_xmpp_line *line, unsigned age)
{
	for (unsigned i = 0; i < TR_XMPP_SESSIONS_MAX; i++) {
		if (line->sessions[i].id && line->sessions[i].age <= age)
			forget_session(&line->sessions[i]);
	}
	xmpp->actions.lost(xmpp->actions.user, line->connection);
}

void tr_xmpp_take_news(struct tr_xmpp *xmpp, const struct tr_xmpp_news *news)
{
	struct tr_xmpp_line *line = &xmpp->lines[news->connection - 1];
	struct tr_xmpp_session *session;

	switch (news->type) {
	case TR_XMPP_NEWS_REQUEST:
		if (news->iq->action == TR_JIBRI_IQ_START)
			take_start(xmpp, line, news);
		else
			take_stop(xmpp, line, news);
		break;
	case TR_XMPP_NEWS_LOST:
		take_loss(xmpp, line, news->age);
		break;
	case TR_XMPP_NEWS_ORPHAN:
		session = news->session_id ? find_session(line, news->session_id) : NULL;
		if (!session || session->age != news->age)
			break;
		forget_session(session);
		xmpp->actions.orphaned(xmpp->actions.user, line->slot, news->session_id);
		break;
	}
}

/* ---- status ---- */

static void defer(struct tr_xmpp *xmpp, struct tr_xmpp_line *line, const char *to,
	const char *session_id, enum tr_control_status status, bool should_retry)
{
	if (xmpp->deferred_count == TR_XMPP_DEFERRED_MAX)
		return;
	xmpp->deferred[xmpp->deferred_count++] = (struct tr_xmpp_deferred){
		line, strdup(to), strdup(session_id), status, should_retry};
}

void tr_xmpp_send_status(struct tr_xmpp *xmpp, const struct tr_control_origin *origin,
	const char *session_id, enum tr_control_status status, bool should_retry)
{
	if (origin->connection == 0 || origin->connection > xmpp->line_count)
		return;
	struct tr_xmpp_line *line = &xmpp->lines[origin->connection - 1];
	struct tr_xmpp_session *session = find_session(line, session_id);
	if (!session) {
		tr_info("session %s: its status is not sent, nobody waits for it any more",
			session_id);
		return;
	}
	if (xmpp->is_starting) {
		defer(xmpp, line, origin->address, session_id, status, should_retry);
		return;
	}
	report(line, origin->address, session->age, session_id, status, should_retry);
	if (status != TR_CONTROL_ON)
		forget_session(session);
}

void tr_xmpp_forget_sessions(struct tr_xmpp *xmpp)
{
	for (unsigned i = 0; i < xmpp->line_count; i++) {
		for (unsigned j = 0; j < TR_XMPP_SESSIONS_MAX; j++)
			forget_session(&xmpp->lines[i].sessions[j]);
	}
	drop_deferred(xmpp);
}
