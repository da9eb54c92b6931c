#include "console/slot_line.h"

#include "core/clock.h"
#include "protocol/node_words.h"

#include <stdio.h>
#include <string.h>

#define WINDOW_MS 2000
#define SILENT_DB (-200.0)

void tr_slot_rates_take(struct tr_slot_rates *rates, const json_t *slots)
{
	size_t i;
	json_t *slot;

	json_array_foreach((json_t *)slots, i, slot)
	{
		int64_t number = tr_node_words_int(slot, "slot");
		const json_t *progress =
			json_object_get(json_object_get(slot, "session"), "progress");
		int64_t ms = tr_node_words_int(progress, "ms");
		int64_t frames = tr_node_words_int(progress, "frames_encoded");
		if (number < 1 || number > TR_MODEL_SLOTS_MAX)
			continue;
		__auto_type rate = &rates->slots[number - 1];
		if (!progress || frames < rate->frames || ms < rate->ms || rate->ms == 0) {
			rate->per_s = 0;
		} else if (ms - rate->ms < WINDOW_MS) {
			continue;
		} else {
			rate->per_s =
				(double)(frames - rate->frames) * 1000 / (double)(ms - rate->ms);
		}
		rate->ms = progress ? ms : 0;
		rate->frames = frames;
	}
}

const json_t *tr_slot_find(const json_t *slots, unsigned number)
{
	size_t i;
	json_t *slot;

	json_array_foreach((json_t *)slots, i,
		slot) if (tr_node_words_int(slot, "slot") == number) return slot;
	return NULL;
}

/* ---- words ---- */

const char *tr_slot_word(const json_t *slot, enum tr_role *ret_role)
{
	const json_t *session = json_object_get(slot, "session");
	const char *phase = tr_node_words_text(session, "state");
	const char *state = tr_node_words_text(slot, "state");

	*ret_role = TR_ROLE_TEXT;
	if (!strcmp(phase, "on")) {
		*ret_role = TR_ROLE_RECORDING;
		return strcmp(tr_node_words_text(session, "kind"), "stream") ? "RECORDING"
									     : "STREAMING";
	}
	if (phase[0]) {
		*ret_role = TR_ROLE_WARNING;
		return !strcmp(phase, "pending") ? "joining" : "ending";
	}
	if (!strcmp(state, "starting"))
		return "starting";
	if (!tr_node_words_is(slot, "is_healthy")) {
		*ret_role = TR_ROLE_BAD;
		return "UNWELL";
	}
	if (!strcmp(state, "idle"))
		*ret_role = TR_ROLE_GOOD;
	return tr_node_words_is(slot, "is_held") ? "held" : state;
}

void tr_slot_room(const json_t *session, char *out, size_t size)
{
	const char *room = tr_node_words_text(session, "room");
	size_t length = strcspn(room, "@");

	if (length == 0) {
		room = tr_node_words_text(session, "name");
		room = room[0] ? room : tr_node_words_text(session, "session_id");
		length = strlen(room);
	}
	snprintf(out, size, "%.*s", (int)length, room);
}

int64_t tr_slot_elapsed(const json_t *session)
{
	int64_t on_ms = tr_node_words_int(session, "on_ms");
	int64_t from_ms = on_ms > 0 ? on_ms : tr_node_words_int(session, "accepted_ms");
	int64_t ms = tr_clock_wall_ns() / TR_NS_PER_MS - from_ms;

	return from_ms > 0 && ms > 0 ? ms : 0;
}

double tr_slot_level(const json_t *slot)
{
	const json_t *progress = json_object_get(json_object_get(slot, "session"), "progress");

	return json_is_object(progress) ? tr_node_words_number(progress, "peak_db") : SILENT_DB;
}

/* ---- the table ---- */

/* Columns; 0 wide where there is no room for it. */
struct columns {
	int room, room_width;
	int time, meter, meter_width, level, rate, dropped, cpu, encoder;
};

static struct columns lay_out(int width)
{
	struct columns c = {.room = 16, .meter_width = width >= 120 ? 24 : 12};
	int right = width - 1;

