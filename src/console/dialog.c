#include "console/dialog.h"

#include "console/form_text.h"
#include "console/list_keys.h"
#include "console/text_view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 2048
#define ITEMS_MAX 64
#define WIDTH_MAX 76

enum kind { CONFIRM, CONFIRM_WORD, MESSAGE, CHOOSE, ASK };

/* All of them are one screen; what differs is what is below the text. */
struct dialog {
	enum kind kind;
	enum tr_role role;
	char title[120], word[120]; /* `word`: what y does, or what is to be typed */
	struct tr_text_view *view;
	char *items[ITEMS_MAX];
	int item_count, chosen, top;
	bool is_secret;
	char typed[TEXT_MAX];
	size_t cursor;
	tr_dialog_yes_fn *yes;
	tr_dialog_text_fn *take;
	tr_dialog_choice_fn *choice;
	void *user;
};

static int open_dialog(struct tr_console *console, const void *argument, void **ret_state)
{
	(void)console;
	*ret_state = *(struct dialog *const *)argument;
	return *ret_state ? 0 : -ENOMEM;
}

static void close_dialog(void *state)
{
	struct dialog *dialog = state;

	tr_text_view_destroy(dialog->view);
	for (int i = 0; i < dialog->item_count; i++)
		free(dialog->items[i]);
	explicit_bzero(dialog, sizeof(*dialog));
	free(dialog);
}

/* ---- drawing ---- */

static int rows_below(const struct dialog *dialog)
{
	return dialog->kind == CHOOSE ? dialog->item_count + 1 : dialog->kind == MESSAGE ? 2 : 3;
}

static void draw_typed(const struct dialog *dialog, const struct tr_area *area, int row)
{
	char shown[TEXT_MAX];
	size_t start = 0, cursor = dialog->cursor;
	int width = area->columns;

	if (dialog->is_secret) {
		memset(shown, '*', tr_form_text_count(dialog->typed));
		shown[tr_form_text_count(dialog->typed)] = '\0';
		cursor = 0;
		for (size_t at = 0; at < dialog->cursor; at = tr_form_text_right(dialog->typed, at))
			cursor++;
	} else {
		memcpy(shown, dialog->typed, sizeof(shown));
	}
	while (start < cursor) {
		char before[TEXT_MAX];
		snprintf(before, sizeof(before), "%.*s", (int)(cursor - start), shown + start);
		if (tr_draw_width(area->term, before) < width)
			break;
		start = tr_form_text_right(shown, start);
	}
	tr_draw_format(area, row, 0, width, TR_ROLE_FIELD_HERE, "%*s", width, "");
	tr_draw_text(area, row, 0, width, TR_ROLE_FIELD_HERE, shown + start);
	shown[cursor] = '\0';
	tr_draw_cursor(area, row, tr_draw_width(area->term, shown + start));
}

static void draw_items(struct dialog *dialog, const struct tr_area *area, int row)
{
	int room = area->rows - row;

	if (dialog->chosen < dialog->top)
		dialog->top = dialog->chosen;
	if (dialog->chosen >= dialog->top + room)
		dialog->top = dialog->chosen - room + 1;
	for (int i = 0; i < room && dialog->top + i < dialog->item_count; i++) {
		int item = dialog->top + i;
		enum tr_role role = item == dialog->chosen ? TR_ROLE_SELECTED : TR_ROLE_TEXT;
		tr_draw_format(area, row + i, 0, 0, role, "%s%s",
			item == dialog->chosen ? "> " : "  ", dialog->items[item]);
		tr_draw_target_row(area, row + i, item, item == dialog->chosen);
		if (item == dialog->chosen)
			tr_draw_cursor(area, row + i, 0);
	}
}

