#include "daemon/naming.h"

#include "config/placeholder.h"
#include "core/clock.h"
#include "core/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ENDING_BYTES 4 /* ".mp4" */
#define WORD_BYTES 1024
#define SHORT_BYTES 60 /* of what tells where a recording is from */

/* What one pattern's words became. */
struct values {
	char texts[TR_PLACEHOLDER_COUNT_][WORD_BYTES];
};

/* Bytes of the UTF-8 character at `text`; 0 when it is none. */
static size_t character_bytes(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	size_t length = byte[0] < 0x80 ? 1 : byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;

	if ((byte[0] >= 0x80 && byte[0] < 0xc2) || byte[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
	bool is_overlong =
		(byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xf0 && byte[1] < 0x90);
	bool is_beyond =
		(byte[0] == 0xed && byte[1] >= 0xa0) || (byte[0] == 0xf4 && byte[1] >= 0x90);
	return is_overlong || is_beyond ? 0 : length;
}

static bool is_utf8(const char *text)
{
	while (*text) {
		size_t length = character_bytes(text);
		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static void decode(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text && used + 1 < size; text++) {
		int high = text[0] == '%' ? hex_value(text[1]) : -1;
		int low = high >= 0 ? hex_value(text[2]) : -1;
		bool is_coded = low >= 0 && (high > 0 || low > 0);
		out[used++] = is_coded ? (char)(high * 16 + low) : *text;
		text += is_coded ? 2 : 0;
	}
	out[used] = '\0';
}

/* Bytes of a character that shows nothing, or turns the writing round: U+0080 to U+009F, U+200B to
 * U+200F, U+2028 to U+202E, U+2066 to U+2069. 0: it is none. */
static size_t unseen_bytes(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;

	if (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] <= 0x9f)
		return 2;
	bool is_unseen = (byte[0] == 0xe2 && byte[1] == 0x80 &&
				 ((byte[2] >= 0x8b && byte[2] <= 0x8f) ||
					 (byte[2] >= 0xa8 && byte[2] <= 0xae))) ||
			 (byte[0] == 0xe2 && byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9);
	return is_unseen ? 3 : 0;
}

/* What no file system and no person wants in a name becomes '_'. */
static void make_safe(char *name)
{
	char *to = name;

	for (const char *c = name; *c;) {
		unsigned char byte = (unsigned char)*c;
		size_t unseen = unseen_bytes(c);
		bool is_bad = byte < 0x20 || byte == 0x7f || strchr("/\\:*?\"<>|", *c) ||
			      (c == name && (*c == '.' || *c == '-'));
		*to++ = unseen || is_bad ? '_' : *c;
		c += unseen ? unseen : 1;
	}
	while (to > name + 1 && (to[-1] == ' ' || to[-1] == '.')) /* nothing to some systems */
		to--;
	*to = '\0';
}

/* A whole number of characters, at most `bytes`. Half of one at the end is none. */
static void cut(char *name, size_t bytes)
{
	size_t used = 0;

	while (name[used]) {
		size_t length = character_bytes(name + used);
		if (length == 0)
			name[used] = '_';
		length = length ? length : 1;
		if (used + length > bytes)
			break;
		used += length;
	}
	name[used] = '\0';
}

/* ---- words ---- */

static void decode_utf8(const char *text, char *out, size_t size)
{
	decode(text, out, size);
	if (!is_utf8(out))
		snprintf(out, size, "%s", text);
}

static void set_id(const char *session_id, char *out)
{
	size_t length = strnlen(session_id, WORD_BYTES - 1);

	for (size_t i = 0; i < length; i++) {
		char c = session_id[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || c == '_' || c == '-';
		out[i] = is_plain ? c : '_';
	}
	out[length] = '\0';
}

/* The words of the path but the last, which is the room. */
static void set_tenant(const char *url, char *out)
{
	char path[WORD_BYTES];
	const char *host = strstr(url, "://");
	const char *start = host ? strchr(host + 3, '/') : NULL;
	const char *end = start ? strrchr(start, '/') : NULL;

	out[0] = '\0';
	if (!start || end <= start + 1)
		return;
	snprintf(path, sizeof(path), "%.*s", (int)(end - start - 1), start + 1);
	decode_utf8(path, out, WORD_BYTES);
	cut(out, SHORT_BYTES);
}

static void set_short(const char *text, char *out)
{
	snprintf(out, WORD_BYTES, "%s", text);
	cut(out, SHORT_BYTES);
}

static void set_values(const struct tr_naming_words *words, struct values *values)
{
	time_t seconds = (time_t)(words->wall_ns / TR_NS_PER_S);
	struct tm local;

	localtime_r(&seconds, &local);
	values->texts[TR_PLACEHOLDER_NONE][0] = '\0';
	set_id(words->session_id, values->texts[TR_PLACEHOLDER_SESSION_ID]);
	decode_utf8(words->call_name, values->texts[TR_PLACEHOLDER_ROOM], WORD_BYTES);
	set_tenant(words->meeting_url, values->texts[TR_PLACEHOLDER_TENANT]);
	set_short(words->environment, values->texts[TR_PLACEHOLDER_ENVIRONMENT]);
	set_short(words->node, values->texts[TR_PLACEHOLDER_NODE]);
	strftime(values->texts[TR_PLACEHOLDER_DATE], WORD_BYTES, "%Y-%m-%d", &local);
	strftime(values->texts[TR_PLACEHOLDER_TIME], WORD_BYTES, "%H-%M-%S", &local);
}

/* ---- templates ---- */

/* Never more than `size`, which holds all that templates of the configuration can make. */
static void fill(const char *pattern, const struct values *values, char *out, size_t size)
{
	size_t used = 0, length;

	out[0] = '\0';
	while (*pattern && used + 1 < size) {
		enum tr_placeholder which = tr_placeholder_find(pattern, &length);
		const char *text = values->texts[which];
		if (which == TR_PLACEHOLDER_NONE) {
			out[used++] = *pattern++;
			out[used] = '\0';
			continue;
		}
		pattern += length;
		if (!text[0] && *pattern && strchr("_- ", *pattern))
			pattern++;
		used += (size_t)snprintf(out + used, size - used, "%s", text);
	}
}

/* The call's name is what may be long: it gets the room that the rest leaves. */
static void make(const char *pattern, struct values *values, size_t bytes, char *out, size_t size)
{
	char name[TR_PLACEHOLDER_COUNT_ * WORD_BYTES], room[WORD_BYTES];
	char *room_value = values->texts[TR_PLACEHOLDER_ROOM];

	make_safe(room_value);
	snprintf(room, sizeof(room), "%s", room_value);
	snprintf(room_value, WORD_BYTES, "%s", "?"); /* not empty: its separators count */
	fill(pattern, values, name, sizeof(name));
	size_t rest = strlen(name) - 1;
	snprintf(room_value, WORD_BYTES, "%s", room);
	cut(room_value, rest < bytes ? bytes - rest : 0);
	fill(pattern, values, name, sizeof(name));
	make_safe(name);
	cut(name, bytes);
	snprintf(out, size, "%s", name[0] ? name : "recording");
}

int tr_naming_folder(
	const char *pattern, const struct tr_naming_words *words, char *out, size_t size)
{
	struct values values;

	if (!words->session_id[0])
		return -EINVAL;
	if (strlen(words->session_id) > TR_NAMING_FOLDER_BYTES || size <= TR_NAMING_FOLDER_BYTES)
		return -ENAMETOOLONG;
	set_values(words, &values);
	make(pattern, &values, TR_NAMING_FOLDER_BYTES, out, size);
	return 0;
}

int tr_naming_attempt(const char *name, unsigned attempt, char *out, size_t size)
{
	return attempt > 1 ? tr_text_format(out, size, "%s-%u", name, attempt)
			   : tr_text_format(out, size, "%s", name);
}

void tr_naming_file(
	const char *pattern, const struct tr_naming_words *words, char *out, size_t size)
{
	struct values values;

	set_values(words, &values);
	char *room = values.texts[TR_PLACEHOLDER_ROOM];
	if (!room[0])
		snprintf(room, WORD_BYTES, "recording");
	make(pattern, &values, TR_NAMING_FILE_BYTES - ENDING_BYTES, out, size);
}
