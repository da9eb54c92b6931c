/* The kernel, its loopback sound cards, and what is started next time; every change is shown first.
 */
#include "console/dialog.h"
#include "console/screens.h"
#include "console/setup_internal.h"
#include "console/text_view.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct action {
	int key;
	const char *name, *title, *what;
	const char *dry[6], *argv[6];
};

static const struct action actions[] = {
	{'l', "load the sound cards", "Load the loopback sound cards",
		"Loads snd-aloop with a card for each slot, now and at each start.",
		{"telerec", "kernel", "load", "--dry-run", NULL},
		{"telerec", "kernel", "load", NULL}},
	{'g', "try the generic kernel", "Start the generic kernel next time",
		"On trial, once: when it does not come up, the next start has the old one again.",
		{"telerec", "kernel", "use-generic", "--install", "--dry-run", NULL},
		{"telerec", "kernel", "use-generic", "--install", NULL}},
	{'u', "undo", "Take back what telerec changed",
		"The kernel's choice and the sound cards' files go; the system's own come back.",
		{"telerec", "kernel", "undo", "--dry-run", NULL},
		{"telerec", "kernel", "undo", NULL}},
	{'b', "keep the kernel on trial", "Keep the kernel that is on trial",
		"It becomes the one that is started from now on.",
		{"telerec", "kernel", "boot-ok", "--dry-run", NULL},
		{"telerec", "kernel", "boot-ok", NULL}},
};

struct kernel {
	struct tr_text_view *view;
	struct tr_job *job;
	const struct action *action; /* which is asked about */
};

static void close_kernel(void *state)
{
	struct kernel *kernel = state;

	tr_job_drop(kernel->job);
	tr_text_view_destroy(kernel->view);
	free(kernel);
}

/* ---- the state ---- */

static enum tr_role role_of(const char *status)
{
	return !strcmp(status, "failure")   ? TR_ROLE_BAD
	       : !strcmp(status, "warning") ? TR_ROLE_WARNING
	       : !strcmp(status, "ok")	    ? TR_ROLE_GOOD
					    : TR_ROLE_TEXT;
}

/* Of a list of kernels: their versions. */
static void list_versions(const json_t *list, char *out, size_t size)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item) if (json_is_object(item))
		snprintf(out + strlen(out), size - strlen(out), "%s%s", out[0] ? ", " : "",
			tr_node_words_text(item, "version"));
}

/* Names and values as the program tells them, whatever there is. */
static void show_values(struct kernel *kernel, const json_t *object, int depth)
{
	const char *key;
	json_t *value;
	char text[1024];

	json_object_foreach((json_t *)object, key, value)
	{
		char name[80];
		if (!strcmp(key, "findings"))
			continue;
		snprintf(name, sizeof(name), "%s", key);
		for (char *at = name; (at = strchr(at, '_'));)
			*at = ' ';
		if (json_is_object(value) && depth < 2) {
			tr_text_view_add_format(
				kernel->view, TR_ROLE_STRONG, 0, "%*s%s", depth * 2, "", name);
			show_values(kernel, value, depth + 1);
			continue;
		}
		tr_setup_values_text(
			json_is_array(value) && json_is_object(json_array_get(value, 0)) ? NULL
											 : value,
			text, sizeof(text));
		list_versions(value, text, sizeof(text));
		if (json_is_boolean(value))
			snprintf(text, sizeof(text), "%s", json_is_true(value) ? "yes" : "no");
		if (text[0])
			tr_text_view_add_format(kernel->view, TR_ROLE_TEXT, 26, "%*s%-*s %s",
				depth * 2, "", 24 - depth * 2, name, text);
	}
}

