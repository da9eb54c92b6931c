/*
 * Drawing into an area of the terminal. Nothing is ever drawn outside of the area that is given,
 * and every text is cut by columns as the terminal counts them (wide and combining characters),
 * control characters shown as "?": names come from strangers.
 *
 * Rows and columns are counted from the area's own top left, 0. UI thread only.
 */
#ifndef TR_CONSOLE_DRAW_H
#define TR_CONSOLE_DRAW_H

#include "console/term.h"

struct tr_area {
	struct tr_term *term;
	int top, left, rows, columns; /* on the terminal; rows and columns may be 0 */
};

/* A part of an area, cut to it. */
struct tr_area tr_draw_part(const struct tr_area *area, int row, int column, int rows, int columns);

void tr_draw_clear(const struct tr_area *area, enum tr_role role);

/* Gives the columns used. `width`: at most so many, the text ends with "…" ("~" in ASCII) when it
 * is cut; 0: up to the area's end. */
int tr_draw_text(const struct tr_area *area, int row, int column, int width, enum tr_role role,
	const char *text);
__attribute__((format(printf, 6, 7))) int tr_draw_format(const struct tr_area *area, int row,
	int column, int width, enum tr_role role, const char *format, ...);

/* Words broken into lines; gives the rows used (also when `is_dry`: nothing is drawn). */
int tr_draw_paragraph(
	const struct tr_area *area, int row, enum tr_role role, const char *text, bool is_dry);

/* Columns that a text takes. */
int tr_draw_width(const struct tr_term *term, const char *text);

/* A frame along the area's edge with a title in it; gives the area inside. */
struct tr_area tr_draw_box(const struct tr_area *area, const char *title);

/* A level meter of -60 to 0 dB with its colours. */
void tr_draw_meter(const struct tr_area *area, int row, int column, int width, double db);

/* A picture of 24-bit RGB, `stride` bytes a row, fitted into the area without changing its shape:
 * half blocks in as many colours as there are, characters by brightness where there are none. */
void tr_draw_picture(
	const struct tr_area *area, const uint8_t *rgb, int width, int height, int stride);

/* A code of `width` * `width` dots (not 0: dark) with its margin, at the area's top left; gives the
 * columns used, 0 when it does not fit. And how wide the largest is that does. */
int tr_draw_code(const struct tr_area *area, const uint8_t *dark, int width);
int tr_draw_code_most(const struct tr_area *area);

/* A click into these cells is this key: a letter that the screen knows, or TR_KEY_PICK + n. What is
 * said later lies above. */
void tr_draw_target(
	const struct tr_area *area, int row, int column, int rows, int columns, int key);

/* A row of a list: a click chooses it, one on the chosen row opens it. */
void tr_draw_target_row(const struct tr_area *area, int row, int number, bool is_chosen);

/* The column of the cursor for who types; hidden unless called while drawing. */
void tr_draw_cursor(const struct tr_area *area, int row, int column);

#endif
