#define TR_LOG_AREA "upload"

#include "storage/upload_note.h"

#include "core/file.h"
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SCHEMA 1
#define FILE_LIMIT (1 << 16)

static const char *const words[] = {
	[TR_UPLOAD_WAITING] = "waiting",
	[TR_UPLOAD_RUNNING] = "running",
	[TR_UPLOAD_DONE] = "done",
	[TR_UPLOAD_FAILED] = "failed",
};

const char *tr_upload_note_word(enum tr_upload_state state)
{
	return words[state];
}

static void decref(json_t **json)
{
	json_decref(*json);
}

/* ---- entries ---- */

struct tr_upload_entry *tr_upload_note_find(struct tr_upload_note *note, const char *name)
{
	for (unsigned i = 0; i < note->count; i++)
		if (!strcmp(note->entries[i].name, name))
			return &note->entries[i];
	return NULL;
}

struct tr_upload_entry *tr_upload_note_add(
	struct tr_upload_note *note, const char *name, int64_t now_ms)
{
	if (note->count == TR_UPLOAD_NOTE_MAX)
		return NULL;
	struct tr_upload_entry *entry = &note->entries[note->count++];
	*entry = (struct tr_upload_entry){.state = TR_UPLOAD_WAITING, .since_ms = now_ms};
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	return entry;
}

/* ---- JSON ---- */

/* A sentence may hold what a server says, in whatever encoding. */
static json_t *text(const char *words_)
{
	json_t *string = json_string(words_);
	char copy[512];

	if (string)
		return string;
	snprintf(copy, sizeof(copy), "%s", words_);
	for (char *c = copy; *c; c++)
		*c = (char)((unsigned char)*c >= 0x80 ? '?' : *c);
	return json_string(copy);
}

static json_t *show_entry(const struct tr_upload_entry *entry)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:i, s:o, s:I}", "name", entry->name, "state",
		words[entry->state], "bytes", (json_int_t)entry->bytes, "total",
		(json_int_t)entry->total, "attempts", (int)entry->attempts, "error",
		text(entry->error), "next_try_ms", (json_int_t)entry->next_try_ms);
}

json_t *tr_upload_note_show(const struct tr_upload_note *note)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < note->count; i++)
		json_array_append_new(list, show_entry(&note->entries[i]));
	return list;
}

static void take_text(const json_t *from, const char *key, char *out, size_t size)
{
	const char *value = json_string_value(json_object_get(from, key));
	snprintf(out, size, "%s", value ? value : "");
}

static int64_t number_at(const json_t *from, const char *key)
{
	int64_t value = json_integer_value(json_object_get(from, key));
	return value > 0 ? value : 0;
}

/* What it says of itself is not believed further than it can do harm. */
static bool take_entry(const json_t *from, struct tr_upload_note *note)
{
	const char *state = json_string_value(json_object_get(from, "state"));
	char name[TR_UPLOAD_NAME_MAX];

	take_text(from, "name", name, sizeof(name));
	if (!name[0] || !state || tr_upload_note_find(note, name))
		return false;
	struct tr_upload_entry *entry = tr_upload_note_add(note, name, number_at(from, "since_ms"));
	if (!entry)
		return false;
	for (size_t i = 0; i < TR_COUNT(words); i++)
		if (!strcmp(words[i], state) && i != TR_UPLOAD_RUNNING)
			entry->state = (enum tr_upload_state)i;
	take_text(from, "error", entry->error, sizeof(entry->error));
	entry->bytes = number_at(from, "bytes");
	entry->total = number_at(from, "total");
	entry->attempts = (unsigned)number_at(from, "attempts");
	entry->next_try_ms = number_at(from, "next_try_ms");
	return true;
}

int tr_upload_note_load(int dirfd, struct tr_upload_note *ret_note)
{
	TR_CLEANUP(tr_freep) char *bytes = NULL;
	struct tr_upload_note note = {0};
	struct stat st;
	size_t size, i;
	json_t *one;

	if (fstatat(dirfd, TR_UPLOAD_NOTE_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	int rc = S_ISREG(st.st_mode)
			 ? tr_file_read(dirfd, TR_UPLOAD_NOTE_FILE, FILE_LIMIT, &bytes, &size)
			 : -EBADMSG;
	if (rc < 0)
		return tr_fail(rc, TR_UPLOAD_NOTE_FILE " cannot be read");
	TR_CLEANUP(decref) json_t *root = json_loadb(bytes, size, 0, NULL);
	const json_t *list = json_object_get(root, "uploads");
	if (!json_is_array(list) || json_integer_value(json_object_get(root, "schema")) != SCHEMA)
		return tr_fail(-EBADMSG, TR_UPLOAD_NOTE_FILE " is damaged");
	json_array_foreach(list, i, one) if (!take_entry(one, &note)) return tr_fail(
		-EBADMSG, TR_UPLOAD_NOTE_FILE " is damaged");
	*ret_note = note;
	return 0;
}

int tr_upload_note_save(int dirfd, const struct tr_upload_note *note)
{
	TR_CLEANUP(decref) json_t *list = tr_upload_note_show(note);

	for (unsigned i = 0; i < note->count; i++) {
		json_t *one = json_array_get(list, i);
		json_object_set_new(one, "since_ms", json_integer(note->entries[i].since_ms));
		if (note->entries[i].state == TR_UPLOAD_RUNNING)
			json_object_set_new(one, "state", json_string(words[TR_UPLOAD_WAITING]));
	}
	TR_CLEANUP(decref)
	json_t *root = json_pack("{s:i, s:O}", "schema", SCHEMA, "uploads", list);
	TR_CLEANUP(tr_freep) char *bytes = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	if (!bytes)
		return -ENOMEM;
	return tr_file_replace(dirfd, TR_UPLOAD_NOTE_FILE, bytes, strlen(bytes));
}
