#include "config/keytable_internal.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define KEYS_MAX 128

void tr_keytable_complain(struct tr_keytable_check *check, int line, const char *format, ...)
{
	struct tr_config_complaints *all = check->complaints;
	va_list args;

	if (all->count < TR_CONFIG_COMPLAINTS_MAX) {
		char *out = all->lines[all->count];
		size_t room = sizeof(all->lines[0]);
		int length = line > 0 ? snprintf(out, room, "%.300s:%d: ", check->path, line)
				      : snprintf(out, room, "%.300s: ", check->path);
		va_start(args, format);
		vsnprintf(out + length, room - (size_t)length, format, args);
		va_end(args);
	}
	all->count++;
}

void tr_keytable_warn(struct tr_keytable_check *check, const char *format, ...)
{
	struct tr_config_complaints *all = check->complaints;
	va_list args;

	if (all->warning_count >= TR_CONFIG_WARNINGS_MAX)
		return;
	char *out = all->warnings[all->warning_count++];
	int length = snprintf(out, sizeof(all->warnings[0]), "%.300s: ", check->path);
	va_start(args, format);
	vsnprintf(out + length, sizeof(all->warnings[0]) - (size_t)length, format, args);
	va_end(args);
}

/* One value on its way into the struct. */
struct place {
	struct tr_keytable_check *check;
	const struct tr_key_row *row;
	char *out;
	int line;
};

