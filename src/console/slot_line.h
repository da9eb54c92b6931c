/* A slot in words, and as a line of a table; and what follows from two looks at it. */
#ifndef TR_CONSOLE_SLOT_LINE_H
#define TR_CONSOLE_SLOT_LINE_H

#include "console/draw.h"
#include "console/model.h"

/* Pictures a second, of the last seconds. */
struct tr_slot_rates {
	struct {
		int64_t ms, frames;
		double per_s;
		double cpu; /* processors in use, 1 is a whole one; 0: not known */
	} slots[TR_MODEL_SLOTS_MAX];
};

/* `slots` as the model has them; NULL is fine. */
void tr_slot_rates_take(struct tr_slot_rates *rates, const json_t *slots);

const json_t *tr_slot_find(const json_t *slots, unsigned number); /* NULL: none */

/* "RECORDING", "idle", "UNWELL"; short. */
const char *tr_slot_word(const json_t *slot, enum tr_role *ret_role);

/* The meeting's name without its server, or the session's. */
void tr_slot_room(const json_t *session, char *out, size_t size);

/* ms since it is on, or since it was accepted; 0: nothing runs. */
int64_t tr_slot_elapsed(const json_t *session);

/* The level for a meter, -200 when nothing is known. */
double tr_slot_level(const json_t *slot);

/* The head of the table, and a line of it; they show more where there are more columns. */
void tr_slot_line_head(const struct tr_area *area, int row);
void tr_slot_line_draw(const struct tr_area *area, int row, const json_t *slot,
	const struct tr_slot_rates *rates, bool is_chosen);

#endif
