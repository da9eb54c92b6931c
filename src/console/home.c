/* The first screen: is all well, what is recorded, and ten ways on. */
#include "console/console.h"
#include "console/home_facts.h"
#include "console/screens.h"
#include "console/slot_line.h"
#include "core/clock.h"
#include "core/text.h"
#include "protocol/node_words.h"
#include "system/slot_load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define FACTS_EVERY_NS (5 * TR_NS_PER_S)
#define LOADS_EVERY_NS (2 * TR_NS_PER_S)
#define SERVERS_MAX 8
#define CHOICES_ACROSS 5

static const struct choice {
	int key;
	const char *name;
	const char *screen;
} choices[] = {
	{'1', "Wall", "wall"},
	{'2', "Slot", "slot"},
	{'3', "Recordings", "recordings"},
	{'4', "Set-up", "setup"},
	{'5', "First run", "first-run"},
	{'6', "Doctor", "doctor"},
	{'7', "Logs", "logs"},
	{'8', "Kernel, boot", "kernel"},
	{'9', "System", "system"},
	{'0', "Leave", NULL},
};

struct home {
	unsigned chosen; /* slot, from 1 */
	struct tr_slot_rates rates;
	struct tr_home_warnings warnings;
	struct tr_slot_load loads[TR_SLOT_LOAD_MAX];
	int64_t loads_ns; /* when these were read */
	int64_t up_ms;	  /* of the node that has */
	int daemon_pid;	  /* 0: not known */
	int64_t facts_ns; /* when these were asked: */
	bool is_synchronised;
	char addresses[256], clock[64];
};

static bool is_own_node(struct tr_console *console)
{
	const char *node = tr_console_settings(console)->node.node;

	return !node || node[0] == '/';
}

static void read_facts(struct tr_console *console, struct home *home)
{
	if (!is_own_node(console) ||
		(home->facts_ns && tr_clock_now_ns() - home->facts_ns < FACTS_EVERY_NS))
		return;
	home->facts_ns = tr_clock_now_ns();
	tr_home_addresses(home->addresses, sizeof(home->addresses));
	home->is_synchronised = tr_home_clock(home->clock, sizeof(home->clock));
}

