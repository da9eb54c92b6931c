#include "config/stream_rules_internal.h"

#include "output/stream_url.h"

#include <stdio.h>
#include <string.h>

const char *tr_stream_rules_target_fault(const char *text)
{
	char url[TR_STREAM_URL_SIZE];

	int rc = tr_stream_url_resolve(text, url, sizeof(url));
	explicit_bzero(url, sizeof(url));
	return rc < 0 ? "a URL like \"rtmp://host/application/key\", or a stream key of YouTube's"
		      : NULL;
}

static void check_rewrite(struct tr_keytable_check *check, const struct tr_config_rewrite *rule)
{
	const struct tr_stream_url_rewrite pair = {rule->match, rule->to};
	char problem[300];

	if (!rule->match[0] || !rule->to[0])
		tr_keytable_complain(check, rule->line,
			"a rule of stream.rewrite wants both: match = \"...\"; and to = \"...\";");
	else if (tr_stream_url_check_rewrite(&pair, problem, sizeof(problem)) < 0)
		tr_keytable_complain(check, rule->line, "stream.rewrite: %s", problem);
	else if (tr_stream_rules_target_fault(rule->to))
		tr_keytable_complain(check, rule->line, "stream.rewrite.to must be %s",
			tr_stream_rules_target_fault(rule->to));
}

static void check_room(struct tr_keytable_check *check, const struct tr_config_room *room)
{
	char problem[300];

	if (!room->match[0])
		tr_keytable_complain(check, room->line,
			"an entry of rooms has no match: write match = \"...\"; with a regular "
			"expression");
	else if (tr_stream_url_check_pattern(room->match, problem, sizeof(problem)) < 0)
		tr_keytable_complain(check, room->line, "rooms.match: %s", problem);
}

void tr_stream_rules_check_all(struct tr_keytable_check *check, const struct tr_config *config)
{
	char problem[300];

	for (unsigned i = 0; i < config->stream.allowed_count; i++)
		if (tr_stream_url_check_pattern(
			    config->stream.allowed[i], problem, sizeof(problem)) < 0)
			tr_keytable_complain(check, 0, "stream.allowed: %s", problem);
	for (unsigned i = 0; i < config->stream.rewrite_count; i++)
		check_rewrite(check, &config->stream.rewrites[i]);
	for (unsigned i = 0; i < config->room_count; i++) {
		const struct tr_config_room *room = &config->rooms[i];
		check_room(check, room);
		for (unsigned j = 0; j < i; j++)
			if (room->match[0] && !strcmp(room->match, config->rooms[j].match))
				tr_keytable_complain(check, room->line,
					"rooms has two entries for \"%.200s\": make one of them",
					room->match);
	}
}

static struct tr_config_room *find_room(struct tr_config *config, const char *match)
{
	for (unsigned i = 0; i < config->room_count; i++)
		if (!strcmp(config->rooms[i].match, match))
			return &config->rooms[i];
	return NULL;
}

void tr_stream_rules_merge(struct tr_keytable_check *check, const struct tr_config_room *rooms,
	unsigned count, struct tr_config *config)
{
	for (unsigned i = 0; i < count; i++) {
		const struct tr_config_room *from = &rooms[i];
		struct tr_config_room *to = find_room(config, from->match);
		if (!to) {
			tr_keytable_complain(check, from->line,
				"rooms of the main file has no entry with match = \"%.200s\"",
				from->match);
		} else if (to->stream_count > 0 && from->stream_count > 0) {
			tr_keytable_complain(check, from->line,
				"rooms has the streams of \"%.200s\" twice, here and in the main file "
				"or further up: take the other ones out",
				to->match);
		} else if (from->stream_count > 0) {
			to->stream_count = from->stream_count;
			memcpy(to->streams, from->streams, sizeof(to->streams));
		}
	}
}

bool tr_stream_rules_hold_secrets(const struct tr_config *config)
{
	for (unsigned i = 0; i < config->room_count; i++)
		if (config->rooms[i].stream_count > 0)
			return true;
	return false;
}
