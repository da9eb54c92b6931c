#include "console/setup_internal.h"

#include "console/console.h"
#include "console/dialog.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ENTRY_MAX 300

struct page {
	const struct tr_setup_page *table;
	char entry[ENTRY_MAX], step[40];
	bool is_brief, is_saving;
	struct tr_form *form;
	struct tr_job *job, *facts_job;
	char facts[400];  /* measured on this machine; "" until that is known */
	json_t *settings; /* as they are; NULL: not read yet */
	json_t *changes;  /* being written */
	char problem[1024], note[TR_SETUP_NOTE_MAX];
	tr_setup_done_fn *done;
	void *user;
};

static void close_page(void *state)
{
	struct page *page = state;

	tr_job_drop(page->job);
	tr_job_drop(page->facts_job);
	tr_form_destroy(page->form);
	json_decref(page->settings);
	json_decref(page->changes);
	free(page);
}

/* ---- reading ---- */

static bool is_brief_key(const struct tr_setup_page *table, const char *key)
{
	for (unsigned i = 0; table->brief[i]; i++)
		if (!strcmp(table->brief[i], key))
			return true;
	return false;
}

static void fill(struct page *page)
{
	const struct tr_setup_page *table = page->table;

	tr_setup_values_fill(table->fields, table->count, page->form, page->settings);
	if (table->fill)
		table->fill(page->form, page->settings, page->entry);
	for (unsigned i = 0; i < table->count && page->is_brief && table->brief; i++)
		if (table->fields[i].key && !is_brief_key(table, table->fields[i].key))
			tr_form_show(page->form, table->fields[i].key, false);
	if (table->update)
		table->update(page->form, page->is_brief);
}

/* A list of complaints as one text. */
static void join_complaints(const json_t *json, char *out, size_t size)
{
	const json_t *list = json_object_get(json, "complaints");
	size_t used = 0, i;
	json_t *line;

	out[0] = '\0';
	json_array_foreach((json_t *)list, i, line)
	{
		int length = snprintf(out + used, size - used, "%s%s", i > 0 ? "\n" : "",
			json_string_value(line) ? json_string_value(line) : "");
		if (length < 0 || (size_t)length >= size - used)
			return;
		used += (size_t)length;
	}
}

static void describe(const struct tr_job_result *result, char *out, size_t size)
{
	join_complaints(result->json, out, size);
	if (out[0])
		return;
	const char *sentence =
		tr_node_words_text(json_object_get(result->json, "error"), "sentence");
	if (!sentence[0])
		sentence = tr_job_words(result);
	snprintf(out, size, "%s", sentence[0] ? sentence : "It did not work.");
}

/* Settings that are not there yet are all defaults. */
static bool is_new_file(struct tr_console *console, const struct page *page)
{
	return !page->table->is_machine && access(tr_setup_config(console), F_OK) < 0 &&
	       errno == ENOENT;
}

static void take_settings(
	struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct page *page = user;
	bool is_good = result->rc == 0 && result->status == 0 && json_is_object(result->json);

	page->job = NULL;
	if (!is_good && !is_new_file(console, page)) {
		describe(result, page->problem, sizeof(page->problem));
		return;
	}
	page->settings = is_good ? json_incref((json_t *)result->json) : json_object();
	if (page->table->refusal)
		tr_setup_values_text(tr_setup_values_get(page->settings, page->table->refusal),
			page->problem, sizeof(page->problem));
	fill(page);
}

static void take_facts(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct page *page = user;

	(void)console;
	page->facts_job = NULL;
	if (json_is_object(result->json))
		page->table->say_facts(result->json, page->facts, sizeof(page->facts));
}

