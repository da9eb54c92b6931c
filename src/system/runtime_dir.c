#define TR_LOG_AREA "runtime folder"

#include "system/runtime_dir.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#define ROOM_BYTES (256 << 20)

/* A container's /dev/shm may be tiny, and the browser wants the rest of it for itself. */
static bool has_room(const char *place)
{
	struct statvfs vfs;

	return statvfs(place, &vfs) == 0 && !(vfs.f_flag & ST_NOEXEC) &&
	       (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize >= ROOM_BYTES;
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
		rc = tr_text_format(out, size, "%s/telerec-XXXXXX", places[i]);
		if (rc < 0)
			continue;
		if (mkdtemp(out) && chmod(out, account->uid == geteuid() ? 0700 : 0711) == 0)
			return 0;
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