static void take_status(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct kernel *kernel = user;
	json_t *finding;
	size_t i;

	(void)console;
	kernel->job = NULL;
	tr_text_view_clear(kernel->view);
	if (!json_is_object(result->json)) {
		tr_text_view_add(kernel->view, TR_ROLE_BAD, 0, tr_job_words(result));
		return;
	}
	json_array_foreach(json_object_get(result->json, "findings"), i, finding)
	{
		const char *meaning = tr_node_words_text(finding, "meaning");
		const char *cure = tr_node_words_text(finding, "cure");
		tr_text_view_add(kernel->view, role_of(tr_node_words_text(finding, "status")), 2,
			tr_node_words_text(finding, "sentence"));
		if (meaning[0])
			tr_text_view_add_format(kernel->view, TR_ROLE_TEXT, 2, "  %s", meaning);
		if (cure[0])
			tr_text_view_add_format(kernel->view, TR_ROLE_STRONG, 4, "  %s", cure);
	}
	tr_text_view_add(kernel->view, TR_ROLE_TEXT, 0, "");
	show_values(kernel, result->json, 0);
}

static void read_status(struct tr_console *console, struct kernel *kernel)
{
	static const char *const argv[] = {"telerec", "kernel", "status", "--json", NULL};

	if (!kernel->job)
		kernel->job = tr_job_run(console, argv, NULL, false, take_status, kernel);
}

static int open_kernel(struct tr_console *console, const void *argument, void **ret_state)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	(void)argument;
	if (!kernel || tr_text_view_create(0, &kernel->view) < 0) {
		free(kernel);
		return -ENOMEM;
	}
	read_status(console, kernel);
	*ret_state = kernel;
	return 0;
}

/* ---- changes: shown, asked, done ---- */

static void done(struct tr_console *console, bool is_yes, void *user)
{
	(void)is_yes;
	read_status(console, user);
}

static void act(struct tr_console *console, void *user)
{
	struct kernel *kernel = user;
	const struct tr_output_request request = {
		.title = kernel->action->title,
		.what = "",
		.argv = kernel->action->argv,
		.as_root = true,
		.done = done,
		.user = kernel,
	};

	tr_console_push(console, &tr_screen_output, &request);
}

static void ask(struct tr_console *console, bool is_yes, void *user)
{
	struct kernel *kernel = user;

	if (is_yes)
		tr_dialog_confirm(console, kernel->action->title, kernel->action->what,
			kernel->action->name, act, kernel);
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct kernel *kernel = state;

	if (tr_text_view_key(kernel->view, key))
		return TR_SCREEN_TAKEN;
	if (key == 'r')
		read_status(console, kernel);
	for (size_t i = 0; i < TR_COUNT(actions); i++) {
		if (actions[i].key != key)
			continue;
		kernel->action = &actions[i];
		const struct tr_output_request request = {
			.title = actions[i].title,
			.what = "This would be changed. Enter: asks once more; Esc: no.",
			.argv = actions[i].dry,
			.as_root = true,
			.is_diff = true,
			.done = ask,
			.user = kernel,
		};
		tr_console_push(console, &tr_screen_output, &request);
		return TR_SCREEN_TAKEN;
	}
	return key == 'r' ? TR_SCREEN_TAKEN : TR_SCREEN_IGNORED;
}

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct kernel *kernel = state;
	const struct tr_area inside = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);

	(void)console;
	if (kernel->job)
		tr_draw_text(&inside, 0, 0, 0, TR_ROLE_DIM, "Looking at the kernel ...");
	else
		tr_text_view_draw(kernel->view, &inside);
}

const struct tr_screen tr_screen_kernel = {
	.name = "kernel",
	.title = "Kernel and boot",
	.help = "Which kernel runs, whether it has loopback sound cards (snd-aloop), and what the\n"
		"next start brings. Every change is shown as a difference before it is made.\n\n"
		"l    load the loopback sound cards, now and at each start\n"
		"g    start the generic kernel next time, on trial\n"
		"b    keep the kernel that is on trial\n"
		"u    undo: as it was before telerec\n"
		"r    look again",
	.keys = "l load|g generic|b keep|u undo|r again",
	.open = open_kernel,
	.draw = draw,
	.key = key,
	.close = close_kernel,
};
