#include "console/form_internal.h"

#include "console/dialog.h"
#include "console/form_text.h"
#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int tr_form_create(const struct tr_field *fields, unsigned count, struct tr_form **ret_form)
{
	struct tr_form *form = calloc(1, sizeof(*form) + count * sizeof(form->state[0]));

	if (!form)
		return -ENOMEM;
	form->fields = fields;
	form->count = count;
	for (unsigned i = 0; i < count; i++) {
		const char *first = fields[i].kind == TR_FIELD_SWITCH	? "false"
				    : fields[i].kind == TR_FIELD_CHOICE ? fields[i].choices[0]
									: "";
		tr_form_text_copy(form->state[i].text, TR_FORM_TEXT_MAX, first);
		memcpy(form->state[i].before, form->state[i].text, TR_FORM_TEXT_MAX);
	}
	while (form->here < count && !tr_form_can_enter(form, form->here))
		form->here++;
	*ret_form = form;
	return 0;
}

void tr_form_destroy(struct tr_form *form)
{
	if (!form)
		return;
	explicit_bzero(form->state, form->count * sizeof(form->state[0]));
	free(form);
}

static struct tr_form_field *find(const struct tr_form *form, const char *key)
{
	for (unsigned i = 0; i < form->count; i++)
		if (form->fields[i].key && !strcmp(form->fields[i].key, key))
			return (struct tr_form_field *)&form->state[i];
	return NULL;
}

void tr_form_set(struct tr_form *form, const char *key, const char *value)
{
	struct tr_form_field *state = find(form, key);

	if (!state)
		return;
	explicit_bzero(state->text, sizeof(state->text));
	tr_form_text_copy(state->text, sizeof(state->text), value ? value : "");
	memcpy(state->before, state->text, sizeof(state->before));
	state->cursor = strlen(state->text);
	state->blame[0] = '\0';
	state->was_touched = false;
}

void tr_form_propose(struct tr_form *form, const char *key, const char *value)
{
	struct tr_form_field *state = find(form, key);

	if (!state || state->was_touched)
		return;
	tr_form_text_copy(state->text, sizeof(state->text), value ? value : "");
	state->cursor = strlen(state->text);
	state->blame[0] = '\0';
}

void tr_form_keep(struct tr_form *form, const char *key)
{
	struct tr_form_field *state = find(form, key);

	if (state)
		state->was_touched = true;
}

const char *tr_form_value(const struct tr_form *form, const char *key)
{
	const struct tr_form_field *state = find(form, key);
	return state ? state->text : "";
}

bool tr_form_is_dirty(const struct tr_form *form, const char *key)
{
	for (unsigned i = 0; i < form->count; i++)
		if ((!key || (form->fields[i].key && !strcmp(form->fields[i].key, key))) &&
			form->fields[i].kind != TR_FIELD_NOTE &&
			strcmp(form->state[i].text, form->state[i].before) != 0)
			return true;
	return false;
}

void tr_form_clean(struct tr_form *form)
{
	for (unsigned i = 0; i < form->count; i++)
		memcpy(form->state[i].before, form->state[i].text, TR_FORM_TEXT_MAX);
}

void tr_form_show(struct tr_form *form, const char *key, bool is_shown)
{
	struct tr_form_field *state = find(form, key);

	if (state)
		state->is_hidden = !is_shown;
	while (form->here < form->count && !tr_form_can_enter(form, form->here))
		form->here++;
}

void tr_form_blame(struct tr_form *form, const char *key, const char *fault)
{
	struct tr_form_field *state = find(form, key);

	if (!state)
		return;
	tr_form_text_copy(state->blame, sizeof(state->blame), fault);
	if (!state->is_hidden)
		form->here = (unsigned)(state - form->state);
}

/* ---- what is wrong ---- */

bool tr_form_is_typed(const struct tr_field *field)
{
	return field->kind == TR_FIELD_TEXT || field->kind == TR_FIELD_SECRET ||
	       field->kind == TR_FIELD_NUMBER;
}

bool tr_form_can_enter(const struct tr_form *form, unsigned i)
{
	return i == form->count ||
	       (!form->state[i].is_hidden && form->fields[i].kind != TR_FIELD_NOTE);
}

const char *tr_form_label(const struct tr_field *field, const char *value)
{
	if (field->kind == TR_FIELD_SWITCH)
		return strcmp(value, "true") ? "no" : "yes";
	for (unsigned i = 0; field->choices && field->choices[i]; i++)
		if (!strcmp(field->choices[i], value))
			return field->labels ? field->labels[i] : value;
	return value;
}

void tr_form_fault(const struct tr_form *form, unsigned i, char *out, size_t size)
{
	const struct tr_field *field = &form->fields[i];
	const struct tr_form_field *state = &form->state[i];
	int64_t number;

	out[0] = '\0';
	if (state->is_hidden || field->kind == TR_FIELD_NOTE)
		return;
	if (state->blame[0])
		snprintf(out, size, "%s", state->blame);
	else if (!state->text[0] && field->is_needed)
		snprintf(out, size, "This is needed.");
	else if (field->kind == TR_FIELD_NUMBER && state->text[0] &&
		 tr_text_parse_int(state->text, field->least, field->most, &number) < 0)
		snprintf(out, size, "A number from %lld to %lld.", (long long)field->least,
			(long long)field->most);
	else if (field->check)
		field->check(state->text, out, size, field->user);
}

