/* On which disk recordings are kept: those that are attached, with what is on them, and a network
 * share. */
#include "console/dialog.h"
#include "console/list_keys.h"
#include "console/screens.h"
#include "console/setup_internal.h"
#include "core/text.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define INTERNAL "/var/lib/telerec/recordings"
#define ROWS_MAX 64

struct row {
	const json_t *part; /* NULL: the internal disk, or an empty one */
	const json_t *disk; /* NULL: the internal one, or the share */
	bool is_share;
};

struct disks {
	struct tr_job *job;
	const char *doing;
	json_t *json; /* as `telerec storage --json` */
	struct row rows[ROWS_MAX];
	int count, chosen;
	char device[80]; /* that was asked about */
	char problem[600];
};

static void close_disks(void *state)
{
	struct disks *disks = state;

	tr_job_drop(disks->job);
	json_decref(disks->json);
	free(disks);
}

/* ---- reading ---- */

static void add_row(struct disks *disks, const json_t *disk, const json_t *part)
{
	if (disks->count < ROWS_MAX)
		disks->rows[disks->count++] = (struct row){part, disk, false};
}

static const char *share_of(const struct disks *disks)
{
	return tr_node_words_text(json_object_get(disks->json, "share"), "url");
}

static void make_rows(struct disks *disks)
{
	json_t *disk, *part;
	size_t i, k;

	disks->count = 0;
	add_row(disks, NULL, NULL);
	disks->rows[disks->count++] = (struct row){.is_share = true};
	json_array_foreach(json_object_get(disks->json, "disks"), i, disk)
	{
		json_t *parts = json_object_get(disk, "partitions");
		json_array_foreach(parts, k, part) add_row(disks, disk, part);
		if (json_array_size(parts) == 0)
			add_row(disks, disk, NULL);
	}
	if (disks->chosen >= disks->count)
		disks->chosen = 0;
}

static void say_problem(struct disks *disks, const struct tr_job_result *result)
{
	snprintf(disks->problem, sizeof(disks->problem), "%.590s", tr_job_words(result));
}

static void take_disks(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct disks *disks = user;

	(void)console;
	disks->job = NULL;
	disks->problem[0] = '\0';
	if (result->rc == 0 && result->status == 0 && json_is_object(result->json)) {
		json_decref(disks->json);
		disks->json = json_incref((json_t *)result->json);
		make_rows(disks);
	} else
		say_problem(disks, result);
}

static void read_disks(struct tr_console *console, struct disks *disks)
{
	const char *const argv[] = {
		"telerec", "storage", "show", "--json", "--config", tr_setup_config(console), NULL};

	disks->doing = "Looking which disks there are ...";
	if (!disks->job)
		disks->job = tr_job_run(console, argv, NULL, false, take_disks, disks);
}

static int open_disks(struct tr_console *console, const void *argument, void **ret_state)
{
	struct disks *disks = calloc(1, sizeof(*disks));

	(void)argument;
	if (!disks)
		return -ENOMEM;
	read_disks(console, disks);
	*ret_state = disks;
	return 0;
}

/* ---- what is done ---- */

/* Of a disk without partitions it is told why nothing can be put on it. */
static bool is_used(const struct row *row)
{
	const char *obstacle = tr_node_words_text(row->disk, "obstacle");

	return !row->disk || tr_node_words_text(row->part, "mounted")[0] ||
	       (!row->part && (strstr(obstacle, "mounted") || strstr(obstacle, "part of") ||
				      strstr(obstacle, "in use")));
}

static const char *find_obstacle(const struct row *row)
{
	if (!row->disk)
		return "";
	if (row->part)
		return tr_node_words_text(row->part, "obstacle");
	return is_used(row) ? tr_node_words_text(row->disk, "obstacle") : "it is empty";
}

static const char *device_of(const struct row *row)
{
	return tr_node_words_text(row->part ? row->part : row->disk, "path");
}

static void take_used(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct disks *disks = user;

	disks->job = NULL;
	if (result->rc < 0 || result->status != 0) {
		tr_dialog_message(console, "The recordings stay where they are", TR_ROLE_BAD,
			tr_job_words(result));
		return;
	}
	read_disks(console, disks);
	tr_setup_restart(console, NULL, NULL);
}

