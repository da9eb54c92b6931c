#define TR_LOG_AREA "api"

#include "daemon/api_source_internal.h"

#include "config/hide.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_MAX (1 << 20)

static void free_text(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

static void free_complaints(struct tr_config_complaints **complaints)
{
	free(*complaints);
}

/* One that cannot be taken apart is not shown: its secrets could not be found. */
static json_t *show_text(const char *path, struct tr_config_complaints *complaints)
{
	TR_CLEANUP(free_text) char *text = NULL;
	TR_CLEANUP(tr_freep) char *hidden = NULL;
	size_t size;

	int rc = tr_file_read(AT_FDCWD, path, TEXT_MAX, &text, &size);
	if (rc == 0)
		rc = tr_config_check_text(text, path, complaints);
	if (rc == 0)
		rc = tr_hide_secrets(text, &hidden);
	return json_string(rc == 0 ? hidden : "");
}

int tr_api_source_read_config(void *user, json_t **ret_json)
{
	const struct tr_api_source *source = user;
	const char *path = source->settings.config_path;
	TR_CLEANUP(free_complaints)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));

	if (!complaints)
		return -ENOMEM;
	json_t *config = json_pack("{s:s, s:o?, s:o?}", "path", path, "text",
		show_text(path, complaints), "settings", tr_config_show(source->settings.config));
	if (!config)
		return -ENOMEM;
	*ret_json = config;
	return 0;
}

/* ---- a new one ---- */

static json_t *show_lines(const char (*lines)[512], unsigned count, unsigned most)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < count && i < most; i++)
		json_array_append_new(list, json_string(lines[i]));
	return list;
}

static void check_placeholder(
	const char *text, const char *path, struct tr_config_complaints *complaints)
{
	int line = tr_hide_find_placeholder(text);

	if (line == 0 || complaints->count >= TR_CONFIG_COMPLAINTS_MAX)
		return;
	snprintf(complaints->lines[complaints->count++], sizeof(complaints->lines[0]),
		"%.300s:%d: a secret is hidden here: write it, or keep it in secrets.conf", path,
		line);
}

static int say_unwritable(const char *path, int rc, char *why, size_t size)
{
	if (rc == -EACCES || rc == -EPERM || rc == -EROFS)
		return tr_text_say(why, size, rc == -EPERM ? -EACCES : rc,
			"telerecd may not change %s; that is for root: sudo telerec config set ...",
			path);
	return tr_text_say(why, size, rc, "%s cannot be written: %s", path, strerror(-rc));
}

/* As the old one is: mode and owner; which we may not be able to give. */
static int write_beside(int dirfd, const char *name, const struct stat *like, const char *text)
{
	TR_CLEANUP(tr_closep)
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	bool is_ours = like->st_uid == geteuid() && like->st_gid == getegid();
	int rc = tr_file_write_all(fd, text, strlen(text));
	if (rc == 0 && !is_ours && fchown(fd, like->st_uid, like->st_gid) < 0)
		rc = -errno;
	if (rc == 0 && (fchmod(fd, like->st_mode & 07777) < 0 || fsync(fd) < 0))
		rc = -errno;
	return rc;
}

/* The old one stays as NAME.bak; at no moment is there none. */
static int replace(int dirfd, const char *name, const char *text)
{
	char fresh[NAME_MAX + 1], backup[NAME_MAX + 1];
	struct stat st = {0};

	int rc = tr_text_format(fresh, sizeof(fresh), ".%s.%d", name, getpid());
	if (rc == 0)
		rc = tr_text_format(backup, sizeof(backup), "%s.bak", name);
	if (rc == 0 && fstatat(dirfd, name, &st, 0) < 0)
		rc = -errno;
	if (rc < 0)
		return rc;
	rc = write_beside(dirfd, fresh, &st, text);
	if (rc == 0 && unlinkat(dirfd, backup, 0) < 0 && errno != ENOENT)
		rc = -errno;
	if (rc == 0 && linkat(dirfd, name, dirfd, backup, 0) < 0)
		rc = -errno;
	if (rc == 0 && renameat(dirfd, fresh, dirfd, name) < 0)
		rc = -errno;
	if (rc == 0 && fsync(dirfd) < 0)
		rc = -errno;
	if (rc < 0 && unlinkat(dirfd, fresh, 0) < 0 && errno != ENOENT && errno != EROFS)
		tr_warning("%s stays behind", fresh);
	return rc;
}

static int write_text(const char *path, const char *text, char *why, size_t size)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	int rc = tr_text_format(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 1,
		slash ? path : ".");
	TR_CLEANUP(tr_closep)
	int dirfd = rc < 0 ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rc == 0)
		rc = dirfd < 0 ? -errno : replace(dirfd, slash ? slash + 1 : path, text);
	if (rc < 0)
		return say_unwritable(path, rc, why, size);
	tr_info("%s was changed over the node API; it counts from the next start on", path);
	return 0;
}

int tr_api_source_write_config(
	void *user, const char *text, bool is_check, json_t **ret_json, char *why, size_t size)
{
	const struct tr_api_source *source = user;
	const char *path = source->settings.config_path;
	TR_CLEANUP(free_complaints)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));

	if (!complaints)
		return -ENOMEM;
	int rc = tr_config_check_text(text, path, complaints);
	if (rc == -ENOMEM)
		return rc;
	check_placeholder(text, path, complaints);
	if (complaints->count == 0 && !is_check) {
		rc = write_text(path, text, why, size);
		if (rc < 0)
			return rc;
	}
	*ret_json = json_pack("{s:o, s:o}", "complaints",
		show_lines(complaints->lines, complaints->count, TR_CONFIG_COMPLAINTS_MAX),
		"warnings",
		show_lines(
			complaints->warnings, complaints->warning_count, TR_CONFIG_WARNINGS_MAX));
	return *ret_json ? 0 : -ENOMEM;
}
