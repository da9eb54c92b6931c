#include "config/encoder_words.h"

#include "core/cleanup.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* "xx:xx.x": a hexadecimal digit for each x. */
static bool has_shape(const char *word, size_t length, const char *shape)
{
	if (length != strlen(shape))
		return false;
	for (size_t i = 0; i < length; i++)
		if (shape[i] == 'x' ? !isxdigit((unsigned char)word[i]) : word[i] != shape[i])
			return false;
	return true;
}

static bool is_node(const char *word, size_t length)
{
	static const char start[] = "/dev/dri/renderD";
	size_t digits = 0;

	if (length <= sizeof(start) - 1 || strncmp(word, start, sizeof(start) - 1) != 0)
		return false;
	while (isdigit((unsigned char)word[sizeof(start) - 1 + digits]))
		digits++;
	return digits == 3 && length == sizeof(start) - 1 + digits;
}

static bool is_word(const char *word, size_t length)
{
	static const char *const words[] = {"auto", "software", "vaapi", "qsv"};

	for (size_t i = 0; i < TR_COUNT(words); i++)
		if (length == strlen(words[i]) && !strncmp(word, words[i], length))
			return true;
	return is_node(word, length) || has_shape(word, length, "xxxx:xx:xx.x") ||
	       has_shape(word, length, "xx:xx.x");
}

const char *tr_encoder_words_fault(const char *text)
{
	for (;;) {
		text += strspn(text, " ");
		size_t length = strcspn(text, ",");
		size_t bare = length;
		while (bare > 0 && text[bare - 1] == ' ')
			bare--;
		if (!is_word(text, bare))
			return "\"auto\", \"software\", \"vaapi\", \"qsv\", a device like "
			       "\"0000:00:02.0\" or \"/dev/dri/renderD128\", or several of these "
			       "between commas";
		if (text[length] == '\0')
			return NULL;
		text += length + 1;
	}
}
