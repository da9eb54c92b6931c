/*
 * A recording is a folder, and state.json in it says what is still to do: the single source of
 * truth, replaced as a whole, never patched. A damaged one is reported and left for a person;
 * nothing here removes a file.
 */
#ifndef TR_STORAGE_RECORDING_H
#define TR_STORAGE_RECORDING_H

#include "core/cleanup.h"

#include <limits.h>
#include <stdint.h>

#define TR_RECORDING_PARTS 200
#define TR_RECORDING_STATE_FILE "state.json"

enum tr_recording_state {
	TR_RECORDING_NONE,
	TR_RECORDING_RUNNING,	/* "recording": a part is being written, or its writer died */
	TR_RECORDING_FINISHING, /* the parts are complete and become one file */
	TR_RECORDING_DONE,
	TR_RECORDING_FAILED, /* the parts stay; `reason` says why */
};

struct tr_recording_part {
	char file[NAME_MAX + 1];
	int64_t offset_ns; /* of its time zero from the recording's */
};

struct tr_recording {
	enum tr_recording_state state;
	char session_id[128];
	char url[512];		 /* redacted */
	char name[128];		 /* of the files, without an ending */
	char file[NAME_MAX + 1]; /* the finished one, or "" */
	char reason[256];	 /* of a failure or an early end, or "" */
	int64_t created_wall_ns;
	int64_t bytes;
	int64_t duration_ns;
	unsigned part_count;
	struct tr_recording_part parts[TR_RECORDING_PARTS];
};

/* Fills an empty one. `name` is made a safe one when it cannot be a file's; NULL: made from the
 * URL's last word and the time. Redacts the URL. */
TR_CHECKED int tr_recording_init(struct tr_recording *recording, const char *session_id,
	const char *url, const char *name, int64_t wall_ns);

/* Notes another part, NAME.part-001.mp4 and so on; its name is in the last entry of `parts` then.
 * -ENOSPC after TR_RECORDING_PARTS. */
TR_CHECKED int tr_recording_add_part(struct tr_recording *recording, int64_t offset_ns);

/* -ENOENT without a word; -EBADMSG when it is damaged, -ENOTSUP when it is from a newer telerec,
 * both said. */
TR_CHECKED int tr_recording_load(int dirfd, struct tr_recording *ret_recording);
TR_CHECKED int tr_recording_save(int dirfd, const struct tr_recording *recording);

/* A file name from any text: letters, digits, '-', '_' and '.' stay (not first), the rest becomes
 * '_'. Never empty. */
void tr_recording_safe_name(const char *text, char *out, size_t size);

/* ROOM_2026-11-21-04-13-00 from a meeting's URL, in local time. */
void tr_recording_name_for(const char *url, int64_t wall_ns, char *out, size_t size);

#endif
