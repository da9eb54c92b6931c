#include "system/disk_write.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define CHUNK ((size_t)1 << 20)
#define SECTOR 4096 /* no disk has larger ones */
#define HASH_BYTES 32

struct hasher {
	gnutls_hash_hd_t handle;
};

static int begin(struct hasher *hasher)
{
	return gnutls_hash_init(&hasher->handle, GNUTLS_DIG_SHA256) < 0 ? -EIO : 0;
}

static void end(struct hasher *hasher, char *ret_hash)
{
	unsigned char bytes[HASH_BYTES];

	gnutls_hash_deinit(hasher->handle, bytes);
	for (int i = 0; ret_hash && i < HASH_BYTES; i++)
		snprintf(ret_hash + 2 * i, 3, "%02x", bytes[i]);
}

int64_t tr_disk_write_size(int fd)
{
	struct stat st;
	uint64_t bytes;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		return st.st_size;
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	return ioctl(fd, BLKGETSIZE64, &bytes) < 0 ? -errno : (int64_t)bytes;
}

static int write_at(int disk, int64_t offset, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = pwrite(disk, data, size, offset);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -ENOSPC;
		if (n > 0) {
			data += n;
			offset += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

/* A whole chunk, less at the end only. */
static ssize_t read_chunk(int fd, int64_t offset, char *data, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = pread(fd, data + length, size - length, offset + (int64_t)length);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			length += (size_t)n;
	}
	return (ssize_t)length;
}

static int copy(int disk, int64_t offset, int file, int64_t size, struct hasher *hasher,
	tr_disk_write_progress_fn *progress, void *user)
{
	TR_CLEANUP(tr_freep) char *data = malloc(CHUNK + SECTOR);

	if (!data)
		return -ENOMEM;
	for (int64_t done = 0; done < size;) {
		ssize_t n = read_chunk(file, done, data, CHUNK);
		if (n <= 0)
			return n < 0 ? (int)n : -EIO; /* it became shorter */
		gnutls_hash(hasher->handle, data, (size_t)n);
		size_t whole = ((size_t)n + SECTOR - 1) / SECTOR * SECTOR;
		memset(data + n, 0, whole - (size_t)n);
		int rc = write_at(disk, offset + done, data, whole);
		if (rc < 0)
			return rc;
		done += n;
		/* Dirty memory stays small, and the figures are the disk's. */
		if (done % (64 * (int64_t)CHUNK) == 0)
			(void)fdatasync(disk);
		if (progress)
			progress(done, size, user);
	}
	return fsync(disk) < 0 ? -errno : 0;
}

int tr_disk_write_file(int disk, int64_t offset, const char *path,
	char ret_hash[static TR_DISK_WRITE_HASH], tr_disk_write_progress_fn *progress, void *user)
{
	struct hasher hasher;

	TR_CLEANUP(tr_closep) int file = open(path, O_RDONLY | O_CLOEXEC);
	int64_t size = file < 0 ? -errno : tr_disk_write_size(file);
	if (size < 0)
		return (int)size;
	int rc = begin(&hasher);
	if (rc < 0)
		return rc;
	rc = copy(disk, offset, file, size, &hasher, progress, user);
	end(&hasher, rc < 0 ? NULL : ret_hash);
	return rc;
}

int tr_disk_write_zeros(int disk, int64_t offset, int64_t size)
{
	TR_CLEANUP(tr_freep) char *zeros = calloc(1, CHUNK);

	if (!zeros)
		return -ENOMEM;
	for (int64_t done = 0; done < size; done += (int64_t)CHUNK) {
		int64_t left = size - done;
		int rc = write_at(
			disk, offset + done, zeros, left < (int64_t)CHUNK ? (size_t)left : CHUNK);
		if (rc < 0)
			return rc;
	}
	return fsync(disk) < 0 ? -errno : 0;
}

void tr_disk_write_forget(int disk)
{
	(void)fsync(disk);
	(void)ioctl(disk, BLKFLSBUF, 0);
	(void)posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
}

int tr_disk_write_read_back(int disk, int64_t offset, int64_t size,
	char ret_hash[static TR_DISK_WRITE_HASH], tr_disk_write_progress_fn *progress, void *user)
{
	TR_CLEANUP(tr_freep) char *data = malloc(CHUNK);
	struct hasher hasher;

	if (!data)
		return -ENOMEM;
	tr_disk_write_forget(disk);
	int rc = begin(&hasher);
	if (rc < 0)
		return rc;
	for (int64_t done = 0; rc == 0 && done < size;) {
		int64_t left = size - done;
		ssize_t n = read_chunk(
			disk, offset + done, data, left < (int64_t)CHUNK ? (size_t)left : CHUNK);
		rc = n < 0 ? (int)n : n == 0 ? -EIO : 0;
		if (rc == 0)
			gnutls_hash(hasher.handle, data, (size_t)n);
		done += n;
		if (progress && rc == 0)
			progress(done, size, user);
	}
	end(&hasher, rc < 0 ? NULL : ret_hash);
	return rc;
}

int tr_disk_write_find_hash(
	const char *list, const char *name, char ret_hash[static TR_DISK_WRITE_HASH])
{
	const size_t digits = TR_DISK_WRITE_HASH - 1;
	const size_t length = strlen(name);

	for (const char *line = list; line && *line;) {
		size_t width = strcspn(line, "\n");
		const char *at = line + digits + 2;
		/* "HASH  NAME" or "HASH *NAME", and the name maybe as "./NAME". */
		if (width > digits + 2 && strspn(line, "0123456789abcdef") == digits) {
			size_t rest = width - digits - 2;
			if (rest > 2 && !strncmp(at, "./", 2)) {
				at += 2;
				rest -= 2;
			}
			if (rest == length && !strncmp(at, name, length)) {
				memcpy(ret_hash, line, digits);
				ret_hash[digits] = '\0';
				return 0;
			}
		}
		line = line[width] ? line + width + 1 : NULL;
	}
	return -ENOENT;
}
