#include "console/text_view.h"

#include "console/form_text.h"
#include "console/list_keys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_MAX 1024

struct line {
	char *text;
	enum tr_role role;
	int indent;
	int rows, columns; /* of the last count; 0: none */
};

struct tr_text_view {
	struct line *lines;
	unsigned count, room, most;
	int top;	   /* the first row that is shown */
	int rows, columns; /* of the last drawing */
	int total;	   /* rows of all lines, then */
	bool is_following;
};

/* ---- lines ---- */

int tr_text_view_create(unsigned most, struct tr_text_view **ret_view)
{
	struct tr_text_view *view = calloc(1, sizeof(*view));

	if (!view)
		return -ENOMEM;
	view->most = most;
	*ret_view = view;
	return 0;
}

void tr_text_view_clear(struct tr_text_view *view)
{
	for (unsigned i = 0; i < view->count; i++)
		free(view->lines[i].text);
	view->count = 0;
	view->top = 0;
}

void tr_text_view_destroy(struct tr_text_view *view)
{
	if (!view)
		return;
	tr_text_view_clear(view);
	free(view->lines);
	free(view);
}

static void drop_oldest(struct tr_text_view *view)
{
	unsigned gone = view->most / 10 + 1;

	gone = gone < view->count ? gone : view->count;
	for (unsigned i = 0; i < gone; i++)
		free(view->lines[i].text);
	view->count -= gone;
	memmove(view->lines, view->lines + gone, view->count * sizeof(*view->lines));
	view->top = view->top > (int)gone ? view->top - (int)gone : 0;
}

static void add_line(
	struct tr_text_view *view, enum tr_role role, int indent, const char *text, size_t length)
{
	char *whole = strndup(text, length);
	char *clean = malloc(length + 1);

	if (view->most > 0 && view->count >= view->most)
		drop_oldest(view);
	if (view->count == view->room) {
		unsigned room = view->room ? view->room * 2 : 64;
		struct line *lines = reallocarray(view->lines, room, sizeof(*lines));
		if (lines) {
			view->lines = lines;
			view->room = room;
		}
	}
	if (!whole || !clean || view->count == view->room) {
		free(clean);
		free(whole);
		return; /* a line less to read */
	}
	for (char *tab = whole; (tab = strchr(tab, '\t'));)
		*tab = ' ';
	tr_form_text_copy(clean, length + 1, whole);
	free(whole);
	view->lines[view->count++] = (struct line){.text = clean, .role = role, .indent = indent};
}

void tr_text_view_add(struct tr_text_view *view, enum tr_role role, int indent, const char *text)
{
	for (;;) {
		const char *end = strchrnul(text, '\n');
		add_line(view, role, indent, text, (size_t)(end - text));
		if (!end[0] || !end[1])
			return;
		text = end + 1;
	}
}

void tr_text_view_add_format(
	struct tr_text_view *view, enum tr_role role, int indent, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		tr_text_view_add(view, role, indent, text);
	free(text);
}

void tr_text_view_add_diff(struct tr_text_view *view, const char *text)
{
	while (*text) {
		const char *end = strchrnul(text, '\n');
		enum tr_role role = !strncmp(text, "+++", 3) || !strncmp(text, "---", 3)
					    ? TR_ROLE_STRONG
				    : *text == '+' ? TR_ROLE_GOOD
				    : *text == '-' ? TR_ROLE_BAD
				    : *text == '@' ? TR_ROLE_DIM
						   : TR_ROLE_TEXT;
		add_line(view, role, 1, text, (size_t)(end - text));
		text = *end ? end + 1 : end;
	}
}

unsigned tr_text_view_count(const struct tr_text_view *view)
{
	return view->count;
}

void tr_text_view_follow(struct tr_text_view *view)
{
	view->is_following = true;
}

void tr_text_view_go_top(struct tr_text_view *view)
{
	view->is_following = false;
	view->top = 0;
}

/* ---- rows ---- */

/* How many bytes fit into the columns; at least one character. `ret_next`: where it goes on. */
static size_t fit(const struct tr_term *term, const char *text, int columns, size_t *ret_next)
{
	size_t at = 0, blank = 0;
	int used = 0;
	char one[8];

	while (text[at]) {
		size_t next = tr_form_text_right(text, at);
		snprintf(one, sizeof(one), "%.*s", (int)(next - at), text + at);
		used += tr_draw_width(term, one);
		if (used > columns || next >= PIECE_MAX)
			break;
		if (text[at] == ' ' && at > 0)
			blank = at;
		at = next;
	}
	if (!text[at]) {
		*ret_next = at;
		return at;
	}
	/* Not at the blanks in front, nor where much of the row would stay empty. */
	if (text[at] == ' ')
		blank = at;
	if (blank > strspn(text, " ") && blank > at / 2) {
		*ret_next = blank + strspn(text + blank, " ");
		return blank;
	}
	at = at > 0 ? at : tr_form_text_right(text, 0);
	*ret_next = at;
	return at;
}

/* Draws the rows of a line from `row` on, where they are inside; gives their number. NULL area:
 * only counts. */
static int put_line(const struct line *line, const struct tr_area *area, const struct tr_term *term,
	int row, int columns)
{
	const char *text = line->text;
	int rows = 0;

	do {
		char piece[PIECE_MAX];
		int indent = rows > 0 ? line->indent : 0;
		size_t next, length;
		indent = indent < columns / 2 ? indent : 0;
		length = fit(term, text, columns - indent > 0 ? columns - indent : 1, &next);
		if (area && row + rows >= 0 && row + rows < area->rows) {
			snprintf(piece, sizeof(piece), "%.*s", (int)length, text);
			tr_draw_text(area, row + rows, indent, 0, line->role, piece);
		}
		text += next;
		rows++;
	} while (*text);
	return rows;
}

/* Counted once for each width: a log has thousands of lines. */
static int rows_of(struct line *line, const struct tr_term *term, int columns)
{
	if (line->columns != columns) {
		line->rows = put_line(line, NULL, term, 0, columns);
		line->columns = columns;
	}
	return line->rows;
}

int tr_text_view_rows(struct tr_text_view *view, const struct tr_term *term, int columns)
{
	int rows = 0;

	for (unsigned i = 0; i < view->count; i++)
		rows += rows_of(&view->lines[i], term, columns);
	return rows;
}

void tr_text_view_draw(struct tr_text_view *view, const struct tr_area *area)
{
	int row = 0, columns = area->columns - 2; /* the last one tells where one is */

	view->rows = area->rows;
	view->total = tr_text_view_rows(view, area->term, columns);
	int last = view->total > view->rows ? view->total - view->rows : 0;
	if (view->is_following || view->top > last)
		view->top = last;
	for (unsigned i = 0; i < view->count && row - view->top < view->rows; i++) {
		int rows = rows_of(&view->lines[i], area->term, columns);
		if (row + rows > view->top)
			put_line(&view->lines[i], area, area->term, row - view->top, columns);
		row += rows;
	}
	if (last == 0 || area->rows < 3)
		return;
	for (int i = 0; i < area->rows; i++)
		tr_draw_text(area, i, columns + 1, 1, TR_ROLE_DIM, "|");
	tr_draw_text(
		area, view->top * (area->rows - 1) / last, columns + 1, 1, TR_ROLE_STRONG, "#");
}

bool tr_text_view_key(struct tr_text_view *view, int key)
{
	int page = view->rows > 2 ? view->rows - 1 : 1;
	int last = view->total > view->rows ? view->total - view->rows : 0;

	if (!tr_list_keys_move(key, page, last, &view->top))
		return false;
	view->is_following = view->is_following && view->top == last;
	return true;
}
