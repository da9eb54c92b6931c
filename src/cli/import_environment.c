#include "cli/import_duration.h"
#include "cli/import_plan_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DAY_MS INT64_C(86400000)
#define USAGE_MAX_MS (30 * DAY_MS)
#define MINUTE_MS 60000

static bool is_local(const char *host)
{
	return !strcmp(host, "localhost") || !strcmp(host, "127.0.0.1") || !strcmp(host, "::1");
}

/* Docker's own names mean nothing outside of its network. */
static bool is_docker_name(const char *host)
{
	const char *end = strstr(host, ".meet.jitsi");
	return end && (!end[11] || end[11] == ':');
}

static void take_hosts(struct tr_import_item *item)
{
	json_t *list = json_is_string(item->value) ? json_pack("[O]", item->value)
						   : json_copy(item->value);
	bool is_odd = !json_is_array(list) || json_array_size(list) == 0, is_docker = false;
	char shown[300] = "";
	json_t *host;
	size_t i;

	json_array_foreach(list, i, host)
	{
		const char *text = json_string_value(host);
		size_t used = strlen(shown);
		is_odd |= !text;
		is_docker |= text && is_docker_name(text);
		snprintf(shown + used, sizeof(shown) - used, "%s%s", used ? ", " : "",
			text ? text : "?");
	}
	if (is_odd) {
		json_decref(list);
		tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL,
			"must be a list of hosts, so nothing was carried over");
		return;
	}
	tr_import_put(item->planner, item->target, item->rule->ours, list);
	if (json_is_string(item->value))
		tr_import_row(item, TR_IMPORT_CHANGED, item->rule->ours, shown,
			"Jibri wants a list: [ \"host\" ]");
	else if (is_docker)
		tr_import_row(item, TR_IMPORT_CHANGED, item->rule->ours, shown,
			"is a name of docker's network: outside of it write the docker host's name, "
			"and publish its port 5222");
	else
		tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, shown, NULL);
}

/* A password in '...' has the quotes in it, which HOCON does not know. */
static bool is_quoted(const char *text)
{
	size_t length = strlen(text);
	return length > 1 && text[0] == '\'' && text[length - 1] == '\'';
}

static void take_secret(struct tr_import_item *item)
{
	const char *text = tr_import_text(item->value);

	if (!text || !text[0]) {
		tr_import_row(
			item, TR_IMPORT_DROPPED, NULL, NULL, text ? "is empty" : "is no text");
		return;
	}
	tr_import_put(item->planner, item->secrets, item->rule->ours, json_string(text));
	if (is_quoted(text))
		tr_import_row(item, TR_IMPORT_CHANGED, item->rule->ours, "(in secrets.conf)",
			"its ' are part of the password, as for Jibri: only \" are quotes");
	else
		tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, "(in secrets.conf)", NULL);
}

/* Jibri counts whole minutes; what is left below one means no limit. */
static void take_usage_timeout(struct tr_import_item *item)
{
	const char *given = tr_import_text(item->value);
	char text[32];
	int64_t ms;
	bool is_bare;

	if (tr_import_duration_read(item->value, &ms, &is_bare) < 0) {
		tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL,
			"must be a time like \"2 hours\", so there is no limit");
		return;
	}
	int64_t kept = ms / MINUTE_MS * MINUTE_MS;
	kept = kept > USAGE_MAX_MS ? USAGE_MAX_MS : kept;
	tr_import_duration_write(kept, text, sizeof(text));
	tr_import_put(item->planner, item->target, item->rule->ours, json_string(text));
	if (is_bare && ms > 0)
		tr_import_say(item, TR_IMPORT_CHANGED, item->rule->ours, text,
			"%.20s without a unit is milliseconds to Jibri, %s: write \"%.20sm\" if "
			"minutes were meant",
			given, kept ? "which it was" : "so it had no limit", given);
	else if (kept == 0 && ms > 0)
		tr_import_row(item, TR_IMPORT_CHANGED, item->rule->ours, text,
			"Jibri counts whole minutes, so it had no limit");
	else if (kept != ms)
		tr_import_row(item, TR_IMPORT_CHANGED, item->rule->ours, text,
			ms > USAGE_MAX_MS ? "is the longest that telerec can do"
					  : "Jibri counts whole minutes");
	else
		tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, text, NULL);
}

static void take_security(struct tr_import_item *item)
{
	static const char *const words[][2] = {
		{"required", "starttls"}, {"ifpossible", "ifpossible"}, {"disabled", "plain"}};
	const char *text = tr_import_text(item->value);

	for (size_t i = 0; text && i < TR_COUNT(words); i++)
		if (!strcmp(words[i][0], text)) {
			tr_import_put(item->planner, item->target, item->rule->ours,
				json_string(words[i][1]));
			tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, words[i][1], NULL);
			return;
		}
	tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL,
		"must be \"required\", \"ifpossible\" or \"disabled\", so the link is encrypted");
}

#define IGNORED_TOO "has no effect in Jibri either"

