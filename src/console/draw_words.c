#include "console/draw_words.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BAD_CHARACTER L'?'

/* One character of UTF-8; `*text` goes on by at least a byte. 0 for what is none. */
static uint32_t take_character(const char **text)
{
	const unsigned char *at = (const unsigned char *)*text;
	int more = at[0] < 0x80	   ? 0
		   : at[0] >= 0xf0 ? 3
		   : at[0] >= 0xe0 ? 2
		   : at[0] >= 0xc2 ? 1
				   : -1;
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};

	(*text)++;
	if (more <= 0)
		return more == 0 ? at[0] : 0;
	uint32_t value = at[0] & (0x3fu >> more);
	for (int i = 1; i <= more; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3f);
	}
	if (value < least[more] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	*text += more;
	return value;
}

/* Marks that turn or hide what follows. */
static bool is_trick(uint32_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x061c || c == 0xad;
}

static wchar_t to_ascii(uint32_t c)
{
	switch (c) {
	case 0x2026: /* … */
		return L'~';
	case 0x2013: /* – */
	case 0x2014: /* — */
	case 0x2212: /* minus */
		return L'-';
	case 0xb7:
	case 0x2022: /* bullet */
		return L'.';
	case 0x25cf: /* ● */
		return L'*';
	case 0x2192: /* → */
	case 0x203a:
		return L'>';
	case 0x2018:
	case 0x2019:
		return L'\'';
	case 0x201c:
	case 0x201d:
		return L'"';
	default:
		return BAD_CHARACTER;
	}
}

/* The columns that it takes, 0 for a mark on the one before; what cannot be shown becomes "?". */
static int make_showable(uint32_t *c, bool is_utf8)
{
	if (*c < 0x20 || (*c >= 0x7f && *c < 0xa0) || is_trick(*c))
		*c = BAD_CHARACTER;
	if (*c < 0x7f)
		return 1;
	if (!is_utf8) {
		*c = (uint32_t)to_ascii(*c);
		return 1;
	}
	int columns = wcwidth((wchar_t)*c);
	if (columns < 0)
		*c = BAD_CHARACTER;
	return columns < 0 ? 1 : columns;
}

bool tr_draw_words_next(const char **text, bool is_utf8, struct tr_draw_cell *ret_cell)
{
	int count = 0;

	if (!**text)
		return false;
	memset(ret_cell, 0, sizeof(*ret_cell));
	uint32_t c = take_character(text);
	ret_cell->columns = make_showable(&c, is_utf8);
	if (ret_cell->columns == 0) { /* a mark on nothing */
		ret_cell->text[count++] = L' ';
		ret_cell->columns = 1;
	}
	ret_cell->text[count++] = (wchar_t)c;
	while (**text && is_utf8) {
		const char *next = *text;
		c = take_character(&next);
		if (make_showable(&c, is_utf8) != 0)
			break;
		if (count < TR_DRAW_CELL_MAX)
			ret_cell->text[count++] = (wchar_t)c;
		*text = next;
	}
	return true;
}

int tr_draw_words_width(const char *text, bool is_utf8)
{
	struct tr_draw_cell cell;
	int columns = 0;

	while (tr_draw_words_next(&text, is_utf8, &cell))
		columns += cell.columns;
	return columns;
}

static size_t cut_line(const char *text, const char *end, const char *next, char *line, size_t size)
{
	snprintf(line, size, "%.*s", (int)(end - text), text);
	return (size_t)(next - text);
}

size_t tr_draw_words_line(const char *text, int columns, bool is_utf8, char *line, size_t size)
{
	const char *at = text, *space = NULL;
	struct tr_draw_cell cell;
	int used = 0;

	while (*at && *at != '\n') {
		const char *before = at;
		if (*at == ' ' && at > text)
			space = at;
		tr_draw_words_next(&at, is_utf8, &cell);
		used += cell.columns;
		if (used <= columns && (size_t)(at - text) < size)
			continue;
		if (space)
			return cut_line(text, space, space + 1, line, size);
		if (before > text)
			return cut_line(text, before, before, line, size);
		return cut_line(text, at, at, line, size); /* not even one fits */
	}
	return cut_line(text, at, *at ? at + 1 : at, line, size);
}
