/* A telerec.conf on the disk: checked as telerecd checks it, and replaced only by one that has no
 * faults, with its owner and mode kept. */
#ifndef TR_CLI_CONFIG_FILE_H
#define TR_CLI_CONFIG_FILE_H

#include "config/config.h"

#define TR_CONFIG_FILE_MAX (1 << 20)

/* Settings and what is wrong with them; passwords that this user may not read are not missed. 0, or
 * -errno with complaints. */
TR_CHECKED int tr_config_file_check(
	const char *path, struct tr_config *ret_config, struct tr_config_complaints *complaints);

/* The file's text; the caller's. -errno. */
TR_CHECKED int tr_config_file_read(const char *path, char **ret_text);

/*
 * Writes the text beside `path`, checks it there (with the passwords that would belong to it), and
 * puts it in the place of the file; with `is_check` it only checks. -EINVAL with complaints, which
 * call the file `path`; else -errno with none.
 */
TR_CHECKED int tr_config_file_replace(
	const char *path, const char *text, bool is_check, struct tr_config_complaints *complaints);

/* The file of passwords that belongs to the text of `path`: as it says, or secrets.conf beside it.
 * -ENAMETOOLONG, or -EINVAL for a text that cannot be understood. */
TR_CHECKED int tr_config_file_find_secrets(
	const char *path, const char *text, char *out, size_t size);

/* As above, with a new file of passwords (`secrets` at `secrets_path`; NULL: it stays), which only
 * its owner may read unless it was there before: both, or neither. */
TR_CHECKED int tr_config_file_replace_both(const char *path, const char *text,
	const char *secrets_path, const char *secrets, struct tr_config_complaints *complaints);

#endif
