/* What is done with the machine as a whole. */
#include "console/console.h"
#include "console/dialog.h"
#include "console/screens.h"
#include "console/setup_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
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

static void update(struct tr_console *console, struct system *system)
{
	static const char *const argv[] = {"telerec", "update", "status", NULL};

	(void)system;
	show_output(console, "Update",
		"What is installed and what there is. With an update on a stick, in the shell: "
		"sudo telerec update --from-stick",
		argv, true);
}

static void install(struct tr_console *console, struct system *system)
{
	static const char *const argv[] = {"telerec", "install", "--list", NULL};

	(void)system;
	show_output(console, "Install to a disk",
		"The disks of this machine. In the shell: sudo telerec install. It asks for the disk's "
		"name before that is erased.",
		argv, true);
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

/* Its own group in front of the terminal, so that Ctrl-C there is not meant of us. */
static void become_shell(void)
{
	const char *shell = getenv("SHELL");
	sigset_t none;

	setpgid(0, 0);
	(void)!tcsetpgrp(STDIN_FILENO, getpid());
	signal(SIGQUIT, SIG_DFL);
	signal(SIGTTOU, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execlp(shell && shell[0] == '/' ? shell : "/bin/sh", "-sh", (char *)NULL);
	_exit(127);
}

static void open_shell(struct tr_console *console)
{
	struct tr_term *term = tr_console_term(console);
	const struct timespec at_once = {0};
	sigset_t typed;

	/* What was typed in between, and while the terminal changes hands, is not meant of us
	 * either. */
	void (*old_quit)(int) = signal(SIGQUIT, SIG_IGN);
	void (*old_ttou)(int) = signal(SIGTTOU, SIG_IGN);
	tr_term_suspend(term);
	fputs("\nA shell. `exit` comes back to the console.\n\n", stdout);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		become_shell();
	if (pid > 0) {
		setpgid(pid, pid);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	(void)!tcsetpgrp(STDIN_FILENO, getpgrp());
	tr_term_resume(term);
	tr_term_redraw(term);
	sigemptyset(&typed);
	sigaddset(&typed, SIGINT);
	while (sigtimedwait(&typed, NULL, &at_once) > 0)
		;
	signal(SIGQUIT, old_quit);
	signal(SIGTTOU, old_ttou);
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

static void take_power(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct system *system = user;

	system->job = NULL;
	if (result->rc < 0 || result->status != 0)
		tr_dialog_message(console, "It goes on running", TR_ROLE_BAD,
			result->problem && result->problem[0] ? result->problem : result->text);
}

static void power_now(struct tr_console *console, struct system *system)
{
	const char *const argv[] = {"/usr/bin/systemctl", system->command, NULL};

	system->is_draining = false;
	system->doing = "The machine goes down ...";
	if (!system->job)
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
	bool has_systemd = access("/run/systemd/system", F_OK) == 0;

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
