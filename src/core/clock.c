#include "core/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return ts.tv_sec * TR_NS_PER_S + ts.tv_nsec;
}

int64_t tr_clock_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t tr_clock_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

void tr_clock_format_utc(int64_t wall_ns, char *out, size_t size)
{
	time_t seconds = (time_t)(wall_ns / TR_NS_PER_S);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	if (strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0 && size > 0)
		out[0] = '\0';
}
