/* Those who watch a Jibri: StatsD, Prometheus, webhooks and their token. */
#include "cli/import_plan_internal.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

#define STATSD_PORT "8125"

static void drop(struct tr_import_item *item)
{
	tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL, "is not in use");
}

/* A text of the file, or what Jibri takes where there is none. */
static const char *find_text(
	const struct tr_import_item *item, const char *path, const char *fallback)
{
	const char *text = tr_import_text(tr_import_get(item->planner->source->found, path));

	return text && text[0] ? text : fallback;
}

/* ---- StatsD: Jibri's is on by default, on this machine; ours where the file speaks of it ---- */

static bool is_statsd_off(const struct tr_import_item *item)
{
	bool is_on = true;

	return tr_import_bool(
		       tr_import_get(item->planner->source->found, "jibri.stats.enable-stats-d"),
		       &is_on) == 0 &&
	       !is_on;
}

void tr_import_take_statsd(struct tr_import_item *item)
{
	const char *host = find_text(item, "jibri.stats.host", "localhost");
	const char *port = find_text(item, "jibri.stats.port", STATSD_PORT);
	char server[TR_CONFIG_HOST_MAX];

	if (is_statsd_off(item) || tr_import_is_nothing(item->value)) {
		drop(item);
		return;
	}
	snprintf(server, sizeof(server), "%.240s:%.8s", host, port);
	tr_import_put(item->planner, item->target, item->rule->ours, json_string(server));
	tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, server, NULL);
}

/* ---- webhooks ---- */

/* As our own check wants it. */
static bool is_base(const char *url)
{
	bool has_scheme = !strncmp(url, "http://", 7) || !strncmp(url, "https://", 8);

	return has_scheme && !strpbrk(url, "?#@ \"<>\\") && strlen(url) < 1024;
}

void tr_import_take_subscribers(struct tr_import_item *item)
{
	json_t *list = json_array(), *entry;
	unsigned lost = 0;
	size_t i;

	if (tr_import_is_nothing(item->value)) {
		json_decref(list);
		drop(item);
		return;
	}
	json_array_foreach(item->value, i, entry)
	{
		const char *url = tr_import_text(entry);
		if (url && is_base(url) && json_array_size(list) < TR_CONFIG_SUBSCRIBERS_MAX)
			json_array_append_new(list, json_string(url));
		else
			lost++;
	}
	tr_import_put(item->planner, item->target, item->rule->ours, list);
	if (lost)
		tr_import_say(item, TR_IMPORT_CHANGED, item->rule->ours, "",
			"%u left out: telerec takes at most %d addresses, with http:// or https:// "
			"and without user, ? and #",
			lost, TR_CONFIG_SUBSCRIBERS_MAX);
	else
		tr_import_row(item, TR_IMPORT_CARRIED, item->rule->ours, "", NULL);
}

/* ---- the token ---- */

/* Jibri makes none when one of the five is missing. */
static bool is_token_whole(const struct tr_import_item *item)
{
	static const char *const keys[] = {"signing-key-path", "kid", "issuer", "audience", "ttl"};
	char path[60];

	for (unsigned i = 0; i < TR_COUNT(keys); i++) {
		snprintf(path, sizeof(path), "jibri.jwt-info.%s", keys[i]);
		json_t *value = tr_import_get(item->planner->source->found, path);
		if (!value || tr_import_is_nothing(value))
			return false;
	}
	return true;
}

static bool is_half_token(struct tr_import_item *item)
{
	if (is_token_whole(item))
		return false;
	tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL,
		"Jibri makes a token only when signing-key-path, kid, issuer, audience and ttl are "
		"all there");
	return true;
}

void tr_import_take_token_key(struct tr_import_item *item)
{
	if (!is_half_token(item))
		tr_import_take_path(item);
}

void tr_import_take_token_text(struct tr_import_item *item)
{
	if (!is_half_token(item))
		tr_import_take_text(item);
}

void tr_import_take_token_lifetime(struct tr_import_item *item)
{
	if (!is_half_token(item))
		tr_import_take_duration(item);
}
