/* The small windows over a screen. Each calls back on the UI thread and is gone before it does. */
#ifndef TR_CONSOLE_DIALOG_H
#define TR_CONSOLE_DIALOG_H

#include "console/screen.h"

typedef void tr_dialog_yes_fn(struct tr_console *console, void *user);
typedef void tr_dialog_text_fn(struct tr_console *console, const char *text, void *user);
typedef void tr_dialog_choice_fn(struct tr_console *console, int choice, void *user);

/* "What will be lost" in `text`; `yes` is what the key y does ("delete"). Anything else: no. */
void tr_dialog_confirm(struct tr_console *console, const char *title, const char *text,
	const char *yes, tr_dialog_yes_fn *call, void *user);

/* Goes on only when exactly `word` is typed (a disk's name, "wipe"). */
void tr_dialog_confirm_word(struct tr_console *console, const char *title, const char *text,
	const char *word, tr_dialog_yes_fn *call, void *user);

/* A text to read, with scrolling when it is long. */
void tr_dialog_message(
	struct tr_console *console, const char *title, enum tr_role role, const char *text);

/* `items` ends with NULL; copied. */
void tr_dialog_choose(struct tr_console *console, const char *title, const char *const items[],
	int chosen, tr_dialog_choice_fn *call, void *user);

/* One line of text; `is_secret`: shown as stars, wiped afterwards. */
void tr_dialog_ask(struct tr_console *console, const char *title, const char *text,
	const char *value, bool is_secret, tr_dialog_text_fn *call, void *user);

#endif
