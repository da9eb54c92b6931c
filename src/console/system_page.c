/* What is done with the machine as a whole. */
#include "console/console.h"
#include "console/dialog.h"
#include "console/screens.h"
#include "console/setup_internal.h"
#include "console/terminal_program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct action;
struct system;
typedef void action_fn(struct tr_console *console, struct system *system);
struct system {
	const struct action *rows[16];
	unsigned count, chosen;
	struct tr_job *job;
	const char *doing;
	const char *command; /* reboot or poweroff, while it drains */
	bool is_draining;
};

struct action {
	int key;
	const char *name, *what;
	action_fn *run;
	bool is_for_appliance, is_for_systemd;
};

static void close_system(void *state)
{
	struct system *system = state;

	tr_job_drop(system->job);
	free(system);
}

/* ---- looking ---- */

static void doctor(struct tr_console *console, struct system *system)
{
	(void)system;
	tr_console_push(console, &tr_screen_doctor, NULL);
}

static void logs(struct tr_console *console, struct system *system)
{
	(void)system;
	tr_console_push(console, &tr_screen_logs, NULL);
}

static void show_output(struct tr_console *console, const char *title, const char *what,
	const char *const argv[], bool as_root)
{
	const struct tr_output_request request = {
		.title = title, .what = what, .argv = argv, .as_root = as_root};

	tr_console_push(console, &tr_screen_output, &request);
}

static void check(struct tr_console *console, struct system *system)
{
	static const char *const argv[] = {"telerec", "probe", "--self-test", NULL};

	(void)system;
	show_output(console, "Self-test",
		"A known film through each encoder that this machine has, decoded and compared, and what "
		"else a recording needs. Up to half a minute.",
		argv, false);
}

static void bundle(struct tr_console *console, struct system *system)
{
	const char *argv[7] = {"telerec", "support-bundle", "--config", tr_setup_config(console)};
	const char *node = tr_setup_node(console);

	(void)system;
	if (node) {
		argv[4] = "--node";
		argv[5] = node;
	}
	show_output(console, "Support bundle",
		"Settings without secrets, what the doctor says, logs and versions in one file, for who "
		"helps. No recording and no password is in it.",
		argv, tr_setup_needs_root(console));
}

/* ---- the appliance ---- */

static void from_stick(struct tr_console *console, void *user)
{
	static const char *const argv[] = {"telerec", "update", "--from-stick", NULL};

	(void)user;
	show_output(console, "Update from the stick",
		"It is checked and written beside the one that runs, which takes some minutes. It is "
		"started by the next restart of the machine, and goes back by itself when it does "
		"not come up.",
		argv, true);
}

static void take_update(struct tr_console *console, int choice, void *user)
{
	static const char *const argv[] = {"telerec", "update", "status", NULL};

	if (choice == 0)
		show_output(console, "Update", "What is installed, and what is started next.", argv,
			true);
	else
		tr_dialog_confirm(console, "Update from the stick?",
			"The update on the stick replaces the older one of the two systems on the disk. "
			"Settings and recordings stay, and what is recorded now goes on.",
			"write it", from_stick, user);
}

static void update(struct tr_console *console, struct system *system)
{
	static const char *const items[] = {
		"What is installed", "Take the update from a stick that is plugged in", NULL};

	tr_dialog_choose(console, "Update", items, 0, take_update, system);
}

/* It shows the disks, asks for one, and for its name before that is erased. */
static void install_now(struct tr_console *console, void *user)
{
	const char *program = tr_console_program(console);
	const char *const as_root[] = {program, "install", NULL};
	const char *const by_sudo[] = {"sudo", "-n", program, "install", NULL};
	bool is_root = geteuid() == 0;

	(void)user;
	tr_terminal_program(console, is_root ? program : "sudo", is_root ? as_root : by_sudo,
		"Install to a disk.", true);
}

static void install(struct tr_console *console, struct system *system)
{
	tr_dialog_confirm(console, "Install to a disk?",
		"The disks of this machine are listed, and you choose one: ALL that is on it is lost "
		"then. Before that its name is asked for; without it nothing is changed.",
		"show the disks", install_now, system);
}

static void reset_now(struct tr_console *console, void *user)
{
	static const char *const argv[] = {"telerec", "factory-reset", "--yes", NULL};

	(void)user;
	show_output(console, "Factory reset", "", argv, true);
}

