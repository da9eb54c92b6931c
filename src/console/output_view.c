/* What a program prints, to be read: differences before a change, lines to paste, reports. */
#include "console/dialog.h"
#include "console/setup_internal.h"
#include "console/text_view.h"
#include "core/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_S 5 /* after which one asks how long it has been */

struct output {
	char *title, *what;
	struct tr_text_view *view;
	struct tr_job *job;
	int64_t begin_ns;
	bool is_diff;
	tr_setup_done_fn *done;
	void *user;
};

static void close_output(void *state)
{
	struct output *output = state;

	tr_job_drop(output->job);
	tr_text_view_destroy(output->view);
	free(output->title);
	free(output->what);
	free(output);
}

static void take_output(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct output *output = user;
	bool is_good = result->rc == 0 && result->status == 0;

	(void)console;
	output->job = NULL;
	tr_text_view_clear(output->view);
	tr_text_view_go_top(output->view);
	if (output->is_diff)
		tr_text_view_add_diff(output->view, result->text ? result->text : "");
	else if (result->text && result->text[0])
		tr_text_view_add(output->view, TR_ROLE_TEXT, 2, result->text);
	if (!is_good && result->problem && result->problem[0])
		tr_text_view_add(output->view, TR_ROLE_BAD, 0, result->problem);
	else if (!is_good)
		tr_text_view_add_format(
			output->view, TR_ROLE_BAD, 0, "It ended with code %d.", result->status);
	else if (tr_text_view_count(output->view) == 0)
		tr_text_view_add(output->view, TR_ROLE_DIM, 0,
			output->is_diff ? "Nothing would change." : "It said nothing.");
}

static int open_output(struct tr_console *console, const void *argument, void **ret_state)
{
	const struct tr_output_request *request = argument;
	struct output *output = calloc(1, sizeof(*output));

	if (!output)
		return -ENOMEM;
	output->title = strdup(request->title);
	output->what = strdup(request->what ? request->what : "");
	output->is_diff = request->is_diff;
	output->done = request->done;
	output->user = request->user;
	if (!output->title || !output->what || tr_text_view_create(0, &output->view) < 0) {
		close_output(output);
		return -ENOMEM;
	}
	output->begin_ns = tr_clock_now_ns();
	output->job =
		tr_job_run(console, request->argv, NULL, request->as_root, take_output, output);
	*ret_state = output;
	return 0;
}

/* Some programs take minutes: how long it has been, and what they have said. */
static void draw_progress(struct output *output, const struct tr_area *area)
{
	const struct tr_area below = tr_draw_part(area, 2, 0, area->rows - 2, area->columns);
	TR_CLEANUP(tr_freep) char *text = output->is_diff ? NULL : tr_job_so_far(output->job);
	int64_t seconds = (tr_clock_now_ns() - output->begin_ns) / TR_NS_PER_S;

	if (seconds < PATIENCE_S)
		tr_draw_text(area, 0, 0, 0, TR_ROLE_DIM, "A moment ...");
	else
		tr_draw_format(area, 0, 0, 0, TR_ROLE_DIM, "A moment ... %" PRId64 ":%02" PRId64,
			seconds / 60, seconds % 60);
	tr_text_view_clear(output->view);
	if (text)
		tr_text_view_add(output->view, TR_ROLE_TEXT, 2, text);
	tr_text_view_follow(output->view);
	tr_text_view_draw(output->view, &below);
}

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct output *output = state;
	const struct tr_area inside = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);
	int row = 0;

	(void)console;
	row += tr_draw_text(&inside, row, 0, 0, TR_ROLE_STRONG, output->title) > 0;
	const struct tr_area text =
		tr_draw_part(&inside, row, 0, inside.rows - row, inside.columns);
	if (output->what[0])
		row += tr_draw_paragraph(&text, 0, TR_ROLE_TEXT, output->what, false);
	row++;
	const struct tr_area rest =
		tr_draw_part(&inside, row, 0, inside.rows - row, inside.columns);
	if (output->job)
		draw_progress(output, &rest);
	else
		tr_text_view_draw(output->view, &rest);
}

static void leave(struct tr_console *console, struct output *output, bool is_yes)
{
	tr_setup_done_fn *done = output->done;
	void *user = output->user;

	tr_console_pop(console);
	if (done)
		done(console, is_yes, user);
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct output *output = state;

	if (tr_text_view_key(output->view, key))
		return TR_SCREEN_TAKEN;
	if (key != TR_KEY_ENTER || output->job)
		return TR_SCREEN_IGNORED;
	leave(console, output, true);
	return TR_SCREEN_TAKEN;
}

static bool may_leave(struct tr_console *console, void *state)
{
	leave(console, state, false);
	return false;
}

const struct tr_screen tr_screen_output = {
	.name = "output",
	.title = "To read",
	.help = "A text to read: what a program said, or would change.\n\n"
		"Up, Down, Page Up, Page Down, Home, End    scroll\n"
		"Enter    go on\n"
		"Esc      back",
	.keys = "Enter go on|Up/Down scroll",
	.open = open_output,
	.draw = draw,
	.key = key,
	.may_leave = may_leave,
	.close = close_output,
};
