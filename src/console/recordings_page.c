/* The recordings on the disk, newest first. */
#include "console/dialog.h"
#include "console/list_keys.h"
#include "console/screens.h"
#include "core/clock.h"
#include "core/text.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SEARCH_MAX 200

struct list {
	char search[SEARCH_MAX];
	json_t *rows; /* those that fit, of the model's */
	uint64_t generation;
	size_t chosen, top;
	char chosen_id[300]; /* stays chosen when newer ones come */
	struct tr_model *model;
};

static void close_list(void *state)
{
	struct list *list = state;

	tr_model_want_recordings(list->model, false);
	json_decref(list->rows);
	free(list);
}

/* ---- which ---- */

static bool fits(const json_t *recording, const char *search)
{
	static const char *const keys[] = {
		"id", "session_id", "room", "name", "file", "state", "reason"};

	for (size_t i = 0; i < TR_COUNT(keys); i++)
		if (strcasestr(tr_node_words_text(recording, keys[i]), search))
			return true;
	return false;
}

static void choose_rows(struct list *list, const json_t *recordings)
{
	json_t *rows = json_array(), *recording;
	size_t i;

	json_array_foreach((json_t *)recordings, i, recording)
	{
		if (list->search[0] && !fits(recording, list->search))
			continue;
		if (!strcmp(tr_node_words_text(recording, "id"), list->chosen_id))
			list->chosen = json_array_size(rows);
		json_array_append(rows, recording);
	}
	json_decref(list->rows);
	list->rows = rows;
	if (list->chosen >= json_array_size(rows))
		list->chosen = json_array_size(rows) > 0 ? json_array_size(rows) - 1 : 0;
}

static void remember(struct list *list)
{
	snprintf(list->chosen_id, sizeof(list->chosen_id), "%s",
		tr_node_words_text(json_array_get(list->rows, list->chosen), "id"));
}

static void tick(struct tr_console *console, void *state)
{
	struct list *list = state;
	const struct tr_model_view *view = tr_console_view(console);

	if (list->rows && list->generation == view->generation)
		return;
	list->generation = view->generation;
	choose_rows(list, view->recordings);
}

static int open_list(struct tr_console *console, const void *argument, void **ret_state)
{
	struct list *list = calloc(1, sizeof(*list));

	(void)argument;
	if (!list)
		return -ENOMEM;
	list->model = tr_console_model(console);
	tr_model_want_recordings(list->model, true);
	tick(console, list);
	*ret_state = list;
	return 0;
}

/* ---- the screen ---- */

/* Its state, or that of its uploads once it is done. */
static const char *say_state(const json_t *recording)
{
	const char *state = tr_node_words_text(recording, "state");
	const json_t *uploads = json_object_get(recording, "uploads");
	unsigned counts[4] = {0};
	json_t *upload;
	size_t i;

	if (strcmp(state, "done") != 0 || json_array_size(uploads) == 0)
		return state;
	json_array_foreach((json_t *)uploads, i, upload)
	{
		const char *word = tr_node_words_text(upload, "state");
		counts[!strcmp(word, "failed")	   ? 0
			: !strcmp(word, "running") ? 1
			: !strcmp(word, "done")	   ? 3
						   : 2]++;
	}
	return counts[0] > 0   ? "up failed"
	       : counts[1] > 0 ? "uploading"
	       : counts[2] > 0 ? "up waits"
			       : "uploaded";
}

static enum tr_role role_of(const json_t *recording)
{
	const char *state = tr_node_words_text(recording, "state");
	const char *grade = tr_node_words_text(recording, "grade");

	return !strcmp(state, "recording")		    ? TR_ROLE_RECORDING
	       : !strcmp(state, "failed")		    ? TR_ROLE_BAD
	       : !strcmp(say_state(recording), "up failed") ? TR_ROLE_WARNING
	       : strchr("DEF", grade[0] ? grade[0] : '-')   ? TR_ROLE_WARNING
							    : TR_ROLE_TEXT;
}

