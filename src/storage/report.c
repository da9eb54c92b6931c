#include "storage/report.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#define TR_LOG_AREA "report"

#define SCHEMA 1
#define REPORT_LIMIT (1 << 20)

static void decref(json_t **json)
{
	json_decref(*json);
}

/* JSON has no NaN and no infinity; a figure that is none is null. Thousandths are enough. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(round(value * 1000) / 1000) : json_null();
}

static json_t *pictures_of(const struct tr_quality *q)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o}",
		"grabbed", (json_int_t)q->frames_grabbed, "encoded", (json_int_t)q->frames_encoded,
		"repeated", (json_int_t)q->frames_repeated, "dropped",
		(json_int_t)q->frames_dropped, "late", (json_int_t)q->frames_late, "grabbed_by",
		q->grabbed_by, "encoder", q->encoder, "encoder_restarts", (int)q->encoder_restarts,
		"mean_qp", number(q->mean_qp), "encode_ms", number(q->encode_ms), "share_changed",
		number(q->share_changed), "black_s", number(q->black_s), "longest_black_s",
		number(q->longest_black_s), "white_s", number(q->white_s), "longest_white_s",
		number(q->longest_white_s), "longest_frozen_s", number(q->longest_frozen_s));
}

static json_t *sound_of(const struct tr_quality *q)
{
	return json_pack("{s:b, s:i, s:o, s:o, s:i, s:o, s:b, s:o, s:o, s:o, s:o, s:I}", "expected",
		q->sound_expected, "gaps", (int)q->sound_gaps, "gap_s", number(q->sound_gap_s),
		"lost_s", number(q->sound_lost_s), "recoveries", (int)q->sound_recoveries,
		"drift_ppm", number(q->drift_ppm), "had_player", q->had_player, "peak_db",
		number(q->peak_db), "rms_db", number(q->rms_db), "silence_s", number(q->silence_s),
		"longest_silence_s", number(q->longest_silence_s), "clipped",
		(json_int_t)q->clipped);
}

static json_t *file_of(const struct tr_quality *q)
{
	return json_pack("{s:I, s:I, s:o, s:o}", "decode_errors", (json_int_t)q->decode_errors,
		"time_errors", (json_int_t)q->time_errors, "track_difference_s",
		number(q->track_difference_s), "longest_gap_s", number(q->file_gap_s));
}

static json_t *economy_of(const struct tr_quality *q)
{
	json_t *steps = json_array();

	for (unsigned i = 0; i < q->economy_count; i++)
		json_array_append_new(
			steps, json_pack("{s:o, s:i, s:s}", "at_s", number(q->economy[i].at_s),
				       "level", q->economy[i].level, "what",
				       tr_grade_economy(q->economy[i].level)));
	return steps;
}

static json_t *encoder_of(const struct tr_quality *q)
{
	json_t *rungs = json_array(), *failures = json_array();

	for (unsigned i = 0; i < q->leg_count; i++)
		json_array_append_new(rungs,
			json_pack("{s:s, s:o, s:o, s:I, s:b}", "name", q->legs[i].name, "from_s",
				number(q->legs[i].from_s), "to_s", number(q->legs[i].to_s),
				"pictures", (json_int_t)q->legs[i].pictures, "zero_copy",
				q->legs[i].has_zero_copy));
	for (unsigned i = 0; i < q->failure_count && i < TR_GRADE_FAILURES; i++) {
		bool is_early = q->failures[i].at_s < 0;
		json_array_append_new(failures,
			json_pack("{s:s, s:o, s:s, s:s}", "name", q->failures[i].name, "at_s",
				is_early ? json_null() : number(q->failures[i].at_s), "what",
				q->failures[i].what, "why", q->failures[i].sentence));
	}
	return json_pack("{s:o, s:o, s:i, s:b, s:s}", "rungs", rungs, "failures", failures,
		"failure_count", (int)q->failure_count, "zero_copy", q->has_zero_copy,
		"no_zero_copy", q->no_zero_copy);
}

json_t *tr_report_make_json(const struct tr_quality *q)
{
	TR_CLEANUP(decref) json_t *reasons = json_array();
	struct tr_grade grade;

	tr_grade_of(q, &grade);
	for (unsigned i = 0; i < grade.count; i++)
		json_array_append_new(reasons, json_string(grade.reasons[i]));
	return json_pack(
		"{s:i, s:s, s:s#, s:O, s:o, s:I, s:i, s:i, s:i, s:b, s:b, s:b, s:i, s:i, s:o, "
		"s:o, s:o, s:o, s:o}",
		"schema", SCHEMA, "telerec", TR_VERSION, "grade", &grade.letter, (size_t)1,
		"reasons", reasons, "duration_s", number((double)q->duration_ms / 1000), "bytes",
		(json_int_t)q->bytes, "width", q->width, "height", q->height, "rate", q->rate,
		"has_video", q->has_video, "has_audio", q->has_audio, "ended_early", q->ended_early,
		"parts", (int)q->parts, "page_reloads", (int)q->page_reloads, "pictures",
		pictures_of(q), "sound", sound_of(q), "decoded", file_of(q), "economy",
		economy_of(q), "encoder", encoder_of(q));
}

static void add_text(json_t *root, const char *key, const char *text)
{
	json_object_set_new(root, key, text ? json_string(text) : json_null());
}

int tr_report_write(int dirfd, const char *name, const struct tr_report *report,
	const struct tr_quality *quality)
{
	TR_CLEANUP(decref) json_t *root = tr_report_make_json(quality);
	char created[32] = "";

	if (!root)
		return tr_fail(-ENOMEM, "cannot write %s", name);
	add_text(root, "file", report->file);
	add_text(root, "poster", report->poster);
	add_text(root, "url", report->url);
	add_text(root, "session_id", report->session_id);
	add_text(root, "trouble", report->trouble);
	if (report->created_wall_ns > 0)
		tr_clock_format_utc(report->created_wall_ns, created, sizeof(created));
	add_text(root, "created", created[0] ? created : NULL);
	if (report->streams)
		json_object_set(root, "streams", (json_t *)report->streams);

	TR_CLEANUP(tr_freep)
	char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
	if (!text)
		return tr_fail(-ENOMEM, "cannot write %s", name);
	int rc = tr_file_replace(dirfd, name, text, strlen(text));
	return rc < 0 ? tr_fail(rc, "cannot write %s", name) : 0;
}

int tr_report_print_json(FILE *out, const struct tr_quality *quality)
{
	TR_CLEANUP(decref) json_t *root = tr_report_make_json(quality);

	if (!root)
		return -ENOMEM;
	if (json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) < 0 ||
		fputc('\n', out) == EOF || fflush(out) == EOF)
		return -EIO;
	return 0;
}

void tr_report_recall_economy(int dirfd, const char *name, struct tr_quality *quality)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	size_t size, i;
	json_t *step;

	if (tr_file_read(dirfd, name, REPORT_LIMIT, &text, &size) < 0)
		return;
	TR_CLEANUP(decref) json_t *root = json_loadb(text, size, 0, NULL);
	json_array_foreach(json_object_get(root, "economy"), i, step)
	{
		if (i == TR_GRADE_ECONOMIES)
			break;
		quality->economy[i].at_s = json_number_value(json_object_get(step, "at_s"));
		quality->economy[i].level = (int)json_integer_value(json_object_get(step, "level"));
		quality->economy_count = (unsigned)i + 1;
	}
}
