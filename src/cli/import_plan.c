#include "cli/import_plan.h"

#include "cli/import_duration.h"
#include "cli/import_pattern.h"
#include "cli/import_plan_internal.h"
#include "config/config.h"
#include "core/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PATH_SIZE 300
#define NOTE_SIZE 600
#define DAY_MS INT64_C(86400000)
#define RULES_MAX 80

const char *tr_import_outcome_name(enum tr_import_outcome outcome)
{
	static const char *const names[] = {"carried", "changed", "later", "dropped", "unknown"};
	return outcome < TR_IMPORT_OUTCOMES ? names[outcome] : "?";
}

/* "jibri.api.xmpp.environments[0].name" is long; the old file's and the image's names are theirs.
 */
static const char *shown_path(const struct tr_import_item *item)
{
	const json_t *origin = json_object_get(item->planner->source->origins, item->path);
	const char *prefix = "jibri.api.xmpp.";

	if (origin)
		return json_string_value(origin);
	if (!strncmp(item->path, prefix, strlen(prefix)))
		return item->path + strlen(prefix);
	return item->path;
}

/* A text that was cut may end in the middle of a character. */
static json_t *cut_text(const char *text)
{
	size_t length = strlen(text);
	json_t *string = json_stringn(text, length);

	for (size_t cut = 1; !string && cut < 4 && cut <= length; cut++)
		string = json_stringn(text, length - cut);
	return string ? string : json_string("?");
}

static void add_row(struct tr_import_planner *planner, const char *jibri,
	enum tr_import_outcome outcome, const char *ours, const char *shown, const char *note)
{
	json_t *row = json_pack("{s:o, s:s, s:s, s:o, s:o}", "jibri", cut_text(jibri), "outcome",
		tr_import_outcome_name(outcome), "telerec", ours, "value", cut_text(shown), "note",
		cut_text(note));

	if (!row || json_array_append_new(planner->plan.rows, row) < 0)
		planner->is_short_of_memory = true;
}

void tr_import_row(const struct tr_import_item *item, enum tr_import_outcome outcome,
	const char *ours, const char *shown, const char *note)
{
	char key[PATH_SIZE] = "", more[NOTE_SIZE];

	if (ours)
		snprintf(key, sizeof(key), "%s%s", item->within, ours);
	note = note ? note : "";
	if (item->misread) {
		snprintf(more, sizeof(more),
			"%.400s%sJibri calls it %s and passes over this spelling", note,
			note[0] ? "; " : "", item->misread);
		note = more;
		outcome = outcome == TR_IMPORT_CARRIED ? TR_IMPORT_CHANGED : outcome;
	}
	add_row(item->planner, shown_path(item), outcome, key, shown ? shown : "", note);
}

void tr_import_say(const struct tr_import_item *item, enum tr_import_outcome outcome,
	const char *ours, const char *shown, const char *format, ...)
{
	char note[NOTE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(note, sizeof(note), format, args);
	va_end(args);
	tr_import_row(item, outcome, ours, shown, note);
}

void tr_import_put(
	struct tr_import_planner *planner, json_t *target, const char *path, json_t *value)
{
	char part[64];

	for (const char *dot; target && (dot = strchr(path, '.')) != NULL; path = dot + 1) {
		snprintf(part, sizeof(part), "%.*s", (int)(dot - path), path);
		if (!json_object_get(target, part))
			json_object_set_new(target, part, json_object());
		target = json_object_get(target, part);
	}
	if (json_object_set_new(target, path, value) < 0)
		planner->is_short_of_memory = true;
}

json_t *tr_import_get(const json_t *root, const char *path)
{
	char part[64];

	for (const char *dot; root && (dot = strchr(path, '.')) != NULL; path = dot + 1) {
		snprintf(part, sizeof(part), "%.*s", (int)(dot - path), path);
		root = json_object_get(root, part);
	}
	return json_object_get(root, path);
}

const char *tr_import_text(const json_t *value)
{
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	return json_string_value(value);
}

int tr_import_bool(const json_t *value, bool *ret)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", NULL};
	const char *text = tr_import_text(value);

	for (int i = 0; text && words[i]; i++)
		if (!strcmp(words[i], text)) {
			*ret = i % 2;
			return 0;
		}
	return -EINVAL;
}

