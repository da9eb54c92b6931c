#include "config/hide.h"

#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum comment { NO_COMMENT, LINE_COMMENT, BLOCK_COMMENT };

/* Behind a secret's name, until its value ends. */
struct hiding {
	bool is_on;
	int depth; /* of brackets in the value */
};

struct scan {
	const char *at;
	FILE *out;
	enum comment comment;
	struct hiding code, comments; /* what is commented out counts, too, on its own */
};

static struct hiding *hiding(struct scan *scan)
{
	return scan->comment == NO_COMMENT ? &scan->code : &scan->comments;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*';
}

/* The last word of a key of secrets: "password" of "environments.control.password". */
static bool is_secret_word(const char *word, size_t length)
{
	const char *path;

	for (unsigned i = 0; (path = tr_config_key(i)); i++) {
		const char *dot = strrchr(path, '.');
		const char *last = dot ? dot + 1 : path;
		if (tr_config_key_is_secret(i) && strlen(last) == length &&
			!strncasecmp(last, word, length))
			return true;
	}
	return false;
}

/* Whether '=' or ':' follows; a comment may stand between. */
static bool is_key(const char *behind)
{
	for (;;) {
		behind += strspn(behind, " \t\r\n");
		if (behind[0] == '#' || (behind[0] == '/' && behind[1] == '/'))
			behind += strcspn(behind, "\n");
		else if (behind[0] == '/' && behind[1] == '*' && strstr(behind + 2, "*/"))
			behind = strstr(behind + 2, "*/") + 2;
		else
			return *behind == '=' || *behind == ':';
	}
}

static void take_word(struct scan *scan)
{
	struct hiding *state = hiding(scan);
	size_t length = 0;

	while (is_word(scan->at[length]))
		length++;
	if (is_key(scan->at + length) && is_secret_word(scan->at, length))
		*state = (struct hiding){.is_on = true};
	fwrite(scan->at, 1, length, scan->out);
	scan->at += length;
}

/* In a comment a quote may be no string's: it counts to the end of the line at most. */
static void take_string(struct scan *scan)
{
	bool is_commented = scan->comment != NO_COMMENT;
	size_t length = 1;

	while (scan->at[length] && scan->at[length] != '"' &&
		!(is_commented && scan->at[length] == '\n'))
		length += scan->at[length] == '\\' && scan->at[length + 1] ? 2 : 1;
	length += scan->at[length] == '"';
	if (hiding(scan)->is_on)
		fputs(length == 2 ? "\"\"" : "\"" TR_HIDE_PLACEHOLDER "\"", scan->out);
	else
		fwrite(scan->at, 1, length, scan->out);
	scan->at += length;
}

static void note_end(struct hiding *state, char c)
{
	if (c == '[' || c == '(' || c == '{')
		state->depth++;
	else if (c == ']' || c == ')' || c == '}')
		state->depth--;
	if (state->depth < 0 || (state->depth == 0 && (c == ';' || c == ',' || c == ']')))
		state->is_on = false;
}

static void take_sign(struct scan *scan)
{
	char c = scan->at[0], next = scan->at[1];

	if (scan->comment == NO_COMMENT && (c == '#' || (c == '/' && next == '/')))
		scan->comment = LINE_COMMENT;
	else if (scan->comment == NO_COMMENT && c == '/' && next == '*')
		scan->comment = BLOCK_COMMENT;
	else if ((scan->comment == LINE_COMMENT && c == '\n') ||
		 (scan->comment == BLOCK_COMMENT && c == '/' && scan->at[-1] == '*'))
		scan->comment = NO_COMMENT;
	else if (hiding(scan)->is_on)
		note_end(hiding(scan), c);
	fputc(c, scan->out);
	scan->at++;
}

int tr_hide_secrets(const char *text, char **ret_text)
{
	size_t size;
	struct scan scan = {.at = text};
	char *hidden = NULL;

	scan.out = open_memstream(&hidden, &size);
	if (!scan.out)
		return -ENOMEM;
	while (*scan.at) {
		if (*scan.at == '"')
			take_string(&scan);
		else if (*scan.at != '*' && is_word(*scan.at))
			take_word(&scan);
		else
			take_sign(&scan);
	}
	if (fclose(scan.out) != 0 || !hidden) {
		free(hidden);
		return -ENOMEM;
	}
	*ret_text = hidden;
	return 0;
}

int tr_hide_find_placeholder(const char *text)
{
	const char *found = strstr(text, "\"" TR_HIDE_PLACEHOLDER "\"");
	int line = 1;

	for (const char *c = text; found && c < found; c++)
		line += *c == '\n';
	return found ? line : 0;
}