static void draw_below(struct dialog *dialog, const struct tr_area *area, int row)
{
	switch (dialog->kind) {
	case CONFIRM:
		tr_draw_format(area, row + 1, 0, 0, TR_ROLE_STRONG, "y: %s    any other key: no",
			dialog->word);
		tr_draw_target(area, row + 1, 0, 1, area->columns, 'n');
		tr_draw_target(
			area, row + 1, 0, 1, 3 + tr_draw_width(area->term, dialog->word), 'y');
		break;
	case CONFIRM_WORD:
		tr_draw_format(area, row, 0, 0, TR_ROLE_STRONG,
			"Type \"%s\" and Enter to go on, Esc: no", dialog->word);
		draw_typed(dialog, area, row + 1);
		break;
	case MESSAGE:
		tr_draw_text(area, row + 1, 0, 0, TR_ROLE_STRONG, "Enter: close");
		tr_draw_target(area, row + 1, 0, 1, 12, TR_KEY_ENTER);
		break;
	case CHOOSE:
		draw_items(dialog, area, row + 1);
		break;
	case ASK:
		draw_typed(dialog, area, row + 1);
		break;
	}
}

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct dialog *dialog = state;
	int columns = area->columns - 4 < WIDTH_MAX ? area->columns - 4 : WIDTH_MAX;
	int below = rows_below(dialog);

	(void)console;
	columns = columns < 4 ? area->columns : columns;
	int text = tr_text_view_rows(dialog->view, area->term, columns - 6);
	int most = area->rows - 2 - (below < area->rows / 2 ? below : area->rows / 2);
	text = text < most ? text : most > 0 ? most : 0;
	int rows = text + below + 2 < area->rows ? text + below + 2 : area->rows;
	const struct tr_area box = tr_draw_part(
		area, (area->rows - rows) / 2, (area->columns - columns) / 2, rows, columns);
	tr_draw_clear(&box, TR_ROLE_TEXT);
	const struct tr_area edge = tr_draw_box(&box, dialog->title);
	const struct tr_area inside =
		tr_draw_part(&edge, 0, 1, edge.rows, edge.columns - 2 > 0 ? edge.columns - 2 : 0);
	const struct tr_area top = tr_draw_part(&inside, 0, 0, text, inside.columns);
	tr_text_view_draw(dialog->view, &top);
	draw_below(dialog, &inside, text);
}

/* ---- keys ---- */

/* The dialog is gone before anybody is called: who is called may open the next one. */
static void say_yes(struct tr_console *console, struct dialog *dialog)
{
	tr_dialog_yes_fn *yes = dialog->yes;
	void *user = dialog->user;

	tr_console_pop(console);
	if (yes)
		yes(console, user);
}

static void give_text(struct tr_console *console, struct dialog *dialog)
{
	tr_dialog_text_fn *take = dialog->take;
	void *user = dialog->user;
	char text[TEXT_MAX];

	memcpy(text, dialog->typed, sizeof(text));
	tr_console_pop(console);
	take(console, text, user);
	explicit_bzero(text, sizeof(text));
}

static void give_choice(struct tr_console *console, struct dialog *dialog)
{
	tr_dialog_choice_fn *choice = dialog->choice;
	void *user = dialog->user;
	int chosen = dialog->chosen;

	tr_console_pop(console);
	choice(console, chosen, user);
}

static enum tr_screen_answer key_choose(struct tr_console *console, struct dialog *dialog, int key)
{
	int last = dialog->item_count - 1;

	if (tr_list_keys_move(key == TR_KEY_TAB ? TR_KEY_DOWN : key, last, last, &dialog->chosen))
		return TR_SCREEN_TAKEN;
	if (key != TR_KEY_ENTER && key != ' ')
		return TR_SCREEN_IGNORED;
	give_choice(console, dialog);
	return TR_SCREEN_TAKEN;
}

static enum tr_screen_answer key_typed(struct tr_console *console, struct dialog *dialog, int key)
{
	bool is_changed;

	if (key == TR_KEY_ENTER && dialog->kind == ASK) {
		give_text(console, dialog);
		return TR_SCREEN_TAKEN;
	}
	if (key == TR_KEY_ENTER) {
		if (!strcmp(dialog->typed, dialog->word))
			say_yes(console, dialog);
		else
			tr_console_say(
				console, TR_ROLE_WARNING, "Type \"%s\", or Esc.", dialog->word);
		return TR_SCREEN_TAKEN;
	}
	if (tr_form_text_key(
		    dialog->typed, sizeof(dialog->typed), &dialog->cursor, key, &is_changed))
		return TR_SCREEN_TAKEN;
	return TR_SCREEN_IGNORED;
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct dialog *dialog = state;

