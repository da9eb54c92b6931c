/* What a session's folder and file are called: Jibri's rules, and nothing that could leave the
 * folder or upset a shell's user. */
#ifndef TR_DAEMON_NAMING_H
#define TR_DAEMON_NAMING_H

#include "core/cleanup.h"

#include <stdint.h>

#define TR_NAMING_FILE_BYTES 125 /* with its ending */
#define TR_NAMING_FOLDER_BYTES 200

/* The session's id, other characters than A-Z a-z 0-9 _ - replaced by '_'; from the second attempt
 * on "-2" and so on behind it. -EINVAL for an empty id, -ENAMETOOLONG. */
TR_CHECKED int tr_naming_folder(const char *session_id, unsigned attempt, char *out, size_t size);

/*
 * CALLNAME_yyyy-MM-dd-HH-mm-ss in local time, without the ending ".mp4", with which it has at most
 * TR_NAMING_FILE_BYTES. The call's name is percent-decoded when that makes UTF-8 of it, rid of
 * slashes, control characters and a leading dot, and cut between characters. Never empty.
 */
void tr_naming_file(const char *call_name, int64_t wall_ns, char *out, size_t size);

#endif
