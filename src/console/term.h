/*
 * The terminal: ncursesw begun and ended, what it can show, its keys.
 *
 * curses has one terminal a process and is used by the thread that opened it alone. What it can do
 * is found out (locale, terminfo, COLORTERM) and may be forced to less, for serial lines and tests.
 */
#ifndef TR_CONSOLE_TERM_H
#define TR_CONSOLE_TERM_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

/* Keys beyond Unicode's code points, which stand for themselves. Escape alone is TR_KEY_ESCAPE, at
 * once on a terminal whose sequences come in one piece and after 100 ms otherwise. */
enum tr_key {
	TR_KEY_NONE = -1,
	TR_KEY_TAB = '\t',
	TR_KEY_ENTER = '\n',
	TR_KEY_ESCAPE = 0x1b,
	TR_KEY_BACKSPACE = 0x7f,
	TR_KEY_UP = 0x110000,
	TR_KEY_DOWN,
	TR_KEY_LEFT,
	TR_KEY_RIGHT,
	TR_KEY_HOME,
	TR_KEY_END,
	TR_KEY_PAGE_UP,
	TR_KEY_PAGE_DOWN,
	TR_KEY_DELETE,
	TR_KEY_BACK_TAB,
	TR_KEY_F1, /* to F10: TR_KEY_F1 + n - 1 */
	TR_KEY_F10 = TR_KEY_F1 + 9,
	TR_KEY_RESIZE,
	TR_KEY_MOUSE,		/* a click; tr_term_mouse() tells where */
	TR_KEY_END_OF_INPUT,	/* the terminal went away */
	TR_KEY_PICK = 0x120000, /* + n: the n-th of what the screen lists was clicked */
};

/* What a text is, not how it looks: colours on a terminal that has them, else bold, reverse,
 * underlined. */
enum tr_role {
	TR_ROLE_TEXT,
	TR_ROLE_DIM,
	TR_ROLE_TITLE, /* the bar at the top */
	TR_ROLE_STRONG,
	TR_ROLE_GOOD,
	TR_ROLE_WARNING,
	TR_ROLE_BAD,
	TR_ROLE_RECORDING, /* what is being recorded now */
	TR_ROLE_SELECTED,
	TR_ROLE_FIELD,
	TR_ROLE_FIELD_HERE, /* the field with the cursor */
	TR_ROLE_KEY,	    /* a key's name in the help line */
	TR_ROLE_COUNT,
};

struct tr_term_settings {
	bool is_ascii;	/* no character beyond ASCII */
	bool is_mono;	/* no colour */
	int colours;	/* at most so many; 0: what the terminal has */
	bool has_mouse; /* clicks are wanted; the terminal's own selecting of text is off then */
};

struct tr_term_abilities {
	bool is_utf8;
	int colours; /* 0, 8, 16, 256 or 1 << 24 */
	bool has_mouse;
};

struct tr_term;

/* -ENOTTY when stdin or stdout is no terminal, -EINVAL for one that cannot move its cursor (the
 * message names TERM). */
TR_CHECKED int tr_term_open(const struct tr_term_settings *settings, struct tr_term **ret_term);
void tr_term_close(struct tr_term *term); /* the screen is as it was before; NULL is fine */

const struct tr_term_abilities *tr_term_abilities(const struct tr_term *term);
void tr_term_size(const struct tr_term *term, int *ret_rows, int *ret_columns);

/* For poll(). */
int tr_term_fd(const struct tr_term *term);

/* The next key without waiting, TR_KEY_NONE when there is none. */
int tr_term_read_key(struct tr_term *term);
void tr_term_mouse(const struct tr_term *term, int *ret_row, int *ret_column);

/* The key that a click there stands for, as tr_draw_target() has said since the last
 * tr_term_clear(); TR_KEY_NONE: nothing is there. */
int tr_term_find_target(const struct tr_term *term, int row, int column);
void tr_term_forget_targets(struct tr_term *term); /* what is drawn now lies above all of it */

/* Begins anew: what is drawn from now on is shown by tr_term_show(). */
void tr_term_clear(struct tr_term *term);

/* Everything drawn is shown at once; only what changed is sent. */
void tr_term_show(struct tr_term *term);
void tr_term_redraw(struct tr_term *term); /* all of it, after somebody else wrote there */

/* Gives the terminal to somebody else (a shell, a pager) and takes it back. */
void tr_term_suspend(struct tr_term *term);
void tr_term_resume(struct tr_term *term);

TR_CLEANUP_DEFINE(struct tr_term, tr_term_close)

#endif