static void draw_row(const struct tr_area *area, int row, const json_t *recording, bool is_chosen)
{
	char when[TR_NODE_WORDS_MAX], length[TR_NODE_WORDS_MAX], bytes[16], line[600];
	const char *name = tr_node_words_text(recording, "name");

	tr_node_words_when(tr_node_words_int(recording, "created_ms"),
		tr_clock_wall_ns() / TR_NS_PER_MS, when);
	tr_node_words_length(tr_node_words_int(recording, "duration_ms"), length);
	tr_text_format_bytes(tr_node_words_int(recording, "bytes"), bytes, sizeof(bytes));
	snprintf(line, sizeof(line), "%-12s %8s %10s  %-5s %-9s %.400s", when, length, bytes,
		tr_node_words_text(recording, "grade"), say_state(recording),
		name[0] ? name : tr_node_words_text(recording, "room"));
	tr_draw_text(area, row, 0, 0, is_chosen ? TR_ROLE_SELECTED : role_of(recording), line);
	if (is_chosen)
		tr_draw_cursor(area, row, 0);
}

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct list *list = state;
	const struct tr_model_view *view = tr_console_view(console);
	const struct tr_area inside = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);
	size_t count = json_array_size(list->rows);
	int room = inside.rows - 3;

	if (list->search[0])
		tr_draw_format(&inside, 0, 0, 0, TR_ROLE_STRONG,
			"%zu with \"%s\" (/ searches anew)", count, list->search);
	else
		tr_draw_format(&inside, 0, 0, 0, TR_ROLE_DIM,
			"%zu recording%s on the disk, newest first", count, count == 1 ? "" : "s");
	tr_draw_format(&inside, 2, 0, 0, TR_ROLE_STRONG, "%-12s %8s %10s  %-5s %-9s %s", "MADE",
		"LENGTH", "SIZE", "GRADE", "STATE", "NAME");
	if (count == 0)
		tr_draw_text(&inside, 4, 0, 0, TR_ROLE_DIM,
			!view->recordings ? "Asking for the recordings ..."
			: list->search[0] ? "No recording fits."
					  : "There is no recording yet.");
	if (list->chosen < list->top)
		list->top = list->chosen;
	if (room > 0 && list->chosen >= list->top + (size_t)room)
		list->top = list->chosen - (size_t)room + 1;
	for (int i = 0; i < room && list->top + (size_t)i < count; i++) {
		size_t n = list->top + (size_t)i;
		draw_row(&inside, 3 + i, json_array_get(list->rows, n), n == list->chosen);
		tr_draw_target_row(&inside, 3 + i, (int)n, n == list->chosen);
	}
}

static void take_search(struct tr_console *console, const char *text, void *user)
{
	struct list *list = user;

	snprintf(list->search, sizeof(list->search), "%.*s", SEARCH_MAX - 1, text);
	list->chosen = 0;
	choose_rows(list, tr_console_view(console)->recordings);
	remember(list);
}

static bool move(struct list *list, int key)
{
	int at = (int)list->chosen;

	if (!tr_list_keys_move(key, 10, (int)json_array_size(list->rows) - 1, &at))
		return false;
	list->chosen = (size_t)at;
	remember(list);
	return true;
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct list *list = state;

	if (move(list, key))
		return TR_SCREEN_TAKEN;
	if (key == TR_KEY_ENTER && json_array_size(list->rows) > 0) {
		remember(list);
		tr_console_push(console, &tr_screen_recording, list->chosen_id);
		return TR_SCREEN_TAKEN;
	}
	if (key == '/') {
		tr_dialog_ask(console, "Search", "In names, rooms and ids; nothing: all of them.",
			list->search, false, take_search, list);
		return TR_SCREEN_TAKEN;
	}
	return TR_SCREEN_IGNORED;
}

const struct tr_screen tr_screen_recordings = {
	.name = "recordings",
	.title = "Recordings",
	.help = "What is on the disk. The grade says how good a recording is, A to F.\n\n"
		"Up, Down, Page Up, Page Down    choose\n"
		"Enter    open: report, poster, uploads, copy, delete\n"
		"/        search",
	.keys = "Enter open|/ search",
	.open = open_list,
	.draw = draw,
	.key = key,
	.tick = tick,
	.close = close_list,
};
