#include "config/display_words.h"

#include <ctype.h>
#include <string.h>

#define DIGITS_MAX 4

/* How many there are, where there are some, and not too many. */
static size_t count_digits(const char *text)
{
	size_t digits = 0;

	while (isdigit((unsigned char)text[digits]))
		digits++;
	return digits <= DIGITS_MAX ? digits : 0;
}

/* ":0", ":0.1". Another machine's screen would come over the network, and the browser as well. */
static bool is_server(const char *text)
{
	size_t digits = text[0] == ':' ? count_digits(text + 1) : 0;

	if (digits == 0)
		return false;
	text += 1 + digits;
	if (text[0] != '.')
		return text[0] == '\0';
	digits = count_digits(text + 1);
	return digits > 0 && text[1 + digits] == '\0';
}

bool tr_display_words_is_own(const char *text)
{
	return !strcmp(text, "xvfb");
}

const char *tr_display_words_fault(const char *text)
{
	if (tr_display_words_is_own(text) || is_server(text))
		return NULL;
	return "\"xvfb\", or an X server of this machine like \":0\"";
}
