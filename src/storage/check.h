/* A media file decoded from end to end: what a person would see and hear, as figures. */
#ifndef TR_STORAGE_CHECK_H
#define TR_STORAGE_CHECK_H

#include "core/cleanup.h"
#include "media/grade.h"

#include <stdbool.h>
#include <stdio.h>

struct tr_check {
	struct tr_quality quality;
	bool is_truncated; /* a torn fragment at the end: what is before it is fine */
	int64_t pictures;  /* decoded */
	int64_t samples;   /* of sound, decoded, per channel at 48 kHz */
	double mean_rate;  /* pictures a second */
	char trouble[160]; /* a sentence when the file cannot be judged, else "" */
};

/* Decodes all of it, in this thread; a 1080p hour takes minutes. `path` counts from `dirfd` or
 * AT_FDCWD. 0 when it could be judged, however bad it is; -ENODATA empty, -EBADMSG not a video,
 * -errno: `trouble` says it. */
TR_CHECKED int tr_check_file(
	int dirfd, const char *path, bool sound_expected, struct tr_check *ret_check);

/* For people, some lines; for programs, one JSON object. Both also when there was trouble. -errno
 */
int tr_check_print(FILE *out, const char *name, const struct tr_check *check);
int tr_check_print_json(FILE *out, const char *name, const struct tr_check *check);

#endif
