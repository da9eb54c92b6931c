/* The menu of the set-up's pages. */
#include "console/dialog.h"
#include "console/list_keys.h"
#include "console/screens.h"
#include "console/setup_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX 40
#define UPLOADS_MAX 4 /* as telerec.conf takes */

static const struct tr_setup_page *const pages[] = {&tr_setup_page_slots, &tr_setup_page_storage,
	&tr_setup_page_sound, &tr_setup_page_encoder, &tr_setup_page_name, &tr_setup_page_network,
	&tr_setup_page_time, &tr_setup_page_keyboard, &tr_setup_page_ssh, &tr_setup_page_pin};

/* One row of the menu: a Jitsi server, a page, or another screen. */
struct row {
	const struct tr_setup_page *page; /* NULL: `screen` */
	const struct tr_screen *screen;
	const char *name, *what;
	const char *entry; /* of the settings, or NULL */
};

struct setup {
	struct tr_job *job;
	json_t *settings;
	struct row rows[ROWS_MAX];
	int count, chosen, top;
	char problem[300];
};

static void close_setup(void *state)
{
	struct setup *setup = state;

	tr_job_drop(setup->job);
	json_decref(setup->settings);
	free(setup);
}

static void add_row(struct setup *setup, struct row row)
{
	if (setup->count < ROWS_MAX)
		setup->rows[setup->count++] = row;
}

/* Those that are there, and a new one. */
static void add_uploads(struct setup *setup)
{
	const json_t *uploads = tr_setup_values_get(setup->settings, "storage.uploads");
	json_t *upload;
	size_t i;

	json_array_foreach((json_t *)uploads, i, upload)
		add_row(setup, (struct row){&tr_setup_page_upload, NULL, "Upload target",
				       json_string_value(json_object_get(upload, "url")),
				       json_string_value(json_object_get(upload, "name"))});
	if (i < UPLOADS_MAX)
		add_row(setup, (struct row){&tr_setup_page_upload, NULL,
				       i > 0 ? "Another upload target" : "Upload target",
				       "Where finished recordings are uploaded to.", NULL});
}

static void make_rows(struct setup *setup)
{
	const json_t *environments = tr_setup_values_get(setup->settings, "environments");
	json_t *environment;
	size_t i;

	setup->count = 0;
	json_array_foreach((json_t *)environments, i, environment) add_row(
		setup, (struct row){&tr_setup_page_jitsi, NULL, "Jitsi server",
			       json_string_value(json_object_get(environment, "xmpp_domain")),
			       json_string_value(json_object_get(environment, "name"))});
	add_row(setup,
		(struct row){&tr_setup_page_jitsi, NULL,
			i > 0 ? "Another Jitsi server" : "Jitsi server",
			i > 0 ? "Record for one more" : "There is none yet: begin here", NULL});
	for (size_t k = 0; k < TR_COUNT(pages); k++)
		add_row(setup, (struct row){pages[k], NULL, pages[k]->name, pages[k]->what, NULL});
	add_row(setup, (struct row){NULL, &tr_screen_disk, "Disk of the recordings",
			       "Internal, or one that is attached.", NULL});
	add_uploads(setup);
	add_row(setup, (struct row){NULL, &tr_screen_kernel, "Kernel and boot",
			       "The kernel, its sound cards, the next start.", NULL});
	add_row(setup, (struct row){NULL, &tr_screen_doctor, "Doctor",
			       "Whether all of it works, and what to change.", NULL});
	add_row(setup, (struct row){NULL, &tr_screen_first_run, "Guided set-up",
			       "Step by step from here to \"ready to record\".", NULL});
	if (setup->chosen >= setup->count)
		setup->chosen = setup->count - 1;
}

/* ---- reading ---- */

static void take_settings(
	struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct setup *setup = user;
	const json_t *complaints = json_object_get(result->json, "complaints");
	const char *first = json_string_value(json_array_get(complaints, 0));

	(void)console;
	setup->job = NULL;
	setup->problem[0] = '\0';
	if (result->rc == 0 && result->status == 0 && json_is_object(result->json)) {
		json_decref(setup->settings);
		setup->settings = json_incref((json_t *)result->json);
	} else if (first && access(tr_setup_config(console), F_OK) == 0) {
		snprintf(setup->problem, sizeof(setup->problem), "%s", first);
	}
	make_rows(setup);
}

