#define TR_LOG_AREA "leftovers"

#include "storage/leftovers.h"

#include "core/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define NOTE ".finalize-wanted"

struct list {
	struct tr_leftover *entries;
	unsigned count;
	unsigned capacity;
};

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* A pipe or a link instead of the file would stop or mislead us. */
static bool is_file(int dirfd, const char *name)
{
	struct stat st;
	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static int add(struct list *list, const struct tr_leftover *leftover)
{
	if (list->count == list->capacity) {
		unsigned capacity = list->capacity ? 2 * list->capacity : 16;
		struct tr_leftover *entries =
			reallocarray(list->entries, capacity, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		list->entries = entries;
		list->capacity = capacity;
	}
	list->entries[list->count++] = *leftover;
	return 0;
}

/* `scratch` is only large. */
static int look_into(
	int parent, const char *folder, struct tr_recording *scratch, struct list *list)
{
	TR_CLEANUP(tr_closep)
	int dirfd = openat(parent, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0 && (errno == ENOTDIR || errno == ELOOP || errno == ENOENT))
		return 0;
	if (dirfd < 0) {
		tr_warning("%s is passed over: %s", folder, strerror(errno));
		return 0;
	}
	if (!is_file(dirfd, TR_RECORDING_STATE_FILE))
		return 0;
	int rc = tr_recording_load(dirfd, scratch);
	if (rc == -ENOMEM)
		return rc;
	if (rc < 0) {
		tr_warning("%s is passed over", folder); /* why has been said */
		return 0;
	}
	struct tr_leftover leftover = {
		.state = scratch->state,
		.wants_finalize = is_file(dirfd, NOTE),
		.created_wall_ns = scratch->created_wall_ns,
	};
	memcpy(leftover.folder, folder, strlen(folder) + 1);
	memcpy(leftover.session_id, scratch->session_id, sizeof(leftover.session_id));
	bool is_final =
		scratch->state == TR_RECORDING_DONE || scratch->state == TR_RECORDING_FAILED;
	return is_final && !leftover.wants_finalize ? 0 : add(list, &leftover);
}

static int by_age(const void *a, const void *b)
{
	const struct tr_leftover *left = a, *right = b;
	int64_t difference = left->created_wall_ns - right->created_wall_ns;

	if (difference == 0)
		return strcmp(left->folder, right->folder);
	return difference < 0 ? -1 : 1;
}

static int walk(DIR *dir, struct list *list)
{
	TR_CLEANUP(tr_freep) struct tr_recording *scratch = malloc(sizeof(*scratch));
	const struct dirent *entry;

	if (!scratch)
		return -ENOMEM;
	while ((errno = 0, entry = readdir(dir))) {
		int rc = entry->d_name[0] == '.'
				 ? 0
				 : look_into(dirfd(dir), entry->d_name, scratch, list);
		if (rc < 0)
			return rc;
	}
	return -errno;
}

int tr_leftovers_find(
	const char *recordings, struct tr_leftover **ret_leftovers, unsigned *ret_count)
{
	struct list list = {0};

	TR_CLEANUP(close_dir) DIR *dir = opendir(recordings);
	if (!dir && errno != ENOENT)
		return tr_fail(-errno, "cannot look into %s for unfinished recordings", recordings);
	int rc = dir ? walk(dir, &list) : 0;
	if (rc < 0) {
		free(list.entries);
		return tr_fail(rc, "cannot read %s for unfinished recordings", recordings);
	}
	if (list.count > 0)
		qsort(list.entries, list.count, sizeof(*list.entries), by_age);
	*ret_leftovers = list.entries;
	*ret_count = list.count;
	return 0;
}

int tr_leftovers_note_finalize(int dirfd, bool is_wanted)
{
	if (!is_wanted)
		return unlinkat(dirfd, NOTE, 0) < 0 && errno != ENOENT ? -errno : 0;
	TR_CLEANUP(tr_closep)
	int fd = openat(dirfd, NOTE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	return fd < 0 || fsync(fd) < 0 || fsync(dirfd) < 0 ? -errno : 0;
}

bool tr_leftovers_wants_finalize(int dirfd)
{
	return is_file(dirfd, NOTE);
}
