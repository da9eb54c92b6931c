/* What the files import_plan.c, import_environment.c, import_video.c and import_watch.c share. */
#ifndef TR_CLI_IMPORT_PLAN_INTERNAL_H
#define TR_CLI_IMPORT_PLAN_INTERNAL_H

#include "cli/import_plan.h"

#include <stdbool.h>
#include <stdint.h>

struct tr_import_planner {
	const struct tr_import_source *source;
	struct tr_import_plan plan;
	bool is_short_of_memory;
};

struct tr_import_rule;

/* One key on its way. */
struct tr_import_item {
	struct tr_import_planner *planner;
	const struct tr_import_rule *rule;
	const char *path; /* in jibri.conf, whole */
	json_t *value;
	json_t *target;	     /* where rule->ours goes */
	json_t *secrets;     /* the same for secrets; NULL outside of environments */
	const char *within;  /* "" or "environments." before rule->ours in rows */
	const char *misread; /* how Jibri spells the key, when that is not how the file does */
};

/* What becomes of one key. */
struct tr_import_rule {
	const char *path; /* below "jibri.", or of an environment; "stats.": and all below it */
	void (*take)(struct tr_import_item *item);
	const char *ours; /* where it goes, or NULL */
	const char *note; /* why it goes nowhere, or NULL */
	int64_t min, max; /* of a number, or ms of a time */
};

struct tr_import_table {
	const struct tr_import_rule *rows;
	size_t count;
};

/* Looks up every key of `group` and has its rule take it. `name` is the group's path in the file,
 * and `skip` how much of that the table leaves out. */
void tr_import_walk(const struct tr_import_item *about, const struct tr_import_table *table,
	const json_t *group, const char *name, size_t skip);

/* Adds a row; `ours`, `shown` and `note` may be NULL. */
void tr_import_row(const struct tr_import_item *item, enum tr_import_outcome outcome,
	const char *ours, const char *shown, const char *note);

/* The same for a note that is put together. */
void tr_import_say(const struct tr_import_item *item, enum tr_import_outcome outcome,
	const char *ours, const char *shown, const char *format, ...) TR_PRINTF(5, 6);

/* Takes the value: sets "a.b" in `target`. */
void tr_import_put(
	struct tr_import_planner *planner, json_t *target, const char *path, json_t *value);

/* "a.b" of `root`, or NULL. */
json_t *tr_import_get(const json_t *root, const char *path);

/* The value as text, NULL for lists and groups. */
const char *tr_import_text(const json_t *value);
/* Whether the value means "off" or "nothing". */
bool tr_import_is_nothing(const json_t *value);
/* -EINVAL when it is none. */
TR_CHECKED int tr_import_bool(const json_t *value, bool *ret);

/* Rules' ways to take a key. */
void tr_import_take_text(struct tr_import_item *item);
void tr_import_take_bool(struct tr_import_item *item);
void tr_import_take_int(struct tr_import_item *item);
void tr_import_take_path(struct tr_import_item *item);
void tr_import_take_duration(struct tr_import_item *item);
void tr_import_take_later(struct tr_import_item *item);
void tr_import_take_nowhere(struct tr_import_item *item);
void tr_import_take_environments(struct tr_import_item *item);
void tr_import_take_ffmpeg(struct tr_import_item *item);
void tr_import_take_statsd(struct tr_import_item *item);
void tr_import_take_subscribers(struct tr_import_item *item);
void tr_import_take_token_key(struct tr_import_item *item);
void tr_import_take_token_text(struct tr_import_item *item);
void tr_import_take_token_lifetime(struct tr_import_item *item);

/* What the commands for ffmpeg make of pictures and sound, whoever said so. */
void tr_import_video(struct tr_import_planner *planner);

#endif
