#include "daemon/disk_guard.h"

#include "core/clock.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>

/* There recordings end by themselves, see session/recorder_file.c. */
#define LAST_BYTES (INT64_C(20) << 20)
#define LEAST_RESERVE (LAST_BYTES * 3 / 2)
#define MOST_RESERVE (INT64_C(1) << 60) /* to be counted with */
#define USUAL_RESERVE (INT64_C(1) << 30)
#define USUAL_SHARE 20
#define RATE_WINDOW_S 60.0
#define SHORTEST_MS 1000
#define FULL_MS 5000
#define LOOKS_BEFORE 4 /* a limit is reached */

/* With less than so much time, or such a share of the reserve, left. */
static const struct {
	double seconds;
	double share;
} steps[] = {{1800, 0.5}, {600, 0.25}, {180, 0.125}};

void tr_disk_guard_init(struct tr_disk_guard *guard, const struct tr_disk_guard_settings *settings)
{
	*guard = (struct tr_disk_guard){
		.settings = *settings, .hours_left = -1, .next_ms = settings->check_ms};
}

void tr_disk_guard_note(struct tr_disk_guard_rate *rate, int64_t now_ns, int64_t bytes)
{
	if (rate->since_ns == 0 || bytes < rate->last_bytes) { /* begun, or another part */
		rate->since_ns = rate->last_ns = now_ns;
		rate->since_bytes = rate->last_bytes = bytes;
		return;
	}
	double since_s = (double)(now_ns - rate->since_ns) / 1e9;
	double step_s = (double)(now_ns - rate->last_ns) / 1e9;
	if (step_s < 0.1)
		return;
	if (since_s < RATE_WINDOW_S) {
		rate->per_s = (double)(bytes - rate->since_bytes) / since_s;
	} else {
		double weight = 1 - exp(-step_s / RATE_WINDOW_S);
		double per_s = (double)(bytes - rate->last_bytes) / step_s;
		rate->per_s += weight * (per_s - rate->per_s);
	}
	rate->last_ns = now_ns;
	rate->last_bytes = bytes;
}

static int64_t find_reserve(const struct tr_disk_guard_settings *settings, int64_t total_bytes)
{
	if (settings->reserve_bytes > 0)
		return settings->reserve_bytes < MOST_RESERVE ? settings->reserve_bytes
							      : MOST_RESERVE;
	int64_t reserve = settings->reserve_percent > 0
				  ? total_bytes / 100 * settings->reserve_percent
				  : total_bytes / USUAL_SHARE;
	if (settings->reserve_percent == 0 && reserve > USUAL_RESERVE)
		reserve = USUAL_RESERVE;
	return reserve > LEAST_RESERVE ? reserve : LEAST_RESERVE;
}

/* A limit is left again only with some room above it. */
static bool is_below(bool was, double value, double limit)
{
	return value < (was ? limit * 1.125 : limit);
}

static double usable(const struct tr_disk_guard *guard)
{
	return guard->free_bytes > LAST_BYTES ? (double)(guard->free_bytes - LAST_BYTES) : 0;
}

static enum tr_snapshot_disk_state find_state(const struct tr_disk_guard *guard)
{
	double warn_h = (double)guard->settings.warn_ms / 3600e3;
	bool was_full = guard->state == TR_SNAPSHOT_DISK_FULL;
	bool was_low = was_full || guard->state == TR_SNAPSHOT_DISK_LOW;

	if (is_below(was_full, (double)guard->free_bytes, (double)guard->reserve_bytes))
		return TR_SNAPSHOT_DISK_FULL;
	if (guard->hours_left >= 0 && warn_h > 0 && is_below(was_low, guard->hours_left, warn_h))
		return TR_SNAPSHOT_DISK_LOW;
	return TR_SNAPSHOT_DISK_FINE;
}