static int open_page(struct tr_console *console, const void *argument, void **ret_state)
{
	const struct tr_setup_request *request = argument;
	struct page *page = calloc(1, sizeof(*page));

	if (!page || tr_form_create(request->page->fields, request->page->count, &page->form) < 0) {
		free(page);
		return -ENOMEM;
	}
	page->table = request->page;
	page->is_brief = request->is_brief;
	page->done = request->done;
	page->user = request->user;
	snprintf(page->entry, sizeof(page->entry), "%s", request->entry ? request->entry : "");
	snprintf(page->step, sizeof(page->step), "%s", request->step ? request->step : "");
	const char *const config[] = {
		"telerec", "config", "show", "--json", "--config", tr_setup_config(console), NULL};
	static const char *const machine[] = {"telerec", "machine", "status", "--json", NULL};
	static const char *const probe[] = {"telerec", "probe", "--json", NULL};
	page->job = tr_job_run(console, page->table->is_machine ? machine : config, NULL, false,
		take_settings, page);
	if (page->table->say_facts)
		page->facts_job = tr_job_run(console, probe, NULL, false, take_facts, page);
	*ret_state = page;
	return 0;
}

/* ---- writing ---- */

/* A complaint names its setting: the field's cursor goes there. */
static void blame_named(struct page *page, const char *text)
{
	for (unsigned i = 0; i < page->table->count; i++) {
		const char *key = page->table->fields[i].key;
		const char *tail = key ? strrchr(key, '.') : NULL;
		tail = tail ? tail + 1 : key;
		if (tail && strlen(tail) > 3 && page->table->fields[i].kind != TR_FIELD_NOTE &&
			strstr(text, tail)) {
			tr_form_blame(page->form, key, text);
			return;
		}
	}
}

static void leave(struct tr_console *console, struct page *page, bool is_saved)
{
	const struct tr_setup_page *table = page->table;
	tr_setup_done_fn *done = page->done;
	void *user = page->user;
	bool is_changed = json_object_size(page->changes) > 0;
	char note[TR_SETUP_NOTE_MAX];

	snprintf(note, sizeof(note), "%s", page->note);
	tr_console_pop(console);
	if (is_saved && is_changed && table->saved)
		table->saved(console, note, done, user);
	else if (done)
		done(console, is_saved, user);
}

static void take_saved(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct page *page = user;
	char text[1024];

	page->job = NULL;
	page->is_saving = false;
	if (result->rc == 0 && result->status == 0) {
		tr_form_clean(page->form);
		tr_console_say(console, TR_ROLE_GOOD, "Saved.");
		leave(console, page, true);
		return;
	}
	json_decref(page->changes);
	page->changes = NULL;
	describe(result, text, sizeof(text));
	blame_named(page, text);
	tr_dialog_message(console, "Nothing is changed", TR_ROLE_BAD, text);
}

static void save(struct tr_console *console, struct page *page)
{
	const struct tr_setup_page *table = page->table;
	const char *const config[] = {"telerec", "config", "set", "--stdin", "--json", "--config",
		tr_setup_config(console), NULL};
	static const char *const machine[] = {
		"telerec", "machine", "set", "--stdin", "--json", NULL};
	const char *const own[] = {"telerec", table->words ? table->words[0] : "",
		table->words ? table->words[1] : "", "--stdin", "--json", "--config",
		tr_setup_config(console), NULL};

	if (page->job || !page->settings)
		return;
	page->changes =
		table->collect ? table->collect(page->form, page->settings, page->entry, page->note)
			       : tr_setup_values_collect(table->fields, table->count, page->form,
					 page->settings, "");
	if (json_object_size(page->changes) == 0) {
		/* Nothing was changed: a step is done with that, a page need not be made effective.
		 */
		leave(console, page, page->is_brief);
		return;
	}
	char *input = json_dumps(page->changes, JSON_COMPACT);
	page->is_saving = true;
	page->job =
		input ? tr_job_run(console,
				table->words	    ? own
				: table->is_machine ? machine
						    : config,
				input,
				table->words || table->is_machine || tr_setup_needs_root(console),
				take_saved, page)
		      : NULL;
	page->is_saving = page->job != NULL;
	if (input)
		explicit_bzero(input, strlen(input));
	free(input);
}

/* ---- the screen ---- */

