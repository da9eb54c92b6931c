#include "cli/recording_fetch.h"

#include "cli/text_table.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/text.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TRIES_MAX 5
#define SHOW_EVERY_NS (TR_NS_PER_S / 4)

struct fetch {
	struct tr_node_verb *verb;
	int dirfd, fd;
	const char *name;
	int64_t size; /* here, so far */
	bool is_shown;
	int64_t shown_ns;
	int write_rc; /* of our own disk */
};

bool tr_recording_fetch_is_name(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/') && strlen(name) < NAME_MAX - 8;
}

static void show(struct fetch *fetch, int64_t total_size)
{
	char here[16], all[16];
	int64_t now_ns = tr_clock_now_ns();

	if (!fetch->is_shown || now_ns - fetch->shown_ns < SHOW_EVERY_NS)
		return;
	fetch->shown_ns = now_ns;
	tr_text_format_bytes(fetch->size, here, sizeof(here));
	tr_text_format_bytes(total_size, all, sizeof(all));
	TR_CLEANUP(tr_freep) char *name = tr_text_table_clean(fetch->name, 48);
	fprintf(stderr, "\r%s: %s of %s\033[K", name ? name : "", here, all);
}

static int take(const void *data, size_t size, int64_t total_size, void *user)
{
	struct fetch *fetch = user;

	fetch->write_rc = tr_file_write_all(fetch->fd, data, size);
	fetch->size += (int64_t)size;
	show(fetch, total_size);
	return fetch->write_rc;
}

/* Goes on for as long as something comes. */
static int download(struct fetch *fetch, const char *path)
{
	int rc, tries = 0;

	do {
		int64_t before = fetch->size;
		rc = tr_node_client_download(fetch->verb->client, path, fetch->size, take, fetch);
		tries = fetch->size > before ? 1 : tries + 1;
		if (rc == -EPIPE && tries < TRIES_MAX)
			usleep((useconds_t)tries * 200000);
	} while (rc == -EPIPE && tries < TRIES_MAX);
	if (fetch->is_shown && fetch->shown_ns)
		fputs("\r\033[K", stderr);
	return rc;
}

static int complain(struct fetch *fetch, int rc)
{
	if (fetch->write_rc < 0)
		return tr_node_verb_fail(fetch->verb, TR_EXIT_FAILED,
			"%s cannot be written: %s. What is here stays: call it again", fetch->name,
			strerror(-fetch->write_rc));
	return tr_node_verb_tell(fetch->verb, rc, NULL);
}

static bool is_here(struct fetch *fetch, int64_t bytes)
{
	struct stat st;

	return fstatat(fetch->dirfd, fetch->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && st.st_size == bytes;
}

static int fetch_file(struct fetch *fetch, const char *id, int64_t bytes)
{
	char part[NAME_MAX + 16];
	struct stat st;
	TR_CLEANUP(tr_freep) char *word = tr_node_client_escape(fetch->name);
	TR_CLEANUP(tr_freep) char *path = NULL;

	if (is_here(fetch, bytes))
		return 0;
	snprintf(part, sizeof(part), ".%s.part", fetch->name);
	TR_CLEANUP(tr_closep)
	int fd = openat(
		fetch->dirfd, part, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0 || fstat(fd, &st) < 0)
		return tr_node_verb_fail(fetch->verb, TR_EXIT_FAILED, "%s cannot be written: %s",
			part, strerror(errno));
	fetch->fd = fd;
	fetch->size = st.st_size;
	if (!word || asprintf(&path, "/v1/recordings/%s/files/%s", id, word) < 0)
		return TR_EXIT_FAILED;
	int rc = download(fetch, path);
	if (rc == -ERANGE &&
		ftruncate(fd, 0) == 0) { /* another file than that of the earlier try */
		fetch->size = 0;
		rc = download(fetch, path);
	}
	if (rc < 0)
		return complain(fetch, rc);
	if (fsync(fd) < 0 || renameat(fetch->dirfd, part, fetch->dirfd, fetch->name) < 0)
		return tr_node_verb_fail(fetch->verb, TR_EXIT_FAILED, "%s cannot be written: %s",
			fetch->name, strerror(errno));
	return 0;
}

static int open_folder(struct tr_node_verb *verb, const char *folder, const char *id, int *ret_fd)
{
	TR_CLEANUP(tr_freep) char *path = NULL;

	if (asprintf(&path, "%s/%s", folder, id) < 0)
		return TR_EXIT_FAILED;
	int rc = tr_file_make_folders(path, 0777);
	int fd = rc == 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0)
		return tr_node_verb_fail(verb, TR_EXIT_FAILED, "%s cannot be written: %s", path,
			strerror(rc < 0 ? -rc : errno));
	*ret_fd = fd;
	return 0;
}

int tr_recording_fetch(struct tr_node_verb *verb, const json_t *recording, const char *folder)
{
	const char *id = tr_node_words_text(recording, "id");
	TR_CLEANUP(tr_freep) char *word = tr_node_client_escape(id);
	TR_CLEANUP(tr_closep) int dirfd = -1;
	size_t i;
	json_t *file;

	if (!tr_recording_fetch_is_name(id))
		return tr_node_verb_fail(
			verb, TR_EXIT_FAILED, "the node calls a recording \"%s\"", id);
	int code = word ? open_folder(verb, folder, id, &dirfd) : TR_EXIT_FAILED;
	if (code != 0)
		return code;
	json_array_foreach(json_object_get(recording, "files"), i, file)
	{
		const char *name = tr_node_words_text(file, "name");
		struct fetch fetch = {.verb = verb, .dirfd = dirfd, .name = name};
		fetch.is_shown = !verb->is_json && isatty(STDERR_FILENO);
		code = tr_recording_fetch_is_name(name)
			       ? fetch_file(&fetch, word, tr_node_words_int(file, "bytes"))
			       : tr_node_verb_fail(verb, TR_EXIT_FAILED,
					 "the node calls a file \"%s\"", name);
		if (code != 0)
			return code;
	}
	return 0;
}
