#define TR_LOG_AREA "probe"
#include "encode/probe_rungs.h"

#include "core/clock.h"
#include "encode/gpu.h"
#include "encode/probe_child.h"
#include "encode/probe_gpu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PICTURES 30
#define SPEED_PICTURES 30
#define KBPS 4000 /* ample for the clip, so that only faults are seen */
#define QUALITY 20
#define SIZE_LIMIT 16384

static const char no_time[] = "the time for the tests was over";

static const char *get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static int get_size(const json_t *object, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(object, key));

	return number > 0 && number <= SIZE_LIMIT ? (int)number : 0;
}

static bool has_word(const json_t *list, const char *word)
{
	const json_t *item;
	size_t i;

	json_array_foreach(
		(json_t *)list, i, item) if (json_is_string(item) &&
					     !strcmp(json_string_value(item), word)) return true;
	return false;
}

static void add(struct tr_probe_rungs *rungs, struct tr_probe_candidate *candidate)
{
	if (rungs->count >= TR_PROBE_RUNGS_MAX - 1 &&
		candidate->rung.kind != TR_RUNG_SOFTWARE) /* the last place is software's */
		return;
	tr_probe_name_rung(&candidate->rung);
	rungs->list[rungs->count++] = *candidate;
}

/* ---- what a device offers ---- */

static void start_candidate(struct tr_probe_candidate *ret, const json_t *device)
{
	struct tr_rung *rung = &ret->rung;

	*ret = (struct tr_probe_candidate){.works = true, .zero_copy = "it was not tested"};
	ret->is_integrated = json_is_true(json_object_get(device, "is_integrated"));
	snprintf(rung->device, sizeof(rung->device), "%s", get_text(device, "node"));
	snprintf(rung->address, sizeof(rung->address), "%s", get_text(device, "address"));
	snprintf(rung->driver, sizeof(rung->driver), "%s", get_text(device, "driver_forced"));
}

/* Every rate control of the best profile of an entry point; of the others only the best one, as
 * they are for drivers that have no more. */
static void add_encoder(struct tr_probe_rungs *rungs, const json_t *device, const json_t *encoder,
	bool is_first_profile)
{
	static const struct {
		const char *word;
		enum tr_rung_rate rate;
	} rates[] = {
		{"VBR", TR_RUNG_RATE_VBR}, {"CBR", TR_RUNG_RATE_CBR}, {"CQP", TR_RUNG_RATE_CQP}};
	const json_t *packed = json_object_get(encoder, "packed_headers");
	struct tr_probe_candidate candidate;
	json_int_t profile = json_integer_value(json_object_get(encoder, "profile"));

	start_candidate(&candidate, device);
	if (profile != 100 && profile != 77 && profile != 66)
		return;
	candidate.rung.kind = TR_RUNG_VAAPI;
	candidate.rung.profile = (int32_t)profile;
	candidate.rung.is_low_power = !strcmp(get_text(encoder, "entry_point"), "EncSliceLP");
	candidate.rung.has_packed_headers = has_word(packed, "sequence");
	candidate.rung.max_width = get_size(encoder, "max_width");
	candidate.rung.max_height = get_size(encoder, "max_height");
	for (size_t i = 0; i < TR_COUNT(rates); i++) {
		if (!has_word(json_object_get(encoder, "rate_controls"), rates[i].word))
			continue;
		candidate.rung.rate = rates[i].rate;
		add(rungs, &candidate);
		if (!is_first_profile)
			return;
	}
}

/* The same hardware by another way, which only its self-test tells to be open. With the driver's
 * best entry point: a bitrate where that can hold one, and fixed quantizers. */
