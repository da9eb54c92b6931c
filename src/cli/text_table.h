/*
 * Tables for people: columns as wide as what is in them, but together not wider than the terminal.
 * Widths are those of characters on a terminal (wide ones count two, combining ones none). What a
 * meeting's name brings cannot move the cursor.
 */
#ifndef TR_CLI_TEXT_TABLE_H
#define TR_CLI_TEXT_TABLE_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stdio.h>

struct tr_text_column {
	const char *title;
	bool is_right;
	unsigned least; /* when the line is too long the column may be cut to this; 0: never */
};

struct tr_text_table;

/* Keeps the columns. NULL: no memory. */
struct tr_text_table *tr_text_table_create(const struct tr_text_column *columns, unsigned count);
void tr_text_table_destroy(struct tr_text_table *table);

/* A row: as many texts as there are columns, copied. Without memory the row is missing. */
void tr_text_table_add(struct tr_text_table *table, const char *const *cells);

/* With the titles, and nothing at the end of lines. `width` 0: as wide as it is. */
void tr_text_table_print(const struct tr_text_table *table, FILE *out, unsigned width);

/* Of the terminal behind `out`; 0 for anything else: what another program reads is not cut. */
unsigned tr_text_table_terminal_width(FILE *out);

/* How wide a text is on a terminal. */
unsigned tr_text_table_measure(const char *text);

/* The text without what moves the cursor or turns the writing's direction; no wider than `width`
 * (0: any), with "..." at its end when it is cut. The caller's; NULL: no memory. */
char *tr_text_table_clean(const char *text, unsigned width);

/* A line, cleaned; the end of the line is added. */
void tr_text_table_say(FILE *out, const char *format, ...) TR_PRINTF(2, 3);

TR_CLEANUP_DEFINE(struct tr_text_table, tr_text_table_destroy)

#endif
