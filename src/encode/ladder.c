#include "encode/ladder.h"

#include "core/clock.h"

#include <stdio.h>
#include <string.h>

#define MINUTE_NS (60 * TR_NS_PER_S)
#define LONGEST_NS (6 * 60 * MINUTE_NS)
#define RETRY_NS (10 * MINUTE_NS) /* between two reopenings of the same device */

/* A device that is full or not there may be free soon; one that is too slow will not be faster. */
static int64_t first_rest_ns(enum tr_ladder_failure failure)
{
	switch (failure) {
	case TR_LADDER_NOT_OPENED:
		return MINUTE_NS;
	case TR_LADDER_SLOW:
		return 60 * MINUTE_NS;
	default:
		return 10 * MINUTE_NS;
	}
}

static bool is_software(const struct tr_ladder *ladder, unsigned i)
{
	return ladder->list.rungs[i].kind == TR_RUNG_SOFTWARE;
}

void tr_ladder_init(struct tr_ladder *ladder, const struct tr_rung_list *list)
{
	unsigned kept = 0;

	*ladder = (struct tr_ladder){0};
	for (unsigned i = 0; i < list->count && kept < TR_RUNGS_MAX - 1; i++)
		if (list->rungs[i].kind != TR_RUNG_SOFTWARE)
			ladder->list.rungs[kept++] = list->rungs[i];
	/* Software is always the last, as nothing comes after what cannot fail. Asked for alone it
	 * is the only one. */
	if (list->count > 0 && list->rungs[0].kind == TR_RUNG_SOFTWARE)
		kept = 0;
	struct tr_rung *last = &ladder->list.rungs[kept++];
	*last = (struct tr_rung){.kind = TR_RUNG_SOFTWARE};
	snprintf(last->name, sizeof(last->name), "libx264");
	ladder->list.count = kept;
}

/* The first from `i` on that may be used; the last may always. */
static unsigned find_from(
	const struct tr_ladder *ladder, unsigned i, int64_t passed, int64_t now_ns)
{
	while (!is_software(ladder, i) && (ladder->rests[i].until_ns > now_ns || passed >> i & 1))
		i++;
	return i;
}

static const struct tr_rung *use_from(struct tr_ladder *ladder, unsigned i, int64_t now_ns)
{
	ladder->here = find_from(ladder, i, ladder->passed, now_ns);
	return tr_ladder_current(ladder);
}

const struct tr_rung *tr_ladder_begin(struct tr_ladder *ladder, int64_t now_ns)
{
	ladder->passed = 0;
	return use_from(ladder, 0, now_ns);
}

const struct tr_rung *tr_ladder_best(const struct tr_ladder *ladder, int64_t now_ns)
{
	return &ladder->list.rungs[find_from(ladder, 0, 0, now_ns)];
}

const struct tr_rung *tr_ladder_current(const struct tr_ladder *ladder)
{
	return &ladder->list.rungs[ladder->here];
}

static int64_t rest_for_ns(enum tr_ladder_failure failure, unsigned failures)
{
	int64_t rest_ns = first_rest_ns(failure);

	for (unsigned i = 0; i < failures && rest_ns < LONGEST_NS; i++)
		rest_ns *= 2;
	return rest_ns < LONGEST_NS ? rest_ns : LONGEST_NS;
}

static bool is_accident(enum tr_ladder_failure failure)
{
	return failure == TR_LADDER_ENDED || failure == TR_LADDER_HUNG;
}

const struct tr_rung *tr_ladder_fail(
	struct tr_ladder *ladder, enum tr_ladder_failure failure, int64_t now_ns)
{
	struct tr_ladder_rest *rest = &ladder->rests[ladder->here];

	if (is_software(ladder, ladder->here))
		return tr_ladder_current(ladder);
	if (is_accident(failure) &&
		(rest->retried_ns == 0 || now_ns - rest->retried_ns >= RETRY_NS)) {
		rest->retried_ns = now_ns;
		return tr_ladder_current(ladder);
	}
	rest->until_ns = now_ns + rest_for_ns(failure, rest->failures++);
	return use_from(ladder, ladder->here + 1, now_ns);
}

const struct tr_rung *tr_ladder_fail_surfaces(
	struct tr_ladder *ladder, enum tr_ladder_failure failure, int64_t now_ns)
{
	struct tr_ladder_rest *rest = &ladder->rests[ladder->here];

	rest->surfaces_until_ns = now_ns + rest_for_ns(failure, rest->surface_failures++);
	return is_accident(failure) ? tr_ladder_fail(ladder, failure, now_ns)
				    : tr_ladder_current(ladder);
}

bool tr_ladder_may_have_surfaces(const struct tr_ladder *ladder, int64_t now_ns)
{
	return !is_software(ladder, ladder->here) &&
	       ladder->rests[ladder->here].surfaces_until_ns <= now_ns;
}

const struct tr_rung *tr_ladder_pass(struct tr_ladder *ladder, int64_t now_ns)
{
	if (is_software(ladder, ladder->here))
		return tr_ladder_current(ladder);
	ladder->passed |= INT64_C(1) << ladder->here;
	return use_from(ladder, ladder->here + 1, now_ns);
}

void tr_ladder_succeed(struct tr_ladder *ladder)
{
	ladder->rests[ladder->here].failures = 0;
}

const char *tr_ladder_failure_name(enum tr_ladder_failure failure)
{
	static const char *const names[] = {
		[TR_LADDER_NOT_OPENED] = "did not open",
		[TR_LADDER_ERROR] = "failed",
		[TR_LADDER_ENDED] = "ended",
		[TR_LADDER_HUNG] = "hung",
		[TR_LADDER_SLOW] = "was too slow",
	};

	return names[failure];
}
