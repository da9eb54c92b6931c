/* The guided set-up: page after page, from an empty telerec.conf to "ready to record". */
#include "console/dialog.h"
#include "console/screens.h"
#include "console/setup_internal.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct step {
	const struct tr_setup_page *page; /* NULL: telerecd is started anew */
	bool is_for_appliance;
};

static const struct step all_steps[] = {
	{&tr_setup_page_keyboard, true},
	{&tr_setup_page_network, true},
	{&tr_setup_page_time, true},
	{&tr_setup_page_jitsi, false},
	{&tr_setup_page_slots, false},
	{&tr_setup_page_storage, false},
	{&tr_setup_page_name, false},
	{&tr_setup_page_pin, true},
	{NULL, false},
};

enum mark { OPEN, DONE, LEFT };

struct guide {
	const struct step *steps[TR_COUNT(all_steps)];
	enum mark marks[TR_COUNT(all_steps)];
	unsigned count, at;
	bool is_going; /* the next page comes by itself */
	struct tr_job *job;
	char environment[400]; /* the first one there is: its page shows it again */
};

static void close_guide(void *state)
{
	struct guide *guide = state;

	tr_job_drop(guide->job);
	free(guide);
}

static void step_done(struct tr_console *console, bool is_saved, void *user)
{
	struct guide *guide = user;

	(void)console;
	guide->marks[guide->at] = is_saved ? DONE : LEFT;
	guide->is_going = is_saved && guide->at + 1 < guide->count;
	if (is_saved)
		guide->at++;
}

static void show_step(struct tr_console *console, struct guide *guide)
{
	const struct step *step = guide->steps[guide->at];
	char number[40];

	guide->is_going = false;
	if (!step->page) {
		tr_setup_restart(console, step_done, guide);
		return;
	}
	snprintf(number, sizeof(number), "Step %u of %u", guide->at + 1, guide->count);
	const struct tr_setup_request request = {
		.page = step->page,
		.entry = step->page == &tr_setup_page_jitsi ? guide->environment : NULL,
		.is_brief = true,
		.step = number,
		.done = step_done,
		.user = guide,
	};
	tr_console_push(console, &tr_screen_setup_page, &request);
}

static void take_settings(
	struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct guide *guide = user;
	const json_t *list = json_object_get(result->json, "environments");

	(void)console;
	guide->job = NULL;
	snprintf(guide->environment, sizeof(guide->environment), "%s",
		tr_node_words_text(json_array_get(list, 0), "name"));
}

static int open_guide(struct tr_console *console, const void *argument, void **ret_state)
{
	const char *const argv[] = {
		"telerec", "config", "show", "--json", "--config", tr_setup_config(console), NULL};
	struct guide *guide = calloc(1, sizeof(*guide));

	(void)argument;
	if (!guide)
		return -ENOMEM;
	for (size_t i = 0; i < TR_COUNT(all_steps); i++)
		if (!all_steps[i].is_for_appliance || tr_setup_is_appliance())
			guide->steps[guide->count++] = &all_steps[i];
	guide->job = tr_job_run(console, argv, NULL, false, take_settings, guide);
	*ret_state = guide;
	return 0;
}

/* ---- the end of it ---- */

static unsigned count_links(const json_t *links, const json_t **ret_bad)
{
	unsigned count = 0;
	json_t *link;
	size_t i;

	*ret_bad = NULL;
	json_array_foreach((json_t *)links, i, link)
	{
		if (!strcmp(tr_node_words_text(link, "state"), "present"))
			count++;
		else if (!*ret_bad && tr_node_words_text(link, "problem")[0])
			*ret_bad = link;
	}
	return count;
}

