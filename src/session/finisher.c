#define TR_LOG_AREA "finish"
#include "session/finisher.h"

#include "core/clock.h"
#include "core/log.h"
#include "storage/check.h"
#include "storage/finish.h"
#include "storage/poster.h"
#include "storage/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define REPORT_NAME "report.json"
#define POSTER_NAME "poster.jpg"
#define THREAD_NICE 10

static void name_file(const struct tr_recording *recording, char *out, size_t size)
{
	snprintf(out, size, "%s.mp4", recording->name);
}

static int begin_new(
	struct tr_finisher *finisher, int folder, const struct tr_message_start *request)
{
	int rc = tr_recording_load(folder, &finisher->recording);

	if (rc == 0)
		return tr_fail(-EEXIST, "the folder already holds a recording");
	if (rc != -ENOENT)
		return rc;
	rc = tr_recording_init(&finisher->recording, request->session_id, request->url,
		request->name, tr_clock_wall_ns());
	if (rc < 0)
		return rc;
	char name[NAME_MAX + 1];
	name_file(&finisher->recording, name, sizeof(name));
	if (faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return tr_fail(-EEXIST, "the folder already holds %s", name);
	return 0;
}

/* The slot before us died in the middle: its parts stay, ours comes after them. When it died at the
 * very end, what it finished is the first part: it must not be replaced by what comes now. */
static int begin_again(
	struct tr_finisher *finisher, int folder, const struct tr_message_start *request)
{
	struct tr_recording *recording = &finisher->recording;

	int rc = tr_recording_load(folder, recording);
	if (rc == -ENOENT) /* it died before its first part */
		return begin_new(finisher, folder, request);
	if (rc < 0)
		return rc;
	if (strcmp(recording->session_id, request->session_id) != 0)
		return tr_fail(-EEXIST, "the folder holds another recording");
	char name[NAME_MAX + 1];
	name_file(recording, name, sizeof(name));
	rc = tr_finish_take_back(folder, name, recording->parts, recording->part_count);
	recording->file[0] = '\0';
	return rc;
}

int tr_finisher_begin(
	struct tr_finisher *finisher, int folder, const struct tr_message_start *request)
{
	struct tr_recording *recording = &finisher->recording;