static int find_economy(const struct tr_disk_guard *guard, const struct tr_disk_guard_look *look)
{
	double span = (double)(guard->reserve_bytes - LAST_BYTES);
	double left_s = look->per_s > 0 ? usable(guard) / look->per_s : INFINITY;
	int economy = 0;

	for (size_t i = 0; i < TR_COUNT(steps); i++)
		if (left_s < steps[i].seconds || usable(guard) < span * steps[i].share)
			economy = (int)i + 1;
	return economy;
}

static void set_economy(struct tr_disk_guard *guard, const struct tr_disk_guard_look *look)
{
	int economy = look->recordings > 0 ? find_economy(guard, look) : 0;
	bool has_room = guard->free_bytes >= guard->raised_free_bytes + guard->reserve_bytes / 8;

	if (economy > guard->economy)
		guard->raised_free_bytes = guard->free_bytes;
	else if (economy < guard->economy && look->recordings > 0 && !has_room)
		return;
	guard->economy = economy;
}

/* Soon enough to see the next limit come. */
static int64_t find_next(const struct tr_disk_guard *guard, const struct tr_disk_guard_look *look,
	double falls_per_s)
{
	double per_s = fmax(falls_per_s, look->per_s);
	double room = guard->free_bytes > guard->reserve_bytes
			      ? (double)(guard->free_bytes - guard->reserve_bytes)
			      : usable(guard);
	int64_t longest_ms = guard->settings.check_ms;
	double ms = per_s > 0 ? room / per_s * 1000 / LOOKS_BEFORE : INFINITY;

	if (guard->state == TR_SNAPSHOT_DISK_FULL && longest_ms > FULL_MS)
		longest_ms = FULL_MS; /* somebody makes room, and waits */
	if (ms >= (double)longest_ms)
		return longest_ms;
	return ms > SHORTEST_MS ? (int64_t)ms : SHORTEST_MS;
}

void tr_disk_guard_look(struct tr_disk_guard *guard, const struct tr_disk_guard_look *look)
{
	double passed_s = (double)(look->now_ns - guard->looked_ns) / 1e9;
	double falls_per_s = 0;

	if (guard->looked_ns > 0 && passed_s > 0.1)
		falls_per_s = (double)(guard->free_bytes - look->free_bytes) / passed_s;
	guard->looked_ns = look->now_ns;
	guard->free_bytes = look->free_bytes;
	guard->total_bytes = look->total_bytes;
	guard->reserve_bytes = find_reserve(&guard->settings, look->total_bytes);
	if (look->recordings > 0 && look->per_s > 0)
		guard->one_per_s = look->per_s / look->recordings;
	guard->hours_left = guard->one_per_s > 0 ? usable(guard) / guard->one_per_s / 3600 : -1;
	guard->state = find_state(guard);
	set_economy(guard, look);
	guard->next_ms = find_next(guard, look, falls_per_s);
}

int64_t tr_disk_guard_lacks(const struct tr_disk_guard *guard)
{
	int64_t wanted = guard->reserve_bytes + guard->reserve_bytes / 8 + 1;

	return guard->state == TR_SNAPSHOT_DISK_FULL && wanted > guard->free_bytes
		       ? wanted - guard->free_bytes
		       : 0;
}

void tr_disk_guard_say(const struct tr_disk_guard *guard, const char *path, char *out, size_t size)
{
	char left[24], reserve[24];

	tr_text_format_bytes(guard->free_bytes, left, sizeof(left));
	tr_text_format_bytes(guard->reserve_bytes, reserve, sizeof(reserve));
	if (guard->state == TR_SNAPSHOT_DISK_FULL)
		snprintf(out, size,
			"only %s left for recordings in %s: make room (storage.reserve wants %s)",
			left, path, reserve);
	else if (guard->state == TR_SNAPSHOT_DISK_LOW)
		snprintf(out, size,
			"%s left for recordings in %s, which is %.1f hours of one: make room, or "
			"let storage.keep do it",
			left, path, guard->hours_left);
	else
		out[0] = '\0';
}