/* What stands between here and a recording, or that nothing does. */
static void draw_readiness(struct tr_console *console, const struct tr_area *area)
{
	const struct tr_model_view *view = tr_console_view(console);
	const json_t *links = json_object_get(view->node, "links"), *bad;
	unsigned present = count_links(links, &bad);
	long long healthy = tr_node_words_int(view->node, "slots_healthy");
	long long slots = tr_node_words_int(view->node, "slot_count");
	char text[600];

	if (view->is_up && present > 0 && present == json_array_size(links) && healthy > 0) {
		snprintf(text, sizeof(text),
			"Ready to record: %lld of %lld slots have proved that they can, and Jicofo can "
			"ask them. Open a meeting and start its recording.",
			healthy, slots);
		tr_draw_paragraph(area, 0, TR_ROLE_GOOD, text, false);
		return;
	}
	if (!view->is_up)
		snprintf(text, sizeof(text), "Waiting for telerecd: %s", view->problem);
	else if (healthy == 0)
		snprintf(text, sizeof(text),
			"Waiting: the slots start and prove with a film of their own that they can "
			"record. %s",
			tr_node_words_text(view->node, "problem"));
	else if (bad)
		snprintf(text, sizeof(text), "No connection with %s: %s",
			tr_node_words_text(bad, "entry"), tr_node_words_text(bad, "problem"));
	else
		snprintf(text, sizeof(text), "Waiting for the connection with the Jitsi server.");
	tr_draw_paragraph(
		area, 0, bad && view->is_up ? TR_ROLE_WARNING : TR_ROLE_TEXT, text, false);
}

/* ---- the screen ---- */

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	const struct guide *guide = state;
	const struct tr_area inside = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);
	bool is_over = guide->at >= guide->count;
	static const char *const marks[] = {"      ", "done  ", "left  "};
	int row =
		tr_draw_paragraph(&inside, 0, TR_ROLE_TEXT,
			"Some questions, and this machine is ready to record. What is proposed is good for "
			"most: F10 takes a page as it is. Every page can be changed later in Set-up.",
			false) +
		1;

	for (unsigned i = 0; i < guide->count; i++) {
		const struct tr_setup_page *page = guide->steps[i]->page;
		bool is_here = i == guide->at;
		tr_draw_format(&inside, row + (int)i, 0, 0,
			is_here			  ? TR_ROLE_STRONG
			: guide->marks[i] == DONE ? TR_ROLE_GOOD
			: guide->marks[i] == LEFT ? TR_ROLE_WARNING
						  : TR_ROLE_TEXT,
			"%s %u %s %s", is_here ? ">" : " ", i + 1, marks[guide->marks[i]],
			page ? page->name : "Start telerecd with these settings");
	}
	row += (int)guide->count + 1;
	const struct tr_area below =
		tr_draw_part(&inside, row, 0, inside.rows - row, inside.columns);
	if (is_over)
		draw_readiness(console, &below);
	else
		tr_draw_format(&below, 0, 0, 0, TR_ROLE_STRONG, "Enter: go on with step %u",
			guide->at + 1);
}

static void tick(struct tr_console *console, void *state)
{
	struct guide *guide = state;

	/* The settings are being read for a moment: the key was not in vain. */
	if (guide->is_going && !guide->job)
		show_step(console, guide);
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct guide *guide = state;

	if (key == TR_KEY_ENTER && guide->at < guide->count) {
		guide->is_going = true;
		tick(console, guide);
	} else if (key == TR_KEY_ENTER && guide->at >= guide->count)
		tr_console_push(console, &tr_screen_home, NULL);
	else if ((key == 's' || key == TR_KEY_DOWN) && guide->at + 1 < guide->count)
		guide->at++;
	else if (key == TR_KEY_UP && guide->at > 0)
		guide->at--;
	else
		return TR_SCREEN_IGNORED;
	return TR_SCREEN_TAKEN;
}

const struct tr_screen tr_screen_first_run = {
	.name = "first-run",
	.title = "Guided set-up",
	.help = "Leads through the pages that a new machine needs, one after the other. What has\n"
		"been saved stays, also when you leave in between.\n\n"
		"Enter        go on\n"
		"s, Down      leave this step out\n"
		"Up           back to the one before",
	.keys = "Enter go on|s skip|Up back",
	.open = open_guide,
	.draw = draw,
	.key = key,
	.tick = tick,
	.close = close_guide,
};
