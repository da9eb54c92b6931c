#include "doctor/visit.h"

#include "core/clock.h"
#include "core/text.h"
#include "doctor/fingerprint.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strophe.h>
#include <sys/socket.h>
#include <time.h>

#define STEP_MS 50
#define FAREWELL_MS 1000
#define MUC_NS "http://jabber.org/protocol/muc"
#define MUC_USER_NS "http://jabber.org/protocol/muc#user"
#define INFO_NS "http://jabber.org/protocol/disco#info"
#define ITEMS_NS "http://jabber.org/protocol/disco#items"
#define TIME_NS "urn:xmpp:time"
#define JIBRI_NS "http://jitsi.org/protocol/jibri"
#define ROOMS_MAX 200

struct tr_visit {
	struct tr_visit_settings settings; /* fingerprint, password: only while we log in */
	xmpp_log_t log;
	xmpp_ctx_t *ctx;
	xmpp_conn_t *conn;
	bool is_judged, is_online, is_over, is_no_method, is_wrong_certificate;
	char failure[64]; /* the server's word for a refused log-in */
	char stream_error[64];

	/* the question that is open */
	char wanted_id[32];
	bool is_answered;
	xmpp_stanza_t *answer;
	char here[1200]; /* room/nick that we join, "" for none */
	struct tr_visit_room *room;
};

static bool is_past(int64_t end_ns)
{
	return tr_clock_now_ns() >= end_ns;
}

static int64_t end_after(int ms)
{
	return tr_clock_now_ns() + ms * TR_NS_PER_MS;
}

/* libstrophe's log holds whole stanzas, passwords among them: only known words are taken from it,
 * and it is the only place that has them. */
static void on_log(void *user, xmpp_log_level_t level, const char *area, const char *text)
{
	static const char *const failures[] = {"not-authorized", "account-disabled",
		"credentials-expired", "temporary-auth-failure", "encryption-required",
		"mechanism-too-weak", "invalid-mechanism", "invalid-authzid"};
	struct tr_visit *visit = user;

	(void)area;
	if (level >= XMPP_LEVEL_ERROR && strstr(text, "Cannot authenticate"))
		visit->is_no_method = true;
	if (strncmp(text, "RECV: <failure", strlen("RECV: <failure")) != 0)
		return;
	for (size_t i = 0; i < TR_COUNT(failures); i++)
		if (strstr(text, failures[i]))
			snprintf(visit->failure, sizeof(visit->failure), "%s", failures[i]);
}

/* After the handshake and before anything is sent inside: the password is handed out only now. */
static void judge(struct tr_visit *visit)
{
	const struct tr_visit_settings *settings = &visit->settings;

	if (visit->is_judged || !settings->fingerprint[0] || !xmpp_conn_is_secured(visit->conn))
		return;
	visit->is_judged = true;
	xmpp_tlscert_t *certificate = xmpp_conn_get_peer_cert(visit->conn);
	const char *digits =
		certificate ? xmpp_tlscert_get_string(certificate, XMPP_CERT_FINGERPRINT_SHA256)
			    : NULL;
	bool is_same = digits && tr_fingerprint_is_same(digits, settings->fingerprint);

	if (certificate)
		xmpp_tlscert_free(certificate);
	if (is_same) {
		xmpp_conn_set_pass(visit->conn, settings->password);
	} else {
		visit->is_wrong_certificate = true;
		xmpp_disconnect(visit->conn);
	}
}

static int on_bad_certificate(const xmpp_tlscert_t *certificate, const char *const why)
{
	(void)certificate, (void)why;
	return 1; /* judge() looks at it */
}

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
	xmpp_stream_error_t *fault, void *user)
{
	struct tr_visit *visit = user;

	(void)conn, (void)error;
	if (event == XMPP_CONN_CONNECT) {
		visit->is_online = true;
	} else if (event == XMPP_CONN_DISCONNECT || event == XMPP_CONN_FAIL) {
		visit->is_online = false;
		visit->is_over = true;
		if (fault)
			snprintf(visit->stream_error, sizeof(visit->stream_error), "%s",
				fault->type == XMPP_SE_HOST_UNKNOWN ? "host-unknown"
				: fault->text			    ? fault->text
								    : "stream error");
	}
}

/* ---- what comes in ---- */

