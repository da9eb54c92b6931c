#include "focus_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strophe.h>

struct focus {
	xmpp_ctx_t *ctx;
	xmpp_conn_t *conn;
	char jid[64];
	char room[128], nick[64];
	bool is_online, is_in;
	const char *condition;
	struct focus_node nodes[FOCUS_NODES];
	char heard[65536];
};

static const char *status_of(xmpp_stanza_t *presence, const char *name)
{
	xmpp_stanza_t *state = xmpp_stanza_get_child_by_name(presence, "jibri-status");
	xmpp_stanza_t *part = state ? xmpp_stanza_get_child_by_name(state, name) : NULL;
	const char *status = part ? xmpp_stanza_get_attribute(part, "status") : NULL;

	return status ? status : "";
}

static struct focus_node *find(struct focus *focus, const char *nick)
{
	for (unsigned i = 0; i < FOCUS_NODES; i++) {
		if (!strcmp(focus->nodes[i].nick, nick))
			return &focus->nodes[i];
	}
	return NULL;
}

static void take_presence(struct focus *focus, xmpp_stanza_t *presence)
{
	const char *from = xmpp_stanza_get_from(presence), *type = xmpp_stanza_get_type(presence);
	const char *nick = from ? strchr(from, '/') : NULL;

	if (!nick)
		return;
	nick++;
	if (!strcmp(nick, focus->nick)) {
		focus->is_in = !type;
		return;
	}
	struct focus_node *node = find(focus, nick);
	if (type) {
		if (node)
			node->nick[0] = '\0';
		return;
	}
	if (!xmpp_stanza_get_child_by_name(presence, "jibri-status"))
		return;
	if (!node)
		node = find(focus, "");
	if (!node)
		return;
	snprintf(node->nick, sizeof(node->nick), "%s", nick);
	xmpp_stanza_t *user =
		xmpp_stanza_get_child_by_ns(presence, "http://jabber.org/protocol/muc#user");
	xmpp_stanza_t *item = user ? xmpp_stanza_get_child_by_name(user, "item") : NULL;
	const char *jid = item ? xmpp_stanza_get_attribute(item, "jid") : NULL;
	snprintf(node->jid, sizeof(node->jid), "%s", jid ? jid : "");
	node->is_busy = strcmp(status_of(presence, "busy-status"), "idle") != 0;
	node->is_healthy = !strcmp(status_of(presence, "health-status"), "healthy");
	node->changes++;
}

static void answer(struct focus *focus, xmpp_stanza_t *iq)
{
	const char *from = xmpp_stanza_get_from(iq), *id = xmpp_stanza_get_id(iq);

	if (focus->condition)
		focus_send(focus,
			"<iq type='error' to='%s' id='%s'><error type='cancel'><%s "
			"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
			from, id, focus->condition);
	else
		focus_send(focus, "<iq type='result' to='%s' id='%s'/>", from, id);
}

static int on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *user)
{
	struct focus *focus = user;
	const char *name = xmpp_stanza_get_name(stanza), *type = xmpp_stanza_get_type(stanza);
	char *text;
	size_t size;

	(void)conn;
	if (!strcmp(name, "presence"))
		take_presence(focus, stanza);
	if (strcmp(name, "iq"))
		return 1;
	if (xmpp_stanza_to_text(stanza, &text, &size) == XMPP_EOK) {
		size_t used = strlen(focus->heard);
		snprintf(focus->heard + used, sizeof(focus->heard) - used, "%s\n", text);
		xmpp_free(focus->ctx, text);
	}
	if (type && !strcmp(type, "set"))
		answer(focus, stanza);
	return 1;
}

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
	xmpp_stream_error_t *fault, void *user)
{
	struct focus *focus = user;

	(void)conn, (void)error, (void)fault;
	focus->is_online = event == XMPP_CONN_CONNECT;
	if (!focus->is_online)
		focus->is_in = false;
}

struct focus *focus_create(int port, const char *user, const char *password)
{
	struct focus *focus = calloc(1, sizeof(*focus));

	snprintf(focus->jid, sizeof(focus->jid), "%s@auth.meet.test", user);
	focus->ctx = xmpp_ctx_new(NULL, NULL);
	focus->conn = xmpp_conn_new(focus->ctx);
	xmpp_conn_set_flags(focus->conn, XMPP_CONN_FLAG_TRUST_TLS | XMPP_CONN_FLAG_DISABLE_SM);
	xmpp_conn_set_jid(focus->conn, focus->jid);
	xmpp_conn_set_pass(focus->conn, password);
	xmpp_handler_add(focus->conn, on_stanza, NULL, NULL, NULL, focus);
	xmpp_connect_client(focus->conn, "127.0.0.1", (unsigned short)port, on_connection, focus);
	return focus;
}

void focus_destroy(struct focus *focus)
{
	if (!focus)
		return;
	xmpp_conn_release(focus->conn);
	xmpp_ctx_free(focus->ctx);
	free(focus);
}

void focus_pump(struct focus *focus, int ms)
{
	xmpp_run_once(focus->ctx, (unsigned long)ms);
	xmpp_run_once(focus->ctx, 0);
}

bool focus_is_online(const struct focus *focus)
{
	return focus->is_online;
}

void focus_join(struct focus *focus, const char *room, const char *nick)
{
	snprintf(focus->room, sizeof(focus->room), "%s", room);
	snprintf(focus->nick, sizeof(focus->nick), "%s", nick);
	memset(focus->nodes, 0, sizeof(focus->nodes));
	focus_send(focus,
		"<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>", room,
		nick);
}

bool focus_is_in(const struct focus *focus)
{
	return focus->is_in;
}

const struct focus_node *focus_find(const struct focus *focus, const char *nick)
{
	return find((struct focus *)focus, nick);
}

unsigned focus_count(const struct focus *focus)
{
	unsigned count = 0;

	for (unsigned i = 0; i < FOCUS_NODES; i++)
		count += focus->nodes[i].nick[0] != '\0';
	return count;
}

void focus_send(struct focus *focus, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	int size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0)
		return;
	xmpp_send_raw(focus->conn, text, (size_t)size);
	free(text);
}

const char *focus_heard(const struct focus *focus)
{
	return focus->heard;
}

void focus_forget(struct focus *focus)
{
	focus->heard[0] = '\0';
}

void focus_answer_with(struct focus *focus, const char *condition)
{
	focus->condition = condition;
}
