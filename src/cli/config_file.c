#include "cli/config_file.h"

#include "cli/config_edit.h"
#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Those who may not read the passwords check the rest. */
static bool can_read_secrets(const char *path)
{
	char secrets[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (tr_text_format(secrets, sizeof(secrets), "%.*ssecrets.conf",
		    slash ? (int)(slash - path + 1) : 0, path) < 0)
		return true;
	return access(secrets, F_OK) < 0 ? errno != EACCES : access(secrets, R_OK) == 0;
}

int tr_config_file_check(
	const char *path, struct tr_config *ret_config, struct tr_config_complaints *complaints)
{
	int rc = can_read_secrets(path) ? tr_config_load(path, ret_config, complaints)
					: tr_config_load_public(path, ret_config, complaints);

	return rc < 0 ? rc : tr_config_check_files(ret_config, path, complaints);
}

int tr_config_file_read(const char *path, char **ret_text)
{
	size_t size = 0;
	char *text = NULL;
	int rc = tr_file_read(AT_FDCWD, path, TR_CONFIG_FILE_MAX, &text, &size);

	if (rc < 0)
		return rc;
	if (strlen(text) != size) {
		free(text);
		return -EINVAL;
	}
	*ret_text = text;
	return 0;
}

/* With the mode and, as far as we may, the owner of the file it is for. */
static int write_beside(const char *path, const char *beside, const char *text, mode_t mode)
{
	struct stat st;
	bool is_there = stat(path, &st) == 0;

	unlink(beside);
	TR_CLEANUP(tr_closep)
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int rc = tr_file_write_all(fd, text, strlen(text));
	if (rc == 0 && is_there && fchown(fd, st.st_uid, st.st_gid) < 0 && errno != EPERM)
		rc = -errno;
	if (rc == 0 && fchmod(fd, is_there ? st.st_mode & 0777 : mode) < 0)
		rc = -errno;
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	return rc;
}

/* What is said of the one beside is meant of the file. */
static void rename_lines(
	struct tr_config_complaints *complaints, const char *beside, const char *path)
{
	size_t length = strlen(beside);

	for (unsigned i = 0; i < complaints->count && i < TR_CONFIG_COMPLAINTS_MAX; i++) {
		char *line = complaints->lines[i], rest[sizeof(complaints->lines[i])];
		if (strncmp(line, beside, length) != 0)
			continue;
		snprintf(rest, sizeof(rest), "%s", line + length);
		snprintf(line, sizeof(complaints->lines[i]), "%.200s%.300s", path, rest);
	}
	for (unsigned i = 0; i < complaints->warning_count && i < TR_CONFIG_WARNINGS_MAX; i++) {
		char *line = complaints->warnings[i], rest[sizeof(complaints->warnings[i])];
		if (strncmp(line, beside, length) != 0)
			continue;
		snprintf(rest, sizeof(rest), "%s", line + length);
		snprintf(line, sizeof(complaints->warnings[i]), "%.200s%.300s", path, rest);
	}
}

static void sync_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (tr_text_format(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 1,
		    slash ? path : ".") < 0)
		return;
	TR_CLEANUP(tr_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)!fsync(fd); /* the file is whole in either case */
}

int tr_config_file_replace(
	const char *path, const char *text, bool is_check, struct tr_config_complaints *complaints)
{
	char real[PATH_MAX], beside[PATH_MAX];
	TR_CLEANUP(tr_freep) struct tr_config *config = calloc(1, sizeof(*config));

	complaints->count = complaints->warning_count = 0;
	if (!config)
		return -ENOMEM;
	if (!realpath(path, real) && /* a link stays one */
		(errno != ENOENT || tr_text_format(real, sizeof(real), "%s", path) < 0))
		return -errno;
	if (tr_text_format(beside, sizeof(beside), "%s.new", real) < 0)
		return -ENAMETOOLONG;
	int rc = write_beside(real, beside, text, 0644);
	if (rc == 0)
		rc = tr_config_file_check(beside, config, complaints);
	rename_lines(complaints, beside, path);
	explicit_bzero(config, sizeof(*config));
	if (rc == 0 && !is_check && rename(beside, real) < 0)
		rc = -errno;
	if (rc < 0 || is_check)
		unlink(beside);
	else
		sync_folder(real);
	return rc;
}

/* ---- with passwords ---- */

int tr_config_file_find_secrets(const char *path, const char *text, char *out, size_t size)
{
	size_t start, length;
	const char *slash = strrchr(path, '/');
	int rc = tr_config_edit_find(text, "secrets", &start, &length);

	if (rc == 0 && length > 2 && text[start] == '"' &&
		!memchr(text + start, '\\', length)) /* a path without odd characters */
		return tr_text_format(out, size, "%.*s", (int)length - 2, text + start + 1);
	if (rc == 0 && length > 2)
		return -EINVAL;
	if (rc < 0 && rc != -ENOENT)
		return rc;
	return tr_text_format(
		out, size, "%.*ssecrets.conf", slash ? (int)(slash - path + 1) : 0, path);
}

int tr_config_file_replace_both(const char *path, const char *text, const char *secrets_path,
	const char *secrets, struct tr_config_complaints *complaints)
{
	char beside[PATH_MAX], before[PATH_MAX];

	if (!secrets)
		return tr_config_file_replace(path, text, false, complaints);
	complaints->count = complaints->warning_count = 0;
	if (tr_text_format(beside, sizeof(beside), "%s.new", secrets_path) < 0 ||
		tr_text_format(before, sizeof(before), "%s.before", secrets_path) < 0)
		return -ENAMETOOLONG;
	int rc = write_beside(secrets_path, beside, secrets, 0600);
	if (rc == 0 && unlink(before) < 0 && errno != ENOENT)
		rc = -errno;
	bool was_there = rc == 0 && link(secrets_path, before) == 0;
	if (rc == 0 && !was_there && errno != ENOENT)
		rc = -errno;
	if (rc == 0 && rename(beside, secrets_path) < 0)
		rc = -errno;
	if (rc < 0) {
		unlink(beside);
		unlink(before);
		return rc;
	}
	rc = tr_config_file_replace(path, text, false, complaints);
	if (rc < 0 && was_there)
		(void)!rename(before, secrets_path); /* else both are still there, one as .before */
	else if (rc < 0)
		unlink(secrets_path);
	else
		unlink(before);
	return rc;
}
