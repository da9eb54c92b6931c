#include "control/brewery.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

#define TR_LOG_AREA "xmpp"

#define NS_MUC_USER "http://jabber.org/protocol/muc#user"
#define NS_JIBRI "http://jitsi.org/protocol/jibri"
#define FOCUS_NICK "focus"

/* A presence of the room, read. */
struct news {
	const char *nick;
	const char *jid; /* real, of the first item; NULL when hidden */
	bool is_self;	 /* status 110 */
	bool is_created; /* 201 */
	bool is_kick, is_ban, is_destroy;
	bool is_shared; /* an item is of another JID than ours */
	bool is_recorder;
};

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

static int lower_copy(char *out, size_t size, const char *text)
{
	int rc = tr_text_format(out, size, "%s", text);
	if (rc == 0)
		lower(out);
	return rc;
}

int tr_brewery_init(struct tr_brewery *brewery, const char *room, const char *domain,
	const char *nick, const char *focus_jid, const struct tr_brewery_waits *waits)
{
	*brewery = (struct tr_brewery){.waits = *waits};
	int rc = tr_text_format(brewery->room, sizeof(brewery->room), "%s@%s", room, domain);
	if (rc < 0)
		return rc;
	lower(brewery->room);
	rc = tr_text_format(brewery->base_nick, sizeof(brewery->base_nick), "%s", nick);
	if (rc < 0)
		return rc;
	strcpy(brewery->nick, brewery->base_nick);
	return lower_copy(brewery->focus, sizeof(brewery->focus), focus_jid);
}

static int64_t later(int64_t now_ns, int64_t ms)
{
	return now_ns + ms * TR_NS_PER_MS;
}

static void say(struct tr_brewery *brewery, const char *format, ...) TR_PRINTF(2, 3);
static void say(struct tr_brewery *brewery, const char *format, ...)
{
	char text[sizeof(brewery->problem)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strcmp(text, brewery->problem))
		tr_warning("%s in %s: %s", brewery->nick, brewery->room, text);
	strcpy(brewery->problem, text);
}

static void forget_occupants(struct tr_brewery *brewery, int64_t now_ns)
{
	memset(brewery->focus_nicks, 0, sizeof(brewery->focus_nicks));
	brewery->focus_ns = now_ns;
	brewery->merged_ns = 0;
	brewery->is_self_pinged = false;
}

static void go_out(struct tr_brewery *brewery, int64_t due_ns, int64_t now_ns)
{
	if (brewery->state == TR_BREWERY_IN)
		brewery->is_removed = true;
	brewery->state = TR_BREWERY_OUT;
	brewery->due_ns = due_ns;
	forget_occupants(brewery, now_ns);
}

void tr_brewery_reset(struct tr_brewery *brewery, const char *own_jid, int64_t now_ns)
{
	brewery->state = TR_BREWERY_OUT;
	brewery->is_removed = brewery->is_leaving = brewery->is_configuring = false;
	brewery->is_publishing = false;
	brewery->due_ns = now_ns;
	brewery->refusals = 0;
	brewery->problem[0] = brewery->left_nick[0] = '\0';
	strcpy(brewery->nick, brewery->base_nick); /* who had it may be gone */
	snprintf(brewery->own_jid, sizeof(brewery->own_jid), "%s", own_jid);
	forget_occupants(brewery, now_ns);
}

void tr_brewery_resume(struct tr_brewery *brewery, int64_t now_ns)
{
	if (brewery->state == TR_BREWERY_JOINING)
		brewery->due_ns = later(now_ns, brewery->waits.join);
	brewery->is_publishing = brewery->state == TR_BREWERY_IN;
	brewery->is_self_pinged = false;
	brewery->ping_due_ns = now_ns;
}

/* A nick that nobody has: the configured one with four letters of chance. */
static void derive_nick(struct tr_brewery *brewery)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	unsigned char chance[4] = {0};
	char tail[6] = "-";

	if (getrandom(chance, sizeof(chance), GRND_NONBLOCK) < 0)
		tr_clock_format_utc(tr_clock_wall_ns(), (char *)chance, sizeof(chance));
	for (unsigned i = 0; i < sizeof(chance); i++)
		tail[1 + i] = letters[chance[i] % (sizeof(letters) - 1)];
	tail[5] = '\0';
	snprintf(brewery->nick, sizeof(brewery->nick), "%.*s%s",
		(int)(sizeof(brewery->nick) - sizeof(tail)), brewery->base_nick, tail);
}