static const struct tr_import_rule rules[] = {
	{"name", tr_import_take_text, "name", NULL, 0, 0},
	{"xmpp-server-hosts", take_hosts, "servers", NULL, 0, 0},
	{"xmpp-domain", tr_import_take_text, "xmpp_domain", NULL, 0, 0},
	{"base-url", tr_import_take_text, "base_url", NULL, 0, 0},
	{"control-login.domain", tr_import_take_text, "control.domain", NULL, 0, 0},
	{"control-login.username", tr_import_take_text, "control.username", NULL, 0, 0},
	{"control-login.password", take_secret, "control.password", NULL, 0, 0},
	{"control-login.port", tr_import_take_int, "control.port", NULL, 0, 65535},
	{"control-login.randomize-username", tr_import_take_nowhere, NULL, IGNORED_TOO, 0, 0},
	{"control-muc.domain", tr_import_take_text, "brewery.domain", NULL, 0, 0},
	{"control-muc.room-name", tr_import_take_text, "brewery.room", NULL, 0, 0},
	{"control-muc.nickname", tr_import_take_text, "brewery.nickname", NULL, 0, 0},
	{"sip-control-muc.", tr_import_take_later, NULL, "telerec is no SIP gateway", 0, 0},
	{"call-login.domain", tr_import_take_text, "call.domain", NULL, 0, 0},
	{"call-login.username", tr_import_take_text, "call.username", NULL, 0, 0},
	{"call-login.password", take_secret, "call.password", NULL, 0, 0},
	{"call-login.port", tr_import_take_nowhere, NULL, IGNORED_TOO, 0, 0},
	{"call-login.randomize-username", tr_import_take_bool, "call.randomize", NULL, 0, 0},
	{"strip-from-room-domain", tr_import_take_text, "strip", NULL, 0, 0},
	{"usage-timeout", take_usage_timeout, "usage_timeout", NULL, 0, 0},
	{"trust-all-xmpp-certs", tr_import_take_bool, "trust_all_certificates",
		"fingerprint or ca_file is better: anybody on the way can read the passwords", 0,
		0},
	{"security-mode", take_security, "security", NULL, 0, 0},
};

/* Jibri asks for encryption unless the server is on the same machine. */
static void add_security(struct tr_import_item *item, const char *prefix)
{
	json_t *servers = json_object_get(item->target, "servers"), *server;
	char path[120];
	size_t i;

	if (json_object_get(item->target, "security") || json_array_size(servers) == 0)
		return;
	json_array_foreach(servers, i, server) if (!is_local(json_string_value(server))) return;
	snprintf(path, sizeof(path), "%s.security-mode", prefix);
	const char *outer = item->path;
	item->path = path;
	tr_import_put(item->planner, item->target, "security", json_string("ifpossible"));
	tr_import_row(item, TR_IMPORT_CARRIED, "security", "ifpossible",
		"is Jibri's default for a server on the same machine");
	item->path = outer;
}

static bool is_name_taken(const json_t *list, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach((json_t *)list, i, entry)
	{
		const char *other = json_string_value(json_object_get(entry, "name"));
		if (other && !strcmp(other, name))
			return true;
	}
	return false;
}

/* Names tell environments apart in secrets.conf, so each needs one of its own. */
static void settle_name(struct tr_import_item *item, const json_t *list, const char *prefix)
{
	const char *given = json_string_value(json_object_get(item->target, "name"));
	const char *domain = json_string_value(json_object_get(item->target, "xmpp_domain"));
	char base[100], name[120], path[120];

	snprintf(base, sizeof(base), "%s", given ? given : domain ? domain : "environment");
	snprintf(name, sizeof(name), "%s", base);
	for (unsigned i = 2; is_name_taken(list, name); i++)
		snprintf(name, sizeof(name), "%s-%u", base, i);
	if (given && !strcmp(given, name))
		return;
	snprintf(path, sizeof(path), "%s.name", prefix);
	const char *outer = item->path;
	item->path = path;
	tr_import_put(item->planner, item->target, "name", json_string(name));
	tr_import_row(item, TR_IMPORT_CHANGED, "name", name,
		"every environment has a name of its own here");
	item->path = outer;
}

static void take_environment(
	struct tr_import_item *item, size_t index, json_t *list, json_t *secrets)
{
	const struct tr_import_table table = {rules, TR_COUNT(rules)};
	json_t *entry = json_array_get(item->value, index);
	struct tr_import_item about = *item;
	char prefix[100];

	snprintf(prefix, sizeof(prefix), "%s[%zu]", item->path, index);
	about.within = "environments.";
	about.target = json_pack("{s:s}", "name", "");
	about.secrets = json_pack("{s:s}", "name", "");
	json_object_del(about.target, "name");
	if (!json_is_object(entry)) {
		about.path = prefix;
		tr_import_row(&about, TR_IMPORT_DROPPED, NULL, NULL, "is no group { }");
		json_decref(about.target);
		json_decref(about.secrets);
		return;
	}
	tr_import_walk(&about, &table, entry, prefix, strlen(prefix) + 1);
	settle_name(&about, list, prefix);
	add_security(&about, prefix);
	json_object_set(about.secrets, "name", json_object_get(about.target, "name"));
	json_array_append_new(list, about.target);
	if (json_object_size(about.secrets) > 1)
		json_array_append_new(secrets, about.secrets);
	else
		json_decref(about.secrets);
}

void tr_import_take_environments(struct tr_import_item *item)
{
	json_t *list = json_array(), *secrets = json_array();

	if (!json_is_array(item->value))
		tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL, "is no list [ { } ]");
	for (size_t i = 0; i < json_array_size(item->value); i++)
		take_environment(item, i, list, secrets);
	tr_import_put(item->planner, item->target, "environments", list);
	tr_import_put(item->planner, item->planner->plan.secrets, "environments", secrets);
}
