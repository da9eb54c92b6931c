#define TR_LOG_AREA "upload"

#include "daemon/uploads.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "storage/leftovers.h"
#include "storage/recording.h"
#include "storage/upload.h"
#include "storage/upload_note.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PAUSE_MS (60 * 1000)
#define PAUSE_MAX_MS (60 * 60 * 1000)
#define TIMER_ACCURACY_US 10000

struct item {
	struct item *next;
	char folder[NAME_MAX + 1];
	char session_id[128];
	char movie[NAME_MAX + 1];
	struct tr_upload_note note;
};

struct counts {
	uint64_t done, failed_attempts, bytes;
	char problem[512];
};

struct tr_uploads {
	sd_event *event;
	struct tr_uploads_settings settings;
	struct item *items; /* oldest first */
	struct item *running_item;
	struct tr_upload_entry *running;
	struct tr_upload *upload;
	sd_event_source *timer;
	bool is_paused;
	struct counts counts[TR_UPLOAD_TARGETS_MAX];
};

static int64_t now_ms(void)
{
	return tr_clock_wall_ns() / TR_NS_PER_MS;
}

/* ---- targets ---- */

static unsigned target_count(const struct tr_uploads *uploads)
{
	return uploads->settings.config ? uploads->settings.config->storage.upload_count : 0;
}

static const struct tr_upload_target *target_at(const struct tr_uploads *uploads, unsigned index)
{
	return &uploads->settings.config->storage.uploads[index].target;
}

/* -1: of earlier days. */
static int find_target(const struct tr_uploads *uploads, const char *name)
{
	for (unsigned i = 0; i < target_count(uploads); i++)
		if (!strcmp(target_at(uploads, i)->name, name))
			return (int)i;
	return -1;
}

static bool is_open(const struct tr_uploads *uploads, const struct tr_upload_entry *entry)
{
	return entry->state != TR_UPLOAD_DONE && find_target(uploads, entry->name) >= 0;
}

static bool is_complete(const struct tr_uploads *uploads, const struct item *item)
{
	for (unsigned i = 0; i < item->note.count; i++)
		if (is_open(uploads, &item->note.entries[i]))
			return false;
	return true;
}

/* ---- items ---- */

static struct item *find_item(const struct tr_uploads *uploads, const char *folder)
{
	struct item *item = uploads->items;

	while (item && strcmp(item->folder, folder) != 0)
		item = item->next;
	return item;
}

static void remove_item(struct tr_uploads *uploads, struct item *item)
{
	struct item **at = &uploads->items;

	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
	free(item);
}

/* -ENOENT: there is no note, or no folder. */
static int load(struct tr_uploads *uploads, const char *folder, struct item *item)
{
	TR_CLEANUP(tr_freep) struct tr_recording *recording = calloc(1, sizeof(*recording));
	TR_CLEANUP(tr_closep) int dirfd = -1;

	if (!recording)
		return -ENOMEM;
	int rc = tr_recordings_dir_open(uploads->settings.dir, folder, &dirfd);
	if (rc == 0)
		rc = tr_upload_note_load(dirfd, &item->note);
	if (rc == 0)
		rc = tr_recording_load(dirfd, recording);
	if (rc < 0)
		return rc;
	snprintf(item->folder, sizeof(item->folder), "%s", folder);
	memcpy(item->session_id, recording->session_id, sizeof(item->session_id));
	memcpy(item->movie, recording->file, sizeof(item->movie));
	return 0;
}

static int add_item(struct tr_uploads *uploads, const char *folder, struct item **ret_item)
{
	TR_CLEANUP(tr_freep) struct item *item = calloc(1, sizeof(*item));
	struct item **end = &uploads->items;

	if (!item)
		return -ENOMEM;
	int rc = load(uploads, folder, item);
	if (rc < 0)
		return rc;
	while (*end)
		end = &(*end)->next;
	*ret_item = *end = tr_take(item);
	return 0;
}

