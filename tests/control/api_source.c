#include "api_source.h"

#include "core/file.h"
#include "sample_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int failure_of(const char *name, char *why, size_t size)
{
	static const struct {
		const char *name;
		int rc;
	} failures[] = {{"busy", -EBUSY}, {"denied", -EACCES}, {"full", -ENOSPC},
		{"slow", -ETIMEDOUT}, {"broken", -EIO}, {"nobody", -ENOENT}, {"wrong", -EINVAL}};

	for (unsigned i = 0; i < TR_COUNT(failures); i++)
		if (strstr(name, failures[i].name)) {
			snprintf(why, size, "it is %s", failures[i].name);
			return failures[i].rc;
		}
	return 0;
}

static void need(bool is_so)
{
	if (!is_so)
		abort();
}

/* ---- the node ---- */

static void on_read(void *user, struct tr_snapshot *ret_snapshot)
{
	const struct api_source *source = user;

	sample_snapshot_fill(ret_snapshot);
	ret_snapshot->is_draining = source->is_draining;
	/* cut in the middle of a character */
	snprintf(ret_snapshot->slots[1].problem, 8, "caf\xc3\xa9 \xc3");
	snprintf(ret_snapshot->slots[1].session.id, 20, "the-stream");
	ret_snapshot->slots[1].session.progress_ms = 0;
	ret_snapshot->slots[1].session.phase = TR_SNAPSHOT_PENDING;
}

static int on_start(void *user, const json_t *request, json_t **ret_json, char *why, size_t size)
{
	struct api_source *source = user;
	const char *url = json_string_value(json_object_get(request, "url"));
	const char *id = json_string_value(json_object_get(request, "session_id"));

	need(url && !*ret_json && size > 100);
	source->starts++;
	int rc = failure_of(url, why, size);
	if (rc < 0)
		return rc;
	snprintf(source->session_id, sizeof(source->session_id), "%s", id ? id : "made up");
	*ret_json = json_pack(
		"{s:s, s:i, s:s}", "session_id", source->session_id, "slot", 3, "token", "hush");
	return 0;
}

static bool on_stop(void *user, unsigned slot, const char *session_id)
{
	struct api_source *source = user;

	need(slot == 0 && *session_id);
	source->stops++;
	return !strcmp(session_id, "the-stream");
}

static void on_set_drain(void *user, bool is_on, bool is_leaving)
{
	struct api_source *source = user;

	need(is_on || !is_leaving);
	source->is_draining = is_on;
	source->is_leaving = is_leaving;
}

static int on_restart(void *user, unsigned slot, char *why, size_t size)
{
	struct api_source *source = user;

	need(slot >= 1 && slot <= 3);
	source->restarts++;
	return slot == 1 ? failure_of("busy", why, size) : 0;
}

static int on_list_sessions(void *user, json_t **ret_json)
{
	(void)user;
	*ret_json = json_pack("[{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:s, s:s, "
			      "s:s, s:s, s:i, s:i, s:b, s:s}, {s:s, s:s, s:n}]",
		"session_id", "an-old-one", "slot", 3, "folder", "an-old-one", "room", "r@c",
		"name", "r", "environment", "e", "kind", "file", "accepted_ms", (json_int_t)1000,
		"on_ms", (json_int_t)2000, "ended_ms", (json_int_t)3000, "is_failure", 1, "reason",
		"meeting_empty", "sentence", "All have left", "file", "r.mp4", "grade", "A",
		"bytes", 9, "duration_ms", 8, "is_over", 1, "token", "hush", "session_id",
		"a-bare-one", "kind", "stream", "bytes");
	return 0;
}

/* ---- recordings ---- */

static json_t *make_recording(const char *id, const char *state, int64_t created_ms)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:s, s:b, s:[{s:s, s:s, s:i, s:i, s:i, s:s, s:i, s:s}], "
		"s:s}",
		"id", id, "session_id", id, "room", "Standup@conference.example.org", "name", id,
		"state", state, "reason", "", "file", "movie.mp4", "bytes", API_SOURCE_MOVIE_SIZE,
		"duration_ms", 60000, "created_ms", (json_int_t)created_ms, "grade", "A",
		"is_finalized", 1, "uploads", "name", "archive", "state", "failed", "bytes", 5,
		"total", 9, "attempts", 2, "error", "it is away", "next_try_ms", 9000, "password",
		"hush", "token", "hush");
}

static int on_list_recordings(void *user, json_t **ret_json)
{
	(void)user;
	*ret_json = json_pack("[o, o, o]", make_recording("monday", "recording", 3000),
		make_recording("sunday", "done", 2000), make_recording("saturday", "done", 1000));
	return 0;
}

static void check_name(const char *name)
{
	need(*name && *name != '.' && !strchr(name, '/'));
}

static int on_read_recording(void *user, const char *id, json_t **ret_json, char *why, size_t size)
{
	(void)user;
	check_name(id);
	int rc = failure_of(id, why, size);
	if (rc < 0)
		return rc;
	if (strcmp(id, "sunday") != 0 && strcmp(id, "saturday") != 0)
		return -ENOENT;
	*ret_json = make_recording(id, "done", 2000);
	json_object_set_new(*ret_json, "files",
		json_pack("[{s:s, s:i, s:s}]", "name", "movie.mp4", "bytes", API_SOURCE_MOVIE_SIZE,
			"path", "/hush"));
	if (!strcmp(id, "sunday"))
		json_object_set_new(*ret_json, "report", json_pack("{s:s}", "anything", "goes"));
	return 0;
}

