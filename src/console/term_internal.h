/* What drawing needs of the terminal; curses is known to these files alone. */
#ifndef TR_CONSOLE_TERM_INTERNAL_H
#define TR_CONSOLE_TERM_INTERNAL_H

#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1

#include "console/term.h"

#include <curses.h>

/* A pair of colours that curses knows, found again by them. */
struct tr_term_pair {
	int fg, bg;
	int number; /* 0: none */
};

#define TR_TERM_TARGETS_MAX 256

#define TR_TERM_CLICKS_MAX 16

/* Where a click means a key. */
struct tr_term_target {
	int row, column, rows, columns, key;
};

struct tr_term_click {
	int row, column, key;
};

struct tr_term {
	SCREEN *screen;
	struct tr_term_abilities abilities;
	bool has_default_colours;
	int mouse_row, mouse_column;
	struct tr_term_click clicks[TR_TERM_CLICKS_MAX]; /* not yet read, the oldest one last */
	unsigned click_count;
	bool has_cursor; /* drawn since the last tr_term_clear() */
	int cursor_row, cursor_column;
	struct tr_term_pair *pairs; /* a hash table; pair_room is a power of 2 */
	unsigned pair_room, pair_count, pair_most;
	unsigned target_count;
	struct tr_term_target targets[TR_TERM_TARGETS_MAX];
};

/* The terminfo of this terminal with colours of 24 bits, where COLORTERM says that it has them and
 * there is one; NULL: the one that TERM names. */
const char *tr_term_find_direct(const char *name, char *out, size_t size);

/* Once colours have begun; `most` as tr_term_settings. */
TR_CHECKED int tr_term_start_colours(struct tr_term *term, int most, bool is_mono);
void tr_term_forget_pairs(struct tr_term *term); /* when there are many: while nothing is drawn */

/* The number of the pair, 0 when there is no room. Colours: -1 is the terminal's own; 0 to 255;
 * with 24 bits 0 to 7 and then 0xRRGGBB. */
int tr_term_pair(struct tr_term *term, int fg, int bg);

attr_t tr_term_look(struct tr_term *term, enum tr_role role, int *ret_pair);

/* A character in one cell or two, at a place of the terminal that is known to be there. */
void tr_term_put(
	struct tr_term *term, int row, int column, const wchar_t *text, attr_t look, int pair);

#endif