/* The rows that it took. What comes late must not move what somebody is about to click on. */
static int draw_facts(const struct page *page, const struct tr_area *area)
{
	if (!page->table->say_facts)
		return 0;
	if (!page->facts[0] && page->facts_job)
		return tr_draw_paragraph(
			area, 0, TR_ROLE_DIM, "Looking at this machine ...", false);
	int rows = tr_draw_paragraph(area, 0, TR_ROLE_GOOD, page->facts, false);
	return rows > 0 ? rows : 1;
}

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct page *page = state;
	int row = 0;

	(void)console;
	const struct tr_area inside = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);
	if (page->step[0])
		row += tr_draw_format(&inside, row, 0, 0, TR_ROLE_STRONG, "%s: %s", page->step,
			       page->table->name) > 0;
	const struct tr_area text =
		tr_draw_part(&inside, row, 0, inside.rows - row, inside.columns);
	row += tr_draw_paragraph(&text, 0, TR_ROLE_DIM, page->table->what, false);
	const struct tr_area measured =
		tr_draw_part(&inside, row, 0, inside.rows - row, inside.columns);
	row += draw_facts(page, &measured) + 1;
	const struct tr_area rest =
		tr_draw_part(&inside, row, 0, inside.rows - row, inside.columns);
	if (page->problem[0])
		tr_draw_paragraph(&rest, 0, TR_ROLE_BAD, page->problem, false);
	else if (!page->settings)
		tr_draw_text(&rest, 0, 0, 0, TR_ROLE_DIM, "Reading the settings ...");
	else if (page->is_saving)
		tr_draw_text(&rest, 0, 0, 0, TR_ROLE_STRONG, "Checking and saving ...");
	else
		tr_form_draw(page->form, &rest);
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct page *page = state;

	if (key == TR_KEY_ESCAPE || !page->settings || page->is_saving)
		return TR_SCREEN_IGNORED;
	if (page->problem[0]) {
		/* Nothing can be set here: a step of the guide goes on all the same. */
		if (key == TR_KEY_ENTER || key == TR_KEY_F1 + 9)
			leave(console, page, true);
		return TR_SCREEN_TAKEN;
	}
	enum tr_form_answer answer = tr_form_key(console, page->form, key);
	if (page->table->update)
		page->table->update(page->form, page->is_brief);
	if (answer == TR_FORM_SAVE)
		save(console, page);
	return answer == TR_FORM_IGNORED ? TR_SCREEN_IGNORED : TR_SCREEN_TAKEN;
}

static void throw_away(struct tr_console *console, void *user)
{
	leave(console, user, false);
}

/* Always by leave(): who opened the page is told. */
static bool may_leave(struct tr_console *console, void *state)
{
	struct page *page = state;

	if (page->is_saving)
		tr_console_say(console, TR_ROLE_DIM, "It is being saved, a moment please.");
	else if (page->settings && !page->problem[0] && tr_form_is_dirty(page->form, NULL))
		tr_dialog_confirm(console, "Not saved",
			"What you changed on this page would be lost.", "throw it away", throw_away,
			page);
	else
		leave(console, page, false);
	return false;
}

const struct tr_screen tr_screen_setup_page = {
	.name = "setup-page",
	.title = "Set-up",
	.help = "A page of settings. Every value is checked while you type, and all of them once\n"
		"more before they are written: with a fault nothing is changed.\n\n"
		"Up, Down, Tab    to another field\n"
		"Enter            to the next field; on [ Save ]: save\n"
		"Space            turn a switch, open a choice\n"
		"Left, Right      in a text; in a choice: the next one\n"
		"Ctrl-U           empty a text\n"
		"F10              save at once\n"
		"Esc              back; asks when something is not saved\n\n"
		"! marks a value that cannot be, * one that is not saved yet.",
	.keys = "Enter next|Space choose|F10 save",
	.open = open_page,
	.draw = draw,
	.key = key,
	.may_leave = may_leave,
	.close = close_page,
	.takes_text = true,
};