static void take_condition(xmpp_stanza_t *stanza, struct tr_visit_room *room)
{
	xmpp_stanza_t *error = xmpp_stanza_get_child_by_name(stanza, "error");

	snprintf(room->condition, sizeof(room->condition), "undefined-condition");
	for (xmpp_stanza_t *child = error ? xmpp_stanza_get_children(error) : NULL; child;
		child = xmpp_stanza_get_next(child)) {
		const char *name = xmpp_stanza_get_name(child);
		char *text = name && !strcmp(name, "text") ? xmpp_stanza_get_text(child) : NULL;
		if (text) {
			snprintf(room->words, sizeof(room->words), "%s", text);
			xmpp_free(xmpp_stanza_get_context(child), text);
		} else if (name && strcmp(name, "text") != 0) {
			snprintf(room->condition, sizeof(room->condition), "%s", name);
		}
	}
}

static bool has_status(xmpp_stanza_t *x, const char *code)
{
	for (xmpp_stanza_t *child = x ? xmpp_stanza_get_children(x) : NULL; child;
		child = xmpp_stanza_get_next(child)) {
		const char *name = xmpp_stanza_get_name(child);
		const char *value = xmpp_stanza_get_attribute(child, "code");
		if (name && value && !strcmp(name, "status") && !strcmp(value, code))
			return true;
	}
	return false;
}

static void add_occupant(
	struct tr_visit_room *room, const char *from, xmpp_stanza_t *presence, xmpp_stanza_t *x)
{
	xmpp_stanza_t *item = x ? xmpp_stanza_get_child_by_name(x, "item") : NULL;
	const char *jid = item ? xmpp_stanza_get_attribute(item, "jid") : NULL;
	const char *nick = strchr(from, '/');

	if (!nick || room->count == TR_VISIT_OCCUPANTS_MAX)
		return;
	struct tr_visit_occupant *occupant = &room->occupants[room->count++];
	snprintf(occupant->nick, sizeof(occupant->nick), "%s", nick + 1);
	if (jid)
		snprintf(occupant->jid, sizeof(occupant->jid), "%.*s", (int)strcspn(jid, "/"), jid);
	for (char *c = occupant->jid; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	occupant->is_recorder =
		xmpp_stanza_get_child_by_name_and_ns(presence, "jibri-status", JIBRI_NS) != NULL;
}

static int on_presence(xmpp_conn_t *conn, xmpp_stanza_t *presence, void *user)
{
	struct tr_visit *visit = user;
	const char *from = xmpp_stanza_get_from(presence), *type = xmpp_stanza_get_type(presence);
	xmpp_stanza_t *x = xmpp_stanza_get_child_by_ns(presence, MUC_USER_NS);

	(void)conn;
	if (!visit->room || visit->is_answered || !from)
		return 1;
	bool is_ours = !strcasecmp(from, visit->here) || has_status(x, "110");
	if (type && !strcmp(type, "error")) {
		take_condition(presence, visit->room);
		visit->is_answered = true;
	} else if (is_ours && !type) {
		visit->room->is_new = has_status(x, "201");
		visit->is_answered = true;
	} else if (!type) {
		add_occupant(visit->room, from, presence, x);
	}
	return 1;
}

static int on_iq(xmpp_conn_t *conn, xmpp_stanza_t *iq, void *user)
{
	struct tr_visit *visit = user;
	const char *id = xmpp_stanza_get_id(iq), *type = xmpp_stanza_get_type(iq);

	(void)conn;
	if (visit->is_answered || !id || !visit->wanted_id[0] || strcmp(id, visit->wanted_id) != 0)
		return 1;
	visit->is_answered = true;
	if (type && !strcmp(type, "result"))
		visit->answer = xmpp_stanza_clone(iq);
	return 1;
}

/* ---- log-in and farewell ---- */

/* Until *is_done, the connection's end or the deadline. */
static void run_until(struct tr_visit *visit, const bool *is_done, int timeout_ms)
{
	int64_t end_ns = end_after(timeout_ms);

	while (!*is_done && !visit->is_over && !is_past(end_ns)) {
		xmpp_run_once(visit->ctx, STEP_MS);
		judge(visit);
	}
}

static enum tr_visit_fault find_fault(const struct tr_visit *visit, char *word, size_t word_size)
{
	snprintf(word, word_size, "%s", visit->failure[0] ? visit->failure : visit->stream_error);
	if (visit->is_online)
		return TR_VISIT_FINE;
	if (visit->is_wrong_certificate)
		return TR_VISIT_CERTIFICATE;
	if (visit->failure[0])
		return TR_VISIT_REFUSED;
	if (visit->is_no_method)
		return TR_VISIT_NO_METHOD;
	if (visit->stream_error[0])
		return TR_VISIT_STREAM;
	return visit->is_over ? TR_VISIT_LOST : TR_VISIT_LATE;
}

static int connect_it(struct tr_visit *visit)
{
	const struct tr_visit_settings *settings = &visit->settings;
	bool is_plain = !settings->fingerprint[0];
	long flags = XMPP_CONN_FLAG_DISABLE_SM;
	char jid[1024];

	flags |= is_plain ? XMPP_CONN_FLAG_DISABLE_TLS
			  : XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_TRUST_TLS;
	if (!is_plain && settings->is_direct)
		flags |= XMPP_CONN_FLAG_LEGACY_SSL;
	int rc = tr_text_format(jid, sizeof(jid), "%s@%s", settings->username, settings->domain);
	if (rc < 0)
		return rc;
	xmpp_conn_set_jid(visit->conn, jid);
	xmpp_conn_set_pass(visit->conn, is_plain ? settings->password : "");
	xmpp_conn_set_certfail_handler(visit->conn, on_bad_certificate);
	if (xmpp_conn_set_flags(visit->conn, flags) != XMPP_EOK)
		return -EINVAL;
	xmpp_handler_add(visit->conn, on_presence, NULL, "presence", NULL, visit);
	xmpp_handler_add(visit->conn, on_iq, NULL, "iq", NULL, visit);
	return xmpp_connect_client(visit->conn, settings->host, (unsigned short)settings->port,
		       on_connection, visit) == XMPP_EOK
		       ? 0
		       : -EIO;
}

enum tr_visit_fault tr_visit_begin(const struct tr_visit_settings *settings,
	struct tr_visit **ret_visit, char *word, size_t word_size)
{
	TR_CLEANUP(tr_visit_endp) struct tr_visit *visit = calloc(1, sizeof(*visit));

