#include "daemon/uploads_internal.h"

#include "storage/recording.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

unsigned tr_uploads_target_count(const struct tr_uploads *uploads)
{
	return uploads->settings.config ? uploads->settings.config->storage.upload_count : 0;
}

const struct tr_upload_target *tr_uploads_target(const struct tr_uploads *uploads, unsigned index)
{
	return &uploads->settings.config->storage.uploads[index].target;
}

int tr_uploads_find_target(const struct tr_uploads *uploads, const char *name)
{
	for (unsigned i = 0; i < tr_uploads_target_count(uploads); i++)
		if (!strcmp(tr_uploads_target(uploads, i)->name, name))
			return (int)i;
	return -1;
}

bool tr_uploads_is_open(const struct tr_uploads *uploads, const struct tr_upload_entry *entry)
{
	return entry->state != TR_UPLOAD_DONE && tr_uploads_find_target(uploads, entry->name) >= 0;
}

bool tr_uploads_is_complete(const struct tr_uploads *uploads, const struct tr_uploads_item *item)
{
	for (unsigned i = 0; i < item->note.count; i++)
		if (tr_uploads_is_open(uploads, &item->note.entries[i]))
			return false;
	return true;
}

struct tr_uploads_item *tr_uploads_find_item(const struct tr_uploads *uploads, const char *folder)
{
	struct tr_uploads_item *item = uploads->items;

	while (item && strcmp(item->folder, folder) != 0)
		item = item->next;
	return item;
}

void tr_uploads_remove_item(struct tr_uploads *uploads, struct tr_uploads_item *item)
{
	struct tr_uploads_item **at = &uploads->items;

	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
	free(item);
}

/* -ENOENT: there is no note, or no folder. */
static int load(struct tr_uploads *uploads, const char *folder, struct tr_uploads_item *item)
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

int tr_uploads_add_item(
	struct tr_uploads *uploads, const char *folder, struct tr_uploads_item **ret_item)
{
	TR_CLEANUP(tr_freep) struct tr_uploads_item *item = calloc(1, sizeof(*item));
	struct tr_uploads_item **end = &uploads->items;

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

int tr_uploads_save(struct tr_uploads *uploads, const struct tr_uploads_item *item)
{
	TR_CLEANUP(tr_closep) int dirfd = -1;

	int rc = tr_recordings_dir_open(uploads->settings.dir, item->folder, &dirfd);
	return rc < 0 ? rc : tr_upload_note_save(dirfd, &item->note);
}

/* ---- to be seen ---- */

void tr_uploads_show(const struct tr_uploads *uploads, json_t *recording)
{
	const char *id = json_string_value(json_object_get(recording, "id"));
	const struct tr_uploads_item *item = id ? tr_uploads_find_item(uploads, id) : NULL;

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
	ret->upload_count = tr_uploads_target_count(uploads);
	for (unsigned i = 0; i < ret->upload_count; i++) {
		struct tr_snapshot_upload *to = &ret->uploads[i];
		const struct tr_uploads_counts *counts = &uploads->counts[i];
		memcpy(to->name, tr_uploads_target(uploads, i)->name, sizeof(to->name));
		tr_upload_target_show(tr_uploads_target(uploads, i), to->url, sizeof(to->url));
		to->done = counts->done;
		to->failed_attempts = counts->failed_attempts;
		to->bytes = counts->bytes;
		memcpy(to->problem, counts->problem, sizeof(to->problem));
	}
	for (const struct tr_uploads_item *item = uploads->items; item; item = item->next)
		for (unsigned i = 0; i < item->note.count; i++) {
			int target = tr_uploads_find_target(uploads, item->note.entries[i].name);
			if (target >= 0)
				count(&item->note.entries[i], &ret->uploads[target]);
		}
}
