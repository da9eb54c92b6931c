/* What telerecd and its slots say, as they say it. */
#include "console/dialog.h"
#include "console/job.h"
#include "console/screens.h"
#include "console/text_view.h"
#include "core/clock.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINES_MOST 5000
#define LINES_FIRST 1000
#define ASK_EVERY_NS TR_NS_PER_S

static const char *const levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const level_names[] = {
	"everything", "what a person follows", "warnings and errors", "errors only", NULL};

struct logs {
	struct tr_text_view *view;
	struct tr_job *job;
	char session[200];
	int level;	    /* of levels */
	int64_t last_ms;    /* of the lines shown, */
	unsigned last_seen; /* and so many of that ms */
	int64_t next_ns;
	bool was_asked;
	char problem[300];
};

static void close_logs(void *state)
{
	struct logs *logs = state;

	tr_job_drop(logs->job);
	tr_text_view_destroy(logs->view);
	free(logs);
}

static void put(struct logs *logs, const json_t *line)
{
	char date[TR_NODE_WORDS_MAX], slot[40] = "";
	const char *level = tr_node_words_text(line, "level"),
		   *area = tr_node_words_text(line, "area");
	long long number = tr_node_words_int(line, "slot");
	enum tr_role role = !strcmp(level, "error")	? TR_ROLE_BAD
			    : !strcmp(level, "warning") ? TR_ROLE_WARNING
			    : !strcmp(level, "debug")	? TR_ROLE_DIM
							: TR_ROLE_TEXT;

	tr_node_words_date(tr_node_words_int(line, "ms"), date);
	if (number > 0)
		snprintf(slot, sizeof(slot), " slot %lld", number);
	/* The day is seldom of interest, the second often. */
	tr_text_view_add_format(logs->view, role, 9, "%s%s %s%s%s",
		strlen(date) > 11 ? date + 11 : date, slot, area, area[0] ? ": " : "",
		tr_node_words_text(line, "text"));
}

/* Those that were not shown before: the log is asked for from the last ms on. */
static void put_new(struct logs *logs, const json_t *lines)
{
	unsigned seen = 0;
	json_t *line;
	size_t i;

	json_array_foreach((json_t *)lines, i, line)
	{
		int64_t ms = tr_node_words_int(line, "ms");
		seen += ms == logs->last_ms;
		if (ms < logs->last_ms || (ms == logs->last_ms && seen <= logs->last_seen))
			continue;
		if (ms > logs->last_ms)
			seen = 1;
		logs->last_ms = ms;
		logs->last_seen = seen;
		put(logs, line);
	}
}

static void take_lines(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct logs *logs = user;

	(void)console;
	logs->job = NULL;
	logs->next_ns = tr_clock_now_ns() + ASK_EVERY_NS;
	snprintf(logs->problem, sizeof(logs->problem), "%s", result->rc < 0 ? result->problem : "");
	logs->was_asked |= result->rc == 0;
	put_new(logs, json_object_get(result->json, "lines"));
}

static void ask(struct tr_console *console, struct logs *logs)
{
	TR_CLEANUP(tr_freep) char *session = tr_node_client_escape(logs->session);
	char path[900];

	snprintf(path, sizeof(path), "/v1/logs?limit=%d&level=%s&since=%lld%s%.600s",
		logs->last_ms > 0 ? LINES_MOST : LINES_FIRST, levels[logs->level],
		(long long)logs->last_ms, logs->session[0] ? "&session=" : "",
		session ? session : "");
	logs->job = tr_job_call(console, "GET", path, NULL, take_lines, logs);
}

static void tick(struct tr_console *console, void *state)
{
	struct logs *logs = state;

	if (!logs->job && tr_clock_now_ns() >= logs->next_ns)
		ask(console, logs);
}

static void follow(struct tr_console *console, struct logs *logs)
{
	tr_job_drop(logs->job);
	tr_text_view_clear(logs->view);
	tr_text_view_follow(logs->view);
	logs->last_ms = 0;
	logs->last_seen = 0;
	logs->was_asked = false;
	ask(console, logs);
}

static int open_logs(struct tr_console *console, const void *argument, void **ret_state)
{
	struct logs *logs = calloc(1, sizeof(*logs));

	(void)argument;
	if (!logs || tr_text_view_create(LINES_MOST, &logs->view) < 0) {
		free(logs);
		return -ENOMEM;
	}
	logs->level = 1;
	follow(console, logs);
	*ret_state = logs;
	return 0;
}

static void take_level(struct tr_console *console, int choice, void *user)
{
	struct logs *logs = user;

	logs->level = choice;
	follow(console, logs);
}

static void take_session(struct tr_console *console, const char *text, void *user)
{
	struct logs *logs = user;

	snprintf(logs->session, sizeof(logs->session), "%.199s", text);
	follow(console, logs);
}

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct logs *logs = state;
	const struct tr_area inside = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);
	const struct tr_area rest = tr_draw_part(&inside, 1, 0, inside.rows - 1, inside.columns);

	(void)console;
	tr_draw_format(&inside, 0, 0, 0, TR_ROLE_STRONG, "%s%s%s", level_names[logs->level],
		logs->session[0] ? ", of the session " : "", logs->session);
	if (logs->problem[0])
		tr_draw_paragraph(&rest, 0, TR_ROLE_WARNING, logs->problem, false);
	else if (logs->was_asked && tr_text_view_count(logs->view) == 0)
		tr_draw_text(&rest, 1, 0, 0, TR_ROLE_DIM, "Nothing was said so far.");
	else
		tr_text_view_draw(logs->view, &rest);
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct logs *logs = state;

	if (tr_text_view_key(logs->view, key))
		return TR_SCREEN_TAKEN;
	switch (key) {
	case 'l':
		tr_dialog_choose(console, "Show", level_names, logs->level, take_level, logs);
		return TR_SCREEN_TAKEN;
	case 's':
		tr_dialog_ask(console, "Of which session?", "Its id; nothing: of all of them.",
			logs->session, false, take_session, logs);
		return TR_SCREEN_TAKEN;
	case 'r':
		follow(console, logs);
		return TR_SCREEN_TAKEN;
	case 'e':
	case TR_KEY_ENTER:
		tr_text_view_follow(logs->view);
		return TR_SCREEN_TAKEN;
	}
	return TR_SCREEN_IGNORED;
}

const struct tr_screen tr_screen_logs = {
	.name = "logs",
	.title = "Logs",
	.help = "What telerecd and its slots say, as they say it. Scrolling up holds it; e goes on.\n\n"
		"l    how much: everything, or only what is wrong\n"
		"s    only of one session\n"
		"e    to the end, and follow\n"
		"r    begin again",
	.keys = "l level|s session|e end|r again",
	.open = open_logs,
	.draw = draw,
	.key = key,
	.tick = tick,
	.close = close_logs,
};
