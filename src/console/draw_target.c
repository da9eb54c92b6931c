/* Where a click means a key: said while drawing, asked for when a click comes. */
#include "console/draw.h"

#include "console/term_internal.h"

void tr_draw_target(const struct tr_area *area, int row, int column, int rows, int columns, int key)
{
	const struct tr_area part = tr_draw_part(area, row, column, rows, columns);
	struct tr_term *term = area->term;

	if (!term->abilities.has_mouse || term->target_count == TR_TERM_TARGETS_MAX)
		return;
	term->targets[term->target_count++] = (struct tr_term_target){
		.row = part.top,
		.column = part.left,
		.rows = part.rows,
		.columns = part.columns,
		.key = key,
	};
}

void tr_draw_target_row(const struct tr_area *area, int row, int number, bool is_chosen)
{
	tr_draw_target(
		area, row, 0, 1, area->columns, is_chosen ? TR_KEY_ENTER : TR_KEY_PICK + number);
}

int tr_term_find_target(const struct tr_term *term, int row, int column)
{
	for (unsigned i = term->target_count; i-- > 0;) {
		const struct tr_term_target *target = &term->targets[i];
		if (row >= target->row && row < target->row + target->rows &&
			column >= target->column && column < target->column + target->columns)
			return target->key;
	}
	return TR_KEY_NONE;
}

void tr_term_forget_targets(struct tr_term *term)
{
	term->target_count = 0;
}