#define COMPLAIN(place, format, ...)                                                               \
	tr_keytable_complain(                                                                      \
		(place)->check, (place)->line, "%s " format, (place)->row->path, ##__VA_ARGS__)

static const char *short_path(const struct tr_key_table *table, const struct tr_key_row *row)
{
	return row->path + strlen(table->prefix);
}

static bool is_word(const struct tr_key_row *row, const char *text)
{
	for (const char *const *word = row->words; *word; word++)
		if (!strcmp(*word, text))
			return true;
	return false;
}

static void join_words(const struct tr_key_row *row, char *out, size_t size)
{
	out[0] = '\0';
	for (const char *const *word = row->words; *word; word++) {
		size_t length = strlen(out);
		snprintf(out + length, size - length, "%s\"%s\"", length ? ", " : "", *word);
	}
}

static bool is_utf8(const char *text)
{
	while (*text) {
		size_t length = tr_text_utf8_length(text);
		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

static void store_size(const struct place *place, const char *text)
{
	int *out = (int *)(void *)place->out;
	int width, height;

	if (tr_text_parse_size(text, &width, &height) < 0) {
		COMPLAIN(place, "is \"%.40s\", but must look like \"1280x720\"", text);
		return;
	}
	const char *fault = tr_config_size_fault(width, height);
	if (fault) {
		COMPLAIN(place, "%dx%d %s", width, height, fault);
		return;
	}
	out[0] = width;
	out[1] = height;
}

static void store_duration(const struct place *place, const char *text)
{
	const struct tr_key_row *row = place->row;
	int64_t ms;

	if (tr_text_parse_duration(text, &ms) < 0)
		COMPLAIN(place, "is \"%.40s\", but must be a time like \"30s\"", text);
	else if (ms < row->min || ms > row->max)
		COMPLAIN(place, "is \"%.40s\", but must be from %g s to %g s", text,
			(double)row->min / 1e3, (double)row->max / 1e3);
	else
		*(int64_t *)(void *)place->out = ms;
}

static void store_bytes(const struct place *place, const char *text)
{
	int64_t bytes;

	if (tr_text_parse_bytes(text, &bytes) < 0 || bytes < place->row->min ||
		bytes > place->row->max)
		COMPLAIN(place, "is \"%.40s\", but must be a size like \"20G\"", text);
	else
		*(int64_t *)(void *)place->out = bytes;
}

static void store_word(const struct place *place, const char *text)
{
	char words[200];

	if (!is_word(place->row, text)) {
		join_words(place->row, words, sizeof(words));
		COMPLAIN(place, "is \"%.60s\", but must be one of %s", text, words);
	} else if (place->row->type == TR_KEY_CHOICE) {
		*(bool *)place->out = !strcmp(text, place->row->words[1]);
	} else {
		snprintf(place->out, place->row->size, "%s", text);
	}
}

static bool is_derived(const struct tr_key_row *row)
{
	return row->fallback && !row->is_template && strchr(row->fallback, '{');
}

static void store_string(const struct place *place, const char *text)
{
	const struct tr_key_row *row = place->row;
	bool is_path = row->type == TR_KEY_PATH;
	/* "" is "not set" where there is no default, or one that follows from other keys. */
	bool may_be_empty = !row->fallback || !row->fallback[0] || is_derived(row);
	const char *fault = row->fault && (text[0] || !may_be_empty) ? row->fault(text) : NULL;

	if (strlen(text) >= row->size)
		COMPLAIN(place, "is too long: at most %zu bytes", row->size - 1);
	else if (tr_text_has_controls(text))
		COMPLAIN(place, "contains a control character");
	else if (!is_path && !is_utf8(text))
		COMPLAIN(place, "is not written in UTF-8");
	else if (is_path && text[0] != '/' && (text[0] || row->min > 0))
		COMPLAIN(place, "is \"%.100s\", but must be a full path (\"/...\")", text);
	else if (fault && (row->is_secret || row->type == TR_KEY_SECRET))
		COMPLAIN(place, "must be %s", fault);
	else if (fault)
		COMPLAIN(place, "is \"%.100s\", but must be %s", text, fault);
	else
		snprintf(place->out, row->size, "%s", text);
}

static void store_text(const struct place *place, const char *text)
{
	switch (place->row->type) {
	case TR_KEY_STRING:
	case TR_KEY_SECRET:
	case TR_KEY_PATH:
	case TR_KEY_STRINGS:
		store_string(place, text);
		return;
	case TR_KEY_SIZE:
		store_size(place, text);
		return;
	case TR_KEY_DURATION:
		store_duration(place, text);
		return;
	case TR_KEY_BYTES:
		store_bytes(place, text);
		return;
	case TR_KEY_WORD:
	case TR_KEY_CHOICE:
		store_word(place, text);
		return;
	default:
		return;
	}
}

static void store_int(const struct place *place, int64_t value)
{
	const struct tr_key_row *row = place->row;

	if (value >= row->min && value <= row->max)
		*(int *)(void *)place->out = (int)value;
	else if (row->words[0])
		COMPLAIN(place, "is %lld, but must be from %lld to %lld, or \"%s\"",
			(long long)value, (long long)row->min, (long long)row->max, row->words[0]);
	else
		COMPLAIN(place, "is %lld, but must be from %lld to %lld", (long long)value,
			(long long)row->min, (long long)row->max);
}

static unsigned *list_count(const struct place *place)
{
	return (unsigned *)(void *)(place->out - place->row->offset + place->row->count_offset);
}

static void set_default(struct place *place)
{
	const struct tr_key_row *row = place->row;
	int64_t number;

	if (!row->fallback || is_derived(row) || row->type == TR_KEY_GROUPS)
		return;
	if (row->type == TR_KEY_STRINGS) {
		*list_count(place) = row->fallback[0] != '\0';
		snprintf(place->out, row->size, "%s", row->fallback);
	} else if (row->type == TR_KEY_BOOL)
		*(bool *)place->out = !strcmp(row->fallback, "true");
	else if (row->type == TR_KEY_INT_AUTO && !strcmp(row->fallback, row->words[0]))
		*(int *)(void *)place->out = row->other;
	else if (row->type != TR_KEY_INT && row->type != TR_KEY_INT_AUTO)
		store_text(place, row->fallback);
	else if (tr_text_parse_int(row->fallback, INT_MIN, INT_MAX, &number) == 0)
		store_int(place, number);
}

void tr_keytable_set_defaults(const struct tr_key_table *table, void *target)
{
	struct tr_config_complaints none = {0};
	struct tr_keytable_check check = {.path = "defaults", .complaints = &none};

	for (size_t i = 0; i < table->count; i++) {
		struct place place = {.check = &check,
			.row = &table->rows[i],
			.out = (char *)target + table->rows[i].offset};
		set_default(&place);
	}
}

static const char *type_words(int type)
{
	switch (type) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a whole number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a text";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	default:
		return "a list";
	}
}

static bool is_list(int type)
{
	return type == CONFIG_TYPE_LIST || type == CONFIG_TYPE_ARRAY;
}

static void complain_type(const struct place *place, int type)
{
	const struct tr_key_row *row = place->row;
	const char *is = type_words(type);

	switch (row->type) {
	case TR_KEY_INT:
		COMPLAIN(place, "is %s, but must be a whole number without quotes", is);
		return;
	case TR_KEY_INT_AUTO:
		COMPLAIN(place, "is %s, but must be a whole number without quotes, or \"%s\"", is,
			row->words[0]);
		return;
	case TR_KEY_BOOL:
		COMPLAIN(place, "is %s, but must be true or false without quotes", is);
		return;
	case TR_KEY_STRINGS:
		COMPLAIN(place, "is %s, but must be a list of texts: [\"...\", \"...\"]", is);
		return;
	case TR_KEY_GROUPS:
		COMPLAIN(place, "is %s, but must be a list of groups: ( { ... }, { ... } )", is);
		return;
	default:
		COMPLAIN(place, "is %s, but must be a text in \"quotes\"", is);
		return;
	}
}

/* How many entries there are to take; 0 when they are too many, which is said. */
static unsigned begin_list(const struct place *place, const config_setting_t *list)
{
	unsigned length = (unsigned)config_setting_length(list);

	if (length > place->row->count_max) {
		COMPLAIN(
			place, "has %u entries, but %u is the most", length, place->row->count_max);
		return 0;
	}
	*list_count(place) = 0;
	return length;
}

static struct place place_of_item(
	const struct place *list, const config_setting_t *item, unsigned index)
{
	struct place at = *list;

	at.line = (int)config_setting_source_line(item);
	at.out = list->out + index * list->row->size;
	return at;
}

static void check_strings(const struct place *place, const config_setting_t *list)
{
	unsigned length = begin_list(place, list), *count = list_count(place);

	for (unsigned i = 0; i < length; i++) {
		const config_setting_t *item = config_setting_get_elem(list, i);
		struct place at = place_of_item(place, item, i);
		if (config_setting_type(item) != CONFIG_TYPE_STRING)
			complain_type(&at, CONFIG_TYPE_LIST);
		else if (!config_setting_get_string(item)[0])
			COMPLAIN(&at, "has an empty entry");
		else
			store_text(&at, config_setting_get_string(item));
		(*count)++;
	}
}

static void check_groups(const struct place *place, const config_setting_t *list)
{
	unsigned length = begin_list(place, list), *count = list_count(place);

	for (unsigned i = 0; i < length; i++) {
		const config_setting_t *item = config_setting_get_elem(list, i);
		struct place at = place_of_item(place, item, i);
		if (config_setting_type(item) != CONFIG_TYPE_GROUP) {
			complain_type(&at, CONFIG_TYPE_LIST);
			continue;
		}
		size_t line_offset = place->row->items->line_offset;
		tr_keytable_set_defaults(place->row->items, at.out);
		if (line_offset > 0)
			*(int *)(void *)(at.out + line_offset) = at.line;
		else if (place->check->lines)
			place->check->lines[i] = at.line;
		tr_keytable_fill(place->check, place->row->items, at.out, item);
		(*count)++;
	}
}

static void check_value(const struct place *place, const config_setting_t *setting)
{
	const struct tr_key_row *row = place->row;
	int type = config_setting_type(setting);
	bool is_int = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
	bool takes_int = row->type == TR_KEY_INT || row->type == TR_KEY_INT_AUTO;
	const char *text = type == CONFIG_TYPE_STRING ? config_setting_get_string(setting) : NULL;

	if (takes_int && is_int)
		store_int(place, config_setting_get_int64(setting));
	else if (row->type == TR_KEY_INT_AUTO && text && !strcmp(text, row->words[0]))
		*(int *)(void *)place->out = row->other;
	else if (row->type == TR_KEY_BOOL && type == CONFIG_TYPE_BOOL)
		*(bool *)place->out = config_setting_get_bool(setting);
	else if (row->type == TR_KEY_STRINGS && is_list(type))
		check_strings(place, setting);
	else if (row->type == TR_KEY_GROUPS && is_list(type))
		check_groups(place, setting);
	else if (text && !takes_int && row->type != TR_KEY_BOOL && row->type != TR_KEY_STRINGS &&
		 row->type != TR_KEY_GROUPS)
		store_text(place, text);
	else
		complain_type(place, type);
}

/* Whether a key of the table starts with "PATH." */
static bool is_group(const struct tr_key_table *table, const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < table->count; i++)
		if (!strncmp(short_path(table, &table->rows[i]), path, length) &&
			short_path(table, &table->rows[i])[length] == '.')
			return true;
	return false;
}

static void complain_unknown(struct tr_keytable_check *check, const struct tr_key_table *table,
	const char *path, int line)
{
	const char *names[KEYS_MAX + 1] = {0};

	for (size_t i = 0; i < table->count && i < KEYS_MAX; i++)
		names[i] = short_path(table, &table->rows[i]);
	const char *near = tr_text_nearest(path, names);
	/* "sise" at top level is far from "video.size": compare the last words, too. */
	for (size_t i = 0; !near && i < table->count; i++) {
		const char *name = short_path(table, &table->rows[i]);
		const char *dot = strrchr(name, '.');
		const char *last[] = {dot ? dot + 1 : name, NULL};
		if (tr_text_nearest(path, last))
			near = name;
	}
	if (near)
		tr_keytable_complain(check, line,
			"unknown key \"%s%.100s\"; did you mean \"%s%s\"?", table->prefix, path,
			table->prefix, near);
	else
		tr_keytable_complain(check, line,
			"unknown key \"%s%.100s\" (telerec.conf(5) lists them all)", table->prefix,
			path);
}

static void fill(struct tr_keytable_check *check, const struct tr_key_table *table, void *target,
	const config_setting_t *group, const char *above)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		int line = (int)config_setting_source_line(setting);
		char path[128];
		size_t index = 0;

		snprintf(path, sizeof(path), "%s%s%s", above, above[0] ? "." : "",
			config_setting_name(setting));
		while (index < table->count &&
			strcmp(short_path(table, &table->rows[index]), path) != 0)
			index++;
		if (index < table->count) {
			const struct tr_key_row *row = &table->rows[index];
			const struct place place = {check, row, (char *)target + row->offset, line};
			check_value(&place, setting);
		} else if (!is_group(table, path)) {
			complain_unknown(check, table, path, line);
		} else if (config_setting_type(setting) != CONFIG_TYPE_GROUP) {
			tr_keytable_complain(check, line, "%s%s is %s, but must be a group { }",
				table->prefix, path, type_words(config_setting_type(setting)));
		} else {
			fill(check, table, target, setting, path);
		}
	}
}