static void move(struct tr_brewery *brewery, int64_t now_ns)
{
	strcpy(brewery->left_nick, brewery->nick);
	brewery->is_leaving = true;
	derive_nick(brewery);
	tr_warning("%s: \"%s\" is taken by another login of the same account, going on as \"%s\"",
		brewery->room, brewery->left_nick, brewery->nick);
	go_out(brewery, now_ns, now_ns);
}

static bool take_flag(bool *flag)
{
	bool was = *flag;

	*flag = false;
	return was;
}

static enum tr_brewery_order next_out(struct tr_brewery *brewery, int64_t now_ns)
{
	if (now_ns < brewery->due_ns)
		return TR_BREWERY_NONE;
	brewery->state = TR_BREWERY_JOINING;
	brewery->due_ns = later(now_ns, brewery->waits.join);
	return TR_BREWERY_JOIN;
}

static enum tr_brewery_order next_in(struct tr_brewery *brewery, int64_t now_ns)
{
	if (brewery->merged_ns && !brewery->is_busy &&
		now_ns >= later(brewery->merged_ns, brewery->waits.merged))
		move(brewery, now_ns);
	else if (now_ns >= brewery->ping_due_ns) {
		brewery->ping_due_ns = later(now_ns, brewery->waits.self_ping);
		snprintf(
			brewery->ping_id, sizeof(brewery->ping_id), "tr-here-%u", ++brewery->pings);
		brewery->is_self_pinged = true;
		return TR_BREWERY_SELF_PING;
	}
	if (brewery->focus_ns && now_ns >= later(brewery->focus_ns, brewery->waits.focus) &&
		!brewery->problem[0])
		say(brewery, "Jicofo is not in the brewery: nobody will ask for recordings until "
			     "its brewery-jid names this room");
	return TR_BREWERY_NONE;
}

static int retry_ms(struct tr_brewery *brewery)
{
	int64_t ms = (int64_t)brewery->waits.retry
		     << (brewery->refusals < 8 ? brewery->refusals : 8);

	brewery->refusals++;
	return ms < brewery->waits.retry_max ? (int)ms : brewery->waits.retry_max;
}

enum tr_brewery_order tr_brewery_next(struct tr_brewery *brewery, int64_t now_ns)
{
	enum tr_brewery_order order = TR_BREWERY_NONE;

