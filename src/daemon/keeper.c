#define TR_LOG_AREA "keeper"

#include "daemon/keeper.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "output/stream_url.h"

#include <errno.h>
#include <string.h>

#define INTERVAL_MS 3600000
#define SOON_MS 20
#define TIMER_ACCURACY_US 10000

struct tr_keeper {
	sd_event *event;
	struct tr_keeper_settings settings;
	sd_event_source *timer;
	struct tr_keeper_plan *plan; /* being carried out, from `next` on; NULL: none */
	unsigned count, next;
	char stuck[NAME_MAX + 1]; /* could not be removed, has been said */
};

/* ---- what goes ---- */

static void fill_rules(const struct tr_config *config, struct tr_keeping_rule *rules)
{
	for (unsigned i = 0; i < config->storage.keep_count; i++) {
		const struct tr_config_keep *keep = &config->storage.keep[i];
		rules[i] = (struct tr_keeping_rule){keep->min_age_ms, keep->max_age_ms,
			keep->max_bytes, keep->min_free_bytes, keep->uploaded_only};
	}
}

static uint32_t find_rule(const struct tr_config *config, const struct tr_holding *holding)
{
	for (uint32_t i = 0; i < config->storage.keep_count; i++) {
		const char *pattern = config->storage.keep[i].match;
		if (tr_stream_url_is_allowed(holding->url, &pattern, 1) ||
			(holding->room[0] && tr_stream_url_is_allowed(holding->room, &pattern, 1)))
			return i;
	}
	return TR_KEEPING_NO_RULE;
}

static void fill_items(const struct tr_keeper_settings *settings, const struct tr_holding *holdings,
	unsigned count, struct tr_keeping_item *items)
{
	for (unsigned i = 0; i < count; i++) {
		const struct tr_holding *holding = &holdings[i];
		bool is_final = holding->state == TR_RECORDING_DONE ||
				holding->state == TR_RECORDING_FAILED;
		items[i] = (struct tr_keeping_item){
			.rule = find_rule(settings->rules, holding),
			.bytes = holding->bytes,
			.ended_wall_ns = holding->ended_wall_ns,
			.is_complete = is_final && !holding->wants_finalize &&
				       !settings->is_in_use(settings->user, holding->folder),
			.is_taken_over = holding->is_taken_over,
		};
	}
}

static int take_marked(const struct tr_holding *holdings, const struct tr_keeping_item *items,
	unsigned count, struct tr_keeper_plan **ret_plan, unsigned *ret_count)
{
	unsigned marked = 0, used = 0;

	for (unsigned i = 0; i < count; i++)
		marked += items[i].reason != TR_KEEPING_STAYS;
	if (marked == 0)
		return 0;
	struct tr_keeper_plan *plan = calloc(marked, sizeof(*plan));
	if (!plan)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		if (items[i].reason != TR_KEEPING_STAYS)
			plan[used++] = (struct tr_keeper_plan){holdings[i], items[i].reason};
	*ret_plan = plan;
	*ret_count = marked;
	return 0;
}

int tr_keeper_make_plan(const struct tr_keeper_settings *settings, int64_t lacks_bytes,
	struct tr_keeper_plan **ret_plan, unsigned *ret_count)
{
	TR_CLEANUP(tr_freep) struct tr_holding *holdings = NULL;
	struct tr_keeping_rule rules[TR_CONFIG_KEEPS_MAX];
	struct tr_keeping_disk disk = {
		.now_wall_ns = tr_clock_wall_ns(), .lacks_bytes = lacks_bytes};
	int64_t total_bytes;
	unsigned count = 0;

	*ret_plan = NULL;
	*ret_count = 0;
	if (settings->rules->storage.keep_count == 0)
		return 0;
	int rc = tr_recordings_dir_read_space(settings->dir, &disk.free_bytes, &total_bytes);
	if (rc == 0)
		rc = tr_holdings_find(settings->dir->path, &holdings, &count);
	if (rc < 0 || count == 0)
		return rc;
	TR_CLEANUP(tr_freep) struct tr_keeping_item *items = calloc(count, sizeof(*items));
	if (!items)
		return -ENOMEM;
	fill_rules(settings->rules, rules);
	fill_items(settings, holdings, count, items);
	tr_keeping_decide(rules, &disk, items, count);
	return take_marked(holdings, items, count, ret_plan, ret_count);
}