static void add_qsv(struct tr_probe_rungs *rungs, const json_t *device)
{
	const json_t *encoder = json_array_get(json_object_get(device, "encoders"), 0);
	const json_t *rates = json_object_get(encoder, "rate_controls");
	struct tr_probe_candidate candidate;

	if (!encoder || json_array_size(json_object_get(device, "qsv_runtimes")) == 0)
		return;
	start_candidate(&candidate, device);
	candidate.rung.kind = TR_RUNG_QSV;
	candidate.rung.profile = 100;
	candidate.rung.is_low_power = !strcmp(get_text(encoder, "entry_point"), "EncSliceLP");
	candidate.rung.has_packed_headers = 1;
	candidate.rung.max_width = get_size(encoder, "max_width");
	candidate.rung.max_height = get_size(encoder, "max_height");
	if (has_word(rates, "VBR") || has_word(rates, "CBR")) {
		candidate.rung.rate = has_word(rates, "VBR") ? TR_RUNG_RATE_VBR : TR_RUNG_RATE_CBR;
		add(rungs, &candidate);
	}
	if (has_word(rates, "CQP")) {
		candidate.rung.rate = TR_RUNG_RATE_CQP;
		add(rungs, &candidate);
	}
}

void tr_probe_rungs_add(struct tr_probe_rungs *rungs, const json_t *device)
{
	static const char *const entry_points[] = {"EncSlice", "EncSliceLP"};
	const json_t *encoders = json_object_get(device, "encoders"), *encoder;
	size_t i;

	for (size_t e = 0; e < TR_COUNT(entry_points); e++) {
		bool is_first = true;
		json_array_foreach((json_t *)encoders, i, encoder)
		{
			if (strcmp(get_text(encoder, "entry_point"), entry_points[e]) != 0)
				continue;
			add_encoder(rungs, device, encoder, is_first);
			is_first = false;
		}
	}
	add_qsv(rungs, device);
}

void tr_probe_rungs_add_software(struct tr_probe_rungs *rungs)
{
	struct tr_probe_candidate candidate = {.works = true,
		.rung = {.kind = TR_RUNG_SOFTWARE, .profile = 66},
		.zero_copy = "software encodes from memory"};

	add(rungs, &candidate);
}

/* ---- self-tests ---- */

struct question {
	struct tr_probe_test test;
	bool has_module; /* else nothing can be compared */
	bool is_about_surfaces;
};

static json_t *write_result(const struct question *question, int rc)
{
	const struct tr_probe_test *test = &question->test;

	return json_pack("{s:b, s:i, s:i, s:i, s:I, s:f, s:f, s:f, s:s}", "has_module",
		question->has_module, "rc", rc, "encoded", test->encoded, "decoded", test->decoded,
		"us_per_picture", (json_int_t)test->us_per_picture, "psnr_y", test->psnr_y,
		"psnr_u", test->psnr_u, "psnr_v", test->psnr_v, "problem", test->problem);
}

/* In the child. */
static json_t *run_question(void *user)
{
	struct question *question = user;
	struct tr_probe_test *test = &question->test;
	const struct tr_video_ops *ops = NULL;
	void *found = NULL;

	tr_probe_child_say("loading the encoder");
	int rc = tr_gpu_load_symbol(
		TR_PROBE_GPU_SYMBOL, -1, test->problem, sizeof(test->problem), &found);
	question->has_module = rc == 0;
	if (rc == 0)
		rc = tr_gpu_load((enum tr_rung_kind)test->rung.kind, -1, test->problem,
			sizeof(test->problem), &ops);
	if (rc == 0) {
		const struct tr_probe_gpu *gpu = found;
		rc = question->is_about_surfaces ? gpu->run_surface_test(ops, test)
						 : gpu->run_test(ops, test);
	}
	return write_result(question, rc);
}

