#include "control/xmpp_stream_internal.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"

#define TR_LOG_AREA "xmpp"

static void tell(struct tr_xmpp_stream *stream, struct tr_xmpp_news *news)
{
	news->connection = stream->connection;
	news->age = stream->age;
	if (tr_xmpp_inbox_push(stream->inbox, news) < 0)
		tr_warning("%s: too many requests, one is dropped", stream->name);
}

static void drop_held(struct tr_xmpp_stream *stream)
{
	for (struct tr_xmpp_order *order; (order = tr_xmpp_order_take(&stream->held));) {
		tr_info("%s: not sending a status, its connection is gone", stream->name);
		tr_xmpp_order_destroy(order);
	}
}

/* Whoever was promised a session here has looked for another recorder by now. */
void tr_xmpp_hear_loss(struct tr_xmpp_stream *stream)
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

static void take_jibri(struct tr_xmpp_stream *stream, xmpp_stanza_t *jibri, const char *from,
	const char *id, bool is_get)
{
	if (!tr_brewery_may_order(&stream->brewery, from)) {
		tr_warning("%s: refusing a request of %s, who is %s", stream->name,
			from ? from : "the server",
			tr_brewery_is_occupant(&stream->brewery, from) ? "not Jicofo"
								       : "not in our brewery");
		tr_xmpp_say_error(stream, from, id, "auth", "forbidden");
		return;
	}
	struct tr_xmpp_news *news = calloc(1, sizeof(*news));
	if (!news || tr_jibri_iq_parse(jibri, &news->iq) < 0) {
		tr_xmpp_news_destroy(news);
		tr_xmpp_say_error(stream, from, id, "cancel", "internal-server-error");
		return;
	}
	news->from = strdup(from);
	news->id = id && *id ? strdup(id) : NULL;
	if (is_get || news->iq->action == TR_JIBRI_IQ_NO_ACTION || !news->from || !news->id) {
		tr_xmpp_say_error(stream, from, id, "modify", "bad-request");
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
		tr_xmpp_say_error(stream, from, id, "modify", "bad-request");
	else if (!strcmp(ns, TR_JIBRI_IQ_NS) && !strcmp(name, "jibri"))
		take_jibri(stream, child, from, id, is_get);
	else if (is_get && !strcmp(ns, PING_NS))
		tr_xmpp_say_result(stream, from, id);
	else if (is_get && !strcmp(ns, XMPP_NS_DISCO_INFO))
		tr_xmpp_say_disco(stream, from, id, xmpp_stanza_get_attribute(child, "node"));
	else if (is_get && !strcmp(ns, VERSION_NS))
		tr_xmpp_say_version(stream, from, id);
	else
		tr_xmpp_say_error(stream, from, id, "cancel", "service-unavailable");
}

static void take_report_answer(struct tr_xmpp_stream *stream, const char *id, const char *condition)
{
	for (unsigned i = 0; i < REPORTS_MAX; i++) {
		struct tr_xmpp_sent_report *report = &stream->reports[i];
		if (!report->id[0] || strcmp(report->id, id) != 0)
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

static void take_presence(struct tr_xmpp_stream *stream, xmpp_stanza_t *presence)
{
	tr_brewery_take_presence(&stream->brewery, presence, tr_clock_now_ns());
	if (stream->brewery.state == TR_BREWERY_IN && !stream->is_age_live) {
		stream->is_age_live = true;
		stream->said_problem[0] = '\0';
		stream->in_ns = tr_clock_now_ns();
		tr_info("%s: in %s as \"%s\"", stream->name, stream->brewery.room,
			stream->brewery.nick);
	}
	if (stream->brewery.is_removed)
		tr_xmpp_hear_loss(stream);
	stream->brewery.is_removed = false;
}

int tr_xmpp_hear(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *user)
{
	struct tr_xmpp_stream *stream = user;
	const char *name = xmpp_stanza_get_name(stanza);
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
	return 1;
}