	if (take_flag(&brewery->is_leaving))
		return TR_BREWERY_LEAVE;
	if (take_flag(&brewery->is_configuring))
		return TR_BREWERY_CONFIGURE;
	if (take_flag(&brewery->is_publishing))
		return TR_BREWERY_PUBLISH;
	if (brewery->state == TR_BREWERY_JOINING && now_ns >= brewery->due_ns) {
		say(brewery, "the join was not answered: the server may not let this account's "
			     "domain into the room (muc_filter_whitelist), or has no such room "
			     "service");
		go_out(brewery, later(now_ns, retry_ms(brewery)), now_ns);
	}
	if (brewery->state == TR_BREWERY_IN)
		order = next_in(brewery, now_ns);
	if (take_flag(&brewery->is_leaving))
		return TR_BREWERY_LEAVE;
	return brewery->state == TR_BREWERY_OUT ? next_out(brewery, now_ns) : order;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t tr_brewery_due_ns(const struct tr_brewery *brewery)
{
	if (brewery->is_leaving || brewery->is_configuring || brewery->is_publishing)
		return 0;
	if (brewery->state != TR_BREWERY_IN)
		return brewery->due_ns;
	int64_t due = brewery->ping_due_ns;
	if (brewery->merged_ns && !brewery->is_busy)
		due = sooner(due, later(brewery->merged_ns, brewery->waits.merged));
	if (brewery->focus_ns && !brewery->problem[0])
		due = sooner(due, later(brewery->focus_ns, brewery->waits.focus));
	return due;
}

static const char *nick_of(const struct tr_brewery *brewery, const char *jid)
{
	size_t size = strlen(brewery->room);

	if (!jid || strncasecmp(jid, brewery->room, size) || jid[size] != '/')
		return NULL;
	return jid + size + 1;
}

static void read_status(xmpp_stanza_t *status, struct news *news)
{
	const char *code = xmpp_stanza_get_attribute(status, "code");

	if (!code)
		return;
	news->is_self |= !strcmp(code, "110");
	news->is_created |= !strcmp(code, "201");
	news->is_ban |= !strcmp(code, "301");
	news->is_kick |= !strcmp(code, "307");
}

static void read_item(const struct tr_brewery *brewery, xmpp_stanza_t *item, struct news *news)
{
	const char *jid = xmpp_stanza_get_attribute(item, "jid");

	if (!jid)
		return;
	if (!news->jid)
		news->jid = jid;
	news->is_shared |= strcmp(jid, brewery->own_jid) != 0;
}

static void read_news(const struct tr_brewery *brewery, xmpp_stanza_t *presence, struct news *news)
{
	xmpp_stanza_t *child = xmpp_stanza_get_children(presence);

	for (; child; child = xmpp_stanza_get_next(child)) {
		const char *name = xmpp_stanza_get_name(child), *ns = xmpp_stanza_get_ns(child);
		if (name && ns && !strcmp(name, "jibri-status") && !strcmp(ns, NS_JIBRI))
			news->is_recorder = true;
		if (!ns || strcmp(ns, NS_MUC_USER))
			continue;
		xmpp_stanza_t *part = xmpp_stanza_get_children(child);
		for (; part; part = xmpp_stanza_get_next(part)) {
			const char *what = xmpp_stanza_get_name(part);
			if (!what)
				continue;
			if (!strcmp(what, "status"))
				read_status(part, news);
			else if (!strcmp(what, "item"))
				read_item(brewery, part, news);
			else if (!strcmp(what, "destroy"))
				news->is_destroy = true;
		}
	}
}

const char *tr_brewery_condition(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *error = xmpp_stanza_get_child_by_name(stanza, "error");
	xmpp_stanza_t *child = error ? xmpp_stanza_get_children(error) : NULL;

	for (; child; child = xmpp_stanza_get_next(child)) {
		const char *name = xmpp_stanza_get_name(child), *ns = xmpp_stanza_get_ns(child);
		if (name && ns && !strcmp(ns, XMPP_NS_STANZAS_IETF) && strcmp(name, "text"))
			return name;
	}
	return "undefined-condition";
}

static void take_refusal(struct tr_brewery *brewery, xmpp_stanza_t *presence, int64_t now_ns)
{
	const char *condition = tr_brewery_condition(presence);

	if (brewery->state != TR_BREWERY_JOINING) { /* an update was refused: we are not in */
		say(brewery, "the room does not know us any more (%s)", condition);
		go_out(brewery, now_ns, now_ns);
		return;
	}
	if (!strcmp(condition, "conflict")) {
		bool is_first = brewery->refusals++ == 0;
		derive_nick(brewery);
		say(brewery, "the nick \"%s\" belongs to another account, going on as \"%s\"",
			brewery->base_nick, brewery->nick);
		go_out(brewery, is_first ? now_ns : later(now_ns, retry_ms(brewery)), now_ns);
		return;
	}
	int wait = retry_ms(brewery);
	if (!strcmp(condition, "not-allowed")) {
		say(brewery,
			"waiting for Jicofo: the room does not exist yet, and this account may "
			"not make it (not-allowed)");
	} else if (!strcmp(condition, "item-not-found")) {
		say(brewery, "waiting: the room is locked until its owner has set it up "
			     "(item-not-found)");
	} else if (!strcmp(condition, "forbidden")) {
		say(brewery, "this account is banned from the room (forbidden)");
		wait = brewery->waits.banned;
	} else {
		say(brewery, "the join was refused (%s)", condition);
	}
	go_out(brewery, later(now_ns, wait), now_ns);
}

static void take_own_leave(struct tr_brewery *brewery, const struct news *news, int64_t now_ns)
{
	if (brewery->state != TR_BREWERY_IN)
		return; /* a leave of ours */
	int wait = brewery->waits.kicked;
	if (news->is_ban) {
		say(brewery, "this account was banned from the room");
		wait = brewery->waits.banned;
	} else if (news->is_kick) {
		say(brewery, "kicked out of the room, joining again");
	} else if (news->is_destroy) {
		say(brewery, "the room was destroyed, joining again");
		wait /= 5;
	} else {
		say(brewery, "put out of the room, joining again");
	}
	go_out(brewery, later(now_ns, wait), now_ns);
}

static void take_own_presence(struct tr_brewery *brewery, const struct news *news, int64_t now_ns)
{
	if (brewery->state == TR_BREWERY_IN) {
		if (news->is_shared && !brewery->merged_ns) {
			brewery->merged_ns = now_ns;
			tr_warning("%s: another login of this account took our nick \"%s\"",
				brewery->room, brewery->nick);
		} else if (!news->is_shared && brewery->merged_ns) {
			brewery->merged_ns = 0;
			brewery->is_publishing = true; /* theirs was shown last */
		}
		return;
	}
	if (brewery->state != TR_BREWERY_JOINING)
		return;
	if (news->is_shared) {
		move(brewery, now_ns);
		return;
	}
	brewery->state = TR_BREWERY_IN;
	brewery->refusals = 0;
	brewery->problem[0] = '\0';
	brewery->ping_due_ns = later(now_ns, brewery->waits.self_ping);
	brewery->is_configuring = news->is_created;
}

static char *find_focus(struct tr_brewery *brewery, const char *nick)
{
	for (unsigned i = 0; i < TR_BREWERY_FOCUS_MAX; i++) {
		if (!strcmp(brewery->focus_nicks[i], nick))
			return brewery->focus_nicks[i];
	}
	return NULL;
}

static bool is_focus(const struct tr_brewery *brewery, const struct news *news)
{
	size_t size = strlen(brewery->focus);

	if (news->is_recorder || strlen(news->nick) >= TR_BREWERY_NICK_MAX || !news->nick[0])
		return false;
	if (size == 0)
		return !strcmp(news->nick, FOCUS_NICK);
	return news->jid && !strncasecmp(news->jid, brewery->focus, size) &&
	       (news->jid[size] == '/' || !news->jid[size]);
}

static void take_other(
	struct tr_brewery *brewery, const struct news *news, bool is_here, int64_t now_ns)
{
	char *known = news->nick[0] ? find_focus(brewery, news->nick) : NULL;