static void find_trouble(struct tr_probe_candidate *candidate, const struct tr_probe_answer *answer,
	const json_t *device)
{
	char words[sizeof(((struct tr_probe_test *)NULL)->problem)];
	struct tr_probe_finding finding;
	const bool is_software = candidate->rung.kind == TR_RUNG_SOFTWARE;
	struct tr_probe_symptom symptom = {
		.place = TR_PROBE_TEST,
		.node = is_software ? "this processor" : candidate->rung.device,
		.kernel_driver = get_text(device, "kernel_driver"),
		.vendor = get_text(device, "vendor"),
		.driver = is_software ? "libx264" : get_text(device, "driver"),
		.driver_text = "",
		.group = "",
		.words = words,
		.stage = answer->stage,
		.is_low_power =
			candidate->rung.is_low_power && candidate->rung.rate != TR_RUNG_RATE_CQP,
		.has_hung = answer->has_hung,
		.has_ended = answer->has_ended,
		.wait_status = answer->wait_status,
	};

	snprintf(words, sizeof(words), "%s",
		answer->json ? get_text(answer->json, "problem") : "its answer is garbage");
	for (char *c = words; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	for (size_t end = strlen(words); end > 0 && strchr(". ", words[end - 1]); end--)
		words[end - 1] = '\0'; /* the sentence has its own full stop */
	tr_probe_explain(&symptom, &finding);
	candidate->works = false;
	snprintf(candidate->cause, sizeof(candidate->cause), "%s", finding.cause);
	snprintf(candidate->problem, sizeof(candidate->problem), "%s", finding.problem);
	snprintf(candidate->cure, sizeof(candidate->cure), "%s", finding.cure);
}

/* Software is the last way there is: only wrong pictures speak against it. */
static void skip(struct tr_probe_candidate *candidate, const char *why)
{
	candidate->works = candidate->rung.kind == TR_RUNG_SOFTWARE;
	snprintf(candidate->cause, sizeof(candidate->cause), "not-tested");
	snprintf(candidate->problem, sizeof(candidate->problem), "it was not tested: %.250s.", why);
	candidate->cure[0] = '\0';
}

/* Its neighbours on the same engine are as fast. */
static int find_speed(const struct tr_probe_rungs *rungs, const struct tr_rung *rung)
{
	for (unsigned i = 0; i < rungs->count; i++) {
		const struct tr_rung *other = &rungs->list[i].rung;
		if (other->us_per_picture > 0 && other->kind == rung->kind &&
			other->is_low_power == rung->is_low_power &&
			!strcmp(other->device, rung->device))
			return other->us_per_picture;
	}
	return 0;
}

static void ask(struct tr_probe_rungs *rungs, struct tr_probe_candidate *candidate,
	const struct tr_probe_test_settings *settings, const json_t *device, unsigned *ret_badness)
{
	struct tr_rung *rung = &candidate->rung;
	int speed = find_speed(rungs, rung);
	struct question question = {
		.test = {
			.rung = *rung,
			.settings = {.width = settings->width,
				.height = settings->height,
				.rate = 30,
				.quality = QUALITY,
				.kbps = rung->rate == TR_RUNG_RATE_CQP ? 0 : KBPS},
			.pictures = PICTURES,
			.speed_width = 1280,
			.speed_height = 720,
			.speed_pictures = speed > 0 ? 0 : SPEED_PICTURES,
		}};
	struct tr_probe_answer answer;

	/* libx264 never hangs, but a machine can be busy */
	int patience = rung->kind == TR_RUNG_SOFTWARE ? 6 : 1;
	if (tr_probe_child_ask(run_question, &question, patience * settings->silent_ms,
		    settings->deadline_ns, &answer) < 0) {
		skip(candidate, "no process could be started for it");
		return;
	}
	json_int_t us = json_integer_value(json_object_get(answer.json, "us_per_picture"));
	const json_t *rc = json_object_get(answer.json, "rc");
	if (json_is_integer(rc) && json_integer_value(rc) == 0 && us >= 0 && us < INT32_MAX) {
		rung->was_tested = 1;
		rung->us_per_picture = speed > 0 ? speed : (int32_t)us;
	} else if (rung->kind == TR_RUNG_SOFTWARE &&
		   (json_is_false(json_object_get(answer.json, "has_module")) || answer.is_late ||
			   answer.has_hung)) {
		skip(candidate, answer.json ? get_text(answer.json, "problem") : no_time);
	} else if (answer.is_late) {
		skip(candidate, no_time);
	} else {
		find_trouble(candidate, &answer, device);
	}
	*ret_badness = answer.has_hung ? 2 : answer.has_ended;
	tr_probe_child_release(&answer);
}

/* ---- zero-copy ---- */

/* Text of a driver's, for one line. */
static void keep_reason(char *to, const char *from)
{
	snprintf(to, TR_PROBE_ZERO_COPY_MAX, "%.*s", TR_PROBE_ZERO_COPY_MAX - 4, from);
	for (char *c = to; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > 126)
			*c = ' ';
}

/* In a child of its own: a driver that falls over surfaces may still encode pictures well. "" when
 * all is proved. */
static void ask_about_surfaces(
	const struct tr_rung *rung, const struct tr_probe_test_settings *settings, char *ret_reason)
{
	struct question question = {.is_about_surfaces = true,
		.test = {.rung = *rung,
			.settings = {.width = settings->width,
				.height = settings->height,
				.rate = 30,
				.quality = QUALITY,
				.kbps = rung->rate == TR_RUNG_RATE_CQP ? 0 : KBPS}}};
	struct tr_probe_answer answer;

	if (tr_clock_now_ns() > settings->deadline_ns)
		return keep_reason(ret_reason, no_time);
	if (tr_probe_child_ask(run_question, &question, settings->silent_ms, settings->deadline_ns,
		    &answer) < 0)
		return keep_reason(ret_reason, "no process could be started for its test");
	const json_t *rc = json_object_get(answer.json, "rc");
	if (json_is_integer(rc) && json_integer_value(rc) == 0)
		ret_reason[0] = '\0';
	else if (answer.has_hung)
		keep_reason(ret_reason, "the driver hangs with it");
	else if (answer.has_ended)
		keep_reason(ret_reason, "the driver ends the process with it");
	else if (answer.is_late)
		keep_reason(ret_reason, no_time);
	else
		keep_reason(ret_reason, answer.json && get_text(answer.json, "problem")[0]
						? get_text(answer.json, "problem")
						: "its test gave no answer");
	tr_probe_child_release(&answer);
}

/* One proof for all rungs of a device that convert alike. */
static const struct tr_probe_candidate *find_asked(
	const struct tr_probe_rungs *rungs, unsigned before, const struct tr_rung *rung)
{
	for (unsigned i = 0; i < before; i++) {
		const struct tr_probe_candidate *other = &rungs->list[i];
		if (other->works && other->rung.was_tested && other->rung.kind == rung->kind &&
			!strcmp(other->rung.device, rung->device))
			return other;
	}
	return NULL;
}

static void prove_surfaces(struct tr_probe_rungs *rungs, const struct tr_probe_test_settings *s)
{
	for (unsigned i = 0; i < rungs->count; i++) {
		struct tr_probe_candidate *candidate = &rungs->list[i];
		struct tr_rung *rung = &candidate->rung;
		const struct tr_probe_candidate *asked = find_asked(rungs, i, rung);
		if (rung->kind == TR_RUNG_SOFTWARE || !candidate->works || !rung->was_tested)
			continue;
		if (asked)
			memcpy(candidate->zero_copy, asked->zero_copy,
				sizeof(candidate->zero_copy));
		else
			ask_about_surfaces(rung, s, candidate->zero_copy);
		rung->can_convert = !candidate->zero_copy[0];
	}
}

/* ---- all of them ---- */

static const json_t *find_device(const json_t *devices, const char *node)
{
	const json_t *device;
	size_t i;

	json_array_foreach((json_t *)devices, i,
		device) if (!strcmp(get_text(device, "node"), node)) return device;
	return NULL;
}

/* A driver that hung is not asked again, and one that crashed only once more. */
static unsigned count_bad(
	const struct tr_probe_rungs *rungs, const unsigned *badness, const char *node)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < rungs->count; i++)
		sum += strcmp(rungs->list[i].rung.device, node) ? 0 : badness[i];
	return sum;
}

void tr_probe_rungs_test(struct tr_probe_rungs *rungs, const json_t *devices,
	const struct tr_probe_test_settings *settings)
{
	unsigned badness[TR_PROBE_RUNGS_MAX] = {0};

	tr_probe_rank(rungs->list, rungs->count);
	for (unsigned i = 0; i < rungs->count; i++) {
		struct tr_probe_candidate *candidate = &rungs->list[i];
		const char *node = candidate->rung.device;
		if (node[0] && count_bad(rungs, badness, node) >= 2)
			skip(candidate, "the driver hung or crashed in the test of another");
		else if (tr_clock_now_ns() > settings->deadline_ns)
			skip(candidate, no_time);
		else
			ask(rungs, candidate, settings, find_device(devices, node), &badness[i]);
	}
	tr_probe_rank(rungs->list, rungs->count);
	prove_surfaces(rungs, settings);
}
