/* One recording: its report, poster and files, and what can be done with it. */
#include "console/dialog.h"
#include "console/job.h"
#include "console/screens.h"
#include "console/setup_internal.h"
#include "console/sticks.h"
#include "console/text_view.h"
#include "core/text.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 1200

struct recording {
	char id[300];
	struct tr_job *job, *poster_job;
	json_t *json;
	struct tr_model_picture poster;
	struct tr_text_view *view;
	const char *doing; /* what the job is for */
	struct tr_stick sticks[TR_STICKS_MAX];
};

static void close_recording(void *state)
{
	struct recording *recording = state;

	tr_job_drop(recording->job);
	tr_job_drop(recording->poster_job);
	json_decref(recording->json);
	free(recording->poster.rgb);
	tr_text_view_destroy(recording->view);
	free(recording);
}

static void make_path(
	const struct recording *recording, const char *more, char out[static PATH_BYTES])
{
	TR_CLEANUP(tr_freep) char *word = tr_node_client_escape(recording->id);

	snprintf(out, PATH_BYTES, "/v1/recordings/%.900s%s", word ? word : "", more);
}

/* ---- its text ---- */

static void put(struct recording *recording, const char *name, const char *value)
{
	if (value[0])
		tr_text_view_add_format(recording->view, TR_ROLE_TEXT, 10, "%-9s %s", name, value);
}

static void show_sound(struct recording *recording, const json_t *report)
{
	const json_t *sound = json_object_get(report, "sound");
	char text[200];

	if (!sound)
		return;
	snprintf(text, sizeof(text), "peak %.0f dB, %.0f s of silence in all, %lld gap%s",
		tr_node_words_number(sound, "peak_db"), tr_node_words_number(sound, "silence_s"),
		(long long)tr_node_words_int(sound, "gaps"),
		tr_node_words_int(sound, "gaps") == 1 ? "" : "s");
	put(recording, "Sound", text);
}

static void show_pictures(struct recording *recording, const json_t *report)
{
	const json_t *pictures = json_object_get(report, "pictures");
	char text[300];

	if (!pictures)
		return;
	snprintf(text, sizeof(text), "%lldx%lld, %lld grabbed, %lld dropped, by %.60s",
		(long long)tr_node_words_int(report, "width"),
		(long long)tr_node_words_int(report, "height"),
		(long long)tr_node_words_int(pictures, "grabbed"),
		(long long)tr_node_words_int(pictures, "dropped"),
		tr_node_words_text(pictures, "encoder"));
	put(recording, "Pictures", text);
}

/* How it gets to where it is kept. */
static void show_uploads(struct recording *recording)
{
	char text[700], sent[16], all[16];
	json_t *upload;
	size_t i;

	json_array_foreach(json_object_get(recording->json, "uploads"), i, upload)
	{
		const char *state = tr_node_words_text(upload, "state");
		const char *error = tr_node_words_text(upload, "error");
		bool is_failed = !strcmp(state, "failed");
		tr_text_format_bytes(tr_node_words_int(upload, "bytes"), sent, sizeof(sent));
		tr_text_format_bytes(tr_node_words_int(upload, "total"), all, sizeof(all));
		if (!strcmp(state, "running"))
			snprintf(text, sizeof(text), "to %.60s: %s of %s",
				tr_node_words_text(upload, "name"), sent, all);
		else
			snprintf(text, sizeof(text), "to %.60s: %s%s%.400s%s",
				tr_node_words_text(upload, "name"), state, error[0] ? ", " : "",
				error, is_failed ? " (u tries again now)" : "");
		tr_text_view_add_format(recording->view, is_failed ? TR_ROLE_WARNING : TR_ROLE_TEXT,
			10, "%-9s %s", i == 0 ? "Upload" : "", text);
	}
}

static void show_files(struct recording *recording)
{
	char text[400], bytes[16];
	json_t *file;
	size_t i;

	json_array_foreach(json_object_get(recording->json, "files"), i, file)
	{
		tr_text_format_bytes(tr_node_words_int(file, "bytes"), bytes, sizeof(bytes));
		snprintf(text, sizeof(text), "%.300s, %s", tr_node_words_text(file, "name"), bytes);
		put(recording, i == 0 ? "Files" : "", text);
	}
}