static void reset(struct tr_console *console, struct system *system)
{
	tr_dialog_confirm_word(console, "Factory reset",
		"All settings, passwords and keys of this machine are lost: it is as when it was new. "
		"Recordings on other disks stay. Nobody can undo it.",
		"reset", reset_now, system);
}

/* ---- shell ---- */

static void open_shell(struct tr_console *console)
{
	const char *shell = getenv("SHELL");
	const char *const argv[] = {"-sh", NULL};

	tr_terminal_program(console, shell && shell[0] == '/' ? shell : "/bin/sh", argv,
		"A shell. `exit` comes back to the console.", false);
}

static void take_pin_checked(
	struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct system *system = user;

	system->job = NULL;
	if (result->rc == 0 && result->status == 0)
		open_shell(console);
	else
		tr_console_say(console, TR_ROLE_BAD, "%s",
			result->problem && result->problem[0] ? result->problem
							      : "This is not the PIN.");
}

static void check_pin(struct tr_console *console, const char *pin, void *user)
{
	static const char *const argv[] = {"telerec", "machine", "check-pin", NULL};
	struct system *system = user;

	system->doing = "Checking the PIN ...";
	if (!system->job)
		system->job = tr_job_run(console, argv, pin, true, take_pin_checked, system);
}

static void shell(struct tr_console *console, struct system *system)
{
	bool has_pin = access("/etc/telerec/console.pin", F_OK) == 0;

	/* Who came by another shell has one anyway. */
	if (!has_pin && tr_console_settings(console)->is_appliance)
		tr_dialog_message(console, "Shell", TR_ROLE_TEXT,
			"Set a console PIN first (Set-up, Console PIN): whoever stands here could do "
			"anything else.");
	else if (!has_pin)
		open_shell(console);
	else
		tr_dialog_ask(console, "Console PIN", "", "", true, check_pin, system);
}

/* ---- off and on ---- */

/* $TELEREC_SYSTEMCTL is for tests, which must not switch their machine off. NULL: there is none. */
static const char *find_systemctl(void)
{
	const char *other = secure_getenv("TELEREC_SYSTEMCTL");
	bool has_systemd = access("/run/systemd/system", F_OK) == 0;

	return other && other[0] == '/' ? other : has_systemd ? "/usr/bin/systemctl" : NULL;
}

static void take_power(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct system *system = user;

	system->job = NULL;
	if (result->rc < 0 || result->status != 0)
		tr_dialog_message(console, "It goes on running", TR_ROLE_BAD, tr_job_words(result));
}

static void power_now(struct tr_console *console, struct system *system)
{
	const char *const argv[] = {find_systemctl(), system->command, NULL};

	system->is_draining = false;
	system->doing = "The machine goes down ...";
	if (!system->job && argv[0])
		system->job = tr_job_run(console, argv, NULL, true, take_power, system);
}

static void take_drain(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct system *system = user;

	(void)console, (void)result; /* tick() looks at what runs */
	system->job = NULL;
}

static void take_choice(struct tr_console *console, int choice, void *user)
{
	struct system *system = user;

	if (choice == 2) {
		power_now(console, system);
	} else if (choice == 1) {
		system->is_draining = true;
		system->doing =
			"Waiting for the recordings to end; no new one begins. Esc: not after all";
		system->job = tr_job_call(console, "POST", "/v1/drain", NULL, take_drain, system);
	}
}

static void say_yes(struct tr_console *console, void *user)
{
	power_now(console, user);
}

static void ask_power(
	struct tr_console *console, struct system *system, const char *command, const char *title)
{
	static const char *const items[] = {
		"Not now", "When the recordings have ended", "Now: the recordings END here", NULL};
	unsigned busy = tr_setup_count_busy(console);

	system->command = command;
	if (busy > 0)
		tr_dialog_choose(console, title, items, 1, take_choice, system);
	else
		tr_dialog_confirm(console, title,
			"Nothing is recorded now. While the machine is down, recordings that are asked for "
			"are refused.",
			title, say_yes, system);
}

static void restart(struct tr_console *console, struct system *system)
{
	ask_power(console, system, "reboot", "Restart the machine");
}

static void power_off(struct tr_console *console, struct system *system)
{
	ask_power(console, system, "poweroff", "Switch the machine off");
}

static void forget(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	(void)console, (void)result, (void)user;
}