void tr_keytable_fill(struct tr_keytable_check *check, const struct tr_key_table *table,
	void *target, const config_setting_t *group)
{
	fill(check, table, target, group, "");
}

static const char *find_text(const struct tr_key_table *table, const void *target, const char *name,
	size_t length, const char *id)
{
	if (length == 2 && !strncmp(name, "id", 2))
		return id;
	for (size_t i = 0; i < table->count; i++) {
		const char *path = short_path(table, &table->rows[i]);
		if (!strncmp(path, name, length) && !path[length])
			return (const char *)target + table->rows[i].offset;
	}
	return "";
}

/* "auth.{xmpp_domain}" with the other keys' values. */
static void expand(const struct tr_key_table *table, const void *target, const char *id,
	const char *pattern, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	while (*pattern && used + 1 < size) {
		size_t plain = strcspn(pattern, "{");
		size_t name = pattern[plain] ? strcspn(pattern + plain, "}") : 0;
		used += (size_t)snprintf(out + used, size - used, "%.*s%s", (int)plain, pattern,
			name ? find_text(table, target, pattern + plain + 1, name - 1, id) : "");
		pattern += plain + (name ? name + 1 : 0);
	}
}

void tr_keytable_derive(const struct tr_key_table *table, void *target, const char *id)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct tr_key_row *row = &table->rows[i];
		char *out = (char *)target + row->offset;
		if (!is_derived(row) || out[0])
			continue;
		expand(table, target, id, row->fallback, out, row->size);
		if (row->type == TR_KEY_STRINGS)
			*(unsigned *)(void *)((char *)target + row->count_offset) = 1;
	}
}
