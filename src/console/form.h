/*
 * A form: fields with their names, checked while one types, the fault of the field with the cursor
 * said below it. Keys: Up, Down, Tab, Back-Tab between fields; Space turns a switch and opens a
 * choice; Left, Right, Home, End, Delete, Backspace in a text; Enter goes on to the next field and
 * at the last one to "save". Text is UTF-8.
 */
#ifndef TR_CONSOLE_FORM_H
#define TR_CONSOLE_FORM_H

#include "console/screen.h"

#define TR_FORM_FIELDS_MAX 40
#define TR_FORM_TEXT_MAX 2048

enum tr_field_kind {
	TR_FIELD_TEXT,
	TR_FIELD_SECRET,
	TR_FIELD_NUMBER,
	TR_FIELD_SWITCH, /* "true" or "false" */
	TR_FIELD_CHOICE, /* one of `choices` */
	TR_FIELD_NOTE,	 /* only a text */
};

/* The sentence that says what is wrong with a value, written into `out`; "" when nothing is. */
typedef void tr_field_check_fn(const char *value, char *out, size_t size, const void *user);

struct tr_field {
	const char *key;  /* for who asks for the value; for settings: as in telerec.conf */
	const char *name; /* what people call it */
	const char *hint; /* one sentence, shown while the cursor is there; or NULL */
	enum tr_field_kind kind;
	const char *const *choices; /* values, ends with NULL; */
	const char *const *labels;  /* what is shown for them; NULL: the values */
	int64_t least, most;	    /* TR_FIELD_NUMBER */
	bool is_needed;		    /* "" is a fault */
	tr_field_check_fn *check;   /* or NULL */
	const void *user;	    /* for check */
};

struct tr_form;

/* Borrows the fields, which must outlive the form. */
TR_CHECKED int tr_form_create(
	const struct tr_field *fields, unsigned count, struct tr_form **ret_form);
void tr_form_destroy(struct tr_form *form); /* wipes its texts; NULL is fine */

/* As read from the machine: not dirty then. */
void tr_form_set(struct tr_form *form, const char *key, const char *value);
/* As if it had been typed, for what follows from other fields; not where somebody has typed. */
void tr_form_propose(struct tr_form *form, const char *key, const char *value);
void tr_form_keep(struct tr_form *form, const char *key); /* nothing is proposed there any more */
const char *tr_form_value(const struct tr_form *form, const char *key);
bool tr_form_is_dirty(const struct tr_form *form, const char *key); /* NULL: any of them */
void tr_form_clean(struct tr_form *form);			    /* it was saved */
void tr_form_show(struct tr_form *form, const char *key, bool is_shown);

/* A fault from outside (a complaint about the setting), shown until the value is changed. */
void tr_form_blame(struct tr_form *form, const char *key, const char *fault);

/* The first faulty field gets the cursor; false then. */
bool tr_form_is_good(struct tr_form *form);

void tr_form_draw(struct tr_form *form, const struct tr_area *area);

enum tr_form_answer { TR_FORM_IGNORED, TR_FORM_TAKEN, TR_FORM_SAVE };
enum tr_form_answer tr_form_key(struct tr_console *console, struct tr_form *form, int key);

TR_CLEANUP_DEFINE(struct tr_form, tr_form_destroy)

#endif
