#include "console/console_internal.h"

#define TR_LOG_AREA "console"

#include "console/screens.h"
#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#define TICK_MS 250
#define MESSAGE_NS (5 * TR_NS_PER_S)
#define KEYS_AT_ONCE 256 /* a paste is drawn in few pictures */
#define CTRL(letter) ((letter)&0x1f)

/* ---- what the screens use ---- */

static struct tr_console_place *uppermost(struct tr_console *console)
{
	return console->count > 0 ? &console->places[console->count - 1] : NULL;
}

void tr_console_push(
	struct tr_console *console, const struct tr_screen *screen, const void *argument)
{
	void *state = NULL;

	console->is_dirty = true;
	if (console->count == TR_CONSOLE_SCREENS_MAX) {
		tr_console_say(console, TR_ROLE_WARNING,
			"There are too many screens over one another: go back with Esc first.");
		return;
	}
	if (screen->open && screen->open(console, argument, &state) < 0)
		return; /* it has said why */
	console->places[console->count++] = (struct tr_console_place){screen, state};
	console->has_help = false;
}

static const struct tr_screen *take_away(struct tr_console *console)
{
	const struct tr_console_place gone = console->places[--console->count];

	console->is_dirty = true;
	if (gone.screen->close)
		gone.screen->close(gone.state);
	return gone.screen;
}

/* Below the first screen is Home, whatever screen that was. */
void tr_console_pop(struct tr_console *console)
{
	if (console->count == 0)
		return;
	const struct tr_screen *gone = take_away(console);
	if (console->count == 0 && gone == &tr_screen_home)
		console->is_over = true;
	else if (console->count == 0)
		tr_console_push(console, &tr_screen_home, NULL);
}

void tr_console_quit(struct tr_console *console)
{
	console->is_over = true;
}

void tr_console_say(struct tr_console *console, enum tr_role role, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(console->message, sizeof(console->message), format, args);
	va_end(args);
	console->message_role = role;
	console->message_ns = tr_clock_now_ns();
	console->is_dirty = true;
}

struct tr_model *tr_console_model(struct tr_console *console)
{
	return console->model;
}

const struct tr_model_view *tr_console_view(struct tr_console *console)
{
	return &console->view;
}

struct tr_term *tr_console_term(struct tr_console *console)
{
	return console->term;
}

int tr_console_end_fd(const struct tr_console *console)
{
	return console->signals;
}

const char *tr_console_program(const struct tr_console *console)
{
	return console->settings.program;
}

const struct tr_console_settings *tr_console_settings(const struct tr_console *console)
{
	return &console->settings;
}

/* ---- keys ---- */

/* Keys that mean the same on every screen, when the screen itself has no use for them. */
static void take_common_key(struct tr_console *console, struct tr_console_place *place, int key)
{
	bool is_first = console->count == 1;

	if (key == TR_KEY_ESCAPE || key == CTRL('c')) {
		if (place->screen->may_leave && !place->screen->may_leave(console, place->state))
			return;
		if (!is_first)
			tr_console_pop(console);
		else if (key == CTRL('c') && !console->settings.is_appliance)
			tr_console_quit(console);
		else if (place->screen != &tr_screen_home)
			tr_console_pop(console);
		else if (!console->settings.is_appliance)
			tr_console_say(console, TR_ROLE_DIM, "This is the first screen. q leaves.");
	} else if (key == '?' || key == TR_KEY_F1) {
		console->has_help = true;
		console->help_first = 0;
	} else if (key == 'q' && !place->screen->takes_text && !console->settings.is_appliance) {
		if (is_first)
			tr_console_quit(console);
		else
			take_common_key(console, place, TR_KEY_ESCAPE);
	}
}

/* A click is the key of what is there. */
static int find_clicked(const struct tr_console *console)
{
	int row, column;

	tr_term_mouse(console->term, &row, &column);
	return tr_term_find_target(console->term, row, column);
}

static void take_key(struct tr_console *console, int key)
{
	struct tr_console_place *place = uppermost(console);

	if (key == TR_KEY_MOUSE)
		key = find_clicked(console);
	if (key == TR_KEY_NONE)
		return;

	console->is_dirty = true;
	if (tr_clock_now_ns() - console->message_ns > MESSAGE_NS)
		console->message[0] = '\0';
	if (key == TR_KEY_END_OF_INPUT)
		console->is_over = true;
	else if (key == CTRL('l') || key == TR_KEY_RESIZE)
		tr_term_redraw(console->term); /* terminals move what they show when they shrink */
	else if (!place)
		return;
	else if (console->has_help)
		tr_console_help_key(console, key);
	else if (key == TR_KEY_F1 ||
		 place->screen->key(console, place->state, key) == TR_SCREEN_IGNORED)
		take_common_key(console, uppermost(console) ? uppermost(console) : place, key);
}

