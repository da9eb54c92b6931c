#include "console/draw.h"

#include "console/draw_words.h"
#include "console/term_internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define METER_FLOOR_DB (-60.0)
#define METER_LOUD_DB (-18.0)
#define METER_TOO_LOUD_DB (-3.0)

struct tr_area tr_draw_part(const struct tr_area *area, int row, int column, int rows, int columns)
{
	struct tr_area part = *area;

	/* What is left of or above the area is cut off, too. */
	rows += row < 0 ? row : 0;
	columns += column < 0 ? column : 0;
	row = row < 0 ? 0 : row;
	column = column < 0 ? 0 : column;
	part.top += row;
	part.left += column;
	part.rows = rows < area->rows - row ? rows : area->rows - row;
	part.columns = columns < area->columns - column ? columns : area->columns - column;
	part.rows = part.rows < 0 ? 0 : part.rows;
	part.columns = part.columns < 0 ? 0 : part.columns;
	return part;
}

void tr_draw_clear(const struct tr_area *area, enum tr_role role)
{
	int pair;
	attr_t look = tr_term_look(area->term, role, &pair);

	for (int row = 0; row < area->rows; row++)
		for (int column = 0; column < area->columns; column++)
			tr_term_put(area->term, area->top + row, area->left + column, L" ",
				look & ~(attr_t)A_UNDERLINE, pair);
}

static int width_left(const struct tr_area *area, int row, int column, int width)
{
	int left = area->columns - column;

	if (row < 0 || row >= area->rows || column < 0 || left <= 0)
		return 0;
	return width > 0 && width < left ? width : left;
}

int tr_draw_text(const struct tr_area *area, int row, int column, int width, enum tr_role role,
	const char *text)
{
	int left = width_left(area, row, column, width), used = 0, pair;
	bool is_utf8 = area->term->abilities.is_utf8;
	bool is_cut = tr_draw_words_width(text, is_utf8) > left;
	attr_t look = tr_term_look(area->term, role, &pair);
	struct tr_draw_cell cell;

	if (left <= 0)
		return 0;
	while (tr_draw_words_next(&text, is_utf8, &cell)) {
		if (used + cell.columns > left - is_cut)
			break;
		tr_term_put(area->term, area->top + row, area->left + column + used, cell.text,
			look, pair);
		used += cell.columns;
	}
	if (is_cut && used < left)
		tr_term_put(area->term, area->top + row, area->left + column + used++,
			is_utf8 ? L"…" : L"~", look, pair);
	return used;
}

int tr_draw_format(const struct tr_area *area, int row, int column, int width, enum tr_role role,
	const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return tr_draw_text(area, row, column, width, role, text);
}

int tr_draw_width(const struct tr_term *term, const char *text)
{
	return tr_draw_words_width(text, term->abilities.is_utf8);
}

int tr_draw_paragraph(
	const struct tr_area *area, int row, enum tr_role role, const char *text, bool is_dry)
{
	int rows = 0;

	while (*text && area->columns > 0) {
		char line[1024];
		size_t taken = tr_draw_words_line(
			text, area->columns, area->term->abilities.is_utf8, line, sizeof(line));
		if (!is_dry)
			tr_draw_text(area, row + rows, 0, 0, role, line);
		text += taken;
		rows++;
	}
	return rows;
}

/* ---- frames ---- */

struct tr_area tr_draw_box(const struct tr_area *area, const char *title)
{
	bool is_utf8 = area->term->abilities.is_utf8;
	const char *across = is_utf8 ? "─" : "-", *down = is_utf8 ? "│" : "|";
	int last_row = area->rows - 1, last_column = area->columns - 1;

	for (int column = 1; column < last_column; column++) {
		tr_draw_text(area, 0, column, 0, TR_ROLE_DIM, across);
		tr_draw_text(area, last_row, column, 0, TR_ROLE_DIM, across);
	}
	for (int row = 1; row < last_row; row++) {
		tr_draw_text(area, row, 0, 0, TR_ROLE_DIM, down);
		tr_draw_text(area, row, last_column, 0, TR_ROLE_DIM, down);
	}
	tr_draw_text(area, 0, 0, 1, TR_ROLE_DIM, is_utf8 ? "┌" : "+");
	tr_draw_text(area, 0, last_column, 1, TR_ROLE_DIM, is_utf8 ? "┐" : "+");
	tr_draw_text(area, last_row, 0, 1, TR_ROLE_DIM, is_utf8 ? "└" : "+");
	tr_draw_text(area, last_row, last_column, 1, TR_ROLE_DIM, is_utf8 ? "┘" : "+");
	if (title && title[0] && area->columns > 6) {
		tr_draw_text(area, 0, 2, 1, TR_ROLE_STRONG, " ");
		int used = tr_draw_text(area, 0, 3, area->columns - 6, TR_ROLE_STRONG, title);
		tr_draw_text(area, 0, 3 + used, 1, TR_ROLE_STRONG, " ");
	}
	return tr_draw_part(area, 1, 1, area->rows - 2, area->columns - 2);
}

/* ---- bars ---- */

static enum tr_role level_role(double share)
{
	double db = METER_FLOOR_DB * (1 - share);

	return db >= METER_TOO_LOUD_DB ? TR_ROLE_RECORDING
	       : db >= METER_LOUD_DB   ? TR_ROLE_WARNING
				       : TR_ROLE_GOOD;
}

/* Halves of a column are told apart where there are characters for it. */
void tr_draw_meter(const struct tr_area *area, int row, int column, int width, double db)
{
	bool is_utf8 = area->term->abilities.is_utf8;
	double share = 1 - db / METER_FLOOR_DB;
	int halves = (int)lround(fmin(fmax(share, 0), 1) * width * 2);

	width = width_left(area, row, column, width);
	for (int i = 0; i < width; i++) {
		int here = halves - 2 * i;
		enum tr_role look = level_role((i + 0.5) / width);
		if (here >= 2)
			tr_draw_text(area, row, column + i, 1, look, is_utf8 ? "█" : "#");
		else if (here == 1)
			tr_draw_text(area, row, column + i, 1, look, is_utf8 ? "▌" : "=");
		else
			tr_draw_text(area, row, column + i, 1, TR_ROLE_DIM, is_utf8 ? "·" : ".");
	}
}

void tr_draw_cursor(const struct tr_area *area, int row, int column)
{
	if (row < 0 || row >= area->rows || column < 0 || column >= area->columns)
		return;
	area->term->has_cursor = true;
	area->term->cursor_row = area->top + row;
	area->term->cursor_column = area->left + column;
}