/* Who listens on the node's socket; 0 when that is not to be found out. */
static int find_daemon(const char *socket_path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	TR_CLEANUP(tr_closep)
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	if (fd < 0 ||
		tr_text_format(address.sun_path, sizeof(address.sun_path), "%s",
			socket_path ? socket_path : TR_NODE_CLIENT_SOCKET) < 0 ||
		connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return 0;
	return peer.pid;
}

/* What the slots use of the processors, from two looks. */
static void read_loads(struct tr_console *console, struct home *home)
{
	const struct tr_model_view *view = tr_console_view(console);
	int64_t now_ns = tr_clock_now_ns();
	struct tr_slot_load new[TR_SLOT_LOAD_MAX];

	if (!view->is_up || now_ns - home->loads_ns < LOADS_EVERY_NS)
		return;
	if (home->up_ms != view->since_ms) {
		home->up_ms = view->since_ms;
		home->daemon_pid = find_daemon(tr_console_settings(console)->node.node);
	}
	size_t count = json_array_size(view->slots);
	count = count < TR_SLOT_LOAD_MAX ? count : TR_SLOT_LOAD_MAX;
	for (unsigned i = 0; i < count; i++)
		new[i].number = i + 1;
	tr_slot_load_read("/proc", home->daemon_pid, new, (unsigned)count);
	for (unsigned i = 0; i < count; i++) {
		int64_t used_ms = new[i].cpu_ms - home->loads[i].cpu_ms;
		bool is_known = home->loads_ns && new[i].cpu_ms >= 0 &&
				home->loads[i].cpu_ms >= 0 && used_ms >= 0;
		home->rates.slots[i].cpu = is_known ? (double)used_ms * TR_NS_PER_MS /
							      (double)(now_ns - home->loads_ns)
						    : 0;
		home->loads[i] = new[i];
	}
	home->loads_ns = now_ns;
}

static void home_tick(struct tr_console *console, void *state)
{
	struct home *home = state;
	const struct tr_model_view *view = tr_console_view(console);

	tr_slot_rates_take(&home->rates, view->slots);
	tr_home_find_warnings(view, &home->warnings);
	read_facts(console, home);
	if (is_own_node(console))
		read_loads(console, home);
}

static int home_open(struct tr_console *console, const void *argument, void **ret_state)
{
	struct home *home = calloc(1, sizeof(*home));

	(void)argument;
	if (!home)
		return -ENOMEM;
	home->chosen = 1;
	home_tick(console, home);
	*ret_state = home;
	return 0;
}

/* ---- drawing ---- */

static void draw_fact(
	const struct tr_area *area, int row, const char *name, enum tr_role role, const char *text)
{
	tr_draw_text(area, row, 1, 8, TR_ROLE_DIM, name);
	tr_draw_text(area, row, 10, area->columns - 11, role, text);
}

/* One sentence that says how it is. */
static enum tr_role say_verdict(const struct tr_model_view *view,
	const struct tr_home_warnings *warnings, char *out, size_t size)
{
	long long busy = tr_node_words_int(view->node, "slots_busy");
	long long all = tr_node_words_int(view->node, "slot_count");
	unsigned bad = 0;

	for (unsigned i = 0; i < warnings->count; i++)
		bad += warnings->items[i].role == TR_ROLE_BAD;
	if (!view->is_up) {
		snprintf(out, size, "%s",
			view->was_up || view->problem[0] ? view->problem : "Asking the node ...");
		return view->problem[0] ? TR_ROLE_BAD : TR_ROLE_TEXT;
	}
	if (bad > 0)
		snprintf(out, size, " %s: recordings fail, or will fail. ",
			bad == 1 ? "Something needs you" : "Some things need you");
	else
		snprintf(out, size, "%s: %lld of %lld slot%s in use.",
			warnings->count > 0 ? "It works, but see below" : "All is well", busy, all,
			all == 1 ? "" : "s");
	return bad > 0 ? TR_ROLE_BAD : warnings->count > 0 ? TR_ROLE_WARNING : TR_ROLE_GOOD;
}

/* Gives the rows used; what does not fit is counted. */
static int draw_warnings(
	const struct tr_area *area, int row, int most, const struct tr_home_warnings *warnings)
{
	struct tr_area place = tr_draw_part(area, 0, 3, area->rows, area->columns - 4);
	int first = row;

	for (unsigned i = 0; i < warnings->count; i++) {
		const struct tr_home_warning *warning = &warnings->items[i];
		enum tr_role role = warning->role == TR_ROLE_BAD ? TR_ROLE_WARNING : TR_ROLE_TEXT;
		int rows = tr_draw_paragraph(&place, row, role, warning->text, true);
		if (row + rows > first + most) {
			tr_draw_format(area, row, 3, 0, TR_ROLE_DIM, "and %u more: see Logs",
				warnings->count - i);
			return row + 1 - first;
		}
		tr_draw_text(area, row, 1, 1, warning->role, "!");
		tr_draw_paragraph(&place, row, role, warning->text, false);
		row += rows;
	}
	return row - first;
}

static int draw_machine(
	struct tr_console *console, const struct home *home, const struct tr_area *area, int row)
{
	const struct tr_model_view *view = tr_console_view(console);
	char lines[SERVERS_MAX][256], text[300];
	int first = row;

	unsigned count = tr_home_servers(view->node, lines, SERVERS_MAX);
	for (unsigned i = 0; i < count; i++)
		draw_fact(area, row++, i == 0 ? "Jitsi" : "", TR_ROLE_TEXT, lines[i]);
	if (count == 0)
		draw_fact(area, row++, "Jitsi", TR_ROLE_TEXT,
			view->node
				? "no server is set up: nobody can start a recording from a meeting"
				: "not known");
	tr_home_disk(view->node, text, sizeof(text));
	draw_fact(area, row++, "Disk", TR_ROLE_TEXT, text);
	if (!home->facts_ns)
		return row - first;
	draw_fact(area, row++, "Network", TR_ROLE_TEXT, home->addresses);
	draw_fact(area, row++, "Clock", home->is_synchronised ? TR_ROLE_TEXT : TR_ROLE_WARNING,
		home->clock);
	return row - first;
}

static bool is_there(const struct choice *choice)
{
	return !choice->screen || tr_screens_find(choice->screen);
}

static void draw_choices(struct tr_console *console, const struct tr_area *area, int row)
{
	int width = (area->columns - 2) / CHOICES_ACROSS;

	for (size_t i = 0; i < TR_COUNT(choices); i++) {
		int at = 1 + (int)(i % CHOICES_ACROSS) * width;
		if (!is_there(&choices[i]) ||
			(!choices[i].screen && tr_console_settings(console)->is_appliance))
			continue;
		int line = row + (int)(i / CHOICES_ACROSS);
		tr_draw_format(area, line, at, 2, TR_ROLE_KEY, "%c", choices[i].key);
		tr_draw_text(area, line, at + 2, width - 2, TR_ROLE_TEXT, choices[i].name);
		tr_draw_target(area, line, at, 1, width - 1, choices[i].key);
	}
}

/* The chosen one stays to be seen. */
static void draw_slots(const struct tr_area *area, const struct home *home, const json_t *slots)
{
	int count = (int)json_array_size(slots), rows = area->rows - 1;
	int chosen = (int)home->chosen, first = chosen > rows ? chosen - rows : 0;

	tr_slot_line_head(area, 0);
	for (int i = 0; i < rows && first + i < count; i++) {
		size_t at = (size_t)first + (size_t)i;
		const json_t *slot = json_array_get(slots, at);
		bool is_chosen = tr_node_words_int(slot, "slot") == home->chosen;
		tr_slot_line_draw(area, 1 + i, slot, &home->rates, is_chosen);
		tr_draw_target_row(area, 1 + i, first + i + 1, is_chosen);
	}
}

static void home_draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	const struct home *home = state;
	const struct tr_model_view *view = tr_console_view(console);
	int menu = area->rows - 2, row = 0, count = (int)json_array_size(view->slots);
	char verdict[600];

	enum tr_role role = say_verdict(view, &home->warnings, verdict, sizeof(verdict));
	struct tr_area top = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);
	row += tr_draw_paragraph(&top, row, role, verdict, false);
	if (view->is_up)
		row += draw_warnings(area, row, area->rows / 3, &home->warnings);
	row += area->rows > 16;
	int facts = 4, left = menu - row - facts - 2;
	int table = count + 1 < left ? count + 1 : left;
	table = table < 2 ? 2 : table;
	struct tr_area slots = tr_draw_part(area, row, 0, table, area->columns);
	draw_slots(&slots, home, view->slots);
	row += table + (left > table);
	struct tr_area machine = tr_draw_part(area, row, 0, menu - row, area->columns);
	draw_machine(console, home, &machine, 0);
	draw_choices(console, area, menu);
}

