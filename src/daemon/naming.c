#include "daemon/naming.h"

#include "core/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ENDING_BYTES 4 /* ".mp4" */
#define WORD_BYTES 1024

int tr_naming_folder(const char *session_id, unsigned attempt, char *out, size_t size)
{
	char name[TR_NAMING_FOLDER_BYTES + 1];
	size_t length = strlen(session_id);

	if (length == 0)
		return -EINVAL;
	if (length > TR_NAMING_FOLDER_BYTES)
		return -ENAMETOOLONG;
	for (size_t i = 0; i <= length; i++) {
		char c = session_id[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || c == '_' || c == '-' || c == '\0';
		name[i] = is_plain ? c : '_';
	}
	int written = attempt > 1 ? snprintf(out, size, "%s-%u", name, attempt)
				  : snprintf(out, size, "%s", name);
	return (size_t)written < size ? 0 : -ENAMETOOLONG;
}

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

/* What no file system and no person wants in a name becomes '_'. */
static void make_safe(char *name)
{
	for (char *c = name; *c; c++) {
		unsigned char byte = (unsigned char)*c;
		bool is_bad = byte < 0x20 || byte == 0x7f || strchr("/\\:*?\"<>|", *c) ||
			      (c == name && (*c == '.' || *c == '-'));
		if (is_bad)
			*c = '_';
	}
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

void tr_naming_file(const char *call_name, int64_t wall_ns, char *out, size_t size)
{
	time_t seconds = (time_t)(wall_ns / TR_NS_PER_S);
	char date[40], name[WORD_BYTES];
	struct tm local;

	localtime_r(&seconds, &local);
	size_t date_bytes = strftime(date, sizeof(date), "_%Y-%m-%d-%H-%M-%S", &local);
	decode(call_name, name, sizeof(name));
	if (!is_utf8(name))
		snprintf(name, sizeof(name), "%s", call_name);
	make_safe(name);
	cut(name, TR_NAMING_FILE_BYTES - ENDING_BYTES - date_bytes);
	snprintf(out, size, "%s%s", name[0] ? name : "recording", date);
}
