/*
 * uploads.json in a recording's folder: which targets it is meant for, and how far each is. Kept by
 * telerecd alone; state.json belongs to who records. Replaced as a whole.
 */
#ifndef TR_STORAGE_UPLOAD_NOTE_H
#define TR_STORAGE_UPLOAD_NOTE_H

#include "storage/upload_target.h"

#include <jansson.h>

#define TR_UPLOAD_NOTE_FILE "uploads.json"
#define TR_UPLOAD_NOTE_MAX 8 /* also targets of earlier days */

enum tr_upload_state {
	TR_UPLOAD_WAITING,
	TR_UPLOAD_RUNNING, /* never in the file */
	TR_UPLOAD_DONE,
	TR_UPLOAD_FAILED, /* it is tried again */
};

struct tr_upload_entry {
	char name[TR_UPLOAD_NAME_MAX];
	enum tr_upload_state state;
	int64_t bytes, total;
	unsigned attempts;
	char error[512];
	int64_t since_ms;    /* wall clock: when it was meant for it */
	int64_t next_try_ms; /* wall clock; 0: none, or now */
};

struct tr_upload_note {
	unsigned count;
	struct tr_upload_entry entries[TR_UPLOAD_NOTE_MAX];
};

/* -ENOENT without a word; -EBADMSG, -errno, said. */
TR_CHECKED int tr_upload_note_load(int dirfd, struct tr_upload_note *ret_note);
TR_CHECKED int tr_upload_note_save(int dirfd, const struct tr_upload_note *note);

/* The target's entry, NULL when there is none; a new one that waits, NULL when there is no room. */
struct tr_upload_entry *tr_upload_note_find(struct tr_upload_note *note, const char *name);
struct tr_upload_entry *tr_upload_note_add(
	struct tr_upload_note *note, const char *name, int64_t now_ms);

/* "waiting", "running", "done", "failed". */
const char *tr_upload_note_word(enum tr_upload_state state);

/* As the node API shows them: an array; a reference. */
json_t *tr_upload_note_show(const struct tr_upload_note *note);

#endif
