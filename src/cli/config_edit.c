#include "cli/config_edit.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define STEPS_MAX 8

struct span {
	const char *start, *end;
};

/* "environments[prod]" of a key. */
struct step {
	struct span name, choice; /* choice.start NULL: none */
};

/* ---- the file's language ---- */

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*';
}

/* Blanks, comments and lines that begin with '@'. NULL: a comment without an end. */
static const char *skip_blanks(const char *at, const char *end)
{
	while (at && at < end) {
		if (isspace((unsigned char)*at)) {
			at++;
		} else if (*at == '#' || *at == '@' || (*at == '/' && at[1] == '/')) {
			at = memchr(at, '\n', (size_t)(end - at));
			at = at ? at : end;
		} else if (*at == '/' && at[1] == '*') {
			at = strstr(at + 2, "*/");
			at = at && at < end ? at + 2 : NULL;
		} else {
			break;
		}
	}
	return at;
}

static const char *skip_text(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\' && at + 1 < end;
	return at < end ? at + 1 : NULL;
}

/* Groups, lists and arrays, with all that is in them. */
static const char *skip_brackets(const char *at, const char *end)
{
	int depth = 0;

	do {
		at = skip_blanks(at, end);
		if (!at || at >= end)
			return NULL;
		depth += strchr("{([", *at) != NULL;
		depth -= strchr("})]", *at) != NULL;
		at = *at == '"' ? skip_text(at, end) : at + 1;
	} while (at && depth > 0);
	return at;
}

/* Gives the end of the value that begins here. Texts side by side are one. */
static const char *skip_value(const char *at, const char *end)
{
	if (at >= end)
		return NULL;
	if (strchr("{([", *at))
		return skip_brackets(at, end);
	if (*at != '"') {
		const char *start = at;
		while (at < end && !isspace((unsigned char)*at) && !strchr(";,})]#/\"", *at))
			at++;
		return at > start ? at : NULL;
	}
	for (;;) {
		at = skip_text(at, end);
		const char *next = at ? skip_blanks(at, end) : NULL;
		if (!next || next >= end || *next != '"')
			return at;
		at = next;
	}
}

/* One setting of the inside of a group: its name and its value; moves behind both. 0, -ENOENT at
 * the end, -EINVAL. */
static int next_setting(struct span *inside, struct span *ret_name, struct span *ret_value)
{
	const char *at = inside->start;

	while ((at = skip_blanks(at, inside->end)) && at < inside->end &&
		(*at == ';' || *at == ','))
		at++;
	if (at == inside->end)
		return -ENOENT;
	ret_name->start = at;
	while (at && at < inside->end && is_name(*at))
		at++;
	ret_name->end = at;
	at = at > ret_name->start ? skip_blanks(at, inside->end) : NULL;
	if (!at || at >= inside->end || (*at != '=' && *at != ':'))
		return -EINVAL;
	at = skip_blanks(at + 1, inside->end);
	const char *value_end = at ? skip_value(at, inside->end) : NULL;
	if (!value_end)
		return -EINVAL;
	*ret_value = (struct span){at, value_end};
	inside->start = value_end;
	return 0;
}

static bool is_same(struct span a, struct span b)
{
	size_t length = (size_t)(a.end - a.start);
	return length == (size_t)(b.end - b.start) && !memcmp(a.start, b.start, length);
}

static int find_setting(struct span inside, struct span name, struct span *ret_value)
{
	struct span found;
	int rc;

	while ((rc = next_setting(&inside, &found, ret_value)) == 0)
		if (is_same(found, name))
			return 0;
	return rc;
}

/* ---- lists of groups ---- */

/* Whether a text of the file, in its quotes, says the same as the choice of a key. */
static bool says(struct span text, struct span choice)
{
	const char *at = text.start + 1, *with = choice.start;

	if (text.end - text.start < 2 || *text.start != '"')
		return false;
	for (; at < text.end - 1 && with < choice.end; at++, with++) {
		at += *at == '\\';
		if (*at != *with)
			return false;
	}
	return at == text.end - 1 && with == choice.end;
}

static bool is_chosen(struct span inside, struct span choice)
{
	static const char *const names[] = {"name", "match", "url"};

	for (size_t i = 0; i < TR_COUNT(names); i++) {
		struct span name = {names[i], names[i] + strlen(names[i])}, value;
		if (find_setting(inside, name, &value) == 0 && says(value, choice))
			return true;
	}
	return false;
}

/* The inside of the group that is meant. */
static int choose(struct span list, struct span choice, struct span *ret_inside)
{
	const char *at = list.start + 1;
	unsigned count = 0;

	while ((at = skip_blanks(at, list.end)) && at < list.end && *at != ')') {
		if (*at == ',') {
			at++;
			continue;
		}
		const char *end = skip_value(at, list.end);
		if (!end || *at != '{')
			return -EINVAL;
		struct span inside = {at + 1, end - 1};
		if (choice.start && is_chosen(inside, choice)) {
			*ret_inside = inside;
			return 0;
		}
		count++;
		if (!choice.start)
			*ret_inside = inside;
		at = end;
	}
	if (!at)
		return -EINVAL;
	return choice.start || count == 0 ? -ENOENT : count > 1 ? -ENOTUNIQ : 0;
}