static int on_open_file(void *user, const char *id, const char *name, int *ret_fd)
{
	const struct api_source *source = user;
	char path[400];

	check_name(id);
	check_name(name);
	need(*ret_fd == -1);
	int rc = failure_of(id, path, sizeof(path));
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/%s", source->folder, name);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

static int on_remove(void *user, const char *id, char *why, size_t size)
{
	struct api_source *source = user;

	check_name(id);
	source->removals++;
	snprintf(source->id, sizeof(source->id), "%s", id);
	return failure_of(id, why, size);
}

static int on_finish(void *user, const char *id, char *why, size_t size)
{
	struct api_source *source = user;

	check_name(id);
	source->finishes++;
	snprintf(source->id, sizeof(source->id), "%s", id);
	return failure_of(id, why, size);
}

static int on_upload(void *user, const char *id, const char *target, char *why, size_t size)
{
	struct api_source *source = user;

	check_name(id);
	source->uploads++;
	snprintf(source->target, sizeof(source->target), "%s", target ? target : "");
	return failure_of(target && failure_of(target, why, size) < 0 ? target : id, why, size);
}

/* ---- configuration and log ---- */

static int on_read_config(void *user, json_t **ret_json)
{
	(void)user;
	*ret_json = json_pack("{s:s, s:s, s:{s:i}, s:s}", "path", "/etc/telerec/telerec.conf",
		"text", "slots = 2;\n", "settings", "slots", 2, "token", "hush");
	return 0;
}

static int on_write_config(
	void *user, const char *text, bool is_check, json_t **ret_json, char *why, size_t size)
{
	struct api_source *source = user;

	if (!is_check)
		source->writes++;
	snprintf(source->text, sizeof(source->text), "%s", text);
	int rc = failure_of(text, why, size);
	if (rc < 0 && rc != -EINVAL)
		return rc;
	*ret_json = rc == -EINVAL
			    ? json_pack("{s:[s], s:[s, i]}", "complaints", "line 1: so not",
				      "warnings", "line 2: hm", 7)
			    : json_pack("{s:[], s:[s]}", "complaints", "warnings", "line 2: hm");
	return 0;
}

static int on_read_log(void *user, const char *session_id, unsigned slot, int level,
	int64_t since_ms, unsigned limit, json_t **ret_json)
{
	struct api_source *source = user;

	snprintf(source->log.session_id, sizeof(source->log.session_id), "%s", session_id);
	source->log.slot = slot;
	source->log.level = level;
	source->log.since_ms = since_ms;
	source->log.limit = limit;
	*ret_json = json_pack("[{s:I, s:s, s:s, s:i, s:s, s:s}, {s:I, s:s, s:s}]", "ms",
		(json_int_t)1000, "level", "warning", "area", "node", "slot", 1, "session_id", "s",
		"text", "something", "ms", (json_int_t)1001, "level", "info", "text", "other");
	return 0;
}

/* ---- pictures ---- */

static void on_preview(
	void *user, unsigned slot, unsigned width, tr_node_api_preview_fn *done, void *done_user)
{
	struct api_source *source = user;

	need(slot >= 1 && slot <= 3);
	source->pictures++;
	source->width = width;
	if (slot == 1) {
		done("JPEG", 4, 0, done_user);
	} else if (slot == 3) {
		done(NULL, 0, width == 17 ? -ETIMEDOUT : -ENODATA, done_user);
	} else {
		need(source->waiting_count < TR_COUNT(source->waiting));
		source->waiting[source->waiting_count].done = done;
		source->waiting[source->waiting_count++].user = done_user;
	}
}

void api_source_show(struct api_source *source, int rc)
{
	while (source->waiting_count > 0) {
		source->waiting_count--;
		source->waiting[source->waiting_count].done(rc < 0 ? NULL : "JPEG", rc < 0 ? 0 : 4,
			rc, source->waiting[source->waiting_count].user);
	}
}

/* ---- life ---- */

unsigned char api_source_movie_byte(size_t offset)
{
	return (unsigned char)(offset * 7 + offset / 251);
}

static void make_movie(const char *folder)
{
	unsigned char *movie = malloc(API_SOURCE_MOVIE_SIZE);
	int dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	need(movie && dirfd >= 0);
	for (size_t i = 0; i < API_SOURCE_MOVIE_SIZE; i++)
		movie[i] = api_source_movie_byte(i);
	need(tr_file_replace(dirfd, "movie.mp4", movie, API_SOURCE_MOVIE_SIZE) == 0);
	need(tr_file_replace(dirfd, "empty.log", "", 0) == 0);
	need(tr_file_replace(dirfd, "na\xc3\xafve \"x\".json", "{}", 2) == 0);
	need(mkdirat(dirfd, "folder", 0700) == 0);
	close(dirfd);
	free(movie);
}

void api_source_begin(struct api_source *source)
{
	*source = (struct api_source){
		.source = {.user = source,
			.actions = &source->actions,
			.read = on_read,
			.start = on_start,
			.set_drain = on_set_drain,
			.restart_slot = on_restart,
			.list_sessions = on_list_sessions,
			.list_recordings = on_list_recordings,
			.read_recording = on_read_recording,
			.open_file = on_open_file,
			.remove_recording = on_remove,
			.finish_recording = on_finish,
			.upload_recording = on_upload,
			.read_config = on_read_config,
			.write_config = on_write_config,
			.read_log = on_read_log,
			.preview = on_preview},
		.actions = {.user = source, .stop = on_stop},
		.folder = "/tmp/telerec-api-XXXXXX",
	};
	need(mkdtemp(source->folder) != NULL);
	make_movie(source->folder);
}

void api_source_end(struct api_source *source)
{
	api_source_show(source, -ECANCELED);
	tr_file_remove_tree(source->folder);
}