	word[0] = '\0';
	if (!visit)
		return TR_VISIT_INTERNAL;
	visit->settings = *settings;
	visit->log = (xmpp_log_t){.handler = on_log, .userdata = visit};
	visit->ctx = xmpp_ctx_new(NULL, &visit->log);
	visit->conn = visit->ctx ? xmpp_conn_new(visit->ctx) : NULL;
	if (!visit->conn)
		return TR_VISIT_INTERNAL;
	if (connect_it(visit) < 0)
		return TR_VISIT_LOST;
	run_until(visit, &visit->is_online, settings->timeout_ms);
	enum tr_visit_fault fault = find_fault(visit, word, word_size);
	visit->settings.password = visit->settings.fingerprint = "";
	if (fault == TR_VISIT_FINE)
		*ret_visit = tr_take(visit);
	return fault;
}

void tr_visit_end(struct tr_visit *visit)
{
	if (!visit)
		return;
	if (visit->is_online) {
		xmpp_disconnect(visit->conn);
		run_until(visit, &visit->is_over, FAREWELL_MS);
	}
	if (visit->answer)
		xmpp_stanza_release(visit->answer);
	if (visit->conn)
		xmpp_conn_release(visit->conn);
	if (visit->ctx)
		xmpp_ctx_free(visit->ctx);
	free(visit);
}

/* ---- questions ---- */

static void say(struct tr_visit *visit, xmpp_stanza_t *stanza)
{
	if (!stanza)
		return;
	xmpp_send(visit->conn, stanza);
	xmpp_stanza_release(stanza);
}

static void add_child(xmpp_stanza_t *parent, const char *name, const char *ns)
{
	xmpp_stanza_t *child = xmpp_stanza_new(xmpp_stanza_get_context(parent));

	if (!child)
		return;
	xmpp_stanza_set_name(child, name);
	xmpp_stanza_set_ns(child, ns);
	xmpp_stanza_add_child_ex(parent, child, 0);
}

static void say_presence(struct tr_visit *visit, bool is_join)
{
	xmpp_stanza_t *presence = xmpp_presence_new(visit->ctx);

	if (!presence)
		return;
	xmpp_stanza_set_to(presence, visit->here);
	if (is_join)
		add_child(presence, "x", MUC_NS);
	else
		xmpp_stanza_set_type(presence, "unavailable");
	say(visit, presence);
}

int tr_visit_look_into(
	struct tr_visit *visit, const char *room, const char *nick, struct tr_visit_room *ret_room)
{
	*ret_room = (struct tr_visit_room){0};
	int rc = tr_text_format(visit->here, sizeof(visit->here), "%s/%s", room, nick);
	if (rc < 0)
		return rc;
	visit->room = ret_room;
	visit->is_answered = false;
	say_presence(visit, true);
	run_until(visit, &visit->is_answered, visit->settings.timeout_ms);
	ret_room->is_answered = visit->is_answered;
	visit->room = NULL;
	if (!ret_room->condition[0] && !visit->is_over)
		say_presence(visit, false); /* also when the answer may come late */
	visit->here[0] = '\0';
	return ret_room->is_answered ? 0 : visit->is_over ? -EPIPE : -ETIMEDOUT;
}

/* The answer's child of this namespace, which lives until the next question; NULL when there is
 * none. */
static xmpp_stanza_t *ask(
	struct tr_visit *visit, const char *to, const char *name, const char *ns, const char *id)
{
	xmpp_stanza_t *iq = xmpp_iq_new(visit->ctx, "get", id);

