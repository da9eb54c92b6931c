#include "console/setup_values.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>

const json_t *tr_setup_values_get(const json_t *settings, const char *key)
{
	char name[128];

	while (settings && *key) {
		size_t length = strcspn(key, ".");
		if (length >= sizeof(name))
			return NULL;
		snprintf(name, sizeof(name), "%.*s", (int)length, key);
		settings = json_object_get(settings, name);
		key += length;
		key += *key == '.';
	}
	return settings;
}

const json_t *tr_setup_values_entry(const json_t *settings, const char *list, const char *choice)
{
	static const char *const names[] = {"name", "match"};
	const json_t *entries = tr_setup_values_get(settings, list);
	json_t *entry;
	size_t i;

	json_array_foreach((json_t *)entries, i, entry) for (size_t k = 0; k < TR_COUNT(names); k++)
	{
		const char *text = json_string_value(json_object_get(entry, names[k]));
		if (text && !strcmp(text, choice))
			return entry;
	}
	return NULL;
}

void tr_setup_values_text(const json_t *value, char *out, size_t size)
{
	size_t used = 0, i;
	json_t *item;

	out[0] = '\0';
	if (json_is_string(value))
		snprintf(out, size, "%s", json_string_value(value));
	else if (json_is_boolean(value))
		snprintf(out, size, "%s", json_is_true(value) ? "true" : "false");
	else if (json_is_integer(value))
		snprintf(out, size, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		snprintf(out, size, "%g", json_real_value(value));
	json_array_foreach((json_t *)value, i, item)
	{
		const char *text = json_string_value(item);
		int length = snprintf(
			out + used, size - used, "%s%s", i > 0 ? ", " : "", text ? text : "");
		if (length < 0 || (size_t)length >= size - used)
			return;
		used += (size_t)length;
	}
}

void tr_setup_values_fill(
	const struct tr_field *fields, unsigned count, struct tr_form *form, const json_t *settings)
{
	char text[TR_FORM_TEXT_MAX];

	for (unsigned i = 0; i < count; i++) {
		const json_t *value =
			fields[i].key ? tr_setup_values_get(settings, fields[i].key) : NULL;
		if (!value || fields[i].kind == TR_FIELD_SECRET)
			continue;
		tr_setup_values_text(value, text, sizeof(text));
		tr_form_set(form, fields[i].key, text);
	}
}

/* "a, b c" to [ "a", "b", "c" ]. */
static json_t *make_list(const char *text)
{
	static const char between[] = ", \t";
	json_t *list = json_array();

	for (text += strspn(text, between); *text; text += strspn(text, between)) {
		size_t length = strcspn(text, between);
		json_array_append_new(list, json_stringn(text, length));
		text += length;
	}
	return list;
}

json_t *tr_setup_values_json(const struct tr_field *field, const char *text, const json_t *old)
{
	int64_t number;

	if (json_is_array(old))
		return make_list(text);
	if (field->kind == TR_FIELD_SWITCH)
		return json_boolean(!strcmp(text, "true"));
	if ((field->kind == TR_FIELD_NUMBER || field->kind == TR_FIELD_CHOICE) &&
		tr_text_parse_int(text, INT32_MIN, INT32_MAX, &number) == 0)
		return json_integer(number);
	return json_string(text);
}

json_t *tr_setup_values_collect(const struct tr_field *fields, unsigned count,
	const struct tr_form *form, const json_t *settings, const char *prefix)
{
	json_t *changes = json_object();
	char key[TR_SETUP_KEY_MAX];

	for (unsigned i = 0; i < count; i++) {
		const struct tr_field *field = &fields[i];
		if (!field->key || field->kind == TR_FIELD_NOTE || field->key[0] == '.' ||
			!tr_form_is_dirty(form, field->key) ||
			tr_text_format(key, sizeof(key), "%s%s", prefix, field->key) < 0)
			continue;
		json_object_set_new(changes, key,
			tr_setup_values_json(field, tr_form_value(form, field->key),
				tr_setup_values_get(settings, field->key)));
	}
	return changes;
}
