/*
 * Lines of text to read, with scrolling: findings, logs, differences, long messages. Lines too long
 * for the area go on below, broken at blanks where there are some. UI thread only.
 */
#ifndef TR_CONSOLE_TEXT_VIEW_H
#define TR_CONSOLE_TEXT_VIEW_H

#include "console/draw.h"

struct tr_text_view;

/* Keeps at most `most` lines, the newest; 0: all of them. -ENOMEM. */
TR_CHECKED int tr_text_view_create(unsigned most, struct tr_text_view **ret_view);
void tr_text_view_destroy(struct tr_text_view *view); /* NULL is fine */

void tr_text_view_clear(struct tr_text_view *view);

/* Adds a text, at each of its ends of line a new one; those that go on are `indent` further in. */
void tr_text_view_add(struct tr_text_view *view, enum tr_role role, int indent, const char *text);
void tr_text_view_add_format(struct tr_text_view *view, enum tr_role role, int indent,
	const char *format, ...) TR_PRINTF(4, 5);

/* As diff -u has it: what is added and removed in their colours. */
void tr_text_view_add_diff(struct tr_text_view *view, const char *text);

/* Shows the newest line, and goes on to, until somebody scrolls up. */
void tr_text_view_follow(struct tr_text_view *view);
void tr_text_view_go_top(struct tr_text_view *view);

unsigned tr_text_view_count(const struct tr_text_view *view);

void tr_text_view_draw(struct tr_text_view *view, const struct tr_area *area);

/* Rows that all of it takes in so many columns. */
int tr_text_view_rows(struct tr_text_view *view, const struct tr_term *term, int columns);

/* Up, Down, Page Up, Page Down, Home, End. False: another key. */
bool tr_text_view_key(struct tr_text_view *view, int key);

TR_CLEANUP_DEFINE(struct tr_text_view, tr_text_view_destroy)

#endif
