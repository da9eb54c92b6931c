/* Everything of one slot and of what it records; stop, drain, restart. */
#include "console/dialog.h"
#include "console/screens.h"
#include "console/slot_failure.h"
#include "console/slot_line.h"
#include "core/clock.h"
#include "core/text.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WIDE_COLUMNS 110 /* from here on the picture gets half of the screen */
#define SMALL_PICTURE_ROWS 10

struct slot_view {
	unsigned number;
	struct tr_model *model;
	struct tr_slot_rates rates;
	struct tr_slot_failure failure;
	struct tr_job *job;   /* what was asked for last */
	bool shows_failure;   /* instead of the live picture */
	char session_id[256]; /* the one that a question is about */
};

static const json_t *own_slot(struct tr_console *console, const struct slot_view *slot_view)
{
	return tr_slot_find(tr_console_view(console)->slots, slot_view->number);
}

static const json_t *own_session(struct tr_console *console, const struct slot_view *slot_view)
{
	const json_t *session = json_object_get(own_slot(console, slot_view), "session");

	return json_is_object(session) ? session : NULL;
}

static void slot_tick(struct tr_console *console, void *state)
{
	struct slot_view *slot_view = state;

	tr_slot_rates_take(&slot_view->rates, tr_console_view(console)->slots);
	tr_slot_failure_tick(console, &slot_view->failure);
	if (own_session(console, slot_view) && slot_view->number <= TR_MODEL_SLOTS_MAX)
		tr_model_want_previews(slot_view->model, 1u << (slot_view->number - 1));
}

static int slot_open(struct tr_console *console, const void *argument, void **ret_state)
{
	struct slot_view *slot_view = calloc(1, sizeof(*slot_view));

	if (!slot_view)
		return -ENOMEM;
	slot_view->number = argument ? *(const unsigned *)argument : 1;
	slot_view->number = slot_view->number > 0 ? slot_view->number : 1;
	slot_view->failure.slot = slot_view->number;
	slot_view->model = tr_console_model(console);
	slot_tick(console, slot_view);
	*ret_state = slot_view;
	return 0;
}

static void slot_close(void *state)
{
	struct slot_view *slot_view = state;

	tr_model_want_previews(slot_view->model, 0);
	tr_slot_failure_clear(&slot_view->failure);
	tr_job_drop(slot_view->job);
	free(slot_view);
}

/* ---- drawing ---- */

static int fact(const struct tr_area *area, int row, const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Gives the next row; nothing is drawn for "". */
static int fact(const struct tr_area *area, int row, const char *name, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!text[0])
		return row;
	tr_draw_text(area, row, 1, 9, TR_ROLE_DIM, name);
	tr_draw_text(area, row, 11, 0, TR_ROLE_TEXT, text);
	return row + 1;
}

static int draw_meeting(const struct tr_area *area, int row, const json_t *session)
{
	const json_t *meeting = json_object_get(session, "meeting");
	const char *room = tr_node_words_text(session, "room");

	row = fact(
		area, row, "Meeting", "%s", room[0] ? room : tr_node_words_text(session, "name"));
	row = fact(area, row, "Server", "%s", tr_node_words_text(session, "environment"));
	if (tr_node_words_is(meeting, "is_joined"))
		row = fact(area, row, "People", "%lld besides us, %lld muted%s",
			(long long)tr_node_words_int(meeting, "participants"),
			(long long)tr_node_words_int(meeting, "muted"),
			tr_node_words_is(meeting, "is_connected") ? "" : "; NOT connected");
	else
		row = fact(area, row, "People", "not in the meeting yet");
	return row;
}

static int draw_sound(
	const struct tr_area *area, int row, const json_t *slot, const json_t *progress)
{
	int width = area->columns - 11 - 22;
	char level[TR_NODE_WORDS_MAX];

	tr_node_words_level(progress, level);
	tr_draw_text(area, row, 1, 9, TR_ROLE_DIM, "Sound");
	width = width < 8 ? 8 : width > 40 ? 40 : width;
	tr_draw_meter(area, row, 11, width, tr_slot_level(slot));
	tr_draw_format(area, row, 12 + width, 0, TR_ROLE_TEXT, "%s, mean %.0f dB", level,
		tr_node_words_number(progress, "rms_db"));
	long long gap_ms = tr_node_words_int(progress, "sound_gap_ms");
	return fact(area, row + 1, "", "drift %+.1f ppm, %lld ms of holes",
		tr_node_words_number(progress, "drift_ppm"), gap_ms);
}