/* Ways to take a key. */

static bool is_odd(struct tr_import_item *item, bool is_fine, const char *what)
{
	if (!is_fine)
		tr_import_say(item, TR_IMPORT_DROPPED, NULL, NULL,
			"must be %s, so nothing was carried over", what);
	return !is_fine;
}

static void put_text(struct tr_import_item *item, const char *text)
{
	tr_import_put(item->planner, item->target, item->rule->ours, json_string(text));
}

void tr_import_take_text(struct tr_import_item *item)
{
	const char *text = tr_import_text(item->value);

	if (is_odd(item, text, "a text"))
		return;
	if (!text[0] && strcmp(item->rule->ours, "strip") != 0) {
		tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL, "is empty");
		return;
	}
	put_text(item, text);
	tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, text, NULL);
}

void tr_import_take_bool(struct tr_import_item *item)
{
	bool value;

	if (is_odd(item, tr_import_bool(item->value, &value) == 0, "true or false"))
		return;
	tr_import_put(item->planner, item->target, item->rule->ours, json_boolean(value));
	tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, value ? "true" : "false",
		value ? item->rule->note : NULL);
}

void tr_import_take_int(struct tr_import_item *item)
{
	const char *text = tr_import_text(item->value);
	int64_t number;

	if (!text || tr_text_parse_int(text, item->rule->min, item->rule->max, &number) < 0) {
		tr_import_say(item, TR_IMPORT_DROPPED, NULL, NULL,
			"must be a number from %" PRId64 " to %" PRId64
			", so nothing was carried over",
			item->rule->min, item->rule->max);
		return;
	}
	tr_import_put(item->planner, item->target, item->rule->ours, json_integer(number));
	tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, text, NULL);
}

void tr_import_take_path(struct tr_import_item *item)
{
	const char *text = tr_import_text(item->value);

	if (text && !text[0]) {
		tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL, "is empty");
		return;
	}
	if (is_odd(item, text && text[0] == '/', "a full path"))
		return;
	if (!strcmp(text, "/path/to/finalize")) {
		tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL,
			"is Jibri's example, which is no program");
		return;
	}
	put_text(item, text);
	tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, text, item->rule->note);
}

void tr_import_take_duration(struct tr_import_item *item)
{
	const struct tr_import_rule *rule = item->rule;
	char text[32];
	int64_t ms;
	bool is_bare;

	if (is_odd(item, tr_import_duration_read(item->value, &ms, &is_bare) == 0,
		    "a time like \"30 seconds\""))
		return;
	int64_t kept = ms < rule->min ? rule->min : ms > rule->max ? rule->max : ms;
	tr_import_duration_write(kept, text, sizeof(text));
	put_text(item, text);
	if (is_bare && ms > 0)
		tr_import_row(item, TR_IMPORT_CHANGED, rule->ours, text,
			"a number without a unit is milliseconds to Jibri: write the time that is "
			"meant, like \"30s\"");
	else if (kept != ms)
		tr_import_row(item, TR_IMPORT_CHANGED, rule->ours, text,
			"is the nearest that telerec can do");
	else
		tr_import_row(item, TR_IMPORT_CARRIED, rule->ours, text, NULL);
}

/* Whether the value means "off" or "nothing". */
bool tr_import_is_nothing(const json_t *value)
{
	const char *text = tr_import_text(value);

	return json_is_null(value) || (text && (!text[0] || !strcmp(text, "false"))) ||
	       (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0);
}

void tr_import_take_later(struct tr_import_item *item)
{
	if (tr_import_is_nothing(item->value))
		tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL, "is not in use");
	else
		tr_import_row(item, TR_IMPORT_LATER, NULL, NULL, item->rule->note);
}

