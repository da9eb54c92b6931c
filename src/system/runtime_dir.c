#define TR_LOG_AREA "runtime folder"

#include "system/runtime_dir.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#define ROOM_BYTES (256 << 20)
#define NAME "telerec-XXXXXX"
#define OWNERS ".owners" /* a process a line: its namespace, number and start */
#define OWNERS_MAX 4096

/* A container's /dev/shm may be tiny, and the browser wants the rest of it for itself. */
static bool has_room(const char *place)
{
	struct statvfs vfs;

	return statvfs(place, &vfs) == 0 && !(vfs.f_flag & ST_NOEXEC) &&
	       (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize >= ROOM_BYTES;
}

/* What tells a process from another one that gets its number later. */
static int read_start(pid_t pid, uint64_t *ret_start)
{
	TR_CLEANUP(tr_freep) char *stat = NULL;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	TR_CLEANUP(tr_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	stat = calloc(1, 1024);
	if (!stat || read(fd, stat, 1023) <= 0)
		return -ESRCH;
	/* Behind the name, in which anything may stand, it is the 20th. */
	const char *field = strrchr(stat, ')');
	for (int i = 0; field && i < 20; i++)
		field = strchr(field + 1, ' ');
	return field && sscanf(field, " %" SCNu64, ret_start) == 1 ? 0 : -EBADMSG;
}

/* Numbers of another container mean nothing here. */
static uint64_t own_namespace(void)
{
	struct stat st;
	return stat("/proc/self/ns/pid", &st) == 0 ? (uint64_t)st.st_ino : 0;
}

void tr_runtime_dir_note(const char *base, pid_t pid)
{
	char path[PATH_MAX], line[80];
	uint64_t start;

	if (read_start(pid, &start) < 0 ||
		tr_text_format(path, sizeof(path), "%s/" OWNERS, base) < 0)
		return;
	TR_CLEANUP(tr_closep)
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	int length = snprintf(
		line, sizeof(line), "%" PRIu64 " %d %" PRIu64 "\n", own_namespace(), pid, start);
	if (fd < 0 || tr_file_write_all(fd, line, (size_t)length) < 0)
		tr_debug("%s: its processes cannot be noted", base);
}

int tr_runtime_dir_make(const struct tr_account *account, char *out, size_t size)
{
	/* /run/user/0 lets nobody but root through, so it is no place for an account we lend to. */
	const char *own = account->uid == geteuid() ? getenv("XDG_RUNTIME_DIR") : NULL;
	/* The frame buffer and the browser's profile want memory, not a disk, and the sound plug-in
	 * may have to be run from here, which a /run mounted noexec forbids. */
	const char *places[] = {own, "/dev/shm", "/run", "/tmp"};
	int rc = -ENOENT;

	for (size_t i = 0; i < TR_COUNT(places); i++) {
		if (!places[i] || places[i][0] != '/' || !has_room(places[i]))
			continue;
		rc = tr_text_format(out, size, "%s/" NAME, places[i]);
		if (rc < 0)
			continue;
		if (mkdtemp(out) && chmod(out, account->uid == geteuid() ? 0700 : 0711) == 0) {
			tr_runtime_dir_note(out, getpid());
			return 0;
		}
		rc = -errno;
	}
	return tr_fail(rc, "cannot make one below /run or /tmp");
}

int tr_runtime_dir_add(
	const char *base, const struct tr_account *account, unsigned number, char *out, size_t size)
{
	int rc = tr_text_format(out, size, "%s/%u", base, number);
	if (rc == 0 && mkdir(out, 0700) < 0)
		rc = -errno;
	if (rc == 0 && account->uid != geteuid() && chown(out, account->uid, account->gid) < 0)
		rc = -errno;
	return rc < 0 ? tr_fail(rc, "cannot make one in %s", base) : 0;
}

void tr_runtime_dir_remove(const char *base)
{
	int rc = tr_file_remove_tree(base);

	for (int i = 0; rc < 0 && i < 10; i++) {
		const struct timespec tenth = {.tv_nsec = 100 * TR_NS_PER_MS};
		nanosleep(&tenth, NULL);
		rc = tr_file_remove_tree(base);
	}
	if (rc < 0)
		tr_warning("cannot remove %s (%s); it can be deleted by hand", base, strerror(-rc));
}

/* ---- what others left ---- */

static bool is_alive(uint64_t space, int pid, uint64_t start)
{
	uint64_t now = 0;

	return space != own_namespace() || (read_start(pid, &now) == 0 && now == start);
}

/* Whether it has a note, and nobody in it lives. */
static bool is_abandoned(int dirfd)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	uint64_t space, start;
	struct stat st;
	int pid, length;

	if (fstatat(dirfd, OWNERS, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
		st.st_uid != geteuid() || tr_file_read(dirfd, OWNERS, OWNERS_MAX, &text, NULL) < 0)
		return false;
	const char *at = text;
	while (sscanf(at, "%" SCNu64 " %d %" SCNu64 "%n", &space, &pid, &start, &length) == 3) {
		if (is_alive(space, pid, start))
			return false;
		at += length;
	}
	return at > text && at[strspn(at, "\n")] == '\0';
}

static void sweep(const char *place)
{
	DIR *dir = opendir(place);
	const struct dirent *entry;
	char path[PATH_MAX];
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, NAME, 8) != 0 || strlen(entry->d_name) != strlen(NAME))
			continue;
		TR_CLEANUP(tr_closep)
		int fd = openat(
			dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || !is_abandoned(fd) ||
			tr_text_format(path, sizeof(path), "%s/%s", place, entry->d_name) < 0)
			continue;
		tr_info("%s is left of a process that was killed: removed", path);
		tr_runtime_dir_remove(path);
	}
	if (dir)
		closedir(dir);
}

void tr_runtime_dir_sweep(void)
{
	const char *own = getenv("XDG_RUNTIME_DIR");
	const char *places[] = {own, "/dev/shm", "/run", "/tmp"};

	for (size_t i = 0; i < TR_COUNT(places); i++)
		if (places[i] && places[i][0] == '/')
			sweep(places[i]);
}