	if (known && (!is_here || !is_focus(brewery, news))) {
		known[0] = '\0';
		if (!tr_brewery_has_focus(brewery))
			brewery->focus_ns = now_ns;
	} else if (!known && is_here && is_focus(brewery, news)) {
		known = find_focus(brewery, "");
		if (!known)
			return;
		strcpy(known, news->nick);
		if (brewery->state == TR_BREWERY_IN)
			brewery->problem[0] = '\0';
		brewery->focus_ns = 0;
	}
}

void tr_brewery_take_presence(struct tr_brewery *brewery, xmpp_stanza_t *presence, int64_t now_ns)
{
	const char *from = xmpp_stanza_get_from(presence), *type = xmpp_stanza_get_type(presence);
	struct news news = {.nick = nick_of(brewery, from)};

	bool is_refusal = type && !strcmp(type, "error");
	if (is_refusal && from && !strcasecmp(from, brewery->room))
		news.nick = brewery->nick; /* some answer for the room */
	if (!news.nick || brewery->state == TR_BREWERY_OUT)
		return;
	if (is_refusal) {
		if (!strcmp(news.nick, brewery->nick))
			take_refusal(brewery, presence, now_ns);
		return;
	}
	bool is_leave = type && !strcmp(type, "unavailable");
	if (type && !is_leave)
		return;
	read_news(brewery, presence, &news);
	/* A server may give another nick than was asked for: 110 marks it as ours. */
	bool is_given = news.is_self && !is_leave && brewery->state == TR_BREWERY_JOINING &&
			strcmp(news.nick, brewery->left_nick) &&
			strlen(news.nick) < TR_BREWERY_NICK_MAX;
	if (is_given)
		strcpy(brewery->nick, news.nick);
	if (strcmp(news.nick, brewery->nick))
		take_other(brewery, &news, !is_leave, now_ns);
	else if (is_leave)
		take_own_leave(brewery, &news, now_ns);
	else
		take_own_presence(brewery, &news, now_ns);
}

void tr_brewery_take_pong(struct tr_brewery *brewery, const char *condition, int64_t now_ns)
{
	if (!take_flag(&brewery->is_self_pinged) || brewery->state != TR_BREWERY_IN || !condition)
		return;
	if (strcmp(condition, "not-acceptable") && strcmp(condition, "item-not-found"))
		return; /* answered by somebody: we are in */
	say(brewery, "the room has forgotten us (%s), joining again", condition);
	go_out(brewery, now_ns, now_ns);
}

bool tr_brewery_is_occupant(const struct tr_brewery *brewery, const char *jid)
{
	const char *nick = nick_of(brewery, jid);

	return nick && *nick && strlen(jid) < TR_BREWERY_JID_MAX;
}

bool tr_brewery_may_order(const struct tr_brewery *brewery, const char *jid)
{
	const char *nick = nick_of(brewery, jid);

	if (!tr_brewery_is_occupant(brewery, jid))
		return false;
	if (!brewery->focus[0])
		return true;
	for (unsigned i = 0; i < TR_BREWERY_FOCUS_MAX; i++) {
		if (!strcmp(brewery->focus_nicks[i], nick))
			return true;
	}
	return false;
}

bool tr_brewery_has_focus(const struct tr_brewery *brewery)
{
	for (unsigned i = 0; i < TR_BREWERY_FOCUS_MAX; i++) {
		if (brewery->focus_nicks[i][0])
			return true;
	}
	return false;
}
