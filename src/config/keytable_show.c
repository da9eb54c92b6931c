#include "config/keytable_internal.h"

#include <stdio.h>
#include <string.h>

static void show(const struct tr_key_table *table, const void *source, json_t *out);

/* As a person would write it: "90s", "5m", "1h". */
static json_t *show_duration(int64_t ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}};
	char text[40];

	for (size_t i = 0; i < TR_COUNT(units); i++) {
		if (ms > 0 && ms % units[i].ms == 0) {
			snprintf(text, sizeof(text), "%lld%s", (long long)(ms / units[i].ms),
				units[i].unit);
			return json_string(text);
		}
	}
	snprintf(text, sizeof(text), ms == 0 ? "%llds" : "%lldms", (long long)ms);
	return json_string(text);
}

static json_t *show_size(const int *size)
{
	char text[40];

	snprintf(text, sizeof(text), "%dx%d", size[0], size[1]);
	return json_string(text);
}

/* In the largest unit that says it exactly. */
static json_t *show_bytes(int64_t bytes)
{
	static const char units[] = "KMGT";
	char text[40], unit[2] = "";

	for (size_t i = 0; units[i] && bytes > 0 && bytes % 1024 == 0; i++) {
		bytes /= 1024;
		unit[0] = units[i];
	}
	snprintf(text, sizeof(text), "%lld%s", (long long)bytes, unit);
	return json_string(text);
}

static json_t *show_list(const struct tr_key_row *row, const char *place)
{
	unsigned count = *(const unsigned *)(const void *)(place - row->offset + row->count_offset);
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++) {
		const char *item = place + i * row->size;
		if (row->type == TR_KEY_STRINGS) {
			json_array_append_new(list, json_string(item));
			continue;
		}
		json_t *group = json_object();
		show(row->items, item, group);
		json_array_append_new(list, group);
	}
	return list;
}

static json_t *show_value(const struct tr_key_row *row, const char *place)
{
	const void *at = place;

	switch (row->type) {
	case TR_KEY_BOOL:
		return json_boolean(*(const bool *)at);
	case TR_KEY_CHOICE:
		return json_string(row->words[*(const bool *)at]);
	case TR_KEY_INT:
		return json_integer(*(const int *)at);
	case TR_KEY_INT_AUTO:
		return *(const int *)at == row->other ? json_string(row->words[0])
						      : json_integer(*(const int *)at);
	case TR_KEY_SIZE:
		return show_size(at);
	case TR_KEY_DURATION:
		return show_duration(*(const int64_t *)at);
	case TR_KEY_BYTES:
		return show_bytes(*(const int64_t *)at);
	case TR_KEY_STRINGS:
	case TR_KEY_GROUPS:
		return show_list(row, place);
	default:
		return json_string(place);
	}
}

/* "control.domain" goes into the group "control". */
static void put(json_t *out, const char *path, json_t *value)
{
	const char *dot = strchr(path, '.');
	char group[80];

	if (!dot) {
		json_object_set_new(out, path, value ? value : json_string(""));
		return;
	}
	snprintf(group, sizeof(group), "%.*s", (int)(dot - path), path);
	if (!json_object_get(out, group))
		json_object_set_new(out, group, json_object());
	put(json_object_get(out, group), dot + 1, value);
}

static void show(const struct tr_key_table *table, const void *source, json_t *out)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct tr_key_row *row = &table->rows[i];
		if (!tr_keytable_is_secret(row))
			put(out, row->path + strlen(table->prefix),
				show_value(row, (const char *)source + row->offset));
	}
}

bool tr_keytable_is_secret(const struct tr_key_row *row)
{
	return row->type == TR_KEY_SECRET || row->is_secret;
}

json_t *tr_keytable_show(const struct tr_key_table *table, const void *source)
{
	json_t *out = json_object();

	if (out)
		show(table, source, out);
	return out;
}
