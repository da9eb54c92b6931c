#define TR_LOG_AREA "holdings"

#include "storage/holdings.h"

#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "storage/leftovers.h"
#include "storage/metadata.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TAKEN_OVER ".taken-over"
#define REMOVED ".removed-"
#define METADATA_LIMIT (8 << 20)
#define STAT_BLOCK 512

struct list {
	struct tr_holding *entries;
	unsigned count;
	unsigned capacity;
};

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void decref(json_t **json)
{
	json_decref(*json);
}

static struct tr_holding *add(struct list *list)
{
	if (list->count == list->capacity) {
		unsigned capacity = list->capacity ? 2 * list->capacity : 16;
		struct tr_holding *entries =
			reallocarray(list->entries, capacity, sizeof(*entries));
		if (!entries)
			return NULL;
		list->entries = entries;
		list->capacity = capacity;
	}
	struct tr_holding *entry = &list->entries[list->count++];
	*entry = (struct tr_holding){0};
	return entry;
}

static bool has_file(int dirfd, const char *name)
{
	struct stat st;
	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* Of the folder's own files; a recording has no folders in it. */
static int64_t count_bytes(int dirfd)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	TR_CLEANUP(close_dir) DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	struct stat st;
	int64_t bytes = 0;

	if (!dir && copy >= 0)
		close(copy);
	while (dir && (entry = readdir(dir)))
		if (fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode) && st.st_nlink == 1)
			bytes += (int64_t)st.st_blocks * STAT_BLOCK;
	return bytes;
}

static void read_room(int dirfd, char *out, size_t size)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	size_t length;

	out[0] = '\0';
	if (!has_file(dirfd, TR_METADATA_FILE) ||
		tr_file_read(dirfd, TR_METADATA_FILE, METADATA_LIMIT, &text, &length) < 0)
		return;
	TR_CLEANUP(decref) json_t *root = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
	const char *room =
		json_string_value(json_object_get(json_object_get(root, TR_METADATA_OURS), "room"));
	snprintf(out, size, "%s", room ? room : "");
}

/* The last word about it is its state file. */
static int64_t end_of(int dirfd, const struct tr_recording *recording)
{
	struct stat st;

	if (recording->duration_ns > 0)
		return recording->created_wall_ns + recording->duration_ns;
	if (fstatat(dirfd, TR_RECORDING_STATE_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return recording->created_wall_ns;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

/* `scratch` is only large. */
static int look_into(
	int parent, const char *folder, struct tr_recording *scratch, struct list *list)
{
	TR_CLEANUP(tr_closep)
	int dirfd = openat(parent, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0 || !has_file(dirfd, TR_RECORDING_STATE_FILE))
		return 0;
	int rc = tr_recording_load(dirfd, scratch);
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0; /* it stays, and why has been said */
	struct tr_holding *entry = add(list);
	if (!entry)
		return -ENOMEM;
	snprintf(entry->folder, sizeof(entry->folder), "%s", folder);
	memcpy(entry->session_id, scratch->session_id, sizeof(entry->session_id));
	memcpy(entry->url, scratch->url, sizeof(entry->url));
	read_room(dirfd, entry->room, sizeof(entry->room));
	entry->state = scratch->state;
	entry->wants_finalize = tr_leftovers_wants_finalize(dirfd);
	entry->is_taken_over = has_file(dirfd, TAKEN_OVER);
	entry->ended_wall_ns = end_of(dirfd, scratch);
	entry->duration_ns = scratch->duration_ns;
	entry->bytes = count_bytes(dirfd);
	return 0;
}

static int remove_rest(const char *recordings, const char *name)
{
	char path[PATH_MAX];

	int rc = tr_text_format(path, sizeof(path), "%s/%s", recordings, name);
	return rc < 0 ? rc : tr_file_remove_tree(path);
}

static int walk(const char *recordings, DIR *dir, struct list *list)
{
	TR_CLEANUP(tr_freep) struct tr_recording *scratch = malloc(sizeof(*scratch));
	const struct dirent *entry;
	int rc = scratch ? 0 : -ENOMEM;

	while (rc == 0 && (errno = 0, entry = readdir(dir))) {
		const char *name = entry->d_name;
		if (!strncmp(name, REMOVED, strlen(REMOVED)) && remove_rest(recordings, name) < 0)
			tr_warning("%s/%s cannot be removed", recordings, name);
		else if (name[0] != '.')
			rc = look_into(dirfd(dir), name, scratch, list);
	}
	return rc < 0 ? rc : -errno;
}

static int by_end(const void *a, const void *b)
{
	const struct tr_holding *left = a, *right = b;

	if (left->ended_wall_ns == right->ended_wall_ns)
		return strcmp(left->folder, right->folder);
	return left->ended_wall_ns < right->ended_wall_ns ? -1 : 1;
}

int tr_holdings_find(const char *recordings, struct tr_holding **ret_holdings, unsigned *ret_count)
{
	struct list list = {0};

	TR_CLEANUP(close_dir) DIR *dir = opendir(recordings);
	if (!dir && errno != ENOENT)
		return tr_fail(-errno, "cannot look into %s for recordings", recordings);
	int rc = dir ? walk(recordings, dir, &list) : 0;
	if (rc < 0) {
		free(list.entries);
		return tr_fail(rc, "cannot read %s for recordings", recordings);
	}
	if (list.count > 0)
		qsort(list.entries, list.count, sizeof(*list.entries), by_end);
	*ret_holdings = list.entries;
	*ret_count = list.count;
	return 0;
}

int tr_holdings_note_taken_over(int dirfd)
{
	TR_CLEANUP(tr_closep)
	int fd = openat(dirfd, TAKEN_OVER, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	return fd < 0 || fsync(fd) < 0 || fsync(dirfd) < 0 ? -errno : 0;
}

int tr_holdings_remove(const char *recordings, const char *folder)
{
	char hidden[NAME_MAX + 1];

	if (!folder[0] || folder[0] == '.' || strchr(folder, '/'))
		return -EINVAL;
	snprintf(hidden, sizeof(hidden), REMOVED "%.*s", (int)(sizeof(hidden) - sizeof(REMOVED)),
		folder);
	TR_CLEANUP(tr_closep) int parent = open(recordings, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return -errno;
	int rc = remove_rest(recordings, hidden);
	if (rc == 0 && renameat(parent, folder, parent, hidden) < 0)
		rc = -errno;
	return rc < 0 ? rc : remove_rest(recordings, hidden);
}
