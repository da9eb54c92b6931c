#include "core/file.h"

#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

int tr_file_write_all(int fd, const void *data, size_t size)
{
	const char *next = data;

	while (size > 0) {
		ssize_t n = write(fd, next, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		next += n;
		size -= (size_t)n;
	}
	return 0;
}

static int replace(int dirfd, const char *name, const void *data, size_t size, mode_t mode)
{
	char temporary[NAME_MAX + 1];

	int rc = tr_text_format(temporary, sizeof(temporary), ".%s.new", name);
	if (rc < 0)
		return rc;
	unlinkat(dirfd, temporary, 0); /* one that an interrupted write left keeps its own mode */
	TR_CLEANUP(tr_closep)
	int fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;

	rc = tr_file_write_all(fd, data, size);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (rc == 0 && renameat(dirfd, temporary, dirfd, name) < 0)
		rc = -errno;
	if (rc < 0) {
		unlinkat(dirfd, temporary, 0);
		return rc;
	}
	TR_CLEANUP(tr_closep) int folder = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0 && fsync(folder) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}

int tr_file_replace(int dirfd, const char *name, const void *data, size_t size)
{
	return replace(dirfd, name, data, size, 0640);
}

int tr_file_replace_private(int dirfd, const char *name, const void *data, size_t size)
{
	struct stat st;
	bool is_shared =
		fstatat(dirfd, ".", &st, 0) == 0 && (st.st_mode & (S_IWGRP | S_IRWXO)) == S_IWGRP;

	return replace(dirfd, name, data, size, is_shared ? 0640 : 0600);
}

int tr_file_read(int dirfd, const char *name, size_t limit, char **ret, size_t *ret_size)
{
	struct stat st;

	TR_CLEANUP(tr_closep) int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < 0 || (uintmax_t)st.st_size > limit)
		return -EFBIG;
	TR_CLEANUP(tr_freep) char *data = malloc((size_t)st.st_size + 1);
	if (!data)
		return -ENOMEM;
	size_t size = 0;
	while (size < (size_t)st.st_size) {
		ssize_t n = read(fd, data + size, (size_t)st.st_size - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
	}
	data[size] = '\0';
	*ret = tr_take(data);
	if (ret_size)
		*ret_size = size;
	return 0;
}

int tr_file_make_folders(const char *path, mode_t mode)
{
	char part[PATH_MAX];

	int rc = tr_text_format(part, sizeof(part), "%s", path);
	if (rc < 0)
		return rc;
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	if (mkdir(part, mode) < 0 && errno != EEXIST)
		return -errno;
	struct stat st;
	if (stat(part, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int64_t tr_file_free_bytes(int dirfd)
{
	struct statvfs vfs;

	if (fstatvfs(dirfd, &vfs) < 0)
		return -errno;
	return (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
}

bool tr_file_is_in_memory(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path) < 0 && errno != ENOENT ? errno : 0;
}

int tr_file_remove_tree(const char *path)
{
	int rc = nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (rc < 0)
		return errno == ENOENT ? 0 : -errno;
	return -rc;
}