	if (key == TR_KEY_ESCAPE || key == TR_KEY_RESIZE || key == TR_KEY_END_OF_INPUT)
		return TR_SCREEN_IGNORED;
	if (dialog->kind == CHOOSE)
		return key_choose(console, dialog, key);
	if (dialog->kind == CONFIRM_WORD || dialog->kind == ASK)
		return key_typed(console, dialog, key);
	if (tr_text_view_key(dialog->view, key))
		return TR_SCREEN_TAKEN;
	if (key == '?')
		return TR_SCREEN_IGNORED; /* the help */
	if (dialog->kind == CONFIRM && (key == 'y' || key == 'Y'))
		say_yes(console, dialog);
	else if (dialog->kind == CONFIRM || key == TR_KEY_ENTER || key == ' ' || key == 'q')
		tr_console_pop(console);
	else
		return TR_SCREEN_IGNORED;
	return TR_SCREEN_TAKEN;
}

static const struct tr_screen screen_keys = {
	.name = "dialog",
	.title = "",
	.help = "A question, or something to read. Nothing is done before it is answered: only y\n"
		"means yes, Esc and every other key mean no.",
	.keys = "Esc back",
	.open = open_dialog,
	.draw = draw,
	.key = key,
	.close = close_dialog,
	.is_overlay = true,
};

static const struct tr_screen screen_text = {
	.name = "dialog",
	.title = "",
	.help = "A line to type. Enter takes it, Esc leaves everything as it is.",
	.keys = "Enter go on|Esc back",
	.open = open_dialog,
	.draw = draw,
	.key = key,
	.close = close_dialog,
	.is_overlay = true,
	.takes_text = true,
};

/* ---- the kinds ---- */

static struct dialog *make(enum kind kind, const char *title, enum tr_role role, const char *text)
{
	struct dialog *dialog = calloc(1, sizeof(*dialog));

	if (!dialog || tr_text_view_create(0, &dialog->view) < 0) {
		free(dialog);
		return NULL;
	}
	dialog->kind = kind;
	tr_form_text_copy(dialog->title, sizeof(dialog->title), title);
	if (text && text[0])
		tr_text_view_add(dialog->view, role, 0, text);
	return dialog;
}

static void show(struct tr_console *console, struct dialog *dialog)
{
	bool is_typed = dialog && (dialog->kind == ASK || dialog->kind == CONFIRM_WORD);

	tr_console_push(console, is_typed ? &screen_text : &screen_keys, &dialog);
}

static void ask_yes(struct tr_console *console, struct dialog *dialog, const char *word,
	tr_dialog_yes_fn *call, void *user)
{
	if (dialog) {
		tr_form_text_copy(dialog->word, sizeof(dialog->word), word);
		dialog->yes = call;
		dialog->user = user;
	}
	show(console, dialog);
}

void tr_dialog_confirm(struct tr_console *console, const char *title, const char *text,
	const char *yes, tr_dialog_yes_fn *call, void *user)
{
	ask_yes(console, make(CONFIRM, title, TR_ROLE_TEXT, text), yes, call, user);
}

void tr_dialog_confirm_word(struct tr_console *console, const char *title, const char *text,
	const char *word, tr_dialog_yes_fn *call, void *user)
{
	ask_yes(console, make(CONFIRM_WORD, title, TR_ROLE_WARNING, text), word, call, user);
}

void tr_dialog_message(
	struct tr_console *console, const char *title, enum tr_role role, const char *text)
{
	show(console, make(MESSAGE, title, role, text));
}

void tr_dialog_choose(struct tr_console *console, const char *title, const char *const items[],
	int chosen, tr_dialog_choice_fn *call, void *user)
{
	struct dialog *dialog = make(CHOOSE, title, TR_ROLE_TEXT, NULL);

	for (; dialog && items[dialog->item_count] && dialog->item_count < ITEMS_MAX;
		dialog->item_count++) {
		dialog->items[dialog->item_count] = strdup(items[dialog->item_count]);
		if (!dialog->items[dialog->item_count])
			break;
	}
	if (dialog) {
		dialog->chosen = chosen >= 0 && chosen < dialog->item_count ? chosen : 0;
		dialog->choice = call;
		dialog->user = user;
	}
	if (dialog && dialog->item_count == 0) {
		close_dialog(dialog);
		return;
	}
	show(console, dialog);
}

void tr_dialog_ask(struct tr_console *console, const char *title, const char *text,
	const char *value, bool is_secret, tr_dialog_text_fn *call, void *user)
{
	struct dialog *dialog = make(ASK, title, TR_ROLE_TEXT, text);

	if (dialog) {
		tr_form_text_copy(dialog->typed, sizeof(dialog->typed), value ? value : "");
		dialog->cursor = strlen(dialog->typed);
		dialog->is_secret = is_secret;
		dialog->take = call;
		dialog->user = user;
	}
	show(console, dialog);
}
