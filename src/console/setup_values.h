/*
 * Between the settings as JSON (`telerec config show --json`, `telerec machine --json`) and a
 * form's texts. A field's key is the setting's, "video.size"; within a list of groups the entry is
 * named by who asks: the field "base_url" of the entry "environments[prod]" is
 * "environments[prod].base_url". Pure.
 */
#ifndef TR_CONSOLE_SETUP_VALUES_H
#define TR_CONSOLE_SETUP_VALUES_H

#include "console/form.h"

#include <jansson.h>

#define TR_SETUP_KEY_MAX 512

/* The value at "a.b"; NULL: it is not there. Borrowed. */
const json_t *tr_setup_values_get(const json_t *settings, const char *key);

/* The entry of a list of groups with this name (or match); NULL: there is none. Borrowed. */
const json_t *tr_setup_values_entry(const json_t *settings, const char *list, const char *choice);

/* As a person writes it: lists with commas between. */
void tr_setup_values_text(const json_t *value, char *out, size_t size);

/* Sets all fields that the settings have. */
void tr_setup_values_fill(const struct tr_field *fields, unsigned count, struct tr_form *form,
	const json_t *settings);

/* What a field's text is in JSON: numbers and switches as such, a list where `old` is one. NULL: no
 * memory. */
json_t *tr_setup_values_json(const struct tr_field *field, const char *text, const json_t *old);

/* {KEY: VALUE} of all fields that were changed, with `prefix` before each key. Fields whose key
 * begins with '.' are the form's own. */
json_t *tr_setup_values_collect(const struct tr_field *fields, unsigned count,
	const struct tr_form *form, const json_t *settings, const char *prefix);

#endif