static void use_now(struct tr_console *console, void *user)
{
	struct disks *disks = user;
	const char *config = tr_setup_config(console);
	const char *const use[] = {
		"telerec", "storage", "use", disks->device, "--config", config, NULL};
	const char *const internal[] = {
		"telerec", "config", "set", "--stdin", "--config", config, NULL};
	const char *const forget[] = {
		"telerec", "storage", "share", "--forget", "--config", config, NULL};
	bool is_disk = disks->device[0], is_share = !is_disk && share_of(disks)[0];

	disks->doing = is_share ? "Leaving the share ..." : "Preparing the disk ...";
	if (!disks->job)
		disks->job = tr_job_run(console,
			is_disk	   ? use
			: is_share ? forget
				   : internal,
			is_disk || is_share ? NULL : "{\"recordings\": \"" INTERNAL "\"}",
			is_disk || is_share || tr_setup_needs_root(console), take_used, disks);
}

static void take_formatted(
	struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct disks *disks = user;

	disks->job = NULL;
	if (result->rc < 0 || result->status != 0)
		tr_dialog_message(
			console, "It is not formatted", TR_ROLE_BAD, tr_job_words(result));
	else
		tr_console_say(console, TR_ROLE_GOOD, "It is empty now: Enter takes it.");
	read_disks(console, disks);
}

static void format_now(struct tr_console *console, void *user)
{
	struct disks *disks = user;
	const char *const argv[] = {
		"telerec", "storage", "format", disks->device, "--yes-erase", disks->device, NULL};

	disks->doing = "Formatting; this may take some minutes ...";
	if (!disks->job)
		disks->job = tr_job_run(console, argv, NULL, true, take_formatted, disks);
}

static void share_done(struct tr_console *console, bool is_saved, void *user)
{
	read_disks(console, user);
	if (is_saved)
		tr_setup_restart(console, NULL, NULL);
}

static void choose_share(struct tr_console *console, struct disks *disks)
{
	const struct tr_setup_request request = {
		.page = &tr_setup_page_share, .done = share_done, .user = disks};

	tr_console_push(console, &tr_screen_setup_page, &request);
}

static void choose(struct tr_console *console, struct disks *disks)
{
	const struct row *row = &disks->rows[disks->chosen];
	const char *obstacle = find_obstacle(row);
	char text[600];

	if (row->is_share) {
		choose_share(console, disks);
		return;
	}
	snprintf(disks->device, sizeof(disks->device), "%.79s", row->disk ? device_of(row) : "");
	if (obstacle[0]) {
		snprintf(text, sizeof(text), "%s cannot hold recordings as it is: %s.%s",
			disks->device, obstacle,
			is_used(row) ? "" : " f formats it; all that is on it is lost by that.");
		tr_dialog_message(console, "Not this disk", TR_ROLE_TEXT, text);
		return;
	}
	if (row->disk)
		snprintf(text, sizeof(text),
			"New recordings go onto %s. It gets the label TELEREC-REC, by which it is found "
			"and mounted whenever it is attached. What is on it stays, and so do the "
			"recordings that were made until now where they are.\n\nWithout the disk nothing "
			"can be recorded.",
			disks->device);
	else
		snprintf(text, sizeof(text),
			"New recordings go into " INTERNAL
			". Those that were made until now stay where they are.");
	tr_dialog_confirm(console, "Keep recordings there?", text, "yes", use_now, disks);
}

static void ask_format(struct tr_console *console, struct disks *disks)
{
	const struct row *row = &disks->rows[disks->chosen];
	char text[500], bytes[16];

	if (is_used(row)) {
		tr_dialog_message(console, "Not this disk", TR_ROLE_TEXT,
			row->disk	? "It is in use: it is not erased."
			: row->is_share ? "A network share is another machine's: it is not erased."
					: "The system is on it: it is not erased.");
		return;
	}
	snprintf(disks->device, sizeof(disks->device), "%.79s", device_of(row));
	tr_text_format_bytes(tr_node_words_int(row->part ? row->part : row->disk, "bytes"), bytes,
		sizeof(bytes));
	snprintf(text, sizeof(text),
		"ALL that is on %s (%s, %.80s, %.60s) is lost for good. It becomes an empty disk for "
		"recordings.",
		disks->device, bytes, tr_node_words_text(row->disk, "model"),
		row->part && tr_node_words_text(row->part, "label")[0]
			? tr_node_words_text(row->part, "label")
			: "without a label");
	tr_dialog_confirm_word(
		console, "Format this disk?", text, disks->device, format_now, disks);
}

/* ---- the screen ---- */

static void say_share(const struct disks *disks, char *out, size_t size)
{
	const char *url = share_of(disks);
	bool is_there = tr_node_words_is(json_object_get(disks->json, "share"), "mounted");

	snprintf(out, size, "%-15s %10s  %.300s%s", "network share", "",
		url[0] ? url : "a folder of another machine: NFS or SMB",
		url[0] && !is_there ? ": NOT there now" : "");
}

