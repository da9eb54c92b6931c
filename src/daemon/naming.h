/* What a session's folder and file are called: by the operator's templates (by default as Jibri
 * does it), and nothing that could leave the folder or upset a shell's user. */
#ifndef TR_DAEMON_NAMING_H
#define TR_DAEMON_NAMING_H

#include "core/cleanup.h"

#include <stdint.h>

#define TR_NAMING_FILE_BYTES 125 /* with its ending */
#define TR_NAMING_FOLDER_BYTES 200

/* What the words of a template (config/placeholder.h) stand for. Borrowed; "" for nothing. */
struct tr_naming_words {
	const char *session_id;
	const char *call_name;	 /* percent-decoded when that makes UTF-8 of it */
	const char *meeting_url; /* the tenant is read from it */
	const char *environment;
	const char *node;
	int64_t wall_ns; /* shown in local time */
};

/*
 * Both fill a template. The session's id has '_' for other characters than A-Z a-z 0-9 _ -; a name
 * is rid of slashes, control characters and a leading dot, and made to fit by cutting the call's
 * name, between characters. An empty word takes the separator behind it along. Never empty.
 */

/* At most TR_NAMING_FOLDER_BYTES. -EINVAL for an empty id, -ENAMETOOLONG for an endless one. */
TR_CHECKED int tr_naming_folder(
	const char *template, const struct tr_naming_words *words, char *out, size_t size);

/* From the second attempt on "-2" and so on behind the name. -ENAMETOOLONG. */
TR_CHECKED int tr_naming_attempt(const char *name, unsigned attempt, char *out, size_t size);

/* Without the ending ".mp4", with which it has at most TR_NAMING_FILE_BYTES. An empty call's name
 * is "recording". */
void tr_naming_file(
	const char *template, const struct tr_naming_words *words, char *out, size_t size);

#endif
