#include "control/http_internal.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Digits only; more than fit are the largest number. -1 without one. */
static int64_t take_number(const char **text)
{
	int64_t number = 0;

	if (**text < '0' || **text > '9')
		return -1;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		int digit = **text - '0';
		number = number > (INT64_MAX - digit) / 10 ? INT64_MAX : number * 10 + digit;
	}
	return number;
}

static bool is_at_end(const char *text)
{
	return text[strspn(text, " \t")] == '\0';
}

int tr_http_range_parse(const char *text, int64_t size, int64_t *ret_first, int64_t *ret_count)
{
	static const char unit[] = "bytes=";

	if (strncasecmp(text, unit, sizeof(unit) - 1) != 0)
		return -EINVAL;
	text += sizeof(unit) - 1;
	text += strspn(text, " \t");
	int64_t first = take_number(&text);
	if (*text++ != '-')
		return -EINVAL;
	int64_t last = take_number(&text);
	if (!is_at_end(text) || (first < 0 && last < 0) ||
		(first >= 0 && last >= 0 && last < first))
		return -EINVAL;
	if (first < 0) { /* the last so many */
		if (last == 0 || size == 0)
			return -ERANGE;
		first = last < size ? size - last : 0;
		last = size - 1;
	}
	if (first >= size)
		return -ERANGE;
	if (last < 0 || last >= size)
		last = size - 1;
	*ret_first = first;
	*ret_count = last - first + 1;
	return 0;
}
