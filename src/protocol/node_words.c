#include "protocol/node_words.h"

#include "core/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_MS INT64_C(86400000)

const char *tr_node_words_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

int64_t tr_node_words_int(const json_t *object, const char *key)
{
	return (int64_t)tr_node_words_number(object, key);
}

double tr_node_words_number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

bool tr_node_words_is(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

void tr_node_words_length(int64_t ms, char *out)
{
	long long s = ms > 0 ? ms / 1000 : 0;

	if (s >= 3600)
		snprintf(out, TR_NODE_WORDS_MAX, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60,
			s % 60);
	else
		snprintf(out, TR_NODE_WORDS_MAX, "%lld:%02lld", s / 60, s % 60);
}

void tr_node_words_span(int64_t ms, char *out)
{
	long long s = ms > 0 ? ms / 1000 : 0;

	if (s >= 2 * 86400)
		snprintf(out, TR_NODE_WORDS_MAX, "%lld d %lld h", s / 86400, s / 3600 % 24);
	else if (s >= 2 * 3600)
		snprintf(out, TR_NODE_WORDS_MAX, "%lld h %lld min", s / 3600, s / 60 % 60);
	else if (s >= 120)
		snprintf(out, TR_NODE_WORDS_MAX, "%lld min", s / 60);
	else
		snprintf(out, TR_NODE_WORDS_MAX, "%lld s", s);
}

static struct tm to_local(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm local = {0};

	localtime_r(&seconds, &local);
	return local;
}

void tr_node_words_when(int64_t ms, int64_t now_ms, char *out)
{
	struct tm local = to_local(ms);

	out[0] = '\0';
	if (ms <= 0)
		return;
	if (now_ms - ms < DAY_MS / 2 && ms - now_ms < DAY_MS / 2)
		strftime(out, TR_NODE_WORDS_MAX, "%H:%M", &local);
	else if (now_ms - ms < 300 * DAY_MS)
		strftime(out, TR_NODE_WORDS_MAX, "%b %d %H:%M", &local);
	else
		strftime(out, TR_NODE_WORDS_MAX, "%Y-%m-%d", &local);
}

void tr_node_words_date(int64_t ms, char *out)
{
	struct tm local = to_local(ms);

	out[0] = '\0';
	if (ms > 0)
		strftime(out, TR_NODE_WORDS_MAX, "%Y-%m-%d %H:%M:%S", &local);
}

void tr_node_words_level(const json_t *progress, char *out)
{
	double peak_db = tr_node_words_number(progress, "peak_db");

	if (!json_is_object(progress))
		out[0] = '\0';
	else if (peak_db > -100)
		snprintf(out, TR_NODE_WORDS_MAX, "%.0f dB", peak_db);
	else
		snprintf(out, TR_NODE_WORDS_MAX, "silent");
}

bool tr_node_words_is_same_server(const json_t *a, const json_t *b)
{
	return !strcmp(tr_node_words_text(a, "environment"),
		       tr_node_words_text(b, "environment")) &&
	       !strcmp(tr_node_words_text(a, "entry"), tr_node_words_text(b, "entry"));
}

bool tr_node_words_server(
	const json_t *links, size_t first, struct tr_node_words_server *ret_server)
{
	const json_t *one = json_array_get(links, first);

	for (size_t i = 0; i < first; i++)
		if (tr_node_words_is_same_server(one, json_array_get(links, i)))
			return false;
	*ret_server = (struct tr_node_words_server){
		.environment = tr_node_words_text(one, "environment"),
		.entry = tr_node_words_text(one, "entry"),
	};
	for (size_t i = first; i < json_array_size(links); i++) {
		const json_t *link = json_array_get(links, i);
		if (!tr_node_words_is_same_server(one, link))
			continue;
		ret_server->all++;
		ret_server->present += !strcmp(tr_node_words_text(link, "state"), "present");
		ret_server->has_focus |= tr_node_words_is(link, "has_focus");
	}
	return true;
}
