/* Does an upload target take something? And whose key is that, where a server shows one. */
#include "console/dialog.h"
#include "console/setup_internal.h"
#include "console/text_view.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct test {
	char name[100];
	struct tr_job *job;
	struct tr_text_view *view;
	json_t *json; /* what the last try said */
	tr_setup_done_fn *done;
	void *user;
};

static void close_test(void *state)
{
	struct test *test = state;

	tr_job_drop(test->job);
	tr_text_view_destroy(test->view);
	json_decref(test->json);
	free(test);
}

static bool has_keys(const struct test *test)
{
	return json_array_size(json_object_get(test->json, "host_keys")) > 0;
}

static void show(struct test *test)
{
	const json_t *json = test->json;
	bool is_fine = tr_node_words_is(json, "is_fine");
	const char *cure = tr_node_words_text(json, "cure");
	json_t *line;
	size_t i;

	tr_text_view_clear(test->view);
	tr_text_view_add_format(test->view, is_fine ? TR_ROLE_GOOD : TR_ROLE_BAD, 0, "%s%s",
		tr_node_words_text(json, "sentence"),
		is_fine ? ": a small file was written there, read and removed." : ".");
	tr_text_view_add(test->view, TR_ROLE_TEXT, 0, "");
	if (has_keys(test)) {
		tr_text_view_add(test->view, TR_ROLE_TEXT, 0,
			"The server shows these keys. On the server this tells what they must be: "
			"ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
		json_array_foreach(json_object_get(json, "fingerprints"), i, line)
			tr_text_view_add_format(test->view, TR_ROLE_STRONG, 4, "  %s",
				json_string_value(line) ? json_string_value(line) : "");
		tr_text_view_add(test->view, TR_ROLE_TEXT, 0, "When they are the same: a");
	} else if (!is_fine && cure[0]) {
		tr_text_view_add_format(test->view, TR_ROLE_TEXT, 4, "Do: %s", cure);
	}
	if (!is_fine)
		tr_text_view_add(test->view, TR_ROLE_DIM, 0,
			"The target is saved all the same, and is tried again with each recording.");
}

static void take_result(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct test *test = user;

	(void)console;
	test->job = NULL;
	if (json_is_string(json_object_get(result->json, "sentence"))) {
		json_decref(test->json);
		test->json = json_incref((json_t *)result->json);
		show(test);
		return;
	}
	tr_text_view_clear(test->view);
	tr_text_view_add(test->view, TR_ROLE_BAD, 0, tr_job_words(result));
}

static void try_it(struct tr_console *console, struct test *test)
{
	const char *const argv[] = {"telerec", "upload", "test", "--json", "--config",
		tr_setup_config(console), test->name, NULL};

	if (!test->job)
		test->job = tr_job_run(
			console, argv, NULL, tr_setup_needs_root(console), take_result, test);
}

static int open_test(struct tr_console *console, const void *argument, void **ret_state)
{
	const struct tr_upload_test_request *request = argument;
	struct test *test = calloc(1, sizeof(*test));

	if (!test || tr_text_view_create(0, &test->view) < 0) {
		free(test);
		return -ENOMEM;
	}
	snprintf(test->name, sizeof(test->name), "%s", request->name);
	test->done = request->done;
	test->user = request->user;
	try_it(console, test);
	*ret_state = test;
	return 0;
}

/* ---- trusting the server ---- */

static void take_trusted(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct test *test = user;

	test->job = NULL;
	if (tr_setup_is_written(console, result, "The server is known from now on."))
		try_it(console, test);
}

static void trust(struct tr_console *console, void *user)
{
	struct test *test = user;
	json_t *keys = json_object_get(test->json, "host_keys");
	char key[TR_SETUP_KEY_MAX];

	if (test->job)
		return;
	snprintf(key, sizeof(key), "storage.uploads[%s].host_keys", test->name);
	test->job = tr_setup_write(console, json_pack("{s:O}", key, keys), take_trusted, test);
}

/* ---- the screen ---- */

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct test *test = state;
	const struct tr_area inside = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);
	const struct tr_area rest = tr_draw_part(&inside, 2, 0, inside.rows - 2, inside.columns);

	(void)console;
	tr_draw_format(
		&inside, 0, 0, 0, TR_ROLE_STRONG, "Does the upload to \"%s\" work?", test->name);
	if (test->job)
		tr_draw_text(&rest, 0, 0, 0, TR_ROLE_DIM, "Writing a small file there ...");
	else
		tr_text_view_draw(test->view, &rest);
}

static void leave(struct tr_console *console, struct test *test)
{
	tr_setup_done_fn *done = test->done;
	void *user = test->user;

	tr_console_pop(console);
	if (done)
		done(console, true, user);
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct test *test = state;

	if (test->job)
		return TR_SCREEN_IGNORED;
	if (tr_text_view_key(test->view, key))
		return TR_SCREEN_TAKEN;
	switch (key) {
	case TR_KEY_ENTER:
		leave(console, test);
		return TR_SCREEN_TAKEN;
	case 'r':
		try_it(console, test);
		return TR_SCREEN_TAKEN;
	case 'a':
		if (has_keys(test))
			tr_dialog_confirm(console, "Trust this server?",
				"Only when the fingerprints are those of the server itself: else "
				"somebody is between, and would get the recordings.",
				"they are the same: trust it", trust, test);
		return TR_SCREEN_TAKEN;
	}
	return TR_SCREEN_IGNORED;
}

static bool may_leave(struct tr_console *console, void *state)
{
	leave(console, state);
	return false;
}

const struct tr_screen tr_screen_upload_test = {
	.name = "upload-test",
	.title = "Upload target",
	.help = "A small file is written to the target, read and removed again.\n\n"
		"r        try again\n"
		"a        trust the server whose key is shown, after comparing it\n"
		"Enter    go on",
	.keys = "Enter go on|r again|a trust the server",
	.open = open_test,
	.draw = draw,
	.key = key,
	.may_leave = may_leave,
	.close = close_test,
};
