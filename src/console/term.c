#include "console/term_internal.h"

#define TR_LOG_AREA "console"

#include "core/log.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#define ESCAPE_MS 100

/* Releases, too: after an event that nobody wants curses waits for a key, and the screen stands
 * still. */
#define MOUSE_EVENTS                                                                               \
	(BUTTON1_PRESSED | BUTTON1_RELEASED | BUTTON2_PRESSED | BUTTON2_RELEASED |                 \
		BUTTON3_PRESSED | BUTTON3_RELEASED | BUTTON4_PRESSED | BUTTON4_RELEASED |          \
		BUTTON5_PRESSED | BUTTON5_RELEASED)

/* curses' keys, and ours. */
static const struct {
	int from, to;
} keys[] = {
	{KEY_UP, TR_KEY_UP},
	{KEY_DOWN, TR_KEY_DOWN},
	{KEY_LEFT, TR_KEY_LEFT},
	{KEY_RIGHT, TR_KEY_RIGHT},
	{KEY_HOME, TR_KEY_HOME},
	{KEY_FIND, TR_KEY_HOME},
	{KEY_END, TR_KEY_END},
	{KEY_SELECT, TR_KEY_END},
	{KEY_PPAGE, TR_KEY_PAGE_UP},
	{KEY_NPAGE, TR_KEY_PAGE_DOWN},
	{KEY_DC, TR_KEY_DELETE},
	{KEY_BTAB, TR_KEY_BACK_TAB},
	{KEY_BACKSPACE, TR_KEY_BACKSPACE},
	{KEY_ENTER, TR_KEY_ENTER},
	{KEY_RESIZE, TR_KEY_RESIZE},
};

/* ---- begin and end ---- */

static const char *term_name(void)
{
	const char *name = getenv("TERM");
	return name && name[0] ? name : "";
}

/* curses would end the program for a terminal that it does not know. */
static int check_terminal(void)
{
	int found = 0;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return tr_fail(-ENOTTY,
			"the console needs a terminal for its input and output; `telerec status` "
			"prints how the node is");
	if (setupterm(NULL, STDOUT_FILENO, &found) != OK)
		return tr_fail(-EINVAL,
			"there is no description of the terminal TERM=\"%s\". Try: TERM=vt100 telerec "
			"console",
			term_name());
	const char *move_to = tigetstr("cup");
	bool can_move = move_to && (intptr_t)move_to != -1; /* -1: it is no text */
	del_curterm(cur_term);				    /* newterm() reads it again */
	if (!can_move)
		return tr_fail(-EINVAL,
			"the terminal TERM=\"%s\" cannot place its cursor. Try: TERM=vt100 telerec "
			"console",
			term_name());
	return 0;
}

static void set_modes(struct tr_term *term, const struct tr_term_settings *settings)
{
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, FALSE);
	idlok(stdscr, FALSE); /* nothing jumps */
	curs_set(0);
	if (!getenv("ESCDELAY"))
		set_escdelay(ESCAPE_MS);
	if (settings->has_mouse) {
		mouseinterval(0);
		term->abilities.has_mouse = mousemask(MOUSE_EVENTS, NULL) != 0;
	}
}