/* ---- keys ---- */

static void choose(struct tr_console *console, struct home *home, const struct choice *choice)
{
	const struct tr_screen *screen = choice->screen ? tr_screens_find(choice->screen) : NULL;

	if (screen)
		tr_console_push(console, screen, screen == &tr_screen_slot ? &home->chosen : NULL);
	else if (!choice->screen && !tr_console_settings(console)->is_appliance)
		tr_console_quit(console);
}

static enum tr_screen_answer home_key(struct tr_console *console, void *state, int key)
{
	struct home *home = state;
	unsigned count = (unsigned)json_array_size(tr_console_view(console)->slots);

	if (key == TR_KEY_UP && home->chosen > 1)
		home->chosen--;
	else if (key == TR_KEY_DOWN && home->chosen < count)
		home->chosen++;
	else if (key > TR_KEY_PICK && (unsigned)(key - TR_KEY_PICK) <= count)
		home->chosen = (unsigned)(key - TR_KEY_PICK);
	else if (key == TR_KEY_ENTER)
		choose(console, home, &choices[1]);
	else if (key < '0' || key > '9')
		return key == TR_KEY_UP || key == TR_KEY_DOWN ? TR_SCREEN_TAKEN : TR_SCREEN_IGNORED;
	for (size_t i = 0; i < TR_COUNT(choices); i++)
		if (choices[i].key == key) {
			choose(console, home, &choices[i]);
			break;
		}
	return TR_SCREEN_TAKEN;
}

const struct tr_screen tr_screen_home = {
	.name = "home",
	.title = "Home",
	.help = "How this recorder is, at a glance.\n\n"
		"The first line says whether all is well; what needs you is below it in plain words. "
		"Then come the slots: each can record one meeting at a time. The meter shows the sound "
		"that is being recorded; PICT/S are the pictures that changed in a second, so a still "
		"page has few.\n\n"
		"0 to 9     what stands beside the number\n"
		"Up, Down   choose a slot\n"
		"Enter      all about the chosen slot",
	.keys = "0-9 choose|Up/Down slot|Enter open",
	.open = home_open,
	.draw = home_draw,
	.key = home_key,
	.tick = home_tick,
	.close = free,
};
