/* Texts as a terminal shows them: cells, columns, lines. Names come from strangers, so nothing that
 * moves the cursor or turns the direction of a text gets through. Pure. */
#ifndef TR_CONSOLE_DRAW_WORDS_H
#define TR_CONSOLE_DRAW_WORDS_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <wchar.h>

#define TR_DRAW_CELL_MAX 4 /* a character and marks on it */

struct tr_draw_cell {
	wchar_t text[TR_DRAW_CELL_MAX + 1];
	int columns; /* 1 or 2 */
};

/* Takes the next cell off `*text` (UTF-8, also broken one); false at its end. Without UTF-8 on the
 * terminal what is not ASCII becomes a likeness or "?". */
bool tr_draw_words_next(const char **text, bool is_utf8, struct tr_draw_cell *ret_cell);

int tr_draw_words_width(const char *text, bool is_utf8);

/* The text's first line of at most `columns`, broken between words where it can be; at a line break
 * always. Gives how many bytes of `text` that took, at least one unless it is "". */
size_t tr_draw_words_line(const char *text, int columns, bool is_utf8, char *line, size_t size);

#endif