static bool may_leave(struct tr_console *console, void *state)
{
	struct system *system = state;

	if (!system->is_draining)
		return true;
	system->is_draining = false;
	(void)tr_job_call(console, "DELETE", "/v1/drain", NULL, forget, NULL);
	tr_console_say(console, TR_ROLE_TEXT, "It stays on, and takes recordings again.");
	return false;
}

static void tick(struct tr_console *console, void *state)
{
	struct system *system = state;

	if (system->is_draining && !system->job && tr_setup_count_busy(console) == 0)
		power_now(console, system);
}

/* ---- the screen ---- */

static const struct action actions[] = {
	{'d', "Doctor", "Looks whether all of it works, and says what to change", doctor, false,
		false},
	{'t', "Self-test", "A known film through each encoder: what works", check, false, false},
	{'l', "Logs", "What telerecd and its slots say", logs, false, false},
	{'b', "Support bundle", "One file for who helps, without secrets", bundle, false, false},
	{'u', "Update", "A newer telerec; goes back by itself when it does not come up", update,
		true, false},
	{'i', "Install to a disk", "From the stick to this machine; the disk is ERASED", install,
		true, false},
	{'f', "Factory reset", "All settings are LOST", reset, true, false},
	{'s', "Shell", "A command line; asks for the console PIN", shell, false, false},
	{'r', "Restart", "The machine; waits for recordings or asks", restart, false, true},
	{'o', "Switch off", "The machine; waits for recordings or asks", power_off, false, true},
};

static int open_system(struct tr_console *console, const void *argument, void **ret_state)
{
	struct system *system = calloc(1, sizeof(*system));
	bool has_systemd = find_systemctl() != NULL;

	(void)console, (void)argument;
	if (!system)
		return -ENOMEM;
	for (size_t i = 0; i < TR_COUNT(actions); i++)
		if ((!actions[i].is_for_appliance || tr_setup_is_appliance()) &&
			(!actions[i].is_for_systemd || has_systemd))
			system->rows[system->count++] = &actions[i];
	*ret_state = system;
	return 0;
}

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	const struct system *system = state;
	const struct tr_area inside = tr_draw_part(area, 1, 1, area->rows - 1, area->columns - 2);

	(void)console;
	for (unsigned i = 0; i < system->count; i++) {
		const struct action *action = system->rows[i];
		bool is_here = i == system->chosen;
		tr_draw_format(&inside, (int)i, 0, 2, TR_ROLE_KEY, "%c", action->key);
		tr_draw_format(&inside, (int)i, 2, 20, is_here ? TR_ROLE_SELECTED : TR_ROLE_TEXT,
			"%-20s", action->name);
		tr_draw_text(&inside, (int)i, 24, 0, is_here ? TR_ROLE_STRONG : TR_ROLE_DIM,
			action->what);
		tr_draw_target(&inside, (int)i, 0, 1, inside.columns, action->key);
		if (is_here)
			tr_draw_cursor(&inside, (int)i, 0);
	}
	if (system->job || system->is_draining)
		tr_draw_text(&inside, (int)system->count + 1, 0, 0, TR_ROLE_STRONG, system->doing);
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct system *system = state;

	if (key == TR_KEY_UP && system->chosen > 0)
		system->chosen--;
	else if ((key == TR_KEY_DOWN || key == TR_KEY_TAB) && system->chosen + 1 < system->count)
		system->chosen++;
	else if (key == TR_KEY_ENTER && !system->job && !system->is_draining)
		system->rows[system->chosen]->run(console, system);
	else {
		for (unsigned i = 0; i < system->count && !system->job && !system->is_draining; i++)
			if (system->rows[i]->key == key) {
				system->chosen = i;
				system->rows[i]->run(console, system);
				return TR_SCREEN_TAKEN;
			}
		return TR_SCREEN_IGNORED;
	}
	return TR_SCREEN_TAKEN;
}

const struct tr_screen tr_screen_system = {
	.name = "system",
	.title = "System",
	.help = "What is done with the machine as a whole. Everything that cannot be undone asks\n"
		"first, and says what would be lost.\n\n"
		"Up, Down, Enter, or the letter in front",
	.keys = "Enter do it",
	.open = open_system,
	.draw = draw,
	.key = key,
	.tick = tick,
	.may_leave = may_leave,
	.close = close_system,
};
