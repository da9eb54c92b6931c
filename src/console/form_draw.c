#include "console/form_internal.h"

#include "console/form_text.h"

#include <string.h>

#define NAME_MAX_COLUMNS 30
#define VALUE_MAX_COLUMNS 64
#define SAYING_ROWS 3 /* the hint or the fault, below */

static int name_columns(const struct tr_form *form, const struct tr_area *area)
{
	int widest = 8, most = area->columns / 2 - 2;

	for (unsigned i = 0; i < form->count; i++) {
		if (form->fields[i].kind == TR_FIELD_NOTE)
			continue;
		int width = tr_draw_width(area->term, form->fields[i].name);
		widest = width > widest ? width : widest;
	}
	most = most < NAME_MAX_COLUMNS ? most : NAME_MAX_COLUMNS;
	return widest < most ? widest : most;
}

/* What is seen of a text that is too long: the part around the cursor. */
static void draw_typed(const struct tr_form *form, unsigned i, const struct tr_area *area, int row,
	int column, int width)
{
	const struct tr_form_field *state = &form->state[i];
	bool is_secret = form->fields[i].kind == TR_FIELD_SECRET, is_here = form->here == i;
	char shown[TR_FORM_TEXT_MAX], before[TR_FORM_TEXT_MAX];
	size_t cursor = state->cursor, start = 0;

	if (is_secret) {
		cursor = 0;
		for (size_t at = 0; at < state->cursor; at = tr_form_text_right(state->text, at))
			cursor++;
		memset(shown, '*', tr_form_text_count(state->text));
		shown[tr_form_text_count(state->text)] = '\0';
	} else {
		memcpy(shown, state->text, sizeof(shown));
	}
	if (is_here)
		for (;; start = tr_form_text_right(shown, start)) {
			memcpy(before, shown + start, cursor - start);
			before[cursor - start] = '\0';
			if (tr_draw_width(area->term, before) < width || start >= cursor)
				break;
		}
	else
		before[0] = '\0';
	enum tr_role role = is_here ? TR_ROLE_FIELD_HERE : TR_ROLE_FIELD;
	tr_draw_format(area, row, column, width, role, "%*s", width, "");
	tr_draw_text(area, row, column, width, role, shown + start);
	if (is_here)
		tr_draw_cursor(area, row, column + tr_draw_width(area->term, before));
}

static void draw_field(
	const struct tr_form *form, unsigned i, const struct tr_area *area, int row, int names)
{
	const struct tr_field *field = &form->fields[i];
	int column = names + 4, width = area->columns - column - 1;
	enum tr_role role = form->here == i ? TR_ROLE_STRONG : TR_ROLE_TEXT;
	char fault[TR_FORM_FAULT_MAX];

	width = width < VALUE_MAX_COLUMNS ? width : VALUE_MAX_COLUMNS;
	tr_form_fault(form, i, fault, sizeof(fault));
	if (fault[0] && form->state[i].was_touched)
		tr_draw_text(area, row, 0, 1, TR_ROLE_BAD, "!");
	else if (strcmp(form->state[i].text, form->state[i].before) != 0)
		tr_draw_text(area, row, 0, 1, TR_ROLE_DIM, "*");
	tr_draw_text(area, row, 2, names, role, field->name);
	if (tr_form_is_typed(field)) {
		draw_typed(form, i, area, row, column, width);
		return;
	}
	role = form->here == i ? TR_ROLE_FIELD_HERE : TR_ROLE_FIELD;
	tr_draw_format(area, row, column, width, role, "< %s >",
		tr_form_label(field, form->state[i].text));
	if (form->here == i)
		tr_draw_cursor(area, row, column);
}

/* Rows that a field takes in this area. */
static int rows_of(const struct tr_form *form, unsigned i, const struct tr_area *area)
{
	if (i == form->count)
		return 2;
	if (form->state[i].is_hidden)
		return 0;
	if (form->fields[i].kind != TR_FIELD_NOTE)
		return 1;
	return tr_draw_paragraph(area, 0, TR_ROLE_DIM, form->fields[i].name, true);
}

static void draw_item(
	const struct tr_form *form, unsigned i, const struct tr_area *area, int row, int names)
{
	if (i == form->count) {
		enum tr_role role = form->here == i ? TR_ROLE_SELECTED : TR_ROLE_KEY;
		tr_draw_text(area, row + 1, names + 4, 0, role,
			form->here == i ? "[>Save<]" : "[ Save ]");
		tr_draw_target(area, row + 1, names + 4, 1, 8, TR_KEY_F10);
		if (form->here == i)
			tr_draw_cursor(area, row + 1, names + 6);
	} else if (form->fields[i].kind == TR_FIELD_NOTE) {
		const struct tr_area part =
			tr_draw_part(area, row, 0, area->rows - row, area->columns);
		tr_draw_paragraph(&part, 0, TR_ROLE_DIM, form->fields[i].name, false);
	} else {
		bool opens = form->here == i && !tr_form_is_typed(&form->fields[i]);
		draw_field(form, i, area, row, names);
		tr_draw_target(area, row, 0, 1, area->columns, opens ? ' ' : TR_KEY_PICK + (int)i);
	}
}

/* Below the fields: what is wrong with the one that has the cursor, or what it is for. */
static void draw_saying(const struct tr_form *form, const struct tr_area *area)
{
	char fault[TR_FORM_FAULT_MAX] = "";
	const struct tr_form_field *state = &form->state[form->here];

	if (form->here == form->count) {
		tr_draw_paragraph(
			area, 0, TR_ROLE_DIM, "Enter: save. Up: back to the fields.", false);
		return;
	}
	tr_form_fault(form, form->here, fault, sizeof(fault));
	if (fault[0] && (state->text[0] || state->was_touched))
		tr_draw_paragraph(area, 0, TR_ROLE_BAD, fault, false);
	else if (form->fields[form->here].hint)
		tr_draw_paragraph(area, 0, TR_ROLE_DIM, form->fields[form->here].hint, false);
}

void tr_form_draw(struct tr_form *form, const struct tr_area *area)
{
	int names = name_columns(form, area), rows = area->rows - SAYING_ROWS - 1, row = 0,
	    here = 0;

	if (rows < 2)
		rows = area->rows;
	for (unsigned i = 0; i <= form->count; i++) {
		if (i < form->here)
			here += rows_of(form, i, area);
	}
	int tall = rows_of(form, form->here, area);
	if (here < (int)form->top)
		form->top = (unsigned)here;
	if (here + tall > (int)form->top + rows)
		form->top = (unsigned)(here + tall - rows);
	if (here < rows && here + tall <= rows)
		form->top = 0;
	const struct tr_area list = tr_draw_part(area, 0, 0, rows, area->columns);
	for (unsigned i = 0; i <= form->count; i++) {
		int high = rows_of(form, i, area), at = row - (int)form->top;
		if (high > 0 && at >= 0 && at < rows)
			draw_item(form, i, &list, at, names);
		row += high;
	}
	if (form->top > 0)
		tr_draw_text(&list, 0, area->columns - 1, 1, TR_ROLE_STRONG, "^");
	if (row - (int)form->top > rows)
		tr_draw_text(&list, rows - 1, area->columns - 1, 1, TR_ROLE_STRONG, "v");
	if (area->rows > rows) {
		const struct tr_area saying = tr_draw_part(
			area, area->rows - SAYING_ROWS, 2, SAYING_ROWS, area->columns - 3);
		draw_saying(form, &saying);
	}
}
