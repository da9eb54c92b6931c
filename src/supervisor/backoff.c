#include "supervisor/backoff.h"

#include "core/clock.h"

#define FIRST_NS (200 * TR_NS_PER_MS)
#define LONGEST_NS (60 * TR_NS_PER_S)
#define STEADY_NS (300 * TR_NS_PER_S)

int64_t tr_backoff_next_ns(struct tr_backoff *backoff, int64_t lived_ns)
{
	if (lived_ns >= STEADY_NS)
		backoff->failures = 0;
	int64_t pause = FIRST_NS << (backoff->failures < 16 ? backoff->failures : 16);
	backoff->failures++;
	return pause < LONGEST_NS ? pause : LONGEST_NS;
}