static void take_keys(struct tr_console *console)
{
	for (int i = 0; i < KEYS_AT_ONCE && !console->is_over; i++) {
		int key = tr_term_read_key(console->term);
		if (key == TR_KEY_NONE)
			return;
		/* What a click means depends on what the keys and clicks before it have changed. */
		if (key == TR_KEY_MOUSE && console->is_dirty && console->count > 0)
			tr_console_draw(console);
		take_key(console, key);
	}
}

/* ---- the loop ---- */

static void tick(struct tr_console *console)
{
	/* A screen that closes itself takes the uppermost's place away: begin above. */
	for (unsigned i = console->count; i-- > 0;)
		if (i < console->count && console->places[i].screen->tick)
			console->places[i].screen->tick(console, console->places[i].state);
	console->is_dirty = true;
}

static void read_model(struct tr_console *console)
{
	struct tr_model_view view = {0};

	tr_model_read(console->model, &view);
	tr_model_view_clear(&console->view);
	console->view = view;
}

static int loop(struct tr_console *console)
{
	int64_t next_tick_ns = tr_clock_now_ns();

	while (!console->is_over && console->count > 0) {
		struct pollfd fds[] = {
			{.fd = tr_term_fd(console->term), .events = POLLIN},
			{.fd = tr_model_fd(console->model), .events = POLLIN},
			{.fd = console->job_event, .events = POLLIN},
			{.fd = console->signals, .events = POLLIN},
		};
		int64_t left_ms = (next_tick_ns - tr_clock_now_ns()) / TR_NS_PER_MS;
		left_ms = console->is_dirty || left_ms < 0 ? 0 : left_ms + 1;
		int rc = poll(fds, TR_COUNT(fds), (int)left_ms);
		if (rc < 0 && errno != EINTR)
			return tr_fail(-errno, "cannot wait for keys");
		struct signalfd_siginfo signal;
		if (rc > 0 && fds[3].revents && read(console->signals, &signal, sizeof(signal)) > 0)
			break;
		take_keys(console);
		if (rc > 0 && fds[2].revents)
			tr_job_serve(console);
		bool is_news = rc > 0 && fds[1].revents;
		if (is_news)
			read_model(console);
		if (is_news || tr_clock_now_ns() >= next_tick_ns) {
			next_tick_ns = tr_clock_now_ns() + TICK_MS * TR_NS_PER_MS;
			tick(console);
		}
		if (console->is_dirty && !console->is_over && console->count > 0)
			tr_console_draw(console);
		console->is_dirty = false;
	}
	return 0;
}

/* ---- begin and end ---- */

/* The thread that draws hears of the end by a descriptor; the other threads hear of nothing. They
 * stay blocked to the end of the program: one that comes when somebody has left changes nothing. */
static int open_signals(void)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &wanted, NULL);
	return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A job that waits for a node which does not answer is left alone: the program ends soon. */
static void destroy(struct tr_console *console)
{
	while (console->count > 0)
		take_away(console);
	tr_term_close(tr_take(console->term));
	bool is_quiet = tr_job_end_all(console);
	tr_model_view_clear(&console->view);
	tr_model_destroy(tr_take(console->model));
	tr_closep(&console->signals);
	if (!is_quiet)
		return;
	if (console->job_event >= 0)
		close(console->job_event);
	pthread_mutex_destroy(&console->job_lock);
	free(console);
}

static int run(struct tr_console *console, const struct tr_screen *first)
{
	console->signals = open_signals();
	console->job_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (console->signals < 0 || console->job_event < 0)
		return tr_fail(-errno, "cannot begin");
	int rc = tr_model_create(&console->settings.node, &console->model);
	if (rc < 0)
		return tr_fail(rc, "cannot begin to follow the node");
	rc = tr_term_open(&console->settings.term, &console->term);
	if (rc < 0)
		return rc;
	/* From here on every line would be written into the picture. */
	if (isatty(STDERR_FILENO))
		tr_log_set_level(TR_LOG_NONE);
	read_model(console);
	tr_console_push(console, first, NULL);
	if (console->count == 0)
		tr_console_push(console, &tr_screen_home, NULL);
	return loop(console);
}

int tr_console_run(const struct tr_console_settings *settings)
{
	const struct tr_screen *first =
		settings->screen ? tr_screens_find(settings->screen) : &tr_screen_home;

	if (!first)
		return tr_fail(-ENOENT, "there is no screen \"%s\"", settings->screen);
	struct tr_console *console = calloc(1, sizeof(*console));
	if (!console)
		return -ENOMEM;
	console->settings = *settings;
	console->signals = console->job_event = -1;
	pthread_mutex_init(&console->job_lock, NULL);
	signal(SIGPIPE, SIG_IGN); /* a program that does not read its input */
	int rc = run(console, first);
	destroy(console);
	return rc;
}