/* ---- keys ---- */

static int read_steps(const char *key, struct step *steps)
{
	int count = 0;

	for (const char *at = key;; at++) {
		if (count == STEPS_MAX)
			return -EINVAL;
		struct step *step = &steps[count++];
		*step = (struct step){.name = {at, at}};
		while (is_name(*at))
			at++;
		step->name.end = at;
		if (*at == '[') {
			/* It may hold dots and brackets: "rooms[a[0-9].b].streams". */
			const char *close = strstr(at, "].");
			for (const char *more = close; more && (more = strstr(more + 1, "]."));)
				close = more;
			if (!close)
				return -EINVAL;
			step->choice = (struct span){at + 1, close};
			at = close + 1;
		}
		if (step->name.end == step->name.start || (*at && *at != '.'))
			return -EINVAL;
		if (!*at)
			return count;
	}
}

int tr_config_edit_plain_key(const char *key, char *out, size_t size)
{
	struct step steps[STEPS_MAX];
	size_t used = 0;
	int count = read_steps(key, steps);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		int length = snprintf(out + used, size - used, "%s%.*s", i > 0 ? "." : "",
			(int)(steps[i].name.end - steps[i].name.start), steps[i].name.start);
		if (length < 0 || (size_t)length >= size - used)
			return -ENAMETOOLONG;
		used += (size_t)length;
	}
	return 0;
}

/* How far the text goes along the key: `*ret_count` steps, `inside` being where the next one would
 * be; with all of them, `value` is the value. */
static int walk(const char *text, const struct step *steps, int count, int *ret_count,
	struct span *inside, struct span *value)
{
	*inside = (struct span){text, text + strlen(text)};
	for (int i = 0; i < count; i++) {
		int rc = find_setting(*inside, steps[i].name, value);
		*ret_count = i;
		if (rc == -ENOENT) {
			/* An entry of a list is not made of itself. */
			for (int later = i; later < count; later++)
				if (steps[later].choice.start)
					return rc;
			return 0;
		}
		if (rc < 0)
			return rc;
		*ret_count = i + 1;
		if (i + 1 == count)
			return 0;
		if (*value->start == '{')
			*inside = (struct span){value->start + 1, value->end - 1};
		else
			rc = *value->start == '(' ? choose(*value, steps[i].choice, inside)
						  : -EINVAL;
		if (rc < 0)
			return rc;
	}
	return 0;
}

int tr_config_edit_find(const char *text, const char *key, size_t *ret_start, size_t *ret_length)
{
	struct step steps[STEPS_MAX];
	struct span inside, value = {text, text};
	int found = 0, count = read_steps(key, steps);
	int rc = count < 0 ? count : walk(text, steps, count, &found, &inside, &value);

	if (rc < 0)
		return rc;
	if (found < count)
		return -ENOENT;
	*ret_start = (size_t)(value.start - text);
	*ret_length = (size_t)(value.end - value.start);
	return 0;
}

/* ---- the change ---- */

static void indent(FILE *out, int depth)
{
	for (int i = 0; i < depth; i++)
		fputc('\t', out);
}

/* "key = value;", in groups of its own when those are missing, too. */
static void put_setting(
	FILE *out, const struct step *steps, int count, int depth, const char *value)
{
	int length = (int)(steps->name.end - steps->name.start);

	indent(out, depth);
	if (count == 1) {
		fprintf(out, "%.*s = %s;\n", length, steps->name.start, value);
		return;
	}
	fprintf(out, "%.*s:\n", length, steps->name.start);
	indent(out, depth);
	fputs("{\n", out);
	put_setting(out, steps + 1, count - 1, depth + 1, value);
	indent(out, depth);
	fputs("};\n", out);
}

/* How deep the group is indented: by its closing bracket's line. */
static int depth_of(const char *text, const char *close)
{
	const char *line = close;
	int depth = 0;

	while (line > text && line[-1] != '\n')
		line--;
	while (line[depth] == '\t')
		depth++;
	return line + depth == close ? depth + 1 : 1;
}