static int draw_progress(const struct tr_area *area, int row, const json_t *slot, double per_s,
	const json_t *progress)
{
	char bytes[16];

	row = draw_sound(area, row, slot, progress);
	row = fact(area, row, "Pictures", "%.1f a second, %lld dropped of %lld", per_s,
		(long long)tr_node_words_int(progress, "frames_dropped"),
		(long long)tr_node_words_int(progress, "frames_grabbed"));
	tr_text_format_bytes(tr_node_words_int(progress, "bytes"), bytes, sizeof(bytes));
	row = fact(area, row, "File", "%s, %.0f kbit/s of pictures", bytes,
		tr_node_words_number(progress, "video_kbps"));
	return fact(area, row, "Note", "%s", tr_node_words_text(progress, "note"));
}

static int draw_slot(
	const struct tr_area *area, int row, const json_t *slot, const json_t *progress)
{
	long long restarts = tr_node_words_int(progress, "encoder_restarts");
	long long starts = tr_node_words_int(slot, "starts");
	char more[64] = "";

	if (restarts > 0)
		snprintf(more, sizeof(more), ", started %lld times again", restarts);
	row = fact(area, row, "Encoder", "%s%s", tr_node_words_text(slot, "encoder"), more);
	row = fact(area, row, "Browser", "%s, display %s",
		tr_node_words_text(slot, "browser_version"), tr_node_words_text(slot, "display"));
	row = fact(area, row, "Sound by", "%s", tr_node_words_text(slot, "sound"));
	return fact(area, row, "Process", "started %lld time%s", starts, starts == 1 ? "" : "s");
}

/* All that a line tells; gives the next row. */
static int draw_facts(
	struct tr_console *console, const struct slot_view *slot_view, const struct tr_area *area)
{
	const json_t *slot = own_slot(console, slot_view);
	const json_t *session = own_session(console, slot_view);
	const json_t *progress = json_object_get(session, "progress");
	double per_s = slot_view->number <= TR_MODEL_SLOTS_MAX
			       ? slot_view->rates.slots[slot_view->number - 1].per_s
			       : 0;
	int row = 0;

	if (session)
		row = draw_meeting(area, row, session);
	if (json_is_object(progress))
		row = draw_progress(area, row, slot, per_s, progress);
	row = draw_slot(area, row, slot, progress);
	if (session)
		row = fact(area, row, "Session", "%s", tr_node_words_text(session, "session_id"));
	return row;
}

static int draw_streams(const struct tr_area *area, int row, const json_t *session)
{
	size_t i;
	json_t *stream;

	json_array_foreach(json_object_get(session, "streams"), i, stream)
	{
		const char *state = tr_node_words_text(stream, "state");
		const char *problem = tr_node_words_text(stream, "problem");
		bool is_good = !strcmp(state, "streaming");
		tr_draw_text(area, row, 1, 9, TR_ROLE_DIM, "Stream");
		tr_draw_format(area, row++, 11, 0, is_good ? TR_ROLE_TEXT : TR_ROLE_WARNING,
			"%s: %s, %lld kbit/s, %lld dropped%s%s", tr_node_words_text(stream, "name"),
			state, (long long)tr_node_words_int(stream, "kbps"),
			(long long)tr_node_words_int(stream, "dropped"), problem[0] ? "; " : "",
			problem);
	}
	return row;
}

/* Sentences: what is wrong now, and what went wrong last. */
static int draw_troubles(struct tr_console *console, const struct slot_view *slot_view,
	const struct tr_area *area, int row)
{
	const json_t *slot = own_slot(console, slot_view);
	const char *problem = tr_node_words_text(slot, "problem");
	const char *warning = tr_node_words_text(own_session(console, slot_view), "warning");
	struct tr_area place = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);
	const json_t *failed = slot_view->failure.session;
	char when[TR_NODE_WORDS_MAX], room[256], text[1600];

	if (problem[0])
		row += tr_draw_paragraph(&place, row,
			tr_node_words_is(slot, "is_healthy") ? TR_ROLE_TEXT : TR_ROLE_WARNING,
			problem, false);
	if (warning[0])
		row += tr_draw_paragraph(&place, row, TR_ROLE_WARNING, warning, false);
	if (!failed)
		return row;
	tr_node_words_when(
		tr_node_words_int(failed, "ended_ms"), tr_clock_wall_ns() / TR_NS_PER_MS, when);
	tr_slot_room(failed, room, sizeof(room));
	snprintf(text, sizeof(text), "Failed last at %s (%s): %s", when, room,
		tr_node_words_text(failed, "sentence"));
	return row + tr_draw_paragraph(&place, row, TR_ROLE_WARNING, text, false);
}