	if (width >= 100) {
		c.encoder = right - 12;
		right = c.encoder - 1;
	}
	if (width >= 70) {
		c.cpu = right - 5;
		right = c.cpu - 1;
		c.dropped = right - 7;
		right = c.dropped - 1;
		c.rate = right - 6;
		right = c.rate - 1;
	}
	c.level = right - 6;
	c.meter = c.level - 1 - c.meter_width;
	c.time = c.meter - 9;
	c.room_width = c.time - 1 - c.room;
	return c;
}

static void head(const struct tr_area *area, int row, int column, const char *text)
{
	if (column > 0)
		tr_draw_text(area, row, column, 0, TR_ROLE_DIM, text);
}

void tr_slot_line_head(const struct tr_area *area, int row)
{
	struct columns c = lay_out(area->columns);

	head(area, row, 1, "SLOT");
	head(area, row, 6, "STATE");
	head(area, row, c.room, "MEETING");
	head(area, row, c.time + 4, "TIME");
	head(area, row, c.meter, "SOUND");
	head(area, row, c.rate, "PICT/S");
	head(area, row, c.dropped, "DROPPED");
	head(area, row, c.cpu, "  CPU");
	head(area, row, c.encoder, "ENCODER");
}

static void draw_session(const struct tr_area *area, int row, const struct columns *c,
	const json_t *slot, double per_s)
{
	const json_t *session = json_object_get(slot, "session");
	const json_t *progress = json_object_get(session, "progress");
	char room[256], length[TR_NODE_WORDS_MAX], level[TR_NODE_WORDS_MAX];

	tr_slot_room(session, room, sizeof(room));
	if (c->room_width > 0)
		tr_draw_text(area, row, c->room, c->room_width, TR_ROLE_STRONG, room);
	tr_node_words_length(tr_slot_elapsed(session), length);
	tr_draw_format(area, row, c->time, 8, TR_ROLE_TEXT, "%8s", length);
	if (!json_is_object(progress))
		return;
	tr_draw_meter(area, row, c->meter, c->meter_width, tr_slot_level(slot));
	tr_node_words_level(progress, level);
	tr_draw_format(area, row, c->level, 6, TR_ROLE_TEXT, "%6s", level);
	if (c->rate > 0)
		tr_draw_format(area, row, c->rate, 6, TR_ROLE_TEXT, "%6.1f", per_s);
	long long dropped = tr_node_words_int(progress, "frames_dropped");
	if (c->dropped > 0)
		tr_draw_format(area, row, c->dropped, 7,
			dropped > 0 ? TR_ROLE_WARNING : TR_ROLE_TEXT, "%7lld", dropped);
}

void tr_slot_line_draw(const struct tr_area *area, int row, const json_t *slot,
	const struct tr_slot_rates *rates, bool is_chosen)
{
	struct columns c = lay_out(area->columns);
	long long number = tr_node_words_int(slot, "slot");
	enum tr_role role;
	const char *word = tr_slot_word(slot, &role);
	bool is_known = number >= 1 && number <= TR_MODEL_SLOTS_MAX;

	tr_draw_format(area, row, 0, 5, is_chosen ? TR_ROLE_SELECTED : TR_ROLE_TEXT, "%s%2lld ",
		is_chosen ? ">" : " ", number);
	tr_draw_text(area, row, 6, 9, role, word);
	if (c.encoder > 0)
		tr_draw_text(area, row, c.encoder, 12, TR_ROLE_TEXT,
			tr_node_words_text(slot, "encoder"));
	if (json_is_object(json_object_get(slot, "session")))
		draw_session(area, row, &c, slot, is_known ? rates->slots[number - 1].per_s : 0);
	if (c.cpu > 0 && is_known && rates->slots[number - 1].cpu > 0)
		tr_draw_format(area, row, c.cpu, 5, TR_ROLE_TEXT, "%3.0f %%",
			rates->slots[number - 1].cpu * 100);
	if (!json_is_object(json_object_get(slot, "session")) &&
		!tr_node_words_is(slot, "is_healthy"))
		tr_draw_text(area, row, c.room,
			(c.encoder > 0 ? c.encoder : area->columns) - 1 - c.room, TR_ROLE_TEXT,
			tr_node_words_text(slot, "problem"));
}
