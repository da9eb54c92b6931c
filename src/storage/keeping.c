#include "storage/keeping.h"

#include "core/clock.h"

#include <stddef.h>

static int64_t age_ms(const struct tr_keeping_item *item, const struct tr_keeping_disk *disk)
{
	return (disk->now_wall_ns - item->ended_wall_ns) / TR_NS_PER_MS;
}

static bool may_go(const struct tr_keeping_rule *rules, const struct tr_keeping_disk *disk,
	const struct tr_keeping_item *item)
{
	if (item->rule == TR_KEEPING_NO_RULE || !item->is_complete ||
		item->reason != TR_KEEPING_STAYS)
		return false;
	const struct tr_keeping_rule *rule = &rules[item->rule];
	return (!rule->uploaded_only || item->is_taken_over) &&
	       age_ms(item, disk) >= rule->min_age_ms;
}

static void mark_old(const struct tr_keeping_rule *rules, const struct tr_keeping_disk *disk,
	struct tr_keeping_item *items, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (may_go(rules, disk, &items[i]) && rules[items[i].rule].max_age_ms > 0 &&
			age_ms(&items[i], disk) > rules[items[i].rule].max_age_ms)
			items[i].reason = TR_KEEPING_TOO_OLD;
}

/* What the rule's recordings take, those that cannot go among them. */
static int64_t sum_rule(const struct tr_keeping_item *items, unsigned count, uint32_t rule)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		if (items[i].rule == rule && items[i].reason == TR_KEEPING_STAYS)
			sum += items[i].bytes;
	return sum;
}

static void mark_much(const struct tr_keeping_rule *rules, const struct tr_keeping_disk *disk,
	struct tr_keeping_item *items, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (may_go(rules, disk, &items[i]) && rules[items[i].rule].max_bytes > 0 &&
			sum_rule(items, count, items[i].rule) > rules[items[i].rule].max_bytes)
			items[i].reason = TR_KEEPING_TOO_MUCH;
}

static void mark_for_room(const struct tr_keeping_rule *rules, const struct tr_keeping_disk *disk,
	struct tr_keeping_item *items, unsigned count)
{
	int64_t freed = 0;

	for (unsigned i = 0; i < count; i++)
		if (items[i].reason != TR_KEEPING_STAYS)
			freed += items[i].bytes;
	for (unsigned i = 0; i < count; i++) {
		struct tr_keeping_item *item = &items[i];
		if (!may_go(rules, disk, item) || rules[item->rule].min_free_bytes == 0)
			continue;
		if (disk->free_bytes + freed < rules[item->rule].min_free_bytes)
			item->reason = TR_KEEPING_TOO_FULL;
		else if (freed < disk->lacks_bytes)
			item->reason = TR_KEEPING_FOR_START;
		else
			continue;
		freed += item->bytes;
	}
}

void tr_keeping_decide(const struct tr_keeping_rule *rules, const struct tr_keeping_disk *disk,
	struct tr_keeping_item *items, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		items[i].reason = TR_KEEPING_STAYS;
	mark_old(rules, disk, items, count);
	mark_much(rules, disk, items, count);
	mark_for_room(rules, disk, items, count);
}

const char *tr_keeping_sentence(enum tr_keeping_reason reason)
{
	static const char *const sentences[] = {
		[TR_KEEPING_STAYS] = "it stays",
		[TR_KEEPING_TOO_OLD] = "it is older than max_age of its rule in storage.keep",
		[TR_KEEPING_TOO_MUCH] = "its rule's recordings take more than max_size in "
					"storage.keep",
		[TR_KEEPING_TOO_FULL] = "less is free on the disk than min_free of its rule in "
					"storage.keep",
		[TR_KEEPING_FOR_START] = "a recording could not start without the room, and its "
					 "rule in storage.keep has min_free",
	};
	return (unsigned)reason < TR_COUNT(sentences) ? sentences[reason] : "";
}