static void draw_picture(
	struct tr_console *console, const struct slot_view *slot_view, const struct tr_area *area)
{
	const struct tr_model_picture *failed = &slot_view->failure.picture;
	struct tr_area place = tr_draw_part(area, 0, 0, area->rows - 1, area->columns);
	struct tr_model_picture live = {0};
	bool is_live = own_session(console, slot_view) && !slot_view->shows_failure;

	if (is_live && tr_model_picture(slot_view->model, slot_view->number, &live) == 0) {
		tr_draw_picture(&place, live.rgb, live.width, live.height, live.width * 3);
		tr_draw_text(area, area->rows - 1, 0, 0, TR_ROLE_DIM, "What it records now.");
	} else if (!is_live && failed->rgb) {
		tr_draw_picture(
			&place, failed->rgb, failed->width, failed->height, failed->width * 3);
		tr_draw_text(area, area->rows - 1, 0, 0, TR_ROLE_DIM,
			"What the page showed when it failed.");
	}
	free(live.rgb);
}

static void draw_headline(
	struct tr_console *console, const struct slot_view *slot_view, const struct tr_area *area)
{
	const json_t *slot = own_slot(console, slot_view),
		     *session = own_session(console, slot_view);
	enum tr_role role;
	const char *word = tr_slot_word(slot, &role);
	char room[256] = "", length[TR_NODE_WORDS_MAX] = "";

	int column =
		1 + tr_draw_format(area, 0, 1, 0, TR_ROLE_STRONG, "Slot %u: ", slot_view->number);
	column += tr_draw_text(area, 0, column, 0, role, word);
	if (!session)
		return;
	tr_slot_room(session, room, sizeof(room));
	tr_node_words_length(tr_slot_elapsed(session), length);
	tr_draw_format(area, 0, column + 1, 0, TR_ROLE_STRONG, " %s, %s", length, room);
}

static bool has_picture(struct tr_console *console, const struct slot_view *slot_view)
{
	return own_session(console, slot_view) || slot_view->failure.picture.rgb;
}

static void slot_draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	const struct slot_view *slot_view = state;
	bool is_wide = area->columns >= WIDE_COLUMNS;

	if (!own_slot(console, slot_view)) {
		tr_draw_format(area, 1, 1, 0, TR_ROLE_TEXT, "Nothing is known of slot %u.",
			slot_view->number);
		return;
	}
	draw_headline(console, slot_view, area);
	int width = is_wide ? area->columns / 2 - 1 : area->columns - 31;
	struct tr_area facts = tr_draw_part(area, 2, 0, area->rows - 2, width);
	struct tr_area picture = tr_draw_part(area, is_wide ? 0 : 1, width + 1,
		is_wide ? area->rows : SMALL_PICTURE_ROWS, area->columns - width - 2);
	if (!has_picture(console, slot_view))
		facts.columns = area->columns;
	int row = 2 + draw_facts(console, slot_view, &facts);
	if (has_picture(console, slot_view))
		draw_picture(console, slot_view, &picture);
	struct tr_area rest = is_wide && has_picture(console, slot_view)
				      ? tr_draw_part(area, 0, 0, area->rows, width)
				      : *area;
	row = draw_streams(&rest, row, own_session(console, slot_view));
	draw_troubles(console, slot_view, &rest, row + (area->rows > 18));
}

/* ---- orders ---- */

static void take_answer(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct slot_view *slot_view = user;

	slot_view->job = NULL;
	if (result->rc < 0)
		tr_console_say(console, TR_ROLE_BAD, "%s", result->problem);
	else
		tr_console_say(console, TR_ROLE_GOOD, "Done.");
}

static void order(struct tr_console *console, struct slot_view *slot_view, const char *method,
	const char *path)
{
	if (slot_view->job) {
		tr_console_say(console, TR_ROLE_WARNING, "The node has not answered yet.");
		return;
	}
	slot_view->job = tr_job_call(console, method, path, NULL, take_answer, slot_view);
}

static void stop_now(struct tr_console *console, void *user)
{
	struct slot_view *slot_view = user;
	TR_CLEANUP(tr_freep) char *id = tr_node_client_escape(slot_view->session_id);
	char path[1024];

	snprintf(path, sizeof(path), "/v1/sessions/%s/stop", id ? id : "");
	order(console, slot_view, "POST", path);
}

