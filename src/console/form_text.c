#include "console/form_text.h"

#include "console/term.h"

#include <stdint.h>
#include <string.h>

static bool is_inside(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t tr_form_text_left(const char *text, size_t at)
{
	if (at > 0)
		at--;
	while (at > 0 && is_inside(text[at]))
		at--;
	return at;
}

size_t tr_form_text_right(const char *text, size_t at)
{
	if (text[at])
		at++;
	while (is_inside(text[at]))
		at++;
	return at;
}

size_t tr_form_text_count(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += !is_inside(*text);
	return count;
}

static size_t encode(int character, char out[4])
{
	uint32_t c = (uint32_t)character;

	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

bool tr_form_text_insert(char *text, size_t size, size_t *cursor, int character)
{
	char bytes[4];
	size_t length = strlen(text);

	if (character < 0x20 || (character >= 0x7f && character < 0xa0) || character > 0x10ffff ||
		(character >= 0xd800 && character < 0xe000))
		return false;
	size_t count = encode(character, bytes);
	if (length + count >= size)
		return false;
	memmove(text + *cursor + count, text + *cursor, length - *cursor + 1);
	memcpy(text + *cursor, bytes, count);
	*cursor += count;
	return true;
}

bool tr_form_text_delete(char *text, size_t cursor)
{
	size_t next = tr_form_text_right(text, cursor);

	if (next == cursor)
		return false;
	size_t rest = strlen(text + next) + 1, gone = next - cursor;
	memmove(text + cursor, text + next, rest);
	/* What was there may have been a secret's end. */
	explicit_bzero(text + cursor + rest, gone);
	return true;
}

bool tr_form_text_backspace(char *text, size_t *cursor)
{
	if (*cursor == 0)
		return false;
	*cursor = tr_form_text_left(text, *cursor);
	return tr_form_text_delete(text, *cursor);
}

/* How long the character is that begins here; 0: none of UTF-8's, or a control character. */
static size_t character_length(const char *text)
{
	unsigned char c = (unsigned char)*text;
	size_t length = c < 0x80   ? 1
			: c < 0xc2 ? 0
			: c < 0xe0 ? 2
			: c < 0xf0 ? 3
			: c < 0xf5 ? 4
				   : 0;

	if (c < 0x20 || c == 0x7f)
		return 0;
	for (size_t i = 1; i < length; i++)
		if (!is_inside(text[i]))
			return 0;
	return length;
}

void tr_form_text_copy(char *out, size_t size, const char *text)
{
	size_t used = 0;

	while (*text) {
		size_t length = character_length(text), count = length ? length : 1;
		if (used + count >= size)
			break;
		memcpy(out + used, length ? text : "?", count);
		used += count;
		text += count;
	}
	out[used] = '\0';
}

bool tr_form_text_key(char *text, size_t size, size_t *cursor, int key, bool *ret_is_changed)
{
	*ret_is_changed = false;
	switch (key) {
	case TR_KEY_LEFT:
		*cursor = tr_form_text_left(text, *cursor);
		return true;
	case TR_KEY_RIGHT:
		*cursor = tr_form_text_right(text, *cursor);
		return true;
	case TR_KEY_HOME:
		*cursor = 0;
		return true;
	case TR_KEY_END:
		*cursor = strlen(text);
		return true;
	case TR_KEY_BACKSPACE:
	case '\b':
		*ret_is_changed = tr_form_text_backspace(text, cursor);
		return true;
	case TR_KEY_DELETE:
		*ret_is_changed = tr_form_text_delete(text, *cursor);
		return true;
	case 'U' - '@': /* as in a shell: all of it */
		*ret_is_changed = text[0] != '\0';
		explicit_bzero(text, strlen(text));
		*cursor = 0;
		return true;
	}
	*ret_is_changed = tr_form_text_insert(text, size, cursor, key);
	return *ret_is_changed;
}