void tr_import_take_nowhere(struct tr_import_item *item)
{
	tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL, item->rule->note);
}

static void take_bind(struct tr_import_item *item)
{
	const char *text = tr_import_text(item->value);
	struct in6_addr address;

	if (text && !strcmp(text, "localhost"))
		text = "127.0.0.1";
	if (is_odd(item,
		    text && (inet_pton(AF_INET, text, &address) == 1 ||
				    inet_pton(AF_INET6, text, &address) == 1),
		    "an address of this machine"))
		return;
	put_text(item, text);
	tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, text, NULL);
}

/* Jibri has an address for each of its APIs, we have one. */
static void take_internal_host(struct tr_import_item *item)
{
	const char *external = tr_import_text(
		tr_import_get(item->planner->source->found, "jibri.api.http.external-api-host"));
	const char *text = tr_import_text(item->value);

	if (text && !strcmp(text, external ? external : "127.0.0.1"))
		tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, text, NULL);
	else
		tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL,
			"telerec has one address for both APIs, and took that of the external one");
}

/* The names of the flags alone: a value may hold a password, as a proxy's. */
static void take_flags(struct tr_import_item *item)
{
	char names[300] = "";
	json_t *flag;
	size_t i;

	json_array_foreach(item->value, i, flag)
	{
		const char *text = tr_import_text(flag);
		size_t used = strlen(names);
		if (!text)
			continue;
		if (!strcmp(text, "--ignore-certificate-errors")) {
			tr_import_put(item->planner, item->target, item->rule->ours, json_true());
			tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, "true",
				"of --ignore-certificate-errors");
			continue;
		}
		snprintf(names + used, sizeof(names) - used, "%s%.*s", used ? " " : "",
			(int)strcspn(text, "="), text);
	}
	tr_import_say(item, TR_IMPORT_DROPPED, NULL, NULL,
		"telerec starts Chromium with flags of its own%s%s", names[0] ? ", without " : "",
		names);
}

static void take_allowed(struct tr_import_item *item)
{
	json_t *list = json_array(), *entry;
	char pattern[TR_CONFIG_PATTERN_MAX];
	unsigned lost = 0;
	size_t i;

	json_array_foreach(item->value, i, entry)
	{
		const char *text = tr_import_text(entry);
		if (text && tr_import_pattern_convert(text, pattern, sizeof(pattern)) == 0)
			json_array_append_new(list, json_string(pattern));
		else
			lost++;
	}
	size_t count = json_array_size(list);
	tr_import_put(item->planner, item->target, item->rule->ours, list);
	if (lost)
		tr_import_say(item, TR_IMPORT_CHANGED, item->rule->ours, "",
			"%u of its patterns cannot be said in POSIX regular expressions and %s "
			"left out%s",
			lost, lost > 1 ? "were" : "was",
			count ? "" : ": nothing may be streamed to");
	else
		tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, "",
			count ? NULL : "nothing may be streamed to");
}

#define HTTP "api.http."
#define CHECKS "call-status-checks."
#define JWT "jwt-info."