static void ask_stop(struct tr_console *console, struct slot_view *slot_view)
{
	const json_t *session = own_session(console, slot_view);
	char text[1024], room[256], length[TR_NODE_WORDS_MAX];

	if (!session) {
		tr_console_say(
			console, TR_ROLE_TEXT, "Nothing runs in slot %u.", slot_view->number);
		return;
	}
	snprintf(slot_view->session_id, sizeof(slot_view->session_id), "%s",
		tr_node_words_text(session, "session_id"));
	tr_slot_room(session, room, sizeof(room));
	tr_node_words_length(tr_slot_elapsed(session), length);
	snprintf(text, sizeof(text),
		"%s is no longer recorded from now on, and people in it see that. What was recorded, "
		"%s, stays, and its file is made.",
		room, length);
	tr_dialog_confirm(console, "Stop the recording?", text, "stop", stop_now, slot_view);
}

static void restart_now(struct tr_console *console, void *user)
{
	struct slot_view *slot_view = user;
	char path[64];

	snprintf(path, sizeof(path), "/v1/slots/%u/restart", slot_view->number);
	order(console, slot_view, "POST", path);
}

static void ask_restart(struct tr_console *console, struct slot_view *slot_view)
{
	if (own_session(console, slot_view)) {
		tr_dialog_message(console, "Restart", TR_ROLE_TEXT,
			"The slot records, and is not restarted in the middle of that. Stop the "
			"recording first (s). What is broken in a running recording the slot mends "
			"by itself.");
		return;
	}
	tr_dialog_confirm(console, "Restart the slot?",
		"Its browser and its screen are ended and started anew, and it proves that it can "
		"record. It takes no recording for some seconds. Nothing is lost: it records nothing "
		"now.",
		"restart", restart_now, slot_view);
}

static void drain_now(struct tr_console *console, void *user)
{
	order(console, user, "POST", "/v1/drain");
}

static void ask_drain(struct tr_console *console, struct slot_view *slot_view)
{
	if (tr_node_words_is(tr_console_view(console)->node, "is_draining")) {
		order(console, slot_view, "DELETE", "/v1/drain");
		return;
	}
	tr_dialog_confirm(console, "Drain this node?",
		"No slot of this node takes a new recording until d is pressed again; meetings use "
		"other recorders, or cannot record. What runs goes on to its end.",
		"drain", drain_now, slot_view);
}

static void change_slot(struct tr_console *console, struct slot_view *slot_view, int by)
{
	unsigned number = slot_view->number + (unsigned)by;

	if (!tr_slot_find(tr_console_view(console)->slots, number))
		return;
	tr_slot_failure_clear(&slot_view->failure);
	memset(&slot_view->failure, 0, sizeof(slot_view->failure));
	slot_view->number = slot_view->failure.slot = number;
	slot_view->shows_failure = false;
	slot_tick(console, slot_view);
}

static enum tr_screen_answer slot_key(struct tr_console *console, void *state, int key)
{
	struct slot_view *slot_view = state;

	switch (key) {
	case 's':
		ask_stop(console, slot_view);
		return TR_SCREEN_TAKEN;
	case 'r':
		ask_restart(console, slot_view);
		return TR_SCREEN_TAKEN;
	case 'd':
		ask_drain(console, slot_view);
		return TR_SCREEN_TAKEN;
	case 'f':
		slot_view->shows_failure = !slot_view->shows_failure;
		return TR_SCREEN_TAKEN;
	case TR_KEY_LEFT:
	case TR_KEY_UP:
		change_slot(console, slot_view, -1);
		return TR_SCREEN_TAKEN;
	case TR_KEY_RIGHT:
	case TR_KEY_DOWN:
		change_slot(console, slot_view, 1);
		return TR_SCREEN_TAKEN;
	default:
		return TR_SCREEN_IGNORED;
	}
}

const struct tr_screen tr_screen_slot = {
	.name = "slot",
	.title = "Slot",
	.help = "Everything of one slot and of the recording in it.\n\n"
		"s          stop the recording; what was recorded stays\n"
		"d          drain the node: nothing new starts, what runs goes on; again: new ones start\n"
		"r          restart the slot: a new browser and a new screen\n"
		"f          what the page showed when a recording failed here, or the live picture\n"
		"Arrows     the other slots",
	.keys = "s stop|d drain|r restart|f failure|Arrows slot",
	.open = slot_open,
	.draw = slot_draw,
	.key = slot_key,
	.tick = slot_tick,
	.close = slot_close,
};
