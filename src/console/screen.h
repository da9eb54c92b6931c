/*
 * A screen, and the stack of screens that the console shows: the uppermost gets the keys.
 *
 * A screen draws all of itself into the area it is given, whenever it is asked; it never waits:
 * what takes time is a job on a thread. The console draws the title bar, the message line and the
 * help line, shows the help on `?` and takes the uppermost screen away on Escape (when the screen
 * lets it), so that every screen has these the same. Everything here is for the UI thread.
 */
#ifndef TR_CONSOLE_SCREEN_H
#define TR_CONSOLE_SCREEN_H

#include "console/draw.h"
#include "console/model.h"

struct tr_console;
struct tr_console_settings; /* console.h */

enum tr_screen_answer {
	TR_SCREEN_IGNORED, /* the console may use the key itself */
	TR_SCREEN_TAKEN,
};

struct tr_screen {
	const char *name; /* one word, for --screen NAME and tests */
	const char *title;
	const char *help; /* what it is for and its keys: a page of text */
	const char *keys; /* the help line: "Enter open|s stop|d drain" */

	/* `argument` as given to tr_console_push(). -errno: the screen is not shown; says why by
	 * tr_console_say(). */
	TR_CHECKED int (*open)(struct tr_console *console, const void *argument, void **ret_state);
	void (*draw)(struct tr_console *console, void *state, const struct tr_area *area);
	enum tr_screen_answer (*key)(struct tr_console *console, void *state, int key);
	/* The model changed, a job ended, or a quarter of a second went by; NULL: nothing to do. */
	void (*tick)(struct tr_console *console, void *state);
	/* Escape: false when it must stay, for example as it asks about what was not saved. NULL:
	 * yes. */
	bool (*may_leave)(struct tr_console *console, void *state);
	void (*close)(void *state);
	bool is_overlay; /* a dialog: the screen below stays to be seen */
	bool takes_text; /* letters, `?` and digits are typed text here, no choices */
};

/* Borrows the screen's table; `argument` only while it opens. */
void tr_console_push(
	struct tr_console *console, const struct tr_screen *screen, const void *argument);
void tr_console_pop(struct tr_console *console); /* the uppermost, without asking it */
void tr_console_quit(struct tr_console *console);

/* The message line, until something else is said or a key is pressed 5 s later. */
__attribute__((format(printf, 3, 4))) void tr_console_say(
	struct tr_console *console, enum tr_role role, const char *format, ...);

struct tr_model *tr_console_model(struct tr_console *console);
const struct tr_model_view *tr_console_view(struct tr_console *console); /* read anew before draw */
struct tr_term *tr_console_term(struct tr_console *console);

/* Readable when the console is told to end; for who waits, and only the console reads it. */
int tr_console_end_fd(const struct tr_console *console);

/* Borrowed; as given to tr_console_run(). */
const struct tr_console_settings *tr_console_settings(const struct tr_console *console);

/* For a picture with "telerec" beside it: the full path of our own program, for verbs that are run
 * as a process of their own. */
const char *tr_console_program(const struct tr_console *console);

#endif