static const struct tr_import_rule main_rules[] = {
	{"id", tr_import_take_text, "id", NULL, 0, 0},
	{"single-use-mode", tr_import_take_bool, "single_use", NULL, 0, 0},
	{HTTP "external-api-port", tr_import_take_int, "jibri_http.external_port", NULL, 0, 65535},
	{HTTP "internal-api-port", tr_import_take_int, "jibri_http.internal_port", NULL, 0, 65535},
	/* As older guides have them. */
	{"http.external-api-port", tr_import_take_int, "jibri_http.external_port", NULL, 0, 65535},
	{"http.internal-api-port", tr_import_take_int, "jibri_http.internal_port", NULL, 0, 65535},
	{HTTP "external-api-host", take_bind, "jibri_http.bind", NULL, 0, 0},
	{HTTP "internal-api-host", take_internal_host, "jibri_http.bind", NULL, 0, 0},
	{"api.xmpp.environments", tr_import_take_environments, "environments", NULL, 0, 0},
	{"recording.recordings-directory", tr_import_take_path, "recordings",
		"the user telerec must be able to write there", 0, 0},
	{"recording.finalize-script", tr_import_take_path, "finalize.script",
		"it runs as the user telerec", 0, 0},
	{"streaming.rtmp-allow-list", take_allowed, "stream.allowed", NULL, 0, 0},
	{CHECKS "no-media-timeout", tr_import_take_duration, "checks.no_media_timeout", NULL, 1000,
		DAY_MS},
	{CHECKS "all-muted-timeout", tr_import_take_duration, "checks.all_muted_timeout", NULL,
		1000, DAY_MS},
	{CHECKS "default-call-empty-timeout", tr_import_take_duration, "checks.empty_timeout", NULL,
		1000, DAY_MS},
	{CHECKS "ice-connection-timeout", tr_import_take_duration, "checks.ice_timeout", NULL, 1000,
		DAY_MS},
	{"chrome.flags", take_flags, "browser.ignore_certificate_errors", NULL, 0, 0},
	{"selenium.use-external-api", tr_import_take_nowhere, NULL,
		"telerec asks the meeting's page itself, without Selenium", 0, 0},
	{"ffmpeg.", tr_import_take_ffmpeg, NULL, NULL, 0, 0},
	{"stats.enable-stats-d", tr_import_take_statsd, "stats.statsd", NULL, 0, 0},
	{"stats.host", tr_import_take_statsd, "stats.statsd", NULL, 0, 0},
	{"stats.port", tr_import_take_statsd, "stats.statsd", NULL, 0, 0},
	{"stats.prometheus.enabled", tr_import_take_bool, "stats.prometheus",
		"on Jibri's external port as before, and on the node API", 0, 0},
	{"webhook.subscribers", tr_import_take_subscribers, "webhooks.subscribers", NULL, 0, 0},
	{JWT "signing-key-path", tr_import_take_token_key, "webhooks.key_file",
		"the user telerec must be able to read it", 0, 0},
	{JWT "kid", tr_import_take_token_text, "webhooks.key_id", NULL, 0, 0},
	{JWT "issuer", tr_import_take_token_text, "webhooks.issuer", NULL, 0, 0},
	{JWT "audience", tr_import_take_token_text, "webhooks.audience", NULL, 0, 0},
	{JWT "ttl", tr_import_take_token_lifetime, "webhooks.token_lifetime", NULL, 600000,
		30 * DAY_MS},
	{"sip.", tr_import_take_later, NULL, "telerec is no SIP gateway", 0, 0},
};

/* Keys are compared without what the styles differ in: "room_name", "room-name", "roomName". */
static bool is_same_name(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a == '-' || *a == '_')
			a++;
		while (*b == '-' || *b == '_')
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
	}
}

static const struct tr_import_rule *find_rule(const struct tr_import_table *table, const char *path)
{
	for (size_t i = 0; i < table->count; i++) {
		size_t length = strlen(table->rows[i].path);
		if (table->rows[i].path[length - 1] == '.'
				? !strncmp(table->rows[i].path, path, length)
				: is_same_name(table->rows[i].path, path))
			return &table->rows[i];
	}
	return NULL;
}

static void complain_unknown(
	const struct tr_import_item *item, const struct tr_import_table *table, const char *path)
{
	const char *names[RULES_MAX + 1] = {0};

	for (size_t i = 0; i < table->count && i < RULES_MAX; i++)
		names[i] = table->rows[i].path;
	const char *near = tr_text_nearest(path, names);
	if (near)
		tr_import_say(item, TR_IMPORT_UNKNOWN, NULL, NULL,
			"Jibri knows no such key; is %s meant?", near);
	else
		tr_import_row(item, TR_IMPORT_UNKNOWN, NULL, NULL, "Jibri knows no such key");
}