static void show(struct recording *recording)
{
	const json_t *json = recording->json, *report = json_object_get(json, "report");
	char date[TR_NODE_WORDS_MAX], length[TR_NODE_WORDS_MAX];
	json_t *reason;
	size_t i;

	tr_text_view_clear(recording->view);
	tr_node_words_date(tr_node_words_int(json, "created_ms"), date);
	tr_node_words_length(tr_node_words_int(json, "duration_ms"), length);
	put(recording, "Name", tr_node_words_text(json, "name"));
	put(recording, "Room", tr_node_words_text(json, "room"));
	put(recording, "Made", date);
	put(recording, "Length", length);
	put(recording, "State", tr_node_words_text(json, "state"));
	put(recording, "Reason", tr_node_words_text(json, "reason"));
	put(recording, "Grade", tr_node_words_text(json, "grade"));
	json_array_foreach(json_object_get(report, "reasons"), i, reason)
		put(recording, i == 0 ? "because" : "",
			json_string_value(reason) ? json_string_value(reason) : "");
	put(recording, "Trouble", tr_node_words_text(report, "trouble"));
	show_pictures(recording, report);
	show_sound(recording, report);
	put(recording, "Script", tr_node_words_is(json, "is_finalized") ? "is through" : "");
	show_uploads(recording);
	show_files(recording);
	put(recording, "Session", tr_node_words_text(json, "session_id"));
	put(recording, "Id", recording->id);
}

/* ---- reading ---- */

static void take_poster(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct recording *recording = user;

	(void)console;
	recording->poster_job = NULL;
	if (result->rc < 0 || !result->picture || !result->picture->rgb)
		return; /* there is none, or it is not made yet */
	size_t bytes = (size_t)result->picture->width * (size_t)result->picture->height * 3;
	uint8_t *rgb = malloc(bytes);
	if (!rgb)
		return;
	memcpy(rgb, result->picture->rgb, bytes);
	free(recording->poster.rgb);
	recording->poster = *result->picture;
	recording->poster.rgb = rgb;
}

static void ask_poster(struct tr_console *console, struct recording *recording)
{
	const char *name = "";
	char path[PATH_BYTES], more[400];
	json_t *file;
	size_t i;

	json_array_foreach(json_object_get(recording->json, "files"), i, file)
	{
		const char *each = tr_node_words_text(file, "name");
		size_t length = strlen(each);
		if (length > 4 && !strcmp(each + length - 4, ".jpg"))
			name = each;
	}
	if (!name[0] || recording->poster.rgb || recording->poster_job)
		return;
	TR_CLEANUP(tr_freep) char *word = tr_node_client_escape(name);
	snprintf(more, sizeof(more), "/files/%.380s", word ? word : "");
	make_path(recording, more, path);
	recording->poster_job = tr_job_picture(console, path, take_poster, recording);
}

static void take_recording(
	struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct recording *recording = user;

	recording->job = NULL;
	if (result->rc < 0) {
		tr_text_view_clear(recording->view);
		tr_text_view_add(recording->view, TR_ROLE_BAD, 0, result->problem);
		return;
	}
	json_decref(recording->json);
	recording->json = json_incref(result->json);
	show(recording);
	ask_poster(console, recording);
}

static void read_again(struct tr_console *console, struct recording *recording)
{
	char path[PATH_BYTES];

	make_path(recording, "", path);
	recording->doing = "Reading its report ...";
	if (!recording->job)
		recording->job = tr_job_call(console, "GET", path, NULL, take_recording, recording);
}

static int open_recording(struct tr_console *console, const void *argument, void **ret_state)
{
	struct recording *recording = calloc(1, sizeof(*recording));

	if (!recording || tr_text_view_create(0, &recording->view) < 0) {
		free(recording);
		return -ENOMEM;
	}
	snprintf(recording->id, sizeof(recording->id), "%.299s",
		argument ? (const char *)argument : "");
	read_again(console, recording);
	*ret_state = recording;
	return 0;
}

/* ---- what can be done ---- */

static void take_removed(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct recording *recording = user;

	recording->job = NULL;
	if (result->rc < 0) {
		tr_dialog_message(console, "It is still there", TR_ROLE_BAD, result->problem);
		return;
	}
	tr_console_say(console, TR_ROLE_GOOD, "The recording is gone.");
	tr_console_pop(console);
}

static void remove_it(struct tr_console *console, void *user)
{
	struct recording *recording = user;
	char path[PATH_BYTES];

	make_path(recording, "", path);
	recording->doing = "Deleting ...";
	if (!recording->job)
		recording->job =
			tr_job_call(console, "DELETE", path, NULL, take_removed, recording);
}

static void ask_remove(struct tr_console *console, struct recording *recording)
{
	char text[700], bytes[16], length[TR_NODE_WORDS_MAX];

	tr_text_format_bytes(tr_node_words_int(recording->json, "bytes"), bytes, sizeof(bytes));
	tr_node_words_length(tr_node_words_int(recording->json, "duration_ms"), length);
	snprintf(text, sizeof(text),
		"%.300s\n%s long, %s\n\nThe film, its poster and its report are removed for good. "
		"Nobody can bring them back.",
		tr_node_words_text(recording->json, "name"), length, bytes);
	tr_dialog_confirm(
		console, "Delete this recording?", text, "delete it", remove_it, recording);
}

static void take_finish(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct recording *recording = user;

	recording->job = NULL;
	if (result->rc < 0)
		tr_dialog_message(
			console, "It is not finished again", TR_ROLE_WARNING, result->problem);
	else
		tr_console_say(console, TR_ROLE_GOOD, "Its files are being made once more.");
	read_again(console, recording);
}