	int rc = request->is_resume ? begin_again(finisher, folder, request)
				    : begin_new(finisher, folder, request);
	if (rc < 0)
		return rc;
	recording->state = TR_RECORDING_RUNNING;
	finisher->part = NULL;
	if (request->is_without_file)
		return tr_recording_save(folder, recording);
	int64_t offset_ns =
		recording->part_count > 0 ? tr_clock_wall_ns() - recording->created_wall_ns : 0;
	offset_ns -= offset_ns % (TR_NS_PER_S / 10); /* on the grid of the pictures' times */
	rc = tr_recording_add_part(recording, offset_ns > 0 ? offset_ns : 0);
	if (rc < 0)
		return tr_fail(rc, "too many parts");
	finisher->part = recording->parts[recording->part_count - 1].file;
	return tr_recording_save(folder, recording);
}

static void save_state(struct tr_finisher *finisher, enum tr_recording_state state)
{
	finisher->recording.state = state;
	int rc = tr_recording_save(finisher->folder, &finisher->recording);
	if (rc < 0)
		tr_warning("state.json could not be written: %s", strerror(-rc));
}

static void join_parts(struct tr_finisher *finisher)
{
	struct tr_recording *recording = &finisher->recording;
	struct tr_finisher_result *result = &finisher->result;
	struct tr_quality *quality = &finisher->quality;
	struct tr_finish_result joined;
	char name[NAME_MAX + 1];

	name_file(recording, name, sizeof(name));
	result->rc = tr_finish_recording(
		finisher->folder, name, recording->parts, recording->part_count, &joined);
	if (result->rc < 0) {
		snprintf(result->file, sizeof(result->file), "%s", finisher->part);
		return;
	}
	memcpy(result->file, name, sizeof(name));
	memcpy(recording->file, name, sizeof(name));
	recording->bytes = quality->bytes = joined.bytes;
	recording->duration_ns = joined.duration_ns;
	quality->duration_ms = joined.duration_ns / TR_NS_PER_MS;
	quality->parts = joined.parts_used;
	if (joined.parts_used > 1) /* silence between parts is sound that was lost */
		quality->sound_lost_s += (double)joined.filled * 1024 / 48000;
}

/* What a recorder that died counted is lost; what the file shows is not. */
static void measure(struct tr_finisher *finisher)
{
	struct tr_quality *quality = &finisher->quality;
	struct tr_check *check = calloc(1, sizeof(*check));
	unsigned parts = quality->parts;

	if (check && tr_check_file(finisher->folder, finisher->result.file, true, check) == 0)
		*quality = check->quality;
	quality->parts = parts;
	quality->ended_early = true;
	tr_report_recall_economy(finisher->folder, REPORT_NAME, quality);
	free(check);
}

static void write_report(struct tr_finisher *finisher, const json_t *streams)
{
	struct tr_finisher_result *result = &finisher->result;
	const struct tr_recording *recording = &finisher->recording;
	struct tr_grade grade;

	if (result->file[0] && tr_poster_make(finisher->folder, result->file, POSTER_NAME) == 0)
		snprintf(result->poster, sizeof(result->poster), POSTER_NAME);
	struct tr_report report = {
		.file = result->file[0] ? result->file : NULL,
		.poster = result->poster[0] ? result->poster : NULL,
		.url = recording->url,
		.session_id = recording->session_id,
		.trouble = recording->reason[0] ? recording->reason : NULL,
		.created_wall_ns = recording->created_wall_ns,
		.streams = streams,
	};
	if (tr_report_write(finisher->folder, REPORT_NAME, &report, &finisher->quality) == 0)
		snprintf(result->report, sizeof(result->report), REPORT_NAME);
	tr_grade_of(&finisher->quality, &grade);
	result->grade[0] = grade.letter;
	result->duration_ms = finisher->quality.duration_ms;
	result->bytes = finisher->quality.bytes;
}

static void *run(void *user)
{
	struct tr_finisher *finisher = user;
	json_t *streams = NULL;

	pthread_setname_np(pthread_self(), "finisher");
	setpriority(PRIO_PROCESS, 0, THREAD_NICE); /* on Linux of this thread only */
	save_state(finisher, TR_RECORDING_FINISHING);
	if (finisher->broadcast)
		tr_broadcast_close(tr_take(finisher->broadcast), &streams);
	if (finisher->part)
		join_parts(finisher);
	if (finisher->must_measure && finisher->result.file[0])
		measure(finisher);
	write_report(finisher, streams);
	json_decref(streams);
	save_state(finisher, finisher->result.rc < 0 ? TR_RECORDING_FAILED : TR_RECORDING_DONE);
	if (finisher->on_done)
		finisher->on_done(finisher->user);
	return NULL;
}

int tr_finisher_take_up(struct tr_finisher *finisher, int folder)
{
	struct tr_recording *recording = &finisher->recording;
	int rc = tr_recording_load(folder, recording);

	if (rc == -ENOENT)
		return tr_fail(rc, "the folder holds no recording");
	if (rc < 0)
		return rc;
	finisher->part = NULL;
	if (recording->part_count == 0) /* it only streamed, or died before its first part */
		return 0;
	finisher->part = recording->parts[recording->part_count - 1].file;
	char name[NAME_MAX + 1];
	name_file(recording, name, sizeof(name));
	recording->file[0] = '\0';
	return tr_finish_take_back(folder, name, recording->parts, recording->part_count);
}

int tr_finisher_start(struct tr_finisher *finisher, int folder, const struct tr_quality *quality,
	const char *trouble, tr_finisher_done_fn *on_done, void *user)
{
	finisher->folder = folder;
	finisher->must_measure = !quality;
	finisher->quality = quality ? *quality : (struct tr_quality){0};
	finisher->quality.ended_early = trouble != NULL;
	finisher->on_done = on_done;
	finisher->user = user;
	memset(&finisher->result, 0, sizeof(finisher->result));
	if (quality)
		snprintf(finisher->recording.reason, sizeof(finisher->recording.reason), "%.255s",
			trouble ? trouble : "");
	int rc = -pthread_create(&finisher->thread, NULL, run, finisher);
	finisher->is_running = rc == 0;
	return rc < 0 ? tr_fail(rc, "no thread to finish the recording: its parts stay") : 0;
}

const struct tr_finisher_result *tr_finisher_join(struct tr_finisher *finisher)
{
	if (finisher->is_running)
		pthread_join(finisher->thread, NULL);
	finisher->is_running = false;
	return &finisher->result;
}
