/* All that is being recorded, as pictures: is it the right thing, does it move, is there sound? */
#include "console/screens.h"
#include "console/slot_line.h"
#include "core/clock.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CAPTION_ROWS 2
#define GAP 1 /* columns between two */
#define PICTURE_OLD_MS 5000

struct wall {
	struct tr_model *model;
	bool shows_all;	 /* the idle ones, too */
	unsigned chosen; /* slot, from 1 */
	int across;	 /* tiles in a row, as drawn last */
};

/* The numbers of the slots that have a tile; gives how many. */
static unsigned list_tiles(
	const struct wall *wall, const json_t *slots, unsigned numbers[TR_MODEL_SLOTS_MAX])
{
	unsigned count = 0;
	size_t i;
	json_t *slot;

	json_array_foreach((json_t *)slots, i, slot)
	{
		bool is_used = json_is_object(json_object_get(slot, "session")) ||
			       !tr_node_words_is(slot, "is_healthy");
		if (count < TR_MODEL_SLOTS_MAX && (is_used || wall->shows_all))
			numbers[count++] = (unsigned)tr_node_words_int(slot, "slot");
	}
	return count;
}

static void wall_tick(struct tr_console *console, void *state)
{
	const json_t *slots = tr_console_view(console)->slots;
	uint32_t wanted = 0;
	size_t i;
	json_t *slot;

	(void)state;
	json_array_foreach((json_t *)slots, i, slot)
	{
		int64_t number = tr_node_words_int(slot, "slot");
		if (number >= 1 && number <= TR_MODEL_SLOTS_MAX &&
			json_is_object(json_object_get(slot, "session")))
			wanted |= 1u << (number - 1);
	}
	tr_model_want_previews(tr_console_model(console), wanted);
}

static int wall_open(struct tr_console *console, const void *argument, void **ret_state)
{
	struct wall *wall = calloc(1, sizeof(*wall));

	(void)argument;
	if (!wall)
		return -ENOMEM;
	wall->model = tr_console_model(console);
	wall->across = 1;
	wall_tick(console, wall);
	*ret_state = wall;
	return 0;
}

/* ---- drawing ---- */

/* So many columns of tiles that the pictures are largest. */
static int find_across(const struct tr_area *area, unsigned count)
{
	int best = 1, best_width = 0;

	for (int across = 1; across <= (int)count; across++) {
		int down = ((int)count + across - 1) / across;
		int width = area->columns / across - GAP;
		int by_rows = (area->rows / down - CAPTION_ROWS) * 2 * 16 / 9;
		width = by_rows < width ? by_rows : width;
		if (width > best_width) {
			best = across;
			best_width = width;
		}
	}
	return best;
}

static void draw_picture(struct tr_console *console, const struct tr_area *area, unsigned number,
	const char *instead)
{
	struct tr_model_picture picture = {0};
	int64_t now_ms = tr_clock_now_ns() / TR_NS_PER_MS;

	if (area->rows < 1)
		return;
	if (tr_model_picture(tr_console_model(console), number, &picture) < 0) {
		int width = tr_draw_width(area->term, instead);
		int column = (area->columns - width) / 2;
		tr_draw_text(
			area, area->rows / 2, column > 0 ? column : 0, 0, TR_ROLE_DIM, instead);
		return;
	}
	tr_draw_picture(area, picture.rgb, picture.width, picture.height, picture.width * 3);
	if (now_ms - picture.taken_ms > PICTURE_OLD_MS)
		tr_draw_format(area, 0, 0, 0, TR_ROLE_BAD, " %lld s old ",
			(long long)(now_ms - picture.taken_ms) / 1000);
	free(picture.rgb);
}

/* "12 standup", and what is left of the line: the time. */
static void draw_name(const struct tr_area *area, int row, const json_t *slot, bool is_chosen)
{
	const json_t *session = json_object_get(slot, "session");
	enum tr_role role;
	const char *word = tr_slot_word(slot, &role);
	char room[256], length[TR_NODE_WORDS_MAX] = "";
	int column;

	column = tr_draw_format(area, row, 0, 0, is_chosen ? TR_ROLE_SELECTED : TR_ROLE_STRONG,
		"%2lld ", (long long)tr_node_words_int(slot, "slot"));
	if (!json_is_object(session)) {
		tr_draw_text(area, row, column, 0, role, word);
		return;
	}
	tr_slot_room(session, room, sizeof(room));
	tr_node_words_length(tr_slot_elapsed(session), length);
	bool has_time = area->columns >= 24;
	int time = has_time ? area->columns - (int)strlen(length) : area->columns + 1;
	bool is_on = !strcmp(tr_node_words_text(session, "state"), "on");
	column += tr_draw_text(area, row, column, 0, role,
		!is_on				   ? word
		: area->term && area->columns > 40 ? word
						   : "*");
	tr_draw_text(area, row, column + 1, time - column - 2, TR_ROLE_TEXT, room);
	if (has_time && time > column + 4)
		tr_draw_text(area, row, time, 0, TR_ROLE_TEXT, length);
}

