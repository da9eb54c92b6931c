#define TR_LOG_AREA "upload"

#include "storage/upload.h"

#include "core/child.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "storage/recording.h"
#include "storage/upload_note.h"
#include "storage/upload_tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PART ".telerec-part-"
#define TRIAL ".telerec-test-"
#define TRIAL_FILE "telerec-test.txt"
#define FILES_MAX 65536

enum stage { OBSCURE, COPY, CHECK, MOVE, PURGE, STAGE_COUNT };

struct tr_upload {
	sd_event *event;
	struct tr_upload_target target;
	char folder[PATH_MAX], name[NAME_MAX + 1], movie[NAME_MAX + 1], label[200];
	char trial[40]; /* our own folder of a trial, or "" */
	tr_upload_done_fn *done;
	void *user;
	enum stage stage;
	struct tr_upload_tool *tool;
	sd_event_source *turn;
	char obscured[600];
	char first_place[PATH_MAX * 2], last_place[PATH_MAX * 2];
	char *files; /* names, a line each */
	int64_t bytes, total;
	struct tr_upload_result result;
};

/* ---- what goes ---- */

static bool is_for_there(const struct tr_upload *upload, const char *name)
{
	if (name[0] == '.' || strchr(name, '\n') || !strcmp(name, TR_RECORDING_STATE_FILE) ||
		!strcmp(name, TR_UPLOAD_NOTE_FILE))
		return false;
	return !upload->target.only_movie || !upload->movie[0] || !strcmp(name, upload->movie);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* A recording has no folders in it. */
static int list_files(struct tr_upload *upload)
{
	TR_CLEANUP(close_dir) DIR *dir = opendir(upload->folder);
	const struct dirent *one;
	size_t used = 0;
	struct stat st;

	upload->files = calloc(1, FILES_MAX);
	if (!upload->files)
		return -ENOMEM;
	if (!dir)
		return -errno;
	upload->total = 0;
	while ((one = readdir(dir))) {
		size_t length = strlen(one->d_name);
		if (!is_for_there(upload, one->d_name) ||
			fstatat(dirfd(dir), one->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode))
			continue;
		if (used + length + 2 > FILES_MAX)
			return -E2BIG;
		memcpy(upload->files + used, one->d_name, length);
		used += length;
		upload->files[used++] = '\n';
		upload->total += st.st_size;
	}
	return used > 0 ? 0 : -ENODATA;
}

static int make_trial(struct tr_upload *upload)
{
	static const char text[] = "telerec was here to see whether it can upload.\n";
	char path[80];

	memcpy(upload->trial, "/tmp/telerec-upload-XXXXXX", 27);
	if (!mkdtemp(upload->trial)) {
		upload->trial[0] = '\0';
		return -errno;
	}
	snprintf(path, sizeof(path), "%s/" TRIAL_FILE, upload->trial);
	TR_CLEANUP(tr_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	snprintf(upload->folder, sizeof(upload->folder), "%s", upload->trial);
	snprintf(upload->name, sizeof(upload->name), TRIAL "%s",
		upload->trial + strlen("/tmp/telerec-upload-"));
	return 0;
}

static void remove_trial(const struct tr_upload *upload)
{
	char path[80];

	if (!upload->trial[0])
		return;
	snprintf(path, sizeof(path), "%s/" TRIAL_FILE, upload->trial);
	(void)unlink(path);
	(void)rmdir(upload->trial);
}

static int make_places(struct tr_upload *upload)
{
	char place[PATH_MAX];
	struct tr_upload_url url;

	int rc = tr_upload_target_parse_url(upload->target.url, &url);
	if (rc < 0)
		return rc;
	tr_upload_tool_place(&upload->target, place, sizeof(place));
	const char *slash = place[strlen(place) - 1] == ':' ? "" : "/";
	bool is_direct = url.kind == TR_UPLOAD_S3 || upload->trial[0];
	rc = tr_text_format(upload->first_place, sizeof(upload->first_place), "%s%s%s%s", place,
		slash, is_direct ? "" : PART, upload->name);
	return rc < 0 ? rc
		      : tr_text_format(upload->last_place, sizeof(upload->last_place), "%s%s%s",
				place, slash, upload->name);
}

/* ---- the stages ---- */

static int on_turn(sd_event_source *source, uint64_t usec, void *user);

static int take_turn(struct tr_upload *upload)
{
	upload->turn = sd_event_source_disable_unref(upload->turn);
	return sd_event_add_time_relative(
		upload->event, &upload->turn, CLOCK_MONOTONIC, 0, 0, on_turn, upload);
}

static void finish(struct tr_upload *upload, int rc, enum tr_upload_cause cause, const char *words)
{
	struct tr_upload_result *result = &upload->result;

	result->rc = rc;
	result->cause = cause;
	result->bytes = upload->bytes;
	tr_upload_cause_say(
		cause, &upload->target, words, result->sentence, sizeof(result->sentence));
	upload->done(result, upload->user);
}

static bool is_needed(const struct tr_upload *upload, enum stage stage)
{
	switch (stage) {
	case OBSCURE:
		return upload->target.password[0] != '\0';
	case CHECK:
		return upload->target.check || upload->trial[0];
	case MOVE:
		return strcmp(upload->first_place, upload->last_place) != 0;
	case PURGE:
		return upload->trial[0] != '\0';
	default:
		return true;
	}
}

static void next_stage(struct tr_upload *upload, enum stage stage)
{
	while (stage < STAGE_COUNT && !is_needed(upload, stage))
		stage++;
	upload->stage = stage;
	if (stage == STAGE_COUNT)
		finish(upload, 0, TR_UPLOAD_FINE, "");
	else if (take_turn(upload) < 0)
		finish(upload, -ENOMEM, TR_UPLOAD_OTHER, "no memory");
}

static void on_progress(int64_t bytes, void *user)
{
	struct tr_upload *upload = user;

	if (upload->stage == COPY && bytes > upload->bytes)
		upload->bytes = bytes;
}

static void on_end(const struct tr_upload_tool_result *result, void *user)
{
	struct tr_upload *upload = user;
	int status = result->wait_status;
	enum stage stage = upload->stage;
	char fate[100];

	if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		if (stage == OBSCURE)
			snprintf(upload->obscured, sizeof(upload->obscured), "%.599s",
				result->output);
		if (stage == COPY)
			upload->bytes = upload->total;
		next_stage(upload, stage + 1);
		return;
	}
	tr_child_describe(status, fate, sizeof(fate));
	enum tr_upload_cause cause =
		result->words[0] ? tr_upload_cause_find(result->words) : TR_UPLOAD_OTHER;
	if (stage == CHECK && cause == TR_UPLOAD_OTHER)
		cause = TR_UPLOAD_DIFFERS;
	finish(upload, -EREMOTEIO, cause, result->first[0] ? result->first : fate);
}

static void fill_args(const struct tr_upload *upload, const char **args)
{
	unsigned used = 0;

	switch (upload->stage) {
	case OBSCURE:
		args[used++] = "obscure";
		args[used++] = "-";
		break;
	case COPY:
		args[used++] = "copy";
		args[used++] = upload->folder;
		args[used++] = upload->first_place;
		break;
	case CHECK:
		args[used++] = "check";
		args[used++] = upload->folder;
		args[used++] = upload->first_place;
		args[used++] = "--one-way";
		if (upload->trial[0])
			args[used++] = "--download";
		break;
	case MOVE:
		args[used++] = "moveto";
		args[used++] = upload->first_place;
		args[used++] = upload->last_place;
		break;
	default:
		args[used++] = "purge";
		args[used++] = upload->first_place;
	}
	args[used] = NULL;
}

static int on_turn(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_upload *upload = user;
	const char *args[TR_UPLOAD_TOOL_ARGS_MAX];
	bool has_files = upload->stage == COPY || upload->stage == CHECK;

	(void)source, (void)usec;
	upload->turn = sd_event_source_disable_unref(upload->turn);
	tr_upload_tool_destroy(tr_take(upload->tool));
	fill_args(upload, args);
	const struct tr_upload_tool_settings settings = {.target = &upload->target,
		.obscured = upload->obscured,
		.files = has_files ? upload->files : NULL,
		.args = args,
		.label = upload->label};
	int rc = tr_upload_tool_start(
		upload->event, &settings, on_progress, on_end, upload, &upload->tool);
	if (rc == -ENOENT)
		finish(upload, rc, TR_UPLOAD_NO_TOOL, "");
	else if (rc < 0)
		finish(upload, rc, TR_UPLOAD_OTHER, strerror(-rc));
	return 0;
}

/* ---- life ---- */

static int fill(struct tr_upload *upload, const struct tr_upload_settings *settings)
{
	upload->target = *settings->target;
	int rc = tr_text_format(upload->folder, sizeof(upload->folder), "%s", settings->folder);
	if (rc == 0)
		rc = tr_text_format(upload->name, sizeof(upload->name), "%s", settings->name);
	if (rc == 0)
		rc = tr_text_format(upload->movie, sizeof(upload->movie), "%s", settings->movie);
	snprintf(upload->label, sizeof(upload->label), "%s", settings->label);
	if (rc == 0 && !settings->folder[0])
		rc = make_trial(upload);
	if (rc == 0)
		rc = make_places(upload);
	return rc < 0 ? rc : list_files(upload);
}

int tr_upload_start(sd_event *event, const struct tr_upload_settings *settings,
	tr_upload_done_fn *done, void *user, struct tr_upload **ret_upload)
{
	TR_CLEANUP(tr_upload_destroyp) struct tr_upload *upload = calloc(1, sizeof(*upload));
	if (!upload)
		return -ENOMEM;
	upload->event = sd_event_ref(event);
	upload->done = done;
	upload->user = user;
	int rc = fill(upload, settings);
	while (rc == 0 && !is_needed(upload, upload->stage))
		upload->stage++;
	if (rc == 0)
		rc = take_turn(upload);
	if (rc < 0)
		return rc;
	*ret_upload = tr_take(upload);
	return 0;
}

void tr_upload_read(const struct tr_upload *upload, int64_t *ret_bytes, int64_t *ret_total)
{
	*ret_bytes = upload->bytes;
	*ret_total = upload->total;
}

void tr_upload_destroy(struct tr_upload *upload)
{
	if (!upload)
		return;
	sd_event_source_disable_unref(upload->turn);
	tr_upload_tool_destroy(upload->tool);
	remove_trial(upload);
	free(upload->files);
	sd_event_unref(upload->event);
	explicit_bzero(upload, sizeof(*upload));
	free(upload);
}

/* ---- a trial ---- */

static void on_tried(const struct tr_upload_result *result, void *user)
{
	struct tr_upload_result *out = user;
	*out = *result;
}

int tr_upload_try(const struct tr_upload_target *target, int64_t timeout_ms,
	struct tr_upload_result *ret_result)
{
	const struct tr_upload_settings settings = {
		.target = target, .folder = "", .name = "", .movie = "", .label = target->name};
	TR_CLEANUP(tr_upload_destroyp) struct tr_upload *upload = NULL;
	sd_event *event = NULL;
	struct tr_upload_result result = {.rc = 1};
	int64_t deadline_ns = tr_clock_now_ns() + timeout_ms * TR_NS_PER_MS;

	int rc = sd_event_new(&event);
	if (rc >= 0)
		rc = tr_upload_start(event, &settings, on_tried, &result, &upload);
	while (rc >= 0 && result.rc > 0 && tr_clock_now_ns() < deadline_ns)
		rc = sd_event_run(event, 200000);
	if (rc >= 0 && result.rc > 0)
		rc = -ETIMEDOUT;
	if (rc >= 0)
		*ret_result = result;
	tr_upload_destroy(tr_take(upload));
	sd_event_unref(event);
	return rc < 0 ? rc : 0;
}
