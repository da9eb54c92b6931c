#include "cli/config_value.h"

#include "cli/config_edit.h"
#include "config/config.h"
#include "config/config_text.h"
#include "core/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define KEY_SIZE 256
#define KEYS_MAX 512

int tr_config_value_find_key(const char *key, const char **ret_near)
{
	const char *names[KEYS_MAX + 1] = {0}, *name;
	char plain[KEY_SIZE];

	*ret_near = NULL;
	if (tr_config_edit_plain_key(key, plain, sizeof(plain)) < 0)
		return -ENOENT;
	size_t length = strlen(plain);
	for (unsigned i = 0; i < KEYS_MAX && (name = tr_config_key(i)); i++) {
		if (!strncmp(name, plain, length) && (!name[length] || name[length] == '.'))
			return (int)i;
		names[i] = name;
	}
	*ret_near = tr_text_nearest(plain, names);
	return -ENOENT;
}

/* ---- what a person gives ---- */

static bool looks_written(const char *value)
{
	return value[0] && strchr("\"[({", value[0]);
}

static bool is_plain_number(const char *value)
{
	int64_t number;

	return !strcmp(value, "true") || !strcmp(value, "false") ||
	       tr_text_parse_int(value, INT32_MIN, INT32_MAX, &number) == 0;
}

/* "a, b" as [ "a", "b" ]. */
static void write_list(FILE *out, const char *value)
{
	const char *before = "[ ";

	for (const char *at = value + strspn(value, " ,"); *at; at += strspn(at, " ,")) {
		char item[1024];
		size_t length = strcspn(at, ",");
		snprintf(item, sizeof(item), "%.*s", (int)length, at);
		for (size_t last = strlen(item); last > 0 && item[last - 1] == ' '; last--)
			item[last - 1] = '\0';
		fputs(before, out);
		tr_config_text_quote(out, item);
		before = ", ";
		at += length;
	}
	fputs(before[0] == '[' ? "[ ]" : " ]", out);
}

static char *write_value(unsigned row, const char *value)
{
	char usual[1024];
	char *text = NULL;
	size_t size = 0;

	if (looks_written(value))
		return strdup(value);
	tr_config_key_default(row, usual, sizeof(usual));
	if (usual[0] != '"' && usual[0] && usual[0] != '[' && is_plain_number(value))
		return strdup(value);
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	if (usual[0] == '[')
		write_list(out, value);
	else
		tr_config_text_quote(out, value);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Whether what is given for a whole list of groups names one of its secrets. */
static bool names_secret(const char *list, const char *value)
{
	size_t length = strlen(list);
	const char *key;

	for (unsigned i = 0; (key = tr_config_key(i)); i++)
		if (tr_config_key_is_secret(i) && !strncmp(key, list, length) &&
			key[length] == '.' && strstr(value, strrchr(key, '.') + 1))
			return true;
	return false;
}

/* The first '=' that is in no brackets. */
static const char *find_equals(const char *word)
{
	int depth = 0;

	for (; *word; word++) {
		depth += *word == '[';
		depth -= *word == ']';
		if (*word == '=' && depth <= 0)
			return word;
	}
	return NULL;
}

int tr_config_value_read(const char *word, char **ret_key, char **ret_value, char *why, size_t size)
{
	const char *equals = find_equals(word), *near = NULL;
	TR_CLEANUP(tr_freep)
	char *key = equals ? strndup(word, (size_t)(equals - word)) : strdup(word);
	char plain[KEY_SIZE];

	if (!key)
		return -ENOMEM;
	int row = tr_config_value_find_key(key, &near);
	if (row < 0) {
		snprintf(why, size, "there is no setting \"%s\"%s%s%s", key,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
		return -EINVAL;
	}
	if (!equals) {
		snprintf(why, size, "%s to what? Say %s=VALUE", key, key);
		return -EINVAL;
	}
	if (tr_config_key_is_secret((unsigned)row)) {
		snprintf(why, size,
			"%s is a secret, and a command line can be read by others: write it into "
			"secrets.conf beside telerec.conf (telerec.conf(5) shows how)",
			key);
		return -EINVAL;
	}
	if (names_secret(tr_config_key((unsigned)row), equals + 1)) {
		snprintf(why, size,
			"there is a secret in %s, and a command line can be read by others: edit "
			"telerec.conf, or write it into secrets.conf beside it",
			key);
		return -EINVAL;
	}
	bool is_whole = tr_config_edit_plain_key(key, plain, sizeof(plain)) == 0 &&
			!strcmp(plain, tr_config_key((unsigned)row));
	if (!is_whole && !looks_written(equals + 1)) {
		snprintf(why, size, "\"%s\" is a group of settings: name one of them, like %s", key,
			tr_config_key((unsigned)row));
		return -EINVAL;
	}
	char *value = write_value((unsigned)row, equals + 1);
	if (!value)
		return -ENOMEM;
	*ret_key = tr_take(key);
	*ret_value = value;
	return 0;
}

/* ---- what there is ---- */

static json_t *choose(const json_t *list, const char *choice, size_t length)
{
	static const char *const names[] = {"name", "match", "url"};
	json_t *entry;
	size_t i;

	if (!choice)
		return json_array_size(list) == 1 ? json_array_get(list, 0) : NULL;
	json_array_foreach((json_t *)list, i, entry) for (size_t k = 0; k < TR_COUNT(names); k++)
	{
		const char *text = json_string_value(json_object_get(entry, names[k]));
		if (text && strlen(text) == length && !memcmp(text, choice, length))
			return entry;
	}
	return NULL;
}

json_t *tr_config_value_get(const json_t *settings, const char *key)
{
	json_t *value = (json_t *)settings;
	char name[KEY_SIZE];

	while (value && *key) {
		size_t length = strcspn(key, ".[");
		if (length >= sizeof(name))
			return NULL;
		snprintf(name, sizeof(name), "%.*s", (int)length, key);
		value = json_object_get(value, name);
		key += length;
		const char *choice = *key == '[' ? key + 1 : NULL;
		const char *close = choice ? strstr(choice, "].") : NULL;
		for (const char *more = close; more && (more = strstr(more + 1, "]."));)
			close = more;
		if (choice && !close)
			return NULL;
		if (json_is_array(value) && (choice || *key))
			value = choose(value, choice, choice ? (size_t)(close - choice) : 0);
		key = choice ? close + 1 : key;
		key += *key == '.';
	}
	return value;
}