static void draw_sound(const struct tr_area *area, int row, const json_t *slot)
{
	const json_t *progress = json_object_get(json_object_get(slot, "session"), "progress");
	char more[160] = "", level[TR_NODE_WORDS_MAX];
	long long dropped = tr_node_words_int(progress, "frames_dropped");

	if (!json_is_object(progress)) {
		tr_draw_text(area, row, 0, 0, TR_ROLE_DIM, tr_node_words_text(slot, "problem"));
		return;
	}
	tr_node_words_level(progress, level);
	if (area->columns >= 44)
		snprintf(more, sizeof(more), " %6s  drift %+.0f ppm  dropped %lld", level,
			tr_node_words_number(progress, "drift_ppm"), dropped);
	else if (area->columns >= 34)
		snprintf(more, sizeof(more), " %6s %+.0f ppm %lld lost", level,
			tr_node_words_number(progress, "drift_ppm"), dropped);
	else if (area->columns >= 18)
		snprintf(more, sizeof(more), " %6s", level);
	int meter = area->columns - (int)strlen(more);
	tr_draw_meter(area, row, 0, meter, tr_slot_level(slot));
	tr_draw_text(area, row, meter, 0, dropped > 0 ? TR_ROLE_WARNING : TR_ROLE_TEXT, more);
}

static void draw_tile(struct tr_console *console, const struct wall *wall,
	const struct tr_area *area, const json_t *slot)
{
	unsigned number = (unsigned)tr_node_words_int(slot, "slot");
	bool is_used = json_is_object(json_object_get(slot, "session"));
	struct tr_area picture = tr_draw_part(area, 0, 0, area->rows - CAPTION_ROWS, area->columns);

	if (is_used)
		draw_picture(console, &picture, number, "no picture yet");
	draw_name(area, area->rows - 2, slot, number == wall->chosen);
	draw_sound(area, area->rows - 1, slot);
}

static void draw_nothing(const struct tr_model_view *view, const struct tr_area *area)
{
	struct tr_area place = tr_draw_part(area, 1, 1, area->rows - 1, area->columns - 2);

	tr_draw_paragraph(&place, 0, TR_ROLE_TEXT,
		!view->slots ? "Nothing is known of the slots yet."
			     : "Nothing is being recorded now. A picture comes here as soon as a "
			       "meeting is. a shows all slots.",
		false);
}

static void wall_draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct wall *wall = state;
	const struct tr_model_view *view = tr_console_view(console);
	unsigned numbers[TR_MODEL_SLOTS_MAX], count = list_tiles(wall, view->slots, numbers);
	bool is_chosen = false;

	if (count == 0) {
		draw_nothing(view, area);
		return;
	}
	for (unsigned i = 0; i < count; i++)
		is_chosen |= numbers[i] == wall->chosen;
	wall->chosen = is_chosen ? wall->chosen : numbers[0];
	wall->across = find_across(area, count);
	int down = ((int)count + wall->across - 1) / wall->across;
	int width = area->columns / wall->across, height = area->rows / down;
	for (unsigned i = 0; i < count; i++) {
		struct tr_area tile = tr_draw_part(area, (int)i / wall->across * height,
			(int)i % wall->across * width, height, width - GAP);
		draw_tile(console, wall, &tile, tr_slot_find(view->slots, numbers[i]));
		tr_draw_target(&tile, 0, 0, tile.rows, tile.columns,
			numbers[i] == wall->chosen ? TR_KEY_ENTER : TR_KEY_PICK + (int)numbers[i]);
	}
}

/* ---- keys ---- */

static void move_choice(struct wall *wall, const json_t *slots, int by)
{
	unsigned numbers[TR_MODEL_SLOTS_MAX], count = list_tiles(wall, slots, numbers);

	for (unsigned i = 0; i < count; i++) {
		int to = (int)i + by;
		if (numbers[i] == wall->chosen) {
			if (to >= 0 && to < (int)count)
				wall->chosen = numbers[to];
			return;
		}
	}
}

static enum tr_screen_answer wall_key(struct tr_console *console, void *state, int key)
{
	struct wall *wall = state;
	const json_t *slots = tr_console_view(console)->slots;

	switch (key) {
	case TR_KEY_LEFT:
		move_choice(wall, slots, -1);
		return TR_SCREEN_TAKEN;
	case TR_KEY_RIGHT:
		move_choice(wall, slots, 1);
		return TR_SCREEN_TAKEN;
	case TR_KEY_UP:
		move_choice(wall, slots, -wall->across);
		return TR_SCREEN_TAKEN;
	case TR_KEY_DOWN:
		move_choice(wall, slots, wall->across);
		return TR_SCREEN_TAKEN;
	case TR_KEY_ENTER:
		if (wall->chosen > 0)
			tr_console_push(console, &tr_screen_slot, &wall->chosen);
		return TR_SCREEN_TAKEN;
	case 'a':
		wall->shows_all = !wall->shows_all;
		return TR_SCREEN_TAKEN;
	default:
		if (key <= TR_KEY_PICK || key > TR_KEY_PICK + TR_MODEL_SLOTS_MAX)
			return TR_SCREEN_IGNORED;
		wall->chosen =
			(unsigned)(key - TR_KEY_PICK); /* drawing looks whether it is there */
		return TR_SCREEN_TAKEN;
	}
}

static void wall_close(void *state)
{
	struct wall *wall = state;

	tr_model_want_previews(wall->model, 0);
	free(wall);
}

const struct tr_screen tr_screen_wall = {
	.name = "wall",
	.title = "Wall",
	.help = "What is being recorded now, as pictures of what the recorders see, two a second.\n\n"
		"Below each picture: the slot's number, the meeting and for how long it is recorded; then "
		"the sound that goes into the file, from -60 dB to 0 dB, how far the sound card's clock "
		"is from ours, and how many pictures were dropped because the machine was busy. Drift is "
		"corrected; many dropped pictures mean that there are more slots than the machine can "
		"carry.\n\n"
		"Arrows     choose a slot\n"
		"Enter      all about it\n"
		"a          all slots, or only those in use",
	.keys = "Arrows choose|Enter open|a all slots",
	.open = wall_open,
	.draw = wall_draw,
	.key = wall_key,
	.tick = wall_tick,
	.close = wall_close,
};
