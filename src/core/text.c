#include "core/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 64

void tr_text_redact(const char *url, char *out, size_t size)
{
	const char *scheme_end = strstr(url, "://");
	const char *rest = scheme_end ? scheme_end + 3 : url;
	size_t authority = strcspn(rest, "/?#");
	const char *at = memrchr(rest, '@', authority);
	const char *host = at ? at + 1 : rest;
	size_t shown = strcspn(host, "?#");

	snprintf(out, size, "%.*s%s%.*s%s", (int)(rest - url), url, at ? "***@" : "", (int)shown,
		host, host[shown] ? "?***" : "");
}

static double duration_unit_ms(const char *unit)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = {{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"min", 60e3}, {"h", 3600e3},
		{"d", 86400e3}};

	for (size_t i = 0; i < TR_COUNT(units); i++)
		if (!strcmp(unit, units[i].name))
			return units[i].ms;
	return 0;
}

int tr_text_parse_duration(const char *text, int64_t *ret_ms)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.' && text[0] != '-')
		return -EINVAL;
	double amount = strtod(text, &end);
	double unit = duration_unit_ms(end);
	if (end == text || unit == 0 || !isfinite(amount))
		return -EINVAL;
	if (amount < 0 || amount * unit > 10 * 366 * 86400e3)
		return -ERANGE;
	*ret_ms = llround(amount * unit);
	return 0;
}

/* "M", "MB", "MiB" and "m" are the same. 0: no unit. */
static double byte_unit(const char *unit)
{
	static const char letters[] = "kmgt";

	unit += *unit == ' ';
	if (!*unit || !strcasecmp(unit, "B"))
		return 1;
	const char *letter = strchr(letters, tolower((unsigned char)*unit));
	if (!letter ||
		(unit[1] && strcasecmp(unit + 1, "B") != 0 && strcasecmp(unit + 1, "iB") != 0))
		return 0;
	return exp2(10.0 * (double)(letter - letters + 1));
}

int tr_text_parse_bytes(const char *text, int64_t *ret_bytes)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.' && text[0] != '-')
		return -EINVAL;
	double amount = strtod(text, &end);
	double unit = byte_unit(end);
	if (end == text || unit == 0 || !isfinite(amount))
		return -EINVAL;
	if (amount < 0 || amount * unit > 8000 * exp2(40))
		return -ERANGE;
	*ret_bytes = llround(amount * unit);
	return 0;
}

int tr_text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '-')
		return -EINVAL;
	errno = 0;
	intmax_t value = strtoimax(text, &end, 10);
	if (end == text || *end)
		return -EINVAL;
	if (errno == ERANGE || value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

bool tr_text_has_controls(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

size_t tr_text_utf8_length(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned char first = bytes[0];
	size_t length = first < 0x80   ? 1
			: first < 0xc2 ? 0
			: first < 0xe0 ? 2
			: first < 0xf0 ? 3
			: first < 0xf5 ? 4
				       : 0;

	for (size_t i = 1; i < length; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	bool is_overlong = (first == 0xe0 && bytes[1] < 0xa0) || (first == 0xf0 && bytes[1] < 0x90);
	bool is_beyond = (first == 0xed && bytes[1] > 0x9f) || (first == 0xf4 && bytes[1] > 0x8f);
	return length > 1 && (is_overlong || is_beyond) ? 0 : length;
}

void tr_text_make_utf8(char *text)
{
	while (*text) {
		size_t length = tr_text_utf8_length(text);
		if (length == 0)
			*text = '?';
		text += length ? length : 1;
	}
}

int tr_text_parse_size(const char *text, int *ret_width, int *ret_height)
{
	char left[16];
	int64_t width, height;
	const char *x = strchr(text, 'x');

	if (!x || x - text >= (int)sizeof(left))
		return -EINVAL;
	memcpy(left, text, (size_t)(x - text));
	left[x - text] = '\0';
	int rc = tr_text_parse_int(left, 0, INT32_MAX, &width);
	if (rc == 0)
		rc = tr_text_parse_int(x + 1, 0, INT32_MAX, &height);
	if (rc < 0)
		return -EINVAL;
	*ret_width = (int)width;
	*ret_height = (int)height;
	return 0;
}

static int smallest(int a, int b, int c)
{
	int least = a < b ? a : b;
	return least < c ? least : c;
}

/* Levenshtein's distance, two rows. */
static int distance(const char *a, const char *b)
{
	int rows[2][WORD_MAX + 1];
	int a_length = (int)strnlen(a, WORD_MAX), b_length = (int)strnlen(b, WORD_MAX);

	for (int j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (int i = 1; i <= a_length; i++) {
		int *row = rows[i % 2], *above = rows[(i + 1) % 2];
		row[0] = i;
		for (int j = 1; j <= b_length; j++)
			row[j] = smallest(row[j - 1] + 1, above[j] + 1,
				above[j - 1] + (a[i - 1] != b[j - 1]));
	}
	return rows[a_length % 2][b_length];
}

const char *tr_text_nearest(const char *word, const char *const *words)
{
	const char *best = NULL;
	int best_distance = (int)strnlen(word, WORD_MAX) / 2 + 1;

	for (; *words; words++) {
		int d = distance(word, *words);
		if (d < best_distance) {
			best_distance = d;
			best = *words;
		}
	}
	return best;
}

int tr_text_format(char *out, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = vsnprintf(out, size, format, args);
	va_end(args);
	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

int tr_text_say(char *out, size_t size, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(out, size, format, args);
	va_end(args);
	return rc;
}

void tr_text_format_bytes(int64_t bytes, char *out, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double amount = (double)bytes;
	size_t unit = 0;

	while (amount >= 1024 && unit + 1 < TR_COUNT(units)) {
		amount /= 1024;
		unit++;
	}
	snprintf(out, size, unit && amount < 100 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}