/* At the end of the group `inside`, which lacks the setting. */
static void put_added(FILE *out, const char *text, struct span inside, const struct step *steps,
	int count, const char *value)
{
	bool is_file = !*inside.end;
	bool is_line = !is_file && !memchr(inside.start, '\n', (size_t)(inside.end - inside.start));
	const char *at = inside.end;

	if (is_line && count == 1) {
		fwrite(text, 1, (size_t)(at - text), out);
		fprintf(out, "%s%.*s = %s; ", at > inside.start && at[-1] != ' ' ? " " : "",
			(int)(steps->name.end - steps->name.start), steps->name.start, value);
		fputs(at, out);
		return;
	}
	while (!is_file && at > inside.start && (at[-1] == '\t' || at[-1] == ' '))
		at--; /* the closing bracket keeps its own line */
	fwrite(text, 1, (size_t)(at - text), out);
	if (at > text && at[-1] != '\n')
		fputc('\n', out);
	put_setting(out, steps, count, is_file ? 0 : depth_of(text, inside.end), value);
	fputs(at, out);
}

int tr_config_edit_set(const char *text, const char *key, const char *value, char **ret_text)
{
	struct step steps[STEPS_MAX];
	struct span inside = {text, text}, old = {text, text};
	int found = 0, count = read_steps(key, steps);
	int rc = count < 0 ? count : walk(text, steps, count, &found, &inside, &old);
	char *made = NULL;
	size_t size = 0;

	if (rc < 0)
		return rc;
	FILE *out = open_memstream(&made, &size);
	if (!out)
		return -ENOMEM;
	if (found == count) {
		fwrite(text, 1, (size_t)(old.start - text), out);
		fputs(value, out);
		fputs(old.end, out);
	} else {
		put_added(out, text, inside, steps + found, count - found, value);
	}
	if (fclose(out) != 0 || !made) {
		free(made);
		return -ENOMEM;
	}
	*ret_text = made;
	return 0;
}

/* ---- new entries ---- */

/* Behind the last entry of the list; `ret_count`: how many there are. NULL: no such list. */
static const char *find_list_end(struct span list, unsigned *ret_count)
{
	const char *at = list.start + 1, *last = at;

	*ret_count = 0;
	while ((at = skip_blanks(at, list.end)) && at < list.end && *at != ')') {
		if (*at == ',') {
			at++;
			continue;
		}
		at = skip_value(at, list.end);
		if (!at)
			return NULL;
		last = at;
		++*ret_count;
	}
	return at ? last : NULL;
}

static void put_entry(FILE *out, const char *name, struct span choice)
{
	fprintf(out, "\n\t{\n\t\t%s = \"", name);
	for (const char *at = choice.start; at < choice.end; at++)
		fprintf(out, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
	fputs("\";\n\t}", out);
}

/* Into the list, which the text has. */
static int put_into_list(
	FILE *out, const char *text, struct span list, const char *name, struct span choice)
{
	unsigned count;
	const char *at = *list.start == '(' ? find_list_end(list, &count) : NULL;

	if (!at)
		return -EINVAL;
	fwrite(text, 1, (size_t)(at - text), out);
	fputs(count > 0 ? "," : "", out);
	put_entry(out, name, choice);
	if (count == 0) {
		at += strspn(at, " ");
		fputs(*at == ')' ? "\n" : "", out);
	}
	fputs(at, out);
	return 0;
}

/* The list with its first entry, where it belongs. */
static int put_list(const char *text, const char *list_key, const char *name, struct span choice,
	char **ret_text)
{
	char *value = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&value, &size);

	if (!out)
		return -ENOMEM;
	fputc('(', out);
	put_entry(out, name, choice);
	fputs("\n)", out);
	int rc = fclose(out) == 0 && value ? tr_config_edit_set(text, list_key, value, ret_text)
					   : -ENOMEM;
	free(value);
	return rc;
}

int tr_config_edit_add_entry(const char *text, const char *key, char **ret_text)
{
	struct step steps[STEPS_MAX];
	struct span inside = {text, text}, list = {text, text}, entry;
	int found = 0, depth = 0, count = read_steps(key, steps);
	char *made = NULL, plain[512];
	size_t size = 0;

	while (depth < count && !steps[depth].choice.start)
		depth++;
	if (count < 0 || depth == count)
		return -EINVAL;
	struct span choice = steps[depth].choice;
	snprintf(plain, sizeof(plain), "%.*s", (int)(steps[depth].name.end - key), key);
	bool is_named = !strcmp(plain, "environments") || !strcmp(plain, "storage.uploads");
	const char *name = is_named ? "name" : "match";
	steps[depth].choice = (struct span){0};
	int rc = walk(text, steps, depth + 1, &found, &inside, &list);
	if (rc < 0)
		return rc;
	if (found < depth + 1)
		return put_list(text, plain, name, choice, ret_text);
	if (*list.start == '(' && choose(list, choice, &entry) == 0) {
		*ret_text = strdup(text);
		return *ret_text ? 0 : -ENOMEM;
	}
	FILE *out = open_memstream(&made, &size);
	if (!out)
		return -ENOMEM;
	rc = put_into_list(out, text, list, name, choice);
	if ((fclose(out) != 0 || !made) && rc == 0)
		rc = -ENOMEM;
	if (rc < 0)
		free(made);
	else
		*ret_text = made;
	return rc;
}
