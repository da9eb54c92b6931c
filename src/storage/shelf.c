#define TR_LOG_AREA "shelf"

#include "storage/shelf.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "storage/holdings.h"
#include "storage/leftovers.h"
#include "storage/metadata.h"
#include "storage/recording.h"
#include "storage/upload_note.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define REPORT_FILE "report.json"
#define JSON_LIMIT (4 << 20)
#define DEPTH_MAX 16

struct tr_shelf {
	char path[PATH_MAX];
	json_t *known; /* by the folder's name: {"stamp", "entry"} */
};

int tr_shelf_create(const char *recordings, struct tr_shelf **ret_shelf)
{
	TR_CLEANUP(tr_shelf_destroyp) struct tr_shelf *shelf = calloc(1, sizeof(*shelf));
	if (!shelf)
		return -ENOMEM;
	shelf->known = json_object();
	if (!shelf->known)
		return -ENOMEM;
	int rc = tr_text_format(shelf->path, sizeof(shelf->path), "%s", recordings);
	if (rc < 0)
		return rc;
	*ret_shelf = tr_take(shelf);
	return 0;
}

void tr_shelf_destroy(struct tr_shelf *shelf)
{
	if (!shelf)
		return;
	json_decref(shelf->known);
	free(shelf);
}

static void decref(json_t **json)
{
	json_decref(*json);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* ---- folders and files ---- */

static bool is_name(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/') && strlen(name) <= NAME_MAX;
}

static int open_shelf(const struct tr_shelf *shelf)
{
	int fd = open(shelf->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_folder(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? -ENOENT : -errno;
	return fd;
}

static bool is_file(int dirfd, const char *name)
{
	struct stat st;
	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* NULL when there is none that can be read. */
static json_t *load_json(int dirfd, const char *name)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	json_error_t error;
	size_t size;

	if (!is_file(dirfd, name) || tr_file_read(dirfd, name, JSON_LIMIT, &text, &size) < 0)
		return NULL;
	json_t *root = json_loadb(text, size, JSON_ALLOW_NUL, &error);
	explicit_bzero(text, size);
	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

/* ---- one entry ---- */

static const char *state_word(enum tr_recording_state state)
{
	switch (state) {
	case TR_RECORDING_RUNNING:
		return "recording";
	case TR_RECORDING_FINISHING:
		return "finishing";
	case TR_RECORDING_DONE:
		return "done";
	default:
		return "failed";
	}
}

/* Not a word to the log: a damaged one stands there for every look. */
static json_t *text_at(const json_t *root, const char *group, const char *key)
{
	const json_t *holder = group ? json_object_get(root, group) : root;
	const char *text = json_string_value(json_object_get(holder, key));

	return json_string(text ? text : "");
}

/* [] when it is meant for no target. */
static json_t *list_uploads(int dirfd)
{
	struct tr_upload_note note = {0};

	if (is_file(dirfd, TR_UPLOAD_NOTE_FILE) && tr_upload_note_load(dirfd, &note) < 0)
		note.count = 0;
	return tr_upload_note_show(&note);
}

static int make_entry(int dirfd, const char *id, json_t **ret_entry)
{
	TR_CLEANUP(tr_freep) struct tr_recording *recording = calloc(1, sizeof(*recording));
	if (!recording)
		return -ENOMEM;
	if (!is_file(dirfd, TR_RECORDING_STATE_FILE))
		return -ENOENT;
	int rc = tr_recording_load(dirfd, recording);
	if (rc < 0)
		return rc;
	TR_CLEANUP(decref) json_t *report = load_json(dirfd, REPORT_FILE);
	TR_CLEANUP(decref) json_t *metadata = load_json(dirfd, TR_METADATA_FILE);
	bool is_final =
		recording->state == TR_RECORDING_DONE || recording->state == TR_RECORDING_FAILED;
	json_t *entry = json_pack(
		"{s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:b, s:o}", "id", id,
		"session_id", recording->session_id, "room", text_at(metadata, "telerec", "room"),
		"name", recording->name, "state", state_word(recording->state), "reason",
		recording->reason, "file", recording->file, "bytes", (json_int_t)recording->bytes,
		"duration_ms", (json_int_t)(recording->duration_ns / TR_NS_PER_MS), "created_ms",
		(json_int_t)(recording->created_wall_ns / TR_NS_PER_MS), "grade",
		text_at(report, NULL, "grade"), "is_finalized",
		is_final && !tr_leftovers_wants_finalize(dirfd), "uploads", list_uploads(dirfd));
	if (!entry)
		return -EBADMSG; /* a name that is no UTF-8 */
	*ret_entry = entry;
	return 0;
}

/* What is replaced or added changes the folder's own time; "" when that is too young to tell. */
static void make_stamp(int dirfd, char *out, size_t size)
{
	struct stat st;

	out[0] = '\0';
	if (fstat(dirfd, &st) == 0 && st.st_ctim.tv_sec + 1 < tr_clock_wall_ns() / TR_NS_PER_S)
		snprintf(out, size, "%ju %lld.%09ld", (uintmax_t)st.st_ino,
			(long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

/* Gives a reference. */
static int find_entry(struct tr_shelf *shelf, int parent, const char *id, json_t **ret_entry)
{
	char stamp[80];
	TR_CLEANUP(tr_closep) int dirfd = open_folder(parent, id);
	if (dirfd < 0)
		return dirfd;
	make_stamp(dirfd, stamp, sizeof(stamp));
	const json_t *known = json_object_get(shelf->known, id);
	const char *old = json_string_value(json_object_get(known, "stamp"));
	if (old && stamp[0] && !strcmp(old, stamp)) {
		*ret_entry = json_incref(json_object_get(known, "entry"));
		return json_is_object(*ret_entry) ? 0 : -ENOENT;
	}
	json_t *entry = NULL;
	int rc = make_entry(dirfd, id, &entry);
	if (rc < 0 && rc != -ENOENT && rc != -EBADMSG && rc != -ENOTSUP)
		return rc;
	/* A damaged one is remembered, too, and complained about once. */
	json_object_set_new(
		shelf->known, id, json_pack("{s:s, s:O?}", "stamp", stamp, "entry", entry));
	if (rc == 0)
		*ret_entry = entry;
	return rc == 0 ? 0 : -ENOENT;
}

/* ---- the list ---- */

static json_int_t created_ms(const json_t *entry)
{
	return json_integer_value(json_object_get(entry, "created_ms"));
}

static int newest_first(const void *a, const void *b)
{
	const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;

	if (created_ms(left) != created_ms(right))
		return created_ms(left) > created_ms(right) ? -1 : 1;
	return strcmp(json_string_value(json_object_get(right, "id")),
		json_string_value(json_object_get(left, "id")));
}

static json_t *sort(json_t *found)
{
	size_t count = json_array_size(found);
	json_t *list = json_array();
	TR_CLEANUP(tr_freep) json_t **all = calloc(count + 1, sizeof(json_t *));

	for (size_t i = 0; all && i < count; i++)
		all[i] = json_array_get(found, i);
	if (all && count > 0)
		qsort(all, count, sizeof(json_t *), newest_first);
	for (size_t i = 0; all && i < count; i++)
		json_array_append(list, all[i]);
	return list;
}

/* What is gone from the disk is forgotten. */
static void forget(struct tr_shelf *shelf, const json_t *seen)
{
	const char *id;
	json_t *value;
	void *next;

	json_object_foreach_safe(shelf->known, next, id, value)
	{
		if (!json_object_get(seen, id))
			json_object_del(shelf->known, id);
	}
}

int tr_shelf_list(struct tr_shelf *shelf, json_t **ret_list)
{
	TR_CLEANUP(decref) json_t *found = json_array();
	TR_CLEANUP(decref) json_t *seen = json_object();
	TR_CLEANUP(close_dir) DIR *dir = opendir(shelf->path);
	const struct dirent *one;

	if (!dir && errno != ENOENT)
		return tr_fail(-errno, "%s cannot be read", shelf->path);
	while (dir && (one = readdir(dir))) {
		json_t *entry = NULL;
		if (!is_name(one->d_name) || find_entry(shelf, dirfd(dir), one->d_name, &entry) < 0)
			continue;
		json_object_set_new(seen, one->d_name, json_true());
		json_array_append_new(found, entry);
	}
	forget(shelf, seen);
	*ret_list = sort(found);
	return *ret_list ? 0 : -ENOMEM;
}

/* ---- one folder ---- */

static bool may_be_secret(const char *key)
{
	static const char *const words[] = {"token", "secret", "password", "passwd", "passphrase",
		"jwt", "credential", "authorization", "apikey", "api_key", "private", "stream_key",
		"streamkey", "cookie"};

	for (size_t i = 0; i < TR_COUNT(words); i++)
		if (strcasestr(key, words[i]))
			return true;
	return false;
}

static void drop_secrets(json_t *value, unsigned depth)
{
	const char *key;
	json_t *member;
	void *next;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, member) drop_secrets(member, depth + 1);
		return;
	}
	json_object_foreach_safe(value, next, key, member)
	{
		if (may_be_secret(key) || depth >= DEPTH_MAX)
			json_object_del(value, key);
		else
			drop_secrets(member, depth + 1);
	}
}

/* metadata.json as a file may hold tokens: it is shown, without them, but not handed out. */
static bool is_shown(const char *name)
{
	return is_name(name) && strcmp(name, TR_METADATA_FILE) != 0;
}

static json_t *list_files(int dirfd)
{
	json_t *files = json_array();
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	TR_CLEANUP(close_dir) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *one;
	struct stat st;

	while (dir && (one = readdir(dir))) {
		if (!is_shown(one->d_name) ||
			fstatat(dirfd, one->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode))
			continue;
		json_array_append_new(files, json_pack("{s:s, s:I}", "name", one->d_name, "bytes",
						     (json_int_t)st.st_size));
	}
	return files;
}

static json_t *or_null(json_t *value)
{
	return value ? value : json_null();
}

int tr_shelf_read(struct tr_shelf *shelf, const char *id, json_t **ret_entry)
{
	TR_CLEANUP(decref) json_t *entry = NULL;

	if (!is_name(id))
		return -ENOENT;
	TR_CLEANUP(tr_closep) int parent = open_shelf(shelf);
	if (parent < 0)
		return parent;
	int rc = find_entry(shelf, parent, id, &entry);
	if (rc < 0)
		return rc;
	TR_CLEANUP(tr_closep) int dirfd = open_folder(parent, id);
	if (dirfd < 0)
		return dirfd;
	json_t *metadata = load_json(dirfd, TR_METADATA_FILE);
	drop_secrets(metadata, 0);
	json_t *whole = json_copy(entry);
	json_object_set_new(whole, "files", list_files(dirfd));
	json_object_set_new(whole, "report", or_null(load_json(dirfd, REPORT_FILE)));
	json_object_set_new(whole, "metadata", or_null(metadata));
	*ret_entry = whole;
	return whole ? 0 : -ENOMEM;
}

/* The folder of what is a recording; -errno. */
static int open_recording(const struct tr_shelf *shelf, const char *id)
{
	if (!is_name(id))
		return -ENOENT;
	TR_CLEANUP(tr_closep) int parent = open_shelf(shelf);
	if (parent < 0)
		return parent;
	TR_CLEANUP(tr_closep) int dirfd = open_folder(parent, id);
	if (dirfd < 0)
		return dirfd;
	return is_file(dirfd, TR_RECORDING_STATE_FILE) ? tr_take_fd(&dirfd) : -ENOENT;
}

int tr_shelf_open_file(struct tr_shelf *shelf, const char *id, const char *name, int *ret_fd)
{
	struct stat st;

	if (!is_shown(name))
		return -ENOENT;
	TR_CLEANUP(tr_closep) int dirfd = open_recording(shelf, id);
	if (dirfd < 0)
		return dirfd;
	TR_CLEANUP(tr_closep)
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP ? -ENOENT : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	*ret_fd = tr_take_fd(&fd);
	return 0;
}

bool tr_shelf_is_fresh(struct tr_shelf *shelf, const char *id, int seconds)
{
	struct stat st;
	bool is_fresh = false;
	TR_CLEANUP(tr_closep) int parent = open_shelf(shelf);
	TR_CLEANUP(tr_closep) int dirfd = parent < 0 ? -1 : open_folder(parent, id);
	int copy = dirfd < 0 ? -1 : openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	TR_CLEANUP(close_dir) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	int64_t since_s = tr_clock_wall_ns() / TR_NS_PER_S - seconds;
	const struct dirent *one;

	while (dir && !is_fresh && (one = readdir(dir)))
		is_fresh = fstatat(dirfd, one->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			   S_ISREG(st.st_mode) && st.st_mtim.tv_sec >= since_s;
	return is_fresh;
}

/* ---- removing ---- */

int tr_shelf_remove(struct tr_shelf *shelf, const char *id)
{
	TR_CLEANUP(tr_closep) int dirfd = open_recording(shelf, id);
	if (dirfd < 0)
		return dirfd;
	json_object_del(shelf->known, id);
	int rc = tr_holdings_remove(shelf->path, id);
	return rc < 0 ? tr_fail(rc, "%s/%s cannot be removed", shelf->path, id) : 0;
}
