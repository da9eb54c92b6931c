#include "control/xmpp_stream_internal.h"

#include <errno.h>
#include <stdio.h>

#include "core/log.h"

#define TR_LOG_AREA "xmpp"

#define MUC_NS "http://jabber.org/protocol/muc"
#define HEALTH_NS "http://jitsi.org/protocol/health"

/* Takes the stanza; it goes out when the thread next runs libstrophe. */
void tr_xmpp_say(struct tr_xmpp_stream *stream, xmpp_stanza_t *stanza)
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

const char *tr_xmpp_say_next_id(struct tr_xmpp_stream *stream, char *out, size_t size)
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
	set(presence, "id", tr_xmpp_say_next_id(stream, id, sizeof(id)));
	return presence;
}

/* A join never goes without the state, and the state always has both of its halves. */
void tr_xmpp_say_presence(struct tr_xmpp_stream *stream, bool is_join)
{
	xmpp_stanza_t *presence = new_presence(stream, stream->brewery.nick);

	if (is_join)
		add(stream, presence, "x", MUC_NS);
	xmpp_stanza_t *status = add(stream, presence, "jibri-status", TR_JIBRI_IQ_NS);
	set(add(stream, status, "busy-status", TR_JIBRI_IQ_NS), "status",
		stream->is_busy ? "busy" : "idle");
	set(add(stream, status, "health-status", HEALTH_NS), "status",
		stream->is_healthy ? "healthy" : "unhealthy");
	tr_xmpp_say(stream, presence);
	stream->is_busy_shown = stream->is_busy;
	stream->is_healthy_shown = stream->is_healthy;
}

void tr_xmpp_say_leave(struct tr_xmpp_stream *stream, const char *nick)
{
	xmpp_stanza_t *presence = new_presence(stream, nick);

	if (presence)
		xmpp_stanza_set_type(presence, "unavailable");
	tr_xmpp_say(stream, presence);
}

void tr_xmpp_say_ping(struct tr_xmpp_stream *stream, const char *to, const char *id)
{
	xmpp_stanza_t *iq = xmpp_iq_new(stream->ctx, "get", id);

	set(iq, "to", to);
	add(stream, iq, "ping", PING_NS);
	tr_xmpp_say(stream, iq);
}

/* A room that its maker has not configured may stay locked for all others; and Jicofo wants to see
 * real JIDs. */
void tr_xmpp_say_room_form(struct tr_xmpp_stream *stream)
{
	char id[32];
	xmpp_stanza_t *iq =
		xmpp_iq_new(stream->ctx, "set", tr_xmpp_say_next_id(stream, id, sizeof(id)));

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
	tr_xmpp_say(stream, iq);
}

void tr_xmpp_say_error(struct tr_xmpp_stream *stream, const char *to, const char *id,
	const char *type, const char *condition)
{
	xmpp_stanza_t *iq = xmpp_iq_new(stream->ctx, "error", id);

	set(iq, "to", to);
	xmpp_stanza_t *error = add(stream, iq, "error", NULL);
	set(error, "type", type);
	add(stream, error, condition, XMPP_NS_STANZAS_IETF);
	tr_xmpp_say(stream, iq);
}

void tr_xmpp_say_result(struct tr_xmpp_stream *stream, const char *from, const char *id)
{
	xmpp_stanza_t *iq = xmpp_iq_new(stream->ctx, "result", id);

	set(iq, "to", from);
	tr_xmpp_say(stream, iq);
}

void tr_xmpp_say_disco(
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
	tr_xmpp_say(stream, iq);
}

void tr_xmpp_say_version(struct tr_xmpp_stream *stream, const char *from, const char *id)
{
	xmpp_stanza_t *iq = xmpp_iq_new(stream->ctx, "result", id);

	set(iq, "to", from);
	xmpp_stanza_t *query = add(stream, iq, "query", VERSION_NS);
	add_text(stream, query, "name", "telerec");
	add_text(stream, query, "version", TR_VERSION);
	tr_xmpp_say(stream, iq);
}
