#include "doctor/page_config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool tr_page_config_is_one(const char *text)
{
	text += strspn(text, " \t\r\n");
	return text[0] && text[0] != '<' && strstr(text, "config");
}

/* Behind a comment or a string that begins here; the next character otherwise. */
static const char *skip_one(const char *at)
{
	if (at[0] == '/' && at[1] == '/')
		return at + strcspn(at, "\n");
	if (at[0] == '/' && at[1] == '*') {
		const char *end = strstr(at + 2, "*/");
		return end ? end + 2 : at + strlen(at);
	}
	if (*at == '\'' || *at == '"' || *at == '`') {
		char quote = *at++;
		while (*at && *at != quote && (*at != '\n' || quote == '`'))
			at += at[0] == '\\' && at[1] ? 2 : 1;
		return *at ? at + 1 : at;
	}
	return at + 1;
}

static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* The string behind the key, which ends at `at`; false when something else is there. */
static bool take_value(const char *at, char *out, size_t size)
{
	if (*at == '\'' || *at == '"')
		at++; /* the key was in quotes */
	at += strspn(at, " \t\r\n");
	if (*at != ':' && *at != '=')
		return false;
	at++;
	at += strspn(at, " \t\r\n");
	if (*at != '\'' && *at != '"' && *at != '`')
		return false;
	const char end[] = {*at, '\0'};
	size_t length = strcspn(at + 1, end);
	if (length == 0 || length >= size)
		return false;
	snprintf(out, size, "%.*s", (int)length, at + 1);
	return true;
}

bool tr_page_config_find(const char *text, const char *key, char *out, size_t size)
{
	size_t length = strlen(key);
	bool is_found = false;
	char before = '\0';

	for (const char *at = text; *at;) {
		bool is_quoted = *at == '\'' || *at == '"';
		const char *word = is_quoted ? at + 1 : at;
		if (!strncmp(word, key, length) && !is_letter(word[length]) &&
			(is_quoted || !is_letter(before)))
			is_found = take_value(word + length, out, size) || is_found;
		const char *next = skip_one(at);
		before = next > at ? next[-1] : *at;
		at = next;
	}
	return is_found;
}