static void take_upload(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct recording *recording = user;

	recording->job = NULL;
	if (result->rc < 0)
		tr_dialog_message(console, "It is not uploaded", TR_ROLE_WARNING, result->problem);
	else
		tr_console_say(console, TR_ROLE_GOOD, "It is uploaded as soon as its turn comes.");
	read_again(console, recording);
}

static void upload(struct tr_console *console, struct recording *recording)
{
	char path[PATH_BYTES];

	if (json_array_size(json_object_get(recording->json, "uploads")) == 0) {
		tr_dialog_message(console, "No upload", TR_ROLE_TEXT,
			"No upload target is meant for this recording. Set-up, Upload target makes "
			"one.");
		return;
	}
	make_path(recording, "/uploads", path);
	recording->doing = "Asking ...";
	recording->job = tr_job_call(console, "POST", path, NULL, take_upload, recording);
}

static void take_copied(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct recording *recording = user;

	recording->job = NULL;
	if (result->rc < 0 || result->status != 0)
		tr_dialog_message(console, "It was not copied", TR_ROLE_BAD, tr_job_words(result));
	else
		tr_dialog_message(console, "Copied", TR_ROLE_GOOD,
			"The recording is on the stick. Before you pull it out, unmount it: umount "
			"FOLDER, or wait until its light is dark for some seconds.");
}

static void copy_to(struct tr_console *console, int choice, void *user)
{
	struct recording *recording = user;
	const char *folder = recording->sticks[choice].folder;
	const char *node = tr_setup_node(console);
	const char *const argv[] = {"telerec", "recordings", "get", recording->id, "--to", folder,
		node ? "--node" : NULL, node, NULL};

	recording->doing = "Copying; this takes as long as the stick needs ...";
	if (!recording->job)
		recording->job = tr_job_run(
			console, argv, NULL, access(folder, W_OK) < 0, take_copied, recording);
}

static void ask_copy(struct tr_console *console, struct recording *recording)
{
	const char *items[TR_STICKS_MAX + 1] = {0};
	unsigned count = tr_sticks_find("", recording->sticks);

	if (count == 0) {
		tr_dialog_message(console, "No stick is mounted", TR_ROLE_TEXT,
			"Plug one in. When it is not mounted by itself, as root: mount /dev/sdb1 /media, "
			"then press c again.\n\nOver the network, from another machine: telerec "
			"recordings get ID --node https://THIS-MACHINE");
		return;
	}
	for (unsigned i = 0; i < count; i++)
		items[i] = recording->sticks[i].name;
	tr_dialog_choose(console, "Copy to which?", items, 0, copy_to, recording);
}

/* ---- the screen ---- */

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct recording *recording = state;
	const struct tr_area inside = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);
	int half = recording->poster.rgb ? inside.columns * 2 / 5 : 0;

	(void)console;
	if (recording->job)
		tr_draw_text(&inside, inside.rows - 1, 0, 0, TR_ROLE_STRONG, recording->doing);
	const struct tr_area text =
		tr_draw_part(&inside, 0, 0, inside.rows - 1, inside.columns - half - (half > 0));
	tr_text_view_draw(recording->view, &text);
	if (half > 0) {
		const struct tr_area right =
			tr_draw_part(&inside, 0, inside.columns - half, inside.rows - 1, half);
		tr_draw_picture(&right, recording->poster.rgb, recording->poster.width,
			recording->poster.height, recording->poster.width * 3);
	}
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct recording *recording = state;
	char path[PATH_BYTES];

	if (tr_text_view_key(recording->view, key))
		return TR_SCREEN_TAKEN;
	if (recording->job || !recording->json)
		return TR_SCREEN_IGNORED;
	switch (key) {
	case 'd':
		ask_remove(console, recording);
		return TR_SCREEN_TAKEN;
	case 'c':
		ask_copy(console, recording);
		return TR_SCREEN_TAKEN;
	case 'u':
		upload(console, recording);
		return TR_SCREEN_TAKEN;
	case 'f':
		make_path(recording, "/finish", path);
		recording->doing = "Asking ...";
		recording->job = tr_job_call(console, "POST", path, NULL, take_finish, recording);
		return TR_SCREEN_TAKEN;
	case 'r':
		read_again(console, recording);
		return TR_SCREEN_TAKEN;
	}
	return TR_SCREEN_IGNORED;
}

const struct tr_screen tr_screen_recording = {
	.name = "recording",
	.title = "Recording",
	.help = "One recording: how good it is and why, its poster and its files.\n\n"
		"c    copy to a stick that is plugged in\n"
		"u    upload now, without waiting for the next try\n"
		"f    make its files, or run its script, once more\n"
		"d    delete, after asking\n"
		"r    read again",
	.keys = "c copy|u upload|f finish again|d delete|r again",
	.open = open_recording,
	.draw = draw,
	.key = key,
	.close = close_recording,
};
