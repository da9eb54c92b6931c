#define TR_LOG_AREA "recordings"

#include "daemon/recordings_dir.h"

#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "daemon/naming.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define ATTEMPTS_MAX 10000
#define TRIAL ".telerec-trial"
#define MEDIA "/run/media/telerec"

static int open_dir(const struct tr_recordings_dir *dir)
{
	int fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int try_to_write(const struct tr_recordings_dir *dir)
{
	char path[PATH_MAX];

	int rc = tr_file_make_folders(dir->path, 0750);
	if (rc == 0)
		rc = tr_text_format(path, sizeof(path), "%s/" TRIAL "-%d", dir->path, getpid());
	if (rc < 0)
		return rc;
	TR_CLEANUP(tr_closep)
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = tr_file_write_all(fd, "telerec", 7);
	if (unlink(path) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

int tr_recordings_dir_find_mount(const char *path, const char *media)
{
	size_t length = strlen(media);
	struct stat above, st;
	char part[PATH_MAX];

	if (strncmp(path, media, length) != 0 || path[length] != '/')
		return 0;
	int rc = tr_text_format(part, sizeof(part), "%s", path);
	if (rc < 0)
		return rc;
	if (stat(media, &above) < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	/* What is not made yet will be on what is above it. */
	while (stat(part, &st) < 0) {
		if (errno != ENOENT)
			return -errno;
		*strrchr(part, '/') = '\0';
	}
	return st.st_dev == above.st_dev ? -ENODEV : 0;
}

int tr_recordings_dir_check(
	const struct tr_recordings_dir *dir, bool is_thorough, char *why, size_t why_size)
{
	int rc = tr_recordings_dir_find_mount(dir->path, MEDIA);
	if (rc == -ENODEV) {
		snprintf(why, why_size,
			"recordings cannot be written to %s: the disk or the network share is not "
			"there; `telerec storage` tells which, and it is taken again when it is back",
			dir->path);
		return rc;
	}
	if (rc == 0)
		rc = is_thorough			  ? try_to_write(dir)
		     : access(dir->path, W_OK | X_OK) < 0 ? -errno
							  : 0;
	TR_CLEANUP(tr_closep) int fd = rc == 0 ? open_dir(dir) : -1;
	if (rc == 0 && fd < 0)
		rc = fd;
	if (rc < 0) {
		snprintf(why, why_size, "recordings cannot be written to %s: %s", dir->path,
			strerror(-rc));
		return rc;
	}
	return 0;
}

int tr_recordings_dir_read_space(
	const struct tr_recordings_dir *dir, int64_t *ret_free, int64_t *ret_total)
{
	struct statvfs vfs;

	if (statvfs(dir->path, &vfs) < 0)
		return -errno;
	*ret_free = (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
	*ret_total = (int64_t)vfs.f_blocks * (int64_t)vfs.f_frsize;
	return 0;
}

int tr_recordings_dir_add(const struct tr_recordings_dir *dir, const char *wanted, char *name,
	size_t name_size, int *ret_folder)
{
	TR_CLEANUP(tr_closep) int parent = open_dir(dir);
	if (parent < 0)
		return parent;
	for (unsigned attempt = 1; attempt < ATTEMPTS_MAX; attempt++) {
		int rc = tr_naming_attempt(wanted, attempt, name, name_size);
		if (rc < 0)
			return rc;
		if (mkdirat(parent, name, 0750) == 0)
			return tr_recordings_dir_open(dir, name, ret_folder);
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

int tr_recordings_dir_open(const struct tr_recordings_dir *dir, const char *name, int *ret_folder)
{
	TR_CLEANUP(tr_closep) int parent = open_dir(dir);
	if (parent < 0)
		return parent;
	int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	*ret_folder = folder;
	return 0;
}

void tr_recordings_dir_remove_empty(const struct tr_recordings_dir *dir, const char *name)
{
	TR_CLEANUP(tr_closep) int parent = open_dir(dir);

	if (parent >= 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY)
		tr_warning("%s/%s cannot be removed: %s", dir->path, name, strerror(errno));
}
