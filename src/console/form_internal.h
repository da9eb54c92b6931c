/* What a form's files share: the state of its fields, and the row of each on the screen. */
#ifndef TR_CONSOLE_FORM_INTERNAL_H
#define TR_CONSOLE_FORM_INTERNAL_H

#include "console/form.h"

#define TR_FORM_FAULT_MAX 300

struct tr_form_field {
	char text[TR_FORM_TEXT_MAX], before[TR_FORM_TEXT_MAX];
	char blame[TR_FORM_FAULT_MAX]; /* from outside, until the value changes */
	size_t cursor;		       /* a byte of text, the first of a character */
	bool is_hidden, was_touched;
};

struct tr_form {
	const struct tr_field *fields;
	unsigned count;
	unsigned here; /* the field with the cursor; `count`: the button */
	unsigned top;  /* the first row that is shown */
	unsigned choosing;
	struct tr_form_field state[]; /* as many as fields */
};

/* What is wrong with the field, "" when nothing is. */
void tr_form_fault(const struct tr_form *form, unsigned i, char *out, size_t size);

/* Whether the cursor can be there. */
bool tr_form_can_enter(const struct tr_form *form, unsigned i);
bool tr_form_is_typed(const struct tr_field *field);

/* What is shown for the value of a choice or a switch. */
const char *tr_form_label(const struct tr_field *field, const char *value);

#endif