/* ---- removing ---- */

static bool remove_one(struct tr_keeper *keeper, const struct tr_keeper_plan *one)
{
	const struct tr_keeper_settings *settings = &keeper->settings;
	const struct tr_holding *holding = &one->holding;
	char text[24];

	if (settings->is_in_use(settings->user, holding->folder)) /* again */
		return false;
	int rc = tr_holdings_remove(settings->dir->path, holding->folder);
	if (rc < 0) {
		if (strcmp(keeper->stuck, holding->folder) != 0)
			tr_warning("%s/%s should go, but cannot be removed: %s",
				settings->dir->path, holding->folder, strerror(-rc));
		memcpy(keeper->stuck, holding->folder, sizeof(keeper->stuck));
		return false;
	}
	tr_text_format_bytes(holding->bytes, text, sizeof(text));
	tr_info("%s (session %s, %s) is removed: %s", holding->folder, holding->session_id, text,
		tr_keeping_sentence(one->reason));
	settings->removed(settings->user, holding);
	return true;
}

static void plan_next(struct tr_keeper *keeper, int64_t after_ms)
{
	sd_event_source_set_time_relative(keeper->timer, (uint64_t)after_ms * 1000);
	sd_event_source_set_enabled(keeper->timer, SD_EVENT_ONESHOT);
}

static void drop_plan(struct tr_keeper *keeper)
{
	free(tr_take(keeper->plan));
	keeper->count = keeper->next = 0;
}

/* One a turn. */
static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_keeper *keeper = user;
	int rc = 0;

	(void)source, (void)usec;
	if (!keeper->plan)
		rc = tr_keeper_make_plan(&keeper->settings, 0, &keeper->plan, &keeper->count);
	if (rc < 0)
		tr_warning("no rule of storage.keep is followed now: %s", strerror(-rc));
	if (keeper->next < keeper->count)
		remove_one(keeper, &keeper->plan[keeper->next++]);
	bool has_more = keeper->next < keeper->count;
	if (!has_more)
		drop_plan(keeper);
	plan_next(keeper, has_more ? SOON_MS : keeper->settings.interval_ms);
	return 0;
}

void tr_keeper_tidy(struct tr_keeper *keeper)
{
	if (keeper->settings.rules->storage.keep_count > 0)
		plan_next(keeper, SOON_MS);
}

unsigned tr_keeper_make_room(struct tr_keeper *keeper, int64_t lacks_bytes)
{
	TR_CLEANUP(tr_freep) struct tr_keeper_plan *plan = NULL;
	unsigned count = 0, removed = 0;

	drop_plan(keeper);
	if (lacks_bytes <= 0 ||
		tr_keeper_make_plan(&keeper->settings, lacks_bytes, &plan, &count) < 0)
		return 0;
	for (unsigned i = 0; i < count; i++)
		removed += remove_one(keeper, &plan[i]);
	return removed;
}

/* ---- life ---- */

int tr_keeper_create(
	sd_event *event, const struct tr_keeper_settings *settings, struct tr_keeper **ret_keeper)
{
	TR_CLEANUP(tr_keeper_destroyp) struct tr_keeper *keeper = calloc(1, sizeof(*keeper));
	if (!keeper)
		return -ENOMEM;
	keeper->event = sd_event_ref(event);
	keeper->settings = *settings;
	if (keeper->settings.interval_ms <= 0)
		keeper->settings.interval_ms = INTERVAL_MS;
	int rc = sd_event_add_time_relative(event, &keeper->timer, CLOCK_MONOTONIC, SOON_MS * 1000,
		TIMER_ACCURACY_US, on_timer, keeper);
	if (rc >= 0 && settings->rules->storage.keep_count == 0)
		rc = sd_event_source_set_enabled(keeper->timer, SD_EVENT_OFF);
	if (rc < 0)
		return rc;
	*ret_keeper = tr_take(keeper);
	return 0;
}

void tr_keeper_destroy(struct tr_keeper *keeper)
{
	if (!keeper)
		return;
	drop_plan(keeper);
	sd_event_source_disable_unref(keeper->timer);
	sd_event_unref(keeper->event);
	free(keeper);
}
