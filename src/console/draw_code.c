/* A square of dark and light dots, as cameras read them: two dots a cell where there are half
 * blocks, else each dot is two characters wide. Light is what the terminal makes bright. */
#include "console/draw.h"

#include "console/term_internal.h"

#define QUIET 2 /* light dots around it */

static bool is_light(const uint8_t *dark, int width, int row, int column)
{
	if (row < 0 || column < 0 || row >= width || column >= width)
		return true;
	return !dark[row * width + column];
}

int tr_draw_code_most(const struct tr_area *area)
{
	bool is_halves = area->term->abilities.is_utf8;
	int down = is_halves ? area->rows * 2 : area->rows;
	int across = is_halves ? area->columns : area->columns / 2;

	return (down < across ? down : across) - 2 * QUIET;
}

/* Black on white, whatever the terminal's own colours are; without colours its own. */
static int pair_of(struct tr_term *term, bool is_solid)
{
	int colours = term->abilities.colours;
	int white = colours >= 1 << 24 ? 0xffffff : colours >= 16 ? 15 : 7;

	return colours > 0 ? tr_term_pair(term, white, is_solid ? white : 0) : 0;
}

static void put_halves(const struct tr_area *area, const uint8_t *dark, int width)
{
	static const wchar_t *const texts[] = {L" ", L"▄", L"▀", L"█"};
	int all = width + 2 * QUIET, pair = pair_of(area->term, false);

	for (int row = 0; row < (all + 1) / 2; row++)
		for (int column = 0; column < all; column++) {
			int y = 2 * row - QUIET, x = column - QUIET;
			int kind =
				2 * is_light(dark, width, y, x) + is_light(dark, width, y + 1, x);
			tr_term_put(area->term, area->top + row, area->left + column, texts[kind],
				A_NORMAL, pair);
		}
}

static void put_pairs(const struct tr_area *area, const uint8_t *dark, int width)
{
	/* Solid where it can be: white on white, or a blank that is reversed. */
	bool is_reversed = area->term->abilities.colours == 0 && (termattrs() & A_REVERSE);
	attr_t look = is_reversed ? A_REVERSE : A_NORMAL;
	int all = width + 2 * QUIET;

	for (int row = 0; row < all; row++)
		for (int column = 0; column < 2 * all; column++) {
			bool light = is_light(dark, width, row - QUIET, column / 2 - QUIET);
			tr_term_put(area->term, area->top + row, area->left + column,
				light && !is_reversed ? L"#" : L" ", light ? look : A_NORMAL,
				pair_of(area->term, light));
		}
}

int tr_draw_code(const struct tr_area *area, const uint8_t *dark, int width)
{
	int all = width + 2 * QUIET;

	if (width < 1 || width > tr_draw_code_most(area))
		return 0;
	if (area->term->abilities.is_utf8)
		put_halves(area, dark, width);
	else
		put_pairs(area, dark, width);
	return area->term->abilities.is_utf8 ? all : 2 * all;
}
