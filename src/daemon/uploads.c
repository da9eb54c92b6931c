#define TR_LOG_AREA "upload"

#include "daemon/uploads_internal.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "storage/leftovers.h"
#include "storage/recording.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define PAUSE_MS (60 * 1000)
#define PAUSE_MAX_MS (60 * 60 * 1000)
#define TIMER_ACCURACY_US 10000

static int64_t now_ms(void)
{
	return tr_clock_wall_ns() / TR_NS_PER_MS;
}

/* ---- one transfer ---- */

static void tell(struct tr_uploads *uploads, const struct tr_uploads_item *item,
	const struct tr_upload_entry *entry, const char *sentence)
{
	const struct tr_event event = {.type = TR_EVENT_UPLOAD,
		.session_id = item->session_id,
		.target = entry->name,
		.state = tr_upload_note_word(entry->state),
		.is_failure = entry->state == TR_UPLOAD_FAILED,
		.sentence = sentence};

	uploads->settings.tell(uploads->settings.user, &event);
}

static int64_t pause_of(const struct tr_uploads *uploads, unsigned attempts)
{
	int64_t pause_ms = uploads->settings.pause_ms;

	for (unsigned i = 1; i < attempts && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	return pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;
}

static void note_failure(struct tr_uploads *uploads, const struct tr_uploads_item *item,
	struct tr_upload_entry *entry, const char *sentence)
{
	struct tr_uploads_counts *counts =
		&uploads->counts[tr_uploads_find_target(uploads, entry->name)];
	int64_t pause_ms = pause_of(uploads, entry->attempts);

	entry->state = TR_UPLOAD_FAILED;
	entry->next_try_ms = now_ms() + pause_ms;
	snprintf(entry->error, sizeof(entry->error), "%s", sentence);
	snprintf(counts->problem, sizeof(counts->problem), "%s", sentence);
	counts->failed_attempts++;
	tr_warning(
		"recording %s: the upload to %s failed (attempt %u): %s; it is tried again in %lld "
		"s",
		item->folder, entry->name, entry->attempts, sentence,
		(long long)(pause_ms + 999) / 1000);
}

static void note_success(struct tr_uploads *uploads, const struct tr_uploads_item *item,
	struct tr_upload_entry *entry, int64_t bytes)
{
	struct tr_uploads_counts *counts =
		&uploads->counts[tr_uploads_find_target(uploads, entry->name)];

	entry->state = TR_UPLOAD_DONE;
	entry->bytes = entry->total = bytes;
	entry->error[0] = counts->problem[0] = '\0';
	entry->next_try_ms = 0;
	counts->done++;
	counts->bytes += (uint64_t)bytes;
	tr_info("recording %s: uploaded to %s, %lld bytes", item->folder, entry->name,
		(long long)bytes);
}

static void go_on(struct tr_uploads *uploads);

/* The item may be gone after it. */
static void settle(struct tr_uploads *uploads, struct tr_uploads_item *item)
{
	char folder[NAME_MAX + 1];

	int rc = tr_uploads_save(uploads, item);
	if (rc < 0 && rc != -ENOENT)
		tr_fail(rc, "recording %s: how far its upload is cannot be noted", item->folder);
	bool is_gone = rc == -ENOENT;
	if (!is_gone && !tr_uploads_is_complete(uploads, item))
		return;
	memcpy(folder, item->folder, sizeof(folder));
	tr_uploads_remove_item(uploads, item);
	if (is_gone)
		tr_info("recording %s is gone: it is not uploaded any more", folder);
	else
		uploads->settings.taken_over(uploads->settings.user, folder);
}

static void on_done(const struct tr_upload_result *result, void *user)
{
	const struct tr_upload_result own = *result; /* that one goes with the transfer */
	struct tr_uploads *uploads = user;
	struct tr_uploads_item *item = tr_take(uploads->running_item);
	struct tr_upload_entry *entry = tr_take(uploads->running);

	tr_upload_destroy(tr_take(uploads->upload));
	entry->attempts++;
	if (own.rc < 0)
		note_failure(uploads, item, entry, own.sentence);
	else
		note_success(uploads, item, entry, own.bytes);
	tell(uploads, item, entry, own.sentence);
	settle(uploads, item);
	go_on(uploads);
}

static int start(
	struct tr_uploads *uploads, struct tr_uploads_item *item, struct tr_upload_entry *entry)
{
	char path[PATH_MAX], label[NAME_MAX + 80];

	int rc = tr_text_format(
		path, sizeof(path), "%s/%s", uploads->settings.dir->path, item->folder);
	if (rc < 0)
		return rc;
	snprintf(label, sizeof(label), "recording %s to %s", item->folder, entry->name);
	const struct tr_upload_settings settings = {
		.target = tr_uploads_target(
			uploads, (unsigned)tr_uploads_find_target(uploads, entry->name)),
		.folder = path,
		.name = item->folder,
		.movie = item->movie,
		.label = label,
	};
	return tr_upload_start(uploads->event, &settings, on_done, uploads, &uploads->upload);
}

/* ---- whose turn it is ---- */

static struct tr_uploads_item *find_due(
	struct tr_uploads *uploads, int64_t *ret_due_ms, struct tr_upload_entry **ret_entry)
{
	struct tr_uploads_item *due = NULL;

	for (struct tr_uploads_item *item = uploads->items; item; item = item->next)
		for (unsigned i = 0; i < item->note.count; i++) {
			struct tr_upload_entry *entry = &item->note.entries[i];
			if (!tr_uploads_is_open(uploads, entry) ||
				(due && entry->next_try_ms >= *ret_due_ms))
				continue;
			due = item;
			*ret_entry = entry;
			*ret_due_ms = entry->next_try_ms;
		}
	return due;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source, (void)usec;
	go_on(user);
	return 0;
}

static void wait_for(struct tr_uploads *uploads, int64_t pause_ms)
{
	uploads->timer = sd_event_source_disable_unref(uploads->timer);
	/* The wall clock may be set in between. */
	if (pause_ms > PAUSE_MAX_MS)
		pause_ms = PAUSE_MAX_MS;
	if (sd_event_add_time_relative(uploads->event, &uploads->timer, CLOCK_MONOTONIC,
		    (uint64_t)pause_ms * 1000, TIMER_ACCURACY_US, on_timer, uploads) < 0)
		tr_error("no memory: uploads wait for the next recording");
}

static void run(
	struct tr_uploads *uploads, struct tr_uploads_item *item, struct tr_upload_entry *entry)
{
	int rc = start(uploads, item, entry);

	if (rc == 0) {
		uploads->running_item = item;
		uploads->running = entry;
		entry->state = TR_UPLOAD_RUNNING;
		tr_info("recording %s: uploading to %s", item->folder, entry->name);
		tell(uploads, item, entry, "");
		return;
	}
	entry->attempts++;
	note_failure(uploads, item, entry, strerror(-rc));
	tell(uploads, item, entry, entry->error);
	settle(uploads, item);
	wait_for(uploads, 0);
}

static void go_on(struct tr_uploads *uploads)
{
	struct tr_upload_entry *entry = NULL;
	int64_t due_ms = 0;

	if (uploads->running || uploads->is_paused)
		return;
	struct tr_uploads_item *item = find_due(uploads, &due_ms, &entry);
	if (!item)
		return;
	if (due_ms > now_ms())
		wait_for(uploads, due_ms - now_ms());
	else
		run(uploads, item, entry);
}

/* ---- from outside ---- */

static int add_targets(struct tr_uploads *uploads, struct tr_upload_note *note)
{
	for (unsigned i = 0; i < tr_uploads_target_count(uploads); i++) {
		const char *name = tr_uploads_target(uploads, i)->name;
		if (!tr_upload_note_find(note, name) && !tr_upload_note_add(note, name, now_ms()))
			return -ENOSPC;
	}
	return 0;
}

static int expect(struct tr_uploads *uploads, const char *folder)
{
	TR_CLEANUP(tr_closep) int dirfd = -1;
	struct tr_upload_note note = {0};

	int rc = tr_recordings_dir_open(uploads->settings.dir, folder, &dirfd);
	if (rc < 0)
		return rc;
	if (tr_upload_note_load(dirfd, &note) < 0)
		note.count = 0;
	rc = add_targets(uploads, &note);
	return rc < 0 ? rc : tr_upload_note_save(dirfd, &note);
}

void tr_uploads_expect(struct tr_uploads *uploads, const char *folder)
{
	int rc = tr_uploads_target_count(uploads) > 0 ? expect(uploads, folder) : 0;

	if (rc < 0 && rc != -ENOENT)
		tr_fail(rc, "recording %s: that it is to be uploaded cannot be noted", folder);
}

void tr_uploads_take(struct tr_uploads *uploads, const char *folder)
{
	struct tr_uploads_item *item = tr_uploads_find_item(uploads, folder);

	if (tr_uploads_target_count(uploads) == 0 || item)
		return;
	int rc = tr_uploads_add_item(uploads, folder, &item);
	if (rc < 0 && rc != -ENOENT)
		tr_fail(rc, "recording %s is not uploaded", folder);
	if (rc == 0 && tr_uploads_is_complete(uploads, item))
		tr_uploads_remove_item(uploads, item);
	else if (rc == 0)
		wait_for(uploads, 0);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* What waits for its script comes by tr_uploads_take(). */
static bool is_finished(const struct tr_uploads *uploads, const char *folder)
{
	TR_CLEANUP(tr_closep) int dirfd = -1;

	return tr_recordings_dir_open(uploads->settings.dir, folder, &dirfd) == 0 &&
	       faccessat(dirfd, TR_UPLOAD_NOTE_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !tr_leftovers_wants_finalize(dirfd);
}

void tr_uploads_find(struct tr_uploads *uploads)
{
	TR_CLEANUP(close_dir) DIR *dir = opendir(uploads->settings.dir->path);
	const struct dirent *one;

	while (dir && tr_uploads_target_count(uploads) > 0 && (one = readdir(dir)))
		if (one->d_name[0] != '.' && is_finished(uploads, one->d_name))
			tr_uploads_take(uploads, one->d_name);
}

static void want_again(struct tr_uploads_item *item, const char *target)
{
	for (unsigned i = 0; i < item->note.count; i++) {
		struct tr_upload_entry *entry = &item->note.entries[i];
		bool is_meant =
			target ? !strcmp(entry->name, target) : entry->state != TR_UPLOAD_DONE;
		if (is_meant && entry->state != TR_UPLOAD_RUNNING) {
			entry->state = TR_UPLOAD_WAITING;
			entry->next_try_ms = 0;
		}
	}
}

int tr_uploads_retry(
	struct tr_uploads *uploads, const char *folder, const char *target, char *why, size_t size)
{
	struct tr_uploads_item *item = tr_uploads_find_item(uploads, folder);

	if (tr_uploads_target_count(uploads) == 0)
		return tr_text_say(why, size, -EBUSY,
			"there is no target: telerec.conf has no entry in storage.uploads");
	if (target && tr_uploads_find_target(uploads, target) < 0)
		return tr_text_say(why, size, -EINVAL,
			"storage.uploads of telerec.conf has no target called \"%.60s\"", target);
	int rc = item ? add_targets(uploads, &item->note) : expect(uploads, folder);
	if (rc == 0 && !item)
		rc = tr_uploads_add_item(uploads, folder, &item);
	if (rc == -ENOENT)
		return tr_text_say(why, size, rc, "there is no such recording");
	if (rc < 0 || !item)
		return tr_text_say(why, size, rc, "it cannot be taken up: %s", strerror(-rc));
	want_again(item, target);
	if (tr_uploads_save(uploads, item) < 0)
		tr_warning("recording %s: its upload is not noted", folder);
	if (tr_uploads_is_complete(uploads, item)) {
		tr_uploads_remove_item(uploads, item);
		return tr_text_say(
			why, size, -EBUSY, "all targets have it; name one to upload it again");
	}
	wait_for(uploads, 0);
	return 0;
}

void tr_uploads_pause(struct tr_uploads *uploads, bool is_paused)
{
	if (uploads->is_paused == is_paused)
		return;
	uploads->is_paused = is_paused;
	if (!is_paused) {
		wait_for(uploads, 0);
		return;
	}
	if (!uploads->running)
		return;
	tr_info("recording %s: its upload waits while something is recorded",
		uploads->running_item->folder);
	tr_upload_destroy(tr_take(uploads->upload));
	uploads->running->state = TR_UPLOAD_WAITING;
	uploads->running = NULL;
	uploads->running_item = NULL;
}

bool tr_uploads_has_folder(const struct tr_uploads *uploads, const char *folder)
{
	return uploads->running_item && !strcmp(uploads->running_item->folder, folder);
}

/* ---- life ---- */

int tr_uploads_create(sd_event *event, const struct tr_uploads_settings *settings,
	struct tr_uploads **ret_uploads)
{
	struct tr_uploads *uploads = calloc(1, sizeof(*uploads));

	if (!uploads)
		return -ENOMEM;
	uploads->event = sd_event_ref(event);
	uploads->settings = *settings;
	if (uploads->settings.pause_ms <= 0)
		uploads->settings.pause_ms = PAUSE_MS;
	*ret_uploads = uploads;
	return 0;
}

void tr_uploads_destroy(struct tr_uploads *uploads)
{
	if (!uploads)
		return;
	sd_event_source_disable_unref(uploads->timer);
	tr_upload_destroy(uploads->upload);
	while (uploads->items)
		tr_uploads_remove_item(uploads, uploads->items);
	sd_event_unref(uploads->event);
	free(uploads);
}
