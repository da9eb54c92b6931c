#define TR_LOG_AREA "afterwork"

#include "daemon/afterwork.h"

#include "core/log.h"
#include "core/text.h"
#include "storage/leftovers.h"
#include "system/account.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum stage { MAKING_FILES, WAITING, RUNNING };

struct item {
	struct item *next;
	struct tr_afterwork *work;
	enum stage stage;
	uint64_t job;
	uint64_t turn; /* in which the files were complete */
	char session_id[160];
	char folder[NAME_MAX + 1];
	struct tr_finalize *finalize;
};

struct tr_afterwork {
	sd_event *event;
	struct tr_afterwork_settings settings;
	char script[PATH_MAX];
	tr_afterwork_over_fn *over;
	void *user;
	struct item *items;
	unsigned running;
	uint64_t last_turn;
};

int tr_afterwork_create(sd_event *event, const struct tr_afterwork_settings *settings,
	tr_afterwork_over_fn *over, void *user, struct tr_afterwork **ret_work)
{
	TR_CLEANUP(tr_afterwork_destroyp) struct tr_afterwork *work = calloc(1, sizeof(*work));
	if (!work)
		return -ENOMEM;
	work->event = sd_event_ref(event);
	work->settings = *settings;
	work->over = over;
	work->user = user;
	int rc = tr_text_format(work->script, sizeof(work->script), "%s", settings->script);
	if (rc < 0)
		return rc;
	*ret_work = tr_take(work);
	return 0;
}

static void free_item(struct item *item)
{
	tr_finalize_destroy(item->finalize);
	free(item);
}

void tr_afterwork_destroy(struct tr_afterwork *work)
{
	if (!work)
		return;
	while (work->items) {
		struct item *item = work->items;
		work->items = item->next;
		free_item(item);
	}
	sd_event_unref(work->event);
	free(work);
}

static void note_done(struct tr_afterwork *work, const struct item *item)
{
	TR_CLEANUP(tr_closep) int folder = -1;

	int rc = tr_recordings_dir_open(work->settings.dir, item->folder, &folder);
	if (rc == 0)
		rc = tr_leftovers_note_finalize(folder, false);
	if (rc < 0 && rc != -ENOENT) /* the script may have moved the folder away */
		tr_fail(rc, "session %s: it cannot be noted that all is done", item->session_id);
}

static void remove_item(struct item *item, const struct tr_finalize_result *script)
{
	struct tr_afterwork *work = item->work;
	struct item **at = &work->items;

	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
	work->over(item->session_id, item->folder, script, work->user);
	free_item(item);
}

static void end_item(struct item *item, const struct tr_finalize_result *script)
{
	note_done(item->work, item);
	remove_item(item, script);
}

static struct item *find_next(struct tr_afterwork *work)
{
	struct item *next = NULL;

	for (struct item *item = work->items; item; item = item->next)
		if (item->stage == WAITING && (!next || item->turn < next->turn))
			next = item;
	return next;
}

static void run_scripts(struct tr_afterwork *work);

static void on_done(const struct tr_finalize_result *result, void *user)
{
	struct item *item = user;
	struct tr_afterwork *work = item->work;

	work->running--;
	end_item(item, result);
	run_scripts(work);
}

static int run_script(struct item *item)
{
	struct tr_afterwork *work = item->work;
	char path[PATH_MAX];

	/* As the configuration has it, like Jibri: not made absolute. */
	int rc =
		tr_text_format(path, sizeof(path), "%s/%s", work->settings.dir->path, item->folder);
	if (rc < 0)
		return rc;
	const struct tr_finalize_settings settings = {
		.script = work->script,
		.folder = path,
		.timeout_ms = work->settings.timeout_ms,
		.attempts = work->settings.attempts,
		.session_id = item->session_id,
	};
	return tr_finalize_start(work->event, &settings, on_done, item, &item->finalize);
}

static void run_scripts(struct tr_afterwork *work)
{
	struct item *item;

	while (work->running < work->settings.parallel && (item = find_next(work))) {
		int rc = run_script(item);
		if (rc < 0) {
			struct tr_finalize_result result = {.rc = rc, .wait_status = -1};
			tr_fail(rc, "session %s: the finalize script cannot be run",
				item->session_id);
			snprintf(result.sentence, sizeof(result.sentence),
				"the finalize script cannot be run: %s", strerror(-rc));
			end_item(item, &result);
			continue;
		}
		item->stage = RUNNING;
		work->running++;
	}
}

int tr_afterwork_expect(
	struct tr_afterwork *work, uint64_t job, const char *session_id, const char *folder)
{
	struct item *item = calloc(1, sizeof(*item));

	if (!item)
		return -ENOMEM;
	item->work = work;
	item->stage = MAKING_FILES;
	item->job = job;
	snprintf(item->session_id, sizeof(item->session_id), "%s", session_id);
	snprintf(item->folder, sizeof(item->folder), "%s", folder);
	item->next = work->items;
	work->items = item;
	return 0;
}

static struct item *find_job(const struct tr_afterwork *work, uint64_t job)
{
	struct item *item = work->items;

	while (item && (item->stage != MAKING_FILES || item->job != job))
		item = item->next;
	return item;
}

void tr_afterwork_give_up(struct tr_afterwork *work, uint64_t job)
{
	struct item *item = find_job(work, job);

	if (item)
		remove_item(item, NULL);
}

/* A telerecd that died has not taken the folder back from its slot. Before the script, which may
 * have its own idea of who shares it. */
static void take_back(const struct item *item)
{
	TR_CLEANUP(tr_closep) int folder = -1;

	int rc = tr_recordings_dir_open(item->work->settings.dir, item->folder, &folder);
	if (rc == 0)
		rc = tr_account_unshare(folder);
	if (rc < 0)
		tr_fail(rc, "session %s: its slot may still look into its folder",
			item->session_id);
}

void tr_afterwork_files_made(struct tr_afterwork *work, uint64_t job)
{
	struct item *item = find_job(work, job);

	if (!item)
		return;
	take_back(item);
	if (!work->script[0]) {
		end_item(item, NULL);
		return;
	}
	item->stage = WAITING;
	item->turn = ++work->last_turn;
	run_scripts(work);
}

const char *tr_afterwork_folder(const struct tr_afterwork *work, uint64_t job)
{
	const struct item *item = find_job(work, job);
	return item ? item->folder : NULL;
}

bool tr_afterwork_has_folder(const struct tr_afterwork *work, const char *folder)
{
	for (const struct item *item = work->items; item; item = item->next)
		if (!strcmp(item->folder, folder))
			return true;
	return false;
}

bool tr_afterwork_holds(const struct tr_afterwork *work, const char *folder)
{
	for (const struct item *item = work->items; item; item = item->next)
		if (!strcmp(item->folder, folder))
			return true;
	return false;
}

unsigned tr_afterwork_count(const struct tr_afterwork *work)
{
	unsigned count = 0;

	for (const struct item *item = work->items; item; item = item->next)
		count++;
	return count;
}
