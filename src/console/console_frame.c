/* What is the same around every screen: title bar, message line, help line, and the help itself. */
#include "console/console_internal.h"

#include "console/list_keys.h"
#include "core/clock.h"
#include "protocol/node_words.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define HELP_COLUMNS 76
#define MESSAGE_ROWS 2 /* with the help line */

static const char common_help[] = "\n\nOn every screen:\n"
				  "?  or F1   this help\n"
				  "Esc        back, or out of what was begun\n"
				  "Ctrl-L     draw everything anew\n"
				  "q          leave the console, from the first screen";

static void draw_title(struct tr_console *console, const struct tr_area *all, const char *title)
{
	struct tr_area bar = tr_draw_part(all, 0, 0, 1, all->columns);
	const struct tr_model_view *view = &console->view;
	const char *name = tr_node_words_text(view->node, "id");
	const char *state = !view->is_up				  ? "NO CONNECTION"
			    : !view->node				  ? ""
			    : tr_node_words_is(view->node, "is_draining") ? "DRAINING"
			    : tr_node_words_is(view->node, "is_healthy")  ? "well"
									  : "UNWELL";
	char when[32] = "", right[80];
	time_t now = time(NULL);
	struct tm local;

	tr_draw_clear(&bar, TR_ROLE_TITLE);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&now, &local));
	snprintf(right, sizeof(right), "%s%s%s", state, state[0] ? "   " : "", when);
	int from = all->columns - tr_draw_width(all->term, right) - 1;
	int used = 1 + tr_draw_format(&bar, 0, 1, from > 2 ? from - 2 : 0, TR_ROLE_TITLE, "%s%s%s",
			       title, name[0] ? " - " : "", name);
	if (from > used)
		tr_draw_text(&bar, 0, from, 0, TR_ROLE_TITLE, right);
}

/* What a click on a word of the help line is; 0: it names several keys. */
static int key_of(const char *word, size_t length)
{
	static const struct {
		const char *name;
		int key;
	} names[] = {{"Enter", TR_KEY_ENTER}, {"Esc", TR_KEY_ESCAPE}, {"F1", TR_KEY_F1},
		{"F10", TR_KEY_F10}, {"Space", ' '}};

	for (size_t i = 0; i < TR_COUNT(names); i++)
		if (strlen(names[i].name) == length && !strncmp(word, names[i].name, length))
			return names[i].key;
	return length == 1 ? *word : 0;
}

/* "Enter open|s stop": the first word of each is the key. */
static void draw_keys(const struct tr_area *line, const char *keys)
{
	int column = 1;

	while (*keys && column < line->columns) {
		size_t length = strcspn(keys, "|"), word = strcspn(keys, " |");
		int key = key_of(keys, word);
		if (key != 0)
			tr_draw_target(line, 0, column, 1, (int)length, key);
		column += tr_draw_format(line, 0, column, 0, TR_ROLE_KEY, "%.*s", (int)word, keys);
		if (length > word)
			column += tr_draw_format(line, 0, column, 0, TR_ROLE_TEXT, "%.*s",
				(int)(length - word), keys + word);
		column += 2;
		keys += length + (keys[length] == '|');
	}
}

static void draw_help_line(
	const struct tr_console *console, const struct tr_area *all, const struct tr_screen *screen)
{
	struct tr_area line = tr_draw_part(all, all->rows - 1, 0, 1, all->columns);
	bool is_first = console->count == 1;
	char keys[512];

	if (console->has_help) {
		draw_keys(&line, "Up/Down scroll|Esc back");
		return;
	}
	bool says_back = screen->keys && strstr(screen->keys, "Esc ");
	const char *end = says_back			   ? ""
			  : !is_first			   ? "Esc back"
			  : console->settings.is_appliance ? ""
							   : "q leave";
	snprintf(keys, sizeof(keys), "%s%s%s%s%s", screen->keys ? screen->keys : "",
		screen->keys && screen->keys[0] ? "|" : "",
		screen->takes_text ? "F1 help" : "? help", end[0] ? "|" : "", end);
	draw_keys(&line, keys);
}

/* When the node does not answer, that is the message, whatever was said. */
static void draw_message(struct tr_console *console, const struct tr_area *all)
{
	struct tr_area line = tr_draw_part(all, all->rows - 2, 0, 1, all->columns);

	if (console->message[0])
		tr_draw_text(&line, 0, 1, 0, console->message_role, console->message);
	else if (!console->view.is_up && console->view.problem[0])
		tr_draw_text(&line, 0, 1, 0, TR_ROLE_WARNING, console->view.problem);
}

static void draw_help(
	struct tr_console *console, const struct tr_area *all, const struct tr_screen *screen)
{
	int columns = all->columns < HELP_COLUMNS ? all->columns : HELP_COLUMNS;
	struct tr_area box = tr_draw_part(
		all, 1, (all->columns - columns) / 2, all->rows - 1 - MESSAGE_ROWS, columns);
	char text[4096];

	snprintf(text, sizeof(text), "%s%s", screen->help ? screen->help : "", common_help);
	tr_draw_clear(&box, TR_ROLE_TEXT);
	struct tr_area inside = tr_draw_box(&box, screen->title);
	inside = tr_draw_part(&inside, 0, 1, inside.rows, inside.columns - 2);
	int rows = tr_draw_paragraph(&inside, 0, TR_ROLE_TEXT, text, true);
	int most = rows > inside.rows ? rows - inside.rows : 0;
	console->help_first = console->help_first > most ? most : console->help_first;
	tr_draw_paragraph(&inside, -console->help_first, TR_ROLE_TEXT, text, false);
}

void tr_console_help_key(struct tr_console *console, int key)
{
	int page = 10; /* drawing keeps it within the text */

	if (!tr_list_keys_move(
		    key == ' ' ? TR_KEY_PAGE_DOWN : key, page, INT_MAX, &console->help_first))
		console->has_help = false;
}

static void draw_screens(struct tr_console *console, const struct tr_area *area)
{
	unsigned first = console->count - 1;

	while (first > 0 && console->places[first].screen->is_overlay)
		first--;
	for (unsigned i = first; i < console->count; i++) {
		tr_term_forget_targets(console->term); /* clicks are the uppermost's */
		console->places[i].screen->draw(console, console->places[i].state, area);
	}
}

void tr_console_draw(struct tr_console *console)
{
	const struct tr_screen *top = console->places[console->count - 1].screen, *base = top;
	struct tr_area all = {.term = console->term};

	tr_term_size(console->term, &all.rows, &all.columns);
	tr_term_clear(console->term);
	for (unsigned i = console->count; i > 0 && base->is_overlay; i--)
		base = console->places[i - 1].screen;
	int around = all.rows > MESSAGE_ROWS + 1 ? MESSAGE_ROWS + 1 : 0;
	struct tr_area area = tr_draw_part(&all, around > 0, 0, all.rows - around, all.columns);
	draw_screens(console, &area);
	if (console->has_help)
		tr_term_forget_targets(console->term);
	if (around > 0) {
		draw_title(console, &all, base->title);
		draw_message(console, &all);
		draw_help_line(console, &all, top);
	}
	if (console->has_help)
		draw_help(console, &all, top);
	tr_term_show(console->term);
}