static int save(struct tr_uploads *uploads, const struct item *item)
{
	TR_CLEANUP(tr_closep) int dirfd = -1;

	int rc = tr_recordings_dir_open(uploads->settings.dir, item->folder, &dirfd);
	return rc < 0 ? rc : tr_upload_note_save(dirfd, &item->note);
}

/* ---- one transfer ---- */

static void tell(struct tr_uploads *uploads, const struct item *item,
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

static void note_failure(struct tr_uploads *uploads, const struct item *item,
	struct tr_upload_entry *entry, const char *sentence)
{
	struct counts *counts = &uploads->counts[find_target(uploads, entry->name)];
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

static void note_success(struct tr_uploads *uploads, const struct item *item,
	struct tr_upload_entry *entry, int64_t bytes)
{
	struct counts *counts = &uploads->counts[find_target(uploads, entry->name)];

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
static void settle(struct tr_uploads *uploads, struct item *item)
{
	char folder[NAME_MAX + 1];

	int rc = save(uploads, item);
	if (rc < 0 && rc != -ENOENT)
		tr_fail(rc, "recording %s: how far its upload is cannot be noted", item->folder);
	bool is_gone = rc == -ENOENT;
	if (!is_gone && !is_complete(uploads, item))
		return;
	memcpy(folder, item->folder, sizeof(folder));
	remove_item(uploads, item);
	if (is_gone)
		tr_info("recording %s is gone: it is not uploaded any more", folder);
	else
		uploads->settings.taken_over(uploads->settings.user, folder);
}

static void on_done(const struct tr_upload_result *result, void *user)
{
	const struct tr_upload_result own = *result; /* that one goes with the transfer */
	struct tr_uploads *uploads = user;
	struct item *item = tr_take(uploads->running_item);
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

static int start(struct tr_uploads *uploads, struct item *item, struct tr_upload_entry *entry)
{
	char path[PATH_MAX], label[NAME_MAX + 80];

	int rc = tr_text_format(
		path, sizeof(path), "%s/%s", uploads->settings.dir->path, item->folder);
	if (rc < 0)
		return rc;
	snprintf(label, sizeof(label), "recording %s to %s", item->folder, entry->name);
	const struct tr_upload_settings settings = {
		.target = target_at(uploads, (unsigned)find_target(uploads, entry->name)),
		.folder = path,
		.name = item->folder,
		.movie = item->movie,
		.label = label,
	};
	return tr_upload_start(uploads->event, &settings, on_done, uploads, &uploads->upload);
}

/* ---- whose turn it is ---- */

static struct item *find_due(
	struct tr_uploads *uploads, int64_t *ret_due_ms, struct tr_upload_entry **ret_entry)
{
	struct item *due = NULL;

	for (struct item *item = uploads->items; item; item = item->next)
		for (unsigned i = 0; i < item->note.count; i++) {
			struct tr_upload_entry *entry = &item->note.entries[i];
			if (!is_open(uploads, entry) || (due && entry->next_try_ms >= *ret_due_ms))
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

static void run(struct tr_uploads *uploads, struct item *item, struct tr_upload_entry *entry)
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
	struct item *item = find_due(uploads, &due_ms, &entry);
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
	for (unsigned i = 0; i < target_count(uploads); i++) {
		const char *name = target_at(uploads, i)->name;
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
	int rc = target_count(uploads) > 0 ? expect(uploads, folder) : 0;

	if (rc < 0 && rc != -ENOENT)
		tr_fail(rc, "recording %s: that it is to be uploaded cannot be noted", folder);
}

void tr_uploads_take(struct tr_uploads *uploads, const char *folder)
{
	struct item *item = find_item(uploads, folder);

	if (target_count(uploads) == 0 || item)
		return;
	int rc = add_item(uploads, folder, &item);
	if (rc < 0 && rc != -ENOENT)
		tr_fail(rc, "recording %s is not uploaded", folder);
	if (rc == 0 && is_complete(uploads, item))
		remove_item(uploads, item);
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

	while (dir && target_count(uploads) > 0 && (one = readdir(dir)))
		if (one->d_name[0] != '.' && is_finished(uploads, one->d_name))
			tr_uploads_take(uploads, one->d_name);
}

static int say(char *why, size_t size, int rc, const char *format, ...) TR_PRINTF(4, 5);

static int say(char *why, size_t size, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, size, format, args);
	va_end(args);
	return rc;
}

static void want_again(struct item *item, const char *target)
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
	struct item *item = find_item(uploads, folder);

	if (target_count(uploads) == 0)
		return say(why, size, -EBUSY,
			"there is no target: telerec.conf has no entry in storage.uploads");
	if (target && find_target(uploads, target) < 0)
		return say(why, size, -EINVAL,
			"storage.uploads of telerec.conf has no target called \"%.60s\"", target);
	int rc = item ? add_targets(uploads, &item->note) : expect(uploads, folder);
	if (rc == 0 && !item)
		rc = add_item(uploads, folder, &item);
	if (rc == -ENOENT)
		return say(why, size, rc, "there is no such recording");
	if (rc < 0 || !item)
		return say(why, size, rc, "it cannot be taken up: %s", strerror(-rc));
	want_again(item, target);
	if (save(uploads, item) < 0)
		tr_warning("recording %s: its upload is not noted", folder);
	if (is_complete(uploads, item)) {
		remove_item(uploads, item);
		return say(why, size, -EBUSY, "all targets have it; name one to upload it again");
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

/* ---- to be seen ---- */

void tr_uploads_show(const struct tr_uploads *uploads, json_t *recording)
{
	const char *id = json_string_value(json_object_get(recording, "id"));
	const struct item *item = id ? find_item(uploads, id) : NULL;

	if (!item)
		return;
	struct tr_upload_note note = item->note;
	if (item == uploads->running_item) {
		struct tr_upload_entry *entry =
			&note.entries[uploads->running - item->note.entries];
		tr_upload_read(uploads->upload, &entry->bytes, &entry->total);
	}
	json_object_set_new(recording, "uploads", tr_upload_note_show(&note));
}

static void count(const struct tr_upload_entry *entry, struct tr_snapshot_upload *to)
{
	to->waiting += entry->state == TR_UPLOAD_WAITING;
	to->running += entry->state == TR_UPLOAD_RUNNING;
	to->failing += entry->state == TR_UPLOAD_FAILED;
	if (entry->state != TR_UPLOAD_DONE &&
		(to->oldest_ms == 0 || entry->since_ms < to->oldest_ms))
		to->oldest_ms = entry->since_ms;
}

void tr_uploads_read(const struct tr_uploads *uploads, struct tr_snapshot *ret)
{
	ret->upload_count = target_count(uploads);
	for (unsigned i = 0; i < ret->upload_count; i++) {
		struct tr_snapshot_upload *to = &ret->uploads[i];
		const struct counts *counts = &uploads->counts[i];
		memcpy(to->name, target_at(uploads, i)->name, sizeof(to->name));
		tr_upload_target_show(target_at(uploads, i), to->url, sizeof(to->url));
		to->done = counts->done;
		to->failed_attempts = counts->failed_attempts;
		to->bytes = counts->bytes;
		memcpy(to->problem, counts->problem, sizeof(to->problem));
	}
	for (const struct item *item = uploads->items; item; item = item->next)
		for (unsigned i = 0; i < item->note.count; i++) {
			int target = find_target(uploads, item->note.entries[i].name);
			if (target >= 0)
				count(&item->note.entries[i], &ret->uploads[target]);
		}
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
		remove_item(uploads, uploads->items);
	sd_event_unref(uploads->event);
	free(uploads);
}
