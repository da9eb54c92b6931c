/* The project's time: int64_t nanoseconds of CLOCK_MONOTONIC. */
#ifndef TR_CORE_CLOCK_H
#define TR_CORE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define TR_NS_PER_S INT64_C(1000000000)
#define TR_NS_PER_MS INT64_C(1000000)

int64_t tr_clock_now_ns(void);

/* CLOCK_REALTIME in ns, for names and reports only. */
int64_t tr_clock_wall_ns(void);

/* "2026-11-21T04:13:00Z" into `out` (at least 21 bytes). */
void tr_clock_format_utc(int64_t wall_ns, char *out, size_t size);

#endif