bool tr_form_is_good(struct tr_form *form)
{
	char fault[TR_FORM_FAULT_MAX];

	for (unsigned i = 0; i < form->count; i++) {
		tr_form_fault(form, i, fault, sizeof(fault));
		if (!fault[0])
			continue;
		form->here = i;
		form->state[i].was_touched = true;
		return false;
	}
	return true;
}

/* ---- keys ---- */

static void step(struct tr_form *form, int by)
{
	unsigned places = form->count + 1, at = form->here;

	do
		at = (at + places + (unsigned)(by + (int)places)) % places;
	while (!tr_form_can_enter(form, at));
	form->here = at;
	if (at < form->count)
		form->state[at].cursor = strlen(form->state[at].text);
}

static void change(struct tr_form *form, unsigned i, const char *value)
{
	struct tr_form_field *state = &form->state[i];

	tr_form_text_copy(state->text, sizeof(state->text), value);
	state->blame[0] = '\0';
	state->was_touched = true;
}

static void take_choice(struct tr_console *console, int choice, void *user)
{
	struct tr_form *form = user;

	(void)console;
	change(form, form->choosing, form->fields[form->choosing].choices[choice]);
}

static int chosen(const struct tr_form *form, unsigned i)
{
	const char *const *choices = form->fields[i].choices;

	for (int n = 0; choices[n]; n++)
		if (!strcmp(choices[n], form->state[i].text))
			return n;
	return 0;
}

static void cycle(struct tr_form *form, unsigned i, int by)
{
	const struct tr_field *field = &form->fields[i];
	int count = 0, now;

	if (field->kind == TR_FIELD_SWITCH) {
		change(form, i, strcmp(form->state[i].text, "true") ? "true" : "false");
		return;
	}
	while (field->choices[count])
		count++;
	if (count == 0)
		return;
	now = chosen(form, i);
	change(form, i, field->choices[(now + count + by) % count]);
}

static enum tr_form_answer press(struct tr_console *console, struct tr_form *form, int key)
{
	const struct tr_field *field = &form->fields[form->here];

	if (key == TR_KEY_LEFT || key == TR_KEY_RIGHT) {
		cycle(form, form->here, key == TR_KEY_LEFT ? -1 : 1);
		return TR_FORM_TAKEN;
	}
	if (key != ' ')
		return TR_FORM_IGNORED;
	if (field->kind == TR_FIELD_SWITCH) {
		cycle(form, form->here, 1);
		return TR_FORM_TAKEN;
	}
	form->choosing = form->here;
	tr_dialog_choose(console, field->name, field->labels ? field->labels : field->choices,
		chosen(form, form->here), take_choice, form);
	return TR_FORM_TAKEN;
}

static enum tr_form_answer type(struct tr_form *form, int key)
{
	struct tr_form_field *state = &form->state[form->here];
	bool is_changed;

	if (!tr_form_text_key(state->text, sizeof(state->text), &state->cursor, key, &is_changed))
		return TR_FORM_IGNORED;
	if (is_changed) {
		state->blame[0] = '\0';
		state->was_touched = true;
	}
	return TR_FORM_TAKEN;
}

/* A click on a field. */
static enum tr_form_answer pick(struct tr_form *form, unsigned i)
{
	if (i >= form->count || !tr_form_can_enter(form, i))
		return TR_FORM_IGNORED;
	if (form->here < form->count)
		form->state[form->here].was_touched = true;
	form->here = i;
	form->state[i].cursor = strlen(form->state[i].text);
	return TR_FORM_TAKEN;
}

enum tr_form_answer tr_form_key(struct tr_console *console, struct tr_form *form, int key)
{
	if (key >= TR_KEY_PICK)
		return pick(form, (unsigned)(key - TR_KEY_PICK));
	switch (key) {
	case TR_KEY_UP:
	case TR_KEY_BACK_TAB:
		step(form, -1);
		return TR_FORM_TAKEN;
	case TR_KEY_DOWN:
	case TR_KEY_TAB:
		if (form->here < form->count)
			form->state[form->here].was_touched = true;
		step(form, 1);
		return TR_FORM_TAKEN;
	case TR_KEY_F1 + 9:
		return tr_form_is_good(form) ? TR_FORM_SAVE : TR_FORM_TAKEN;
	case TR_KEY_ENTER:
		if (form->here == form->count)
			return tr_form_is_good(form) ? TR_FORM_SAVE : TR_FORM_TAKEN;
		form->state[form->here].was_touched = true;
		step(form, 1);
		return TR_FORM_TAKEN;
	}
	if (form->here == form->count)
		return key == ' ' && tr_form_is_good(form) ? TR_FORM_SAVE : TR_FORM_IGNORED;
	return tr_form_is_typed(&form->fields[form->here]) ? type(form, key)
							   : press(console, form, key);
}