static void say_row(const struct disks *disks, const struct row *row, char *out, size_t size)
{
	const char *label = tr_node_words_text(row->part, "label");
	const char *mounted = tr_node_words_text(row->part, "mounted");
	char bytes[16];

	if (row->is_share) {
		say_share(disks, out, size);
		return;
	}
	if (!row->disk) {
		snprintf(out, size, "%-15s %10s  %s", "internal", "", INTERNAL);
		return;
	}
	tr_text_format_bytes(tr_node_words_int(row->part ? row->part : row->disk, "bytes"), bytes,
		sizeof(bytes));
	snprintf(out, size, "%-15.60s %10s  %-6.20s %-16.40s %.60s%s%.200s", device_of(row), bytes,
		row->part      ? tr_node_words_text(row->part, "type")
		: is_used(row) ? "in use"
			       : "empty",
		label, mounted[0] ? "" : tr_node_words_text(row->disk, "model"),
		mounted[0] ? "at " : "", mounted);
}

static int draw_head(const struct disks *disks, const struct tr_area *area)
{
	char free_bytes[16], total[16];
	const char *folder = tr_node_words_text(disks->json, "folder");

	tr_text_format_bytes(
		tr_node_words_int(disks->json, "free_bytes"), free_bytes, sizeof(free_bytes));
	tr_text_format_bytes(tr_node_words_int(disks->json, "total_bytes"), total, sizeof(total));
	if (folder[0])
		return tr_draw_format(area, 0, 0, 0, TR_ROLE_TEXT, "Now: %s, %s of %s free", folder,
			       free_bytes, total) > 0;
	return tr_draw_text(area, 0, 0, 0, TR_ROLE_DIM,
		       "Where recordings are kept now is not known.") > 0;
}

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct disks *disks = state;
	const struct tr_area inside = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);
	char line[600];
	int row = draw_head(disks, &inside) + 1;

	(void)console;
	tr_draw_format(&inside, row++, 0, 0, TR_ROLE_STRONG, "%-15s %10s  %-6s %-16s %s", "DEVICE",
		"SIZE", "HOLDS", "LABEL", "DISK");
	for (int i = 0; i < disks->count; i++) {
		say_row(disks, &disks->rows[i], line, sizeof(line));
		tr_draw_text(&inside, row + i, 0, 0,
			i == disks->chosen ? TR_ROLE_SELECTED : TR_ROLE_TEXT, line);
		tr_draw_target_row(&inside, row + i, i, i == disks->chosen);
		if (i == disks->chosen)
			tr_draw_cursor(&inside, row + i, 0);
	}
	row += disks->count + 1;
	const struct tr_area below =
		tr_draw_part(&inside, row, 0, inside.rows - row, inside.columns);
	if (disks->job)
		tr_draw_text(&below, 0, 0, 0, TR_ROLE_STRONG, disks->doing);
	else if (disks->problem[0])
		tr_draw_paragraph(&below, 0, TR_ROLE_BAD, disks->problem, false);
	else
		tr_draw_paragraph(&below, 0, TR_ROLE_DIM,
			"A disk that is plugged in now comes with r.", false);
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct disks *disks = state;

	if (disks->count > 0 && tr_list_keys_move(key, 10, disks->count - 1, &disks->chosen))
		return TR_SCREEN_TAKEN;
	if (disks->job || disks->count == 0)
		return TR_SCREEN_IGNORED;
	switch (key) {
	case TR_KEY_ENTER:
		choose(console, disks);
		return TR_SCREEN_TAKEN;
	case 'f':
		ask_format(console, disks);
		return TR_SCREEN_TAKEN;
	case 'r':
		read_disks(console, disks);
		return TR_SCREEN_TAKEN;
	}
	return TR_SCREEN_IGNORED;
}

const struct tr_screen tr_screen_disk = {
	.name = "disk",
	.title = "Disk of the recordings",
	.help = "On which disk recordings are kept. A disk for them has a label that begins with "
		"TELEREC-REC, and is mounted by itself whenever it is attached. A network share is "
		"tried first; recordings to the internal disk that are uploaded to it are safer.\n\n"
		"Up, Down    choose\n"
		"Enter       keep recordings there; asks first\n"
		"f           format: an empty disk for recordings; all that was on it is lost\n"
		"r           look again which disks there are",
	.keys = "Enter take it|f format|r look again",
	.open = open_disks,
	.draw = draw,
	.key = key,
	.close = close_disks,
};