	if (!iq)
		return NULL;
	if (visit->answer)
		xmpp_stanza_release(visit->answer);
	visit->answer = NULL;
	visit->is_answered = false;
	snprintf(visit->wanted_id, sizeof(visit->wanted_id), "%s", id);
	xmpp_stanza_set_to(iq, to);
	add_child(iq, name, ns);
	say(visit, iq);
	run_until(visit, &visit->is_answered, visit->settings.timeout_ms);
	visit->wanted_id[0] = '\0';
	return visit->answer ? xmpp_stanza_get_child_by_ns(visit->answer, ns) : NULL;
}

void tr_visit_find_room(
	struct tr_visit *visit, const char *domain, const char *room, char *out, size_t size)
{
	char names[ROOMS_MAX][160];
	const char *list[ROOMS_MAX + 1] = {0};
	const char *brewery = NULL;
	unsigned count = 0;

	out[0] = '\0';
	xmpp_stanza_t *query = ask(visit, domain, "query", ITEMS_NS, "telerec-rooms");
	for (xmpp_stanza_t *item = query ? xmpp_stanza_get_children(query) : NULL;
		item && count < ROOMS_MAX; item = xmpp_stanza_get_next(item)) {
		const char *jid = xmpp_stanza_get_attribute(item, "jid");
		if (!jid || !strchr(jid, '@') || strlen(jid) >= sizeof(names[0]))
			continue;
		snprintf(names[count], sizeof(names[0]), "%.*s", (int)strcspn(jid, "@"), jid);
		list[count] = names[count];
		if (!strcasecmp(names[count], room))
			continue; /* ours, which our looking has made */
		if (strcasestr(names[count], "brewery") || strcasestr(names[count], "jibri"))
			brewery = names[count];
		count++;
	}
	list[count] = NULL;
	const char *near = tr_text_nearest(room, list);
	near = near ? near : brewery;
	if (near)
		snprintf(out, size, "%s", near);
}

bool tr_visit_is_there(struct tr_visit *visit, const char *jid)
{
	return ask(visit, jid, "query", INFO_NS, "telerec-info") != NULL;
}

int tr_visit_compare_clock(struct tr_visit *visit, const char *domain, int64_t *ret_ahead_s)
{
	struct tm tm = {0};
	xmpp_stanza_t *answer = ask(visit, domain, "time", TIME_NS, "telerec-time");
	xmpp_stanza_t *utc = answer ? xmpp_stanza_get_child_by_name(answer, "utc") : NULL;
	char *text = utc ? xmpp_stanza_get_text(utc) : NULL;

	if (!text)
		return -ENOENT;
	bool is_read = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) != NULL;
	xmpp_free(visit->ctx, text);
	if (!is_read)
		return -ENOENT;
	*ret_ahead_s = (int64_t)timegm(&tm) - (int64_t)time(NULL);
	return 0;
}