int tr_term_open(const struct tr_term_settings *settings, struct tr_term **ret_term)
{
	TR_CLEANUP(tr_term_closep) struct tr_term *term = calloc(1, sizeof(*term));

	if (!term)
		return -ENOMEM;
	setlocale(LC_CTYPE, "");
	unsetenv("LINES"); /* the terminal's size is what the kernel says now */
	unsetenv("COLUMNS");
	int rc = check_terminal();
	if (rc < 0)
		return rc;
	bool is_limited = settings->is_mono || settings->colours > 0;
	char direct[80];
	const char *name =
		is_limited ? NULL : tr_term_find_direct(term_name(), direct, sizeof(direct));
	term->screen = newterm(name, stdout, stdin);
	if (!term->screen)
		return tr_fail(-EINVAL, "the terminal TERM=\"%s\" cannot be used", term_name());
	/* curses would end the program in the middle of anything; the console hears of its end, and
	 * a key that interrupts is meant for who has the terminal while it is suspended. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	term->abilities.is_utf8 = !settings->is_ascii && !strcmp(nl_langinfo(CODESET), "UTF-8");
	set_modes(term, settings);
	rc = tr_term_start_colours(term, settings->colours, settings->is_mono);
	if (rc < 0)
		return rc;
	tr_term_clear(term);
	*ret_term = tr_take(term);
	return 0;
}

void tr_term_close(struct tr_term *term)
{
	if (!term)
		return;
	if (term->screen) {
		endwin();
		delscreen(term->screen);
	}
	free(term->pairs);
	free(term);
}

const struct tr_term_abilities *tr_term_abilities(const struct tr_term *term)
{
	return &term->abilities;
}

void tr_term_size(const struct tr_term *term, int *ret_rows, int *ret_columns)
{
	(void)term;
	*ret_rows = getmaxy(stdscr);
	*ret_columns = getmaxx(stdscr);
}

int tr_term_fd(const struct tr_term *term)
{
	(void)term;
	return STDIN_FILENO;
}

/* ---- keys ---- */

static bool is_gone(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	int waiting = 0;

	if (poll(&input, 1, 0) < 1)
		return false;
	if (input.revents & (POLLHUP | POLLERR | POLLNVAL))
		return true;
	return ioctl(STDIN_FILENO, FIONREAD, &waiting) < 0 || waiting == 0;
}

static int take_click(struct tr_term *term)
{
	if (term->click_count == 0)
		return TR_KEY_NONE;
	const struct tr_term_click *click = &term->clicks[--term->click_count];
	term->mouse_row = click->row;
	term->mouse_column = click->column;
	return click->key;
}

/* A press is a click: of a press and a later release curses makes, by chance, one click or two. */
static void add_press(struct tr_term *term, const MEVENT *event)
{
	int key = event->bstate & BUTTON1_PRESSED   ? TR_KEY_MOUSE
		  : event->bstate & BUTTON4_PRESSED ? TR_KEY_UP /* the wheel */
		  : event->bstate & BUTTON5_PRESSED ? TR_KEY_DOWN
						    : TR_KEY_NONE;

	if (key != TR_KEY_NONE && term->click_count < TR_TERM_CLICKS_MAX)
		term->clicks[term->click_count++] = (struct tr_term_click){event->y, event->x, key};
}

/* Presses that came together are one key to curses, and it gives them from the newest on. */
static int read_mouse(struct tr_term *term)
{
	MEVENT event;

	while (getmouse(&event) == OK)
		add_press(term, &event);
	return take_click(term);
}

static int translate(struct tr_term *term, wint_t key)
{
	if (key == KEY_MOUSE)
		return read_mouse(term);
	if (key > (wint_t)KEY_F0 && key <= (wint_t)KEY_F0 + 10)
		return TR_KEY_F1 + (int)(key - KEY_F0) - 1;
	for (size_t i = 0; i < TR_COUNT(keys); i++)
		if (key == (wint_t)keys[i].from)
			return keys[i].to;
	return TR_KEY_NONE;
}

int tr_term_read_key(struct tr_term *term)
{
	wint_t key = 0;

	if (term->click_count > 0)
		return take_click(term);
	int kind = get_wch(&key);

	if (kind == ERR)
		return is_gone() ? TR_KEY_END_OF_INPUT : TR_KEY_NONE;
	if (kind == KEY_CODE_YES)
		return translate(term, key);
	if (key == '\r')
		return TR_KEY_ENTER;
	return key == '\b' ? TR_KEY_BACKSPACE : (int)key;
}

void tr_term_mouse(const struct tr_term *term, int *ret_row, int *ret_column)
{
	*ret_row = term->mouse_row;
	*ret_column = term->mouse_column;
}

/* ---- what is shown ---- */

void tr_term_put(
	struct tr_term *term, int row, int column, const wchar_t *text, attr_t look, int pair)
{
	cchar_t cell;

	(void)term;
	if (setcchar(&cell, text, look, 0, &pair) == OK)
		mvadd_wchnstr(row, column, &cell, 1);
}

void tr_term_clear(struct tr_term *term)
{
	tr_term_forget_pairs(term);
	tr_term_forget_targets(term);
	term->has_cursor = false;
	erase();
}

void tr_term_show(struct tr_term *term)
{
	if (term->has_cursor)
		move(term->cursor_row, term->cursor_column);
	wnoutrefresh(stdscr);
	doupdate();
	curs_set(term->has_cursor);
}

/* A terminal that is resized scrolls as a whole again, curses relies on it. But what was on its way
 * for the old size may come later and leave a region: lines below that would not be reached. */
void tr_term_redraw(struct tr_term *term)
{
	(void)term;
	if (change_scroll_region) {
		putp(tparm(change_scroll_region, 0, getmaxy(stdscr) - 1));
		fflush(stdout); /* curses has a buffer of its own */
	}
	clearok(curscr, TRUE);
}

/* A Ctrl-S that comes while the terminal is not curses' would hold what we write for ever, and the
 * change of modes, which waits for that. */
static void let_output_go(void)
{
	struct termios modes;

	if (tcgetattr(STDOUT_FILENO, &modes) < 0)
		return;
	modes.c_iflag &= ~(tcflag_t)IXON;
	(void)!tcsetattr(STDOUT_FILENO, TCSANOW, &modes);
}

void tr_term_suspend(struct tr_term *term)
{
	(void)term;
	curs_set(1);
	def_prog_mode();
	endwin();
	let_output_go();
}

void tr_term_resume(struct tr_term *term)
{
	let_output_go();
	reset_prog_mode();
	curs_set(0);
	tr_term_redraw(term);
}
