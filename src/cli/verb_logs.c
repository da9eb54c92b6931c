#include "cli/node_show.h"
#include "cli/node_verb.h"
#include "cli/verbs.h"
#include "core/clock.h"
#include "core/text.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ASK_EVERY_US 1000000
#define LINES_MOST 10000

enum { OPTION_SESSION = 1, OPTION_SLOT, OPTION_LEVEL, OPTION_SINCE, OPTION_LIMIT, OPTION_FOLLOW };

static const struct tr_option options[] = {
	{"session", "ID", "only of this session", OPTION_SESSION},
	{"slot", "NUMBER", "only of this slot", OPTION_SLOT},
	{"level", "LEVEL", "error, warning, info or debug, and worse", OPTION_LEVEL},
	{"since", "TIME", "10m ago, or 2026-11-21, or \"2026-11-21 14:00\"", OPTION_SINCE},
	{"limit", "NUMBER", "the last so many lines (default: 200)", OPTION_LIMIT},
	{"follow", NULL, "go on, and show new ones", OPTION_FOLLOW},
	TR_NODE_VERB_OPTIONS,
};

struct request {
	struct tr_node_verb node;
	const char *session, *level;
	int64_t slot, limit, since_ms;
	bool is_following;
	int64_t last_ms;    /* of the lines shown, */
	unsigned last_seen; /* and so many of that ms */
};

static int take_since(struct request *request, const char *value)
{
	static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S",
		"%Y-%m-%dT%H:%M:%S", "%H:%M", "%H:%M:%S"};
	int64_t now_ms = tr_clock_wall_ns() / TR_NS_PER_MS, ms;
	time_t now = (time_t)(now_ms / 1000);

	for (size_t i = 0; i < TR_COUNT(formats); i++) {
		struct tm local = {0};
		if (formats[i][1] == 'H')
			localtime_r(&now, &local);
		local.tm_sec = 0;
		local.tm_isdst = -1;
		const char *end = strptime(value, formats[i], &local);
		if (end && !*end) {
			request->since_ms = (int64_t)mktime(&local) * 1000;
			return 0;
		}
	}
	if (tr_text_parse_duration(value, &ms) < 0)
		return tr_options_refuse("logs",
			"--since takes a time like 10m (ago), 14:00 or 2026-11-21, not ", value);
	request->since_ms = now_ms > ms ? now_ms - ms : 0;
	return 0;
}

static int take_level(struct request *request, const char *value)
{
	static const char *const levels[] = {"error", "warning", "info", "debug", NULL};

	for (size_t i = 0; levels[i]; i++)
		if (!strcmp(levels[i], value)) {
			request->level = levels[i];
			return 0;
		}
	return tr_options_refuse("logs", "--level is error, warning, info or debug, not ", value);
}

static int take(struct request *request, int id, const char *value)
{
	switch (id) {
	case 0:
		return tr_options_refuse("logs", "what is this for? ", value);
	case OPTION_SESSION:
		request->session = value;
		return 0;
	case OPTION_SLOT:
		return tr_text_parse_int(value, 1, 16, &request->slot) < 0
			       ? tr_options_refuse("logs", "that is no slot's number: ", value)
			       : 0;
	case OPTION_LEVEL:
		return take_level(request, value);
	case OPTION_SINCE:
		return take_since(request, value);
	case OPTION_LIMIT:
		return tr_text_parse_int(value, 1, LINES_MOST, &request->limit) < 0
			       ? tr_options_refuse("logs", "--limit is 1 to 10000, not ", value)
			       : 0;
	case OPTION_FOLLOW:
		request->is_following = true;
		return 0;
	default:
		tr_node_verb_take(&request->node, id, value);
		return 0;
	}
}

static int ask(struct request *request, json_t **ret_json)
{
	char filters[512] = "";
	TR_CLEANUP(tr_freep)
	char *session = tr_node_client_escape(request->session ? request->session : "");
	size_t length = 0, size = sizeof(filters);

	if (session && session[0])
		length += (size_t)snprintf(filters, size, "&session=%.400s", session);
	if (request->slot > 0)
		length += (size_t)snprintf(
			filters + length, size - length, "&slot=%d", (int)request->slot);
	if (request->level)
		length += (size_t)snprintf(
			filters + length, size - length, "&level=%s", request->level);
	if (request->since_ms > 0)
		snprintf(filters + length, size - length, "&since=%lld",
			(long long)request->since_ms);
	return tr_node_verb_call(&request->node, "GET", NULL, ret_json, "/v1/logs?limit=%lld%s",
		(long long)request->limit, filters);
}

/* Shows those that were not shown before: the log is asked for from the last ms on. */
static void show_new(struct request *request, const json_t *lines)
{
	unsigned seen_of_ms = 0;
	size_t i;
	json_t *line;

	json_array_foreach((json_t *)lines, i, line)
	{
		int64_t ms = tr_node_words_int(line, "ms");
		seen_of_ms += ms == request->last_ms;
		if (ms < request->last_ms ||
			(ms == request->last_ms && seen_of_ms <= request->last_seen))
			continue;
		if (ms > request->last_ms)
			seen_of_ms = 1;
		request->last_ms = ms;
		request->last_seen = seen_of_ms;
		if (request->node.is_json)
			json_dumpf(line, stdout, JSON_COMPACT), fputc('\n', stdout);
		else
			tr_node_show_log(stdout, line);
	}
	fflush(stdout);
}

static int show(struct request *request)
{
	json_t *json = NULL, *line;
	size_t i;
	int code = ask(request, &json);

	if (code != 0)
		return code;
	if (request->node.is_json)
		return tr_node_verb_print_json(json);
	json_array_foreach(json_object_get(json, "lines"), i, line) tr_node_show_log(stdout, line);
	json_decref(json);
	return 0;
}

static int follow(struct request *request)
{
	for (;; usleep(ASK_EVERY_US)) {
		json_t *json = NULL;
		int code = ask(request, &json);
		if (code != 0)
			return code;
		show_new(request, json_object_get(json, "lines"));
		json_decref(json);
		if (request->last_ms > 0)
			request->since_ms = request->last_ms;
		request->limit = LINES_MOST;
		if (ferror(stdout))
			return 0;
	}
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct request request = {.node = {.name = verb->name}, .limit = 200};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take(&request, id, value) < 0)
			return TR_EXIT_USAGE;
	if (rc < 0)
		return TR_EXIT_USAGE;
	int code = tr_node_verb_open(&request.node);
	if (code == 0)
		code = request.is_following ? follow(&request) : show(&request);
	tr_node_verb_close(&request.node);
	return code;
}

const struct tr_verb tr_verb_logs = {
	"logs", "", "Shows what telerecd and its slots say.", options, run};