static bool is_whole_group(const struct tr_import_rule *rule)
{
	return rule && rule->path[strlen(rule->path) - 1] == '.';
}

/* A key that is spelt in another way than Jibri does counts unless the right one is there, too. */
static void take_one(struct tr_import_item *item, const json_t *group, const char *path)
{
	const char *right = item->rule->path;
	const char *dot = strrchr(right, '.');

	if (is_whole_group(item->rule) || !strcmp(right, path)) {
		item->rule->take(item);
		return;
	}
	if (json_object_get(group, dot ? dot + 1 : right)) {
		tr_import_say(item, TR_IMPORT_UNKNOWN, NULL, NULL,
			"Jibri calls it %s, which is there, too", right);
		return;
	}
	item->misread = right;
	item->rule->take(item);
}

void tr_import_walk(const struct tr_import_item *about, const struct tr_import_table *table,
	const json_t *group, const char *name, size_t skip)
{
	char path[PATH_SIZE];
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)group, key, value)
	{
		struct tr_import_item item = *about;
		snprintf(path, sizeof(path), "%.180s.%.100s", name, key);
		item.path = path;
		item.value = value;
		item.rule = find_rule(table, path + skip);
		if (json_is_null(value))
			continue; /* HOCON's way to say nothing */
		if (json_is_object(value) && (!item.rule || is_whole_group(item.rule)))
			tr_import_walk(about, table, value, path, skip);
		else if (item.rule)
			take_one(&item, group, path + skip);
		else
			complain_unknown(&item, table, path + skip);
	}
}

static void add_found(struct tr_import_planner *planner)
{
	const struct tr_import_table table = {main_rules, TR_COUNT(main_rules)};
	const struct tr_import_item about = {
		.planner = planner, .target = planner->plan.settings, .within = ""};
	json_t *value;
	const char *key;

	json_object_foreach(planner->source->found, key, value)
	{
		if (!strcmp(key, "jibri") && json_is_object(value))
			tr_import_walk(&about, &table, value, "jibri", strlen("jibri."));
		else
			add_row(planner, key, TR_IMPORT_DROPPED, "", "",
				"is outside of jibri { }: only what the file itself makes of it "
				"counts");
	}
}

static void add_names(struct tr_import_planner *planner, const json_t *names,
	enum tr_import_outcome outcome, const char *before, const char *behind, const char *note)
{
	json_t *name;
	char shown[PATH_SIZE];
	size_t i;

	json_array_foreach((json_t *)names, i, name)
	{
		snprintf(shown, sizeof(shown), "%s%s%s", before, json_string_value(name), behind);
		add_row(planner, shown, outcome, "", "", note);
	}
}

int tr_import_plan_make(const struct tr_import_source *source, struct tr_import_plan *ret_plan)
{
	struct tr_import_planner planner = {
		.source = source, .plan = {json_object(), json_object(), json_array()}};

	if (!planner.plan.settings || !planner.plan.secrets || !planner.plan.rows)
		planner.is_short_of_memory = true;
	tr_import_video(&planner);
	add_found(&planner);
	add_names(&planner, source->unset, TR_IMPORT_DROPPED, "${?", "}",
		"has no value here: name the file that gives it with --env FILE");
	add_names(&planner, source->missing, TR_IMPORT_DROPPED, "include \"", "\"",
		"is not there, or may not be read; Jibri passes over it, too");
	add_names(&planner, source->strangers, TR_IMPORT_UNKNOWN, "", "",
		"Jibri's image knows no such variable");
	add_names(&planner, source->unused, TR_IMPORT_DROPPED, "", "", "telerec has no use for it");
	if (planner.is_short_of_memory) {
		tr_import_plan_clear(&planner.plan);
		return -ENOMEM;
	}
	*ret_plan = planner.plan;
	return 0;
}

void tr_import_plan_clear(struct tr_import_plan *plan)
{
	json_decref(plan->settings);
	json_decref(plan->secrets);
	json_decref(plan->rows);
	*plan = (struct tr_import_plan){0};
}