static void read_settings(struct tr_console *console, struct setup *setup)
{
	const char *const argv[] = {
		"telerec", "config", "show", "--json", "--config", tr_setup_config(console), NULL};

	tr_job_drop(setup->job);
	setup->job = tr_job_run(console, argv, NULL, false, take_settings, setup);
}

static int open_setup(struct tr_console *console, const void *argument, void **ret_state)
{
	struct setup *setup = calloc(1, sizeof(*setup));

	(void)argument;
	if (!setup)
		return -ENOMEM;
	make_rows(setup);
	read_settings(console, setup);
	*ret_state = setup;
	return 0;
}

/* ---- choosing ---- */

static void page_done(struct tr_console *console, bool is_saved, void *user)
{
	read_settings(console, user);
	if (is_saved)
		tr_setup_restart(console, NULL, NULL);
}

static void machine_done(struct tr_console *console, bool is_saved, void *user)
{
	(void)console, (void)is_saved, (void)user;
}

static void choose(struct tr_console *console, struct setup *setup)
{
	const struct row *row = &setup->rows[setup->chosen];

	if (row->screen) {
		tr_console_push(console, row->screen, NULL);
		return;
	}
	const struct tr_setup_request request = {
		.page = row->page,
		.entry = row->entry,
		.done = row->page->is_machine ? machine_done : page_done,
		.user = setup,
	};
	tr_console_push(console, &tr_screen_setup_page, &request);
}

/* ---- the screen ---- */

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct setup *setup = state;
	const struct tr_area inside = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);
	int first = 0, names = 24;

	if (setup->problem[0]) {
		first = tr_draw_paragraph(&inside, 0, TR_ROLE_BAD, setup->problem, false);
		first += tr_draw_format(&inside, first, 0, 0, TR_ROLE_TEXT,
				 "Mend it by hand first: %s", tr_setup_config(console)) > 0;
	}
	int room = inside.rows - first;
	if (setup->chosen < setup->top)
		setup->top = setup->chosen;
	if (room > 0 && setup->chosen >= setup->top + room)
		setup->top = setup->chosen - room + 1;
	for (int i = 0; i < room && setup->top + i < setup->count; i++) {
		int n = setup->top + i;
		const struct row *row = &setup->rows[n];
		enum tr_role role = n == setup->chosen ? TR_ROLE_SELECTED : TR_ROLE_TEXT;
		tr_draw_format(&inside, first + i, 0, 3, role, "%2d ", n + 1);
		tr_draw_format(&inside, first + i, 3, names, role, "%-*s", names, row->name);
		tr_draw_text(&inside, first + i, 3 + names + 1, 0,
			n == setup->chosen ? TR_ROLE_STRONG : TR_ROLE_DIM,
			row->what ? row->what : "");
		tr_draw_target_row(&inside, first + i, n, n == setup->chosen);
		if (n == setup->chosen)
			tr_draw_cursor(&inside, first + i, 0);
	}
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct setup *setup = state;

	if (tr_list_keys_move(
		    key == TR_KEY_TAB ? TR_KEY_DOWN : key, 10, setup->count - 1, &setup->chosen))
		return TR_SCREEN_TAKEN;
	if (key != TR_KEY_ENTER) {
		if (key < '1' || key > '9' || key - '1' >= setup->count)
			return TR_SCREEN_IGNORED;
		setup->chosen = key - '1';
	}
	choose(console, setup);
	return TR_SCREEN_TAKEN;
}

const struct tr_screen tr_screen_setup = {
	.name = "setup",
	.title = "Set-up",
	.help = "Everything that can be set, a page each. Nothing is written before a page is saved,\n"
		"and nothing that has a fault is written at all.\n\n"
		"Up, Down, Enter    choose\n"
		"1 to 9             the same by number",
	.keys = "Enter open|1-9 open",
	.open = open_setup,
	.draw = draw,
	.key = key,
	.close = close_setup,
};
