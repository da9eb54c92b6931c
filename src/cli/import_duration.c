#include "cli/import_duration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MS_MAX 1e15

static const struct unit {
	const char *name;
	double ms;
} units[] = {{"ns", 1e-6}, {"nano", 1e-6}, {"nanos", 1e-6}, {"nanosecond", 1e-6},
	{"nanoseconds", 1e-6}, {"us", 1e-3}, {"micro", 1e-3}, {"micros", 1e-3},
	{"microsecond", 1e-3}, {"microseconds", 1e-3}, {"ms", 1}, {"milli", 1}, {"millis", 1},
	{"millisecond", 1}, {"milliseconds", 1}, {"s", 1e3}, {"second", 1e3}, {"seconds", 1e3},
	{"m", 6e4}, {"minute", 6e4}, {"minutes", 6e4}, {"h", 36e5}, {"hour", 36e5}, {"hours", 36e5},
	{"d", 864e5}, {"day", 864e5}, {"days", 864e5}};

static double factor_of(const char *name)
{
	for (size_t i = 0; i < TR_COUNT(units); i++)
		if (!strcmp(units[i].name, name))
			return units[i].ms;
	return 0;
}

int tr_import_duration_read(const json_t *value, int64_t *ret_ms, bool *ret_is_bare)
{
	double number = json_number_value(value), factor = 1;
	char name[40] = "";

	*ret_is_bare = true;
	if (json_is_string(value)) {
		const char *text = json_string_value(value);
		int length = 0;
		int count = sscanf(text, " %lf %39[a-z] %n", &number, name, &length);
		if (count < 1 || (count == 2 && text[length]))
			return -EINVAL;
		if (count == 1 && text[strspn(text, " 0123456789.")])
			return -EINVAL;
		*ret_is_bare = count == 1;
		factor = count == 1 ? 1 : factor_of(name);
	} else if (!json_is_number(value)) {
		return -EINVAL;
	}
	number *= factor;
	if (!(factor > 0) || !(number >= 0 && number <= MS_MAX))
		return -EINVAL;
	*ret_ms = (int64_t)number;
	return 0;
}

void tr_import_duration_write(int64_t ms, char *out, size_t size)
{
	if (ms % 1000)
		snprintf(out, size, "%" PRId64 "ms", ms);
	else if (ms == 0 || ms % 60000)
		snprintf(out, size, "%" PRId64 "s", ms / 1000);
	else if (ms % 3600000)
		snprintf(out, size, "%" PRId64 "m", ms / 60000);
	else
		snprintf(out, size, "%" PRId64 "h", ms / 3600000);
}
