/* The terminal's colours: how the roles look with those it has, and pairs of any two for pictures.
 */
#include "console/term_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#define PAIRS_MOST 65536

struct look {
	int fg, bg;
	attr_t more;
};

/* With the eight colours that all have. */
static const struct look looks[TR_ROLE_COUNT] = {
	[TR_ROLE_TEXT] = {-1, -1, A_NORMAL},
	[TR_ROLE_DIM] = {COLOR_CYAN, -1, A_NORMAL},
	[TR_ROLE_TITLE] = {COLOR_WHITE, COLOR_BLUE, A_BOLD},
	[TR_ROLE_STRONG] = {-1, -1, A_BOLD},
	[TR_ROLE_GOOD] = {COLOR_GREEN, -1, A_NORMAL},
	[TR_ROLE_WARNING] = {COLOR_YELLOW, -1, A_BOLD},
	[TR_ROLE_BAD] = {COLOR_WHITE, COLOR_RED, A_BOLD},
	[TR_ROLE_RECORDING] = {COLOR_RED, -1, A_BOLD},
	[TR_ROLE_SELECTED] = {COLOR_BLACK, COLOR_CYAN, A_NORMAL},
	[TR_ROLE_FIELD] = {-1, -1, A_UNDERLINE},
	[TR_ROLE_FIELD_HERE] = {COLOR_BLACK, COLOR_WHITE, A_NORMAL},
	[TR_ROLE_KEY] = {COLOR_YELLOW, -1, A_BOLD},
};

static const attr_t mono[TR_ROLE_COUNT] = {
	[TR_ROLE_TITLE] = A_REVERSE,
	[TR_ROLE_STRONG] = A_BOLD,
	[TR_ROLE_WARNING] = A_BOLD,
	[TR_ROLE_BAD] = A_REVERSE | A_BOLD,
	[TR_ROLE_RECORDING] = A_BOLD,
	[TR_ROLE_SELECTED] = A_REVERSE,
	[TR_ROLE_FIELD] = A_UNDERLINE,
	[TR_ROLE_FIELD_HERE] = A_REVERSE,
	[TR_ROLE_KEY] = A_BOLD,
};

/* What is worth a way of drawing of its own. */
static int round_down(int colours)
{
	static const int known[] = {1 << 24, 256, 16, 8};

	for (size_t i = 0; i < TR_COUNT(known); i++)
		if (colours >= known[i])
			return known[i];
	return 0;
}

const char *tr_term_find_direct(const char *name, char *out, size_t size)
{
	const char *said = getenv("COLORTERM");
	const char *end = strstr(name, "-256color");
	int found = 0, length = (int)(end ? (size_t)(end - name) : strlen(name));

	if (!said || (strcmp(said, "truecolor") != 0 && strcmp(said, "24bit") != 0))
		return NULL;
	if (snprintf(out, size, "%.*s-direct", length, name) >= (int)size ||
		setupterm(out, STDOUT_FILENO, &found) != OK)
		return NULL;
	bool is_good = tigetflag("RGB") > 0 && tigetnum("colors") >= 1 << 24;
	del_curterm(cur_term); /* newterm() reads it again */
	return is_good ? out : NULL;
}

int tr_term_start_colours(struct tr_term *term, int most, bool is_mono)
{
	if (is_mono || !has_colors() || start_color() != OK)
		return 0;
	int colours = COLORS > 256 && tigetflag("RGB") <= 0 && COLORS < 1 << 24 ? 256 : COLORS;
	term->abilities.colours = round_down(most > 0 && most < colours ? most : colours);
	if (term->abilities.colours == 0)
		return 0;
	/* With direct colours the numbers above 7 are no palette: less means another terminfo. */
	if (COLORS >= 1 << 24 && term->abilities.colours < 1 << 24)
		term->abilities.colours = 8;
	term->has_default_colours = use_default_colors() == OK;
	term->pair_most = (unsigned)(COLOR_PAIRS < PAIRS_MOST ? COLOR_PAIRS : PAIRS_MOST) - 1;
	for (term->pair_room = 256; term->pair_room < 2 * term->pair_most;)
		term->pair_room *= 2;
	term->pairs = calloc(term->pair_room, sizeof(*term->pairs));
	return term->pairs ? 0 : -ENOMEM;
}

/* Only pictures in 24 bits come so far; everything is sent anew then. */
void tr_term_forget_pairs(struct tr_term *term)
{
	if (term->abilities.colours < 1 << 24 || term->pair_count < term->pair_most / 2)
		return;
	reset_color_pairs();
	memset(term->pairs, 0, term->pair_room * sizeof(*term->pairs));
	term->pair_count = 0;
}

int tr_term_pair(struct tr_term *term, int fg, int bg)
{
	if (!term->pairs || (fg < 0 && bg < 0))
		return 0;
	if (!term->has_default_colours) {
		fg = fg < 0 ? COLOR_WHITE : fg;
		bg = bg < 0 ? COLOR_BLACK : bg;
	}
	unsigned at = ((unsigned)fg * 2654435761u ^ (unsigned)bg * 2246822519u) >> 7;
	struct tr_term_pair *pair = &term->pairs[at & (term->pair_room - 1)];
	while (pair->number && (pair->fg != fg || pair->bg != bg))
		pair = &term->pairs[++at & (term->pair_room - 1)];
	if (pair->number)
		return pair->number;
	if (term->pair_count >= term->pair_most ||
		init_extended_pair((int)term->pair_count + 1, fg, bg) != OK)
		return 0;
	*pair = (struct tr_term_pair){fg, bg, (int)++term->pair_count};
	return pair->number;
}

attr_t tr_term_look(struct tr_term *term, enum tr_role role, int *ret_pair)
{
	*ret_pair = 0;
	if (term->abilities.colours == 0)
		return mono[role];
	struct look look = looks[role];
	if (role == TR_ROLE_DIM &&
		(term->abilities.colours == 16 || term->abilities.colours == 256))
		look.fg = term->abilities.colours == 256 ? 245 : 8;
	*ret_pair = tr_term_pair(term, look.fg, look.bg);
	return look.more;
}
