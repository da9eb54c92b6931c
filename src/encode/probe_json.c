/* Rungs as JSON, and the answer's form. What comes from another process may be garbage: a driver
 * shares its memory. */
#include "encode/probe_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEVICES_MAX 64
#define RUNGS_MAX 64
#define SIZE_MAX_PIXELS 65536
#define US_MAX 600000000

static const char *const kinds[] = {"software", "vaapi", "qsv"};
static const char *const rates[] = {"CQP", "CBR", "VBR"};
static const int profiles[] = {100, 77, 66};

struct reader {
	const json_t *object;
	char *why;
	size_t why_size;
	int rc; /* the first trouble's */
};

static void refuse(struct reader *reader, const char *key, const char *what)
{
	if (reader->rc == 0)
		snprintf(reader->why, reader->why_size, "\"%s\" %s", key, what);
	reader->rc = -EPROTO;
}

static void read_text(struct reader *reader, const char *key, char *out, size_t size)
{
	const json_t *value = json_object_get(reader->object, key);
	size_t length = json_string_length(value);

	out[0] = '\0';
	if (!json_is_string(value))
		return refuse(reader, key, "is no string");
	if (length >= size || strlen(json_string_value(value)) != length)
		return refuse(reader, key, "is too long");
	for (const char *c = json_string_value(value); *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			return refuse(reader, key, "has control characters");
	memcpy(out, json_string_value(value), length + 1);
}

static bool read_flag(struct reader *reader, const char *key)
{
	const json_t *value = json_object_get(reader->object, key);

	if (!json_is_boolean(value))
		refuse(reader, key, "is neither true nor false");
	return json_is_true(value);
}

static int read_number(struct reader *reader, const char *key, json_int_t min, json_int_t max)
{
	const json_t *value = json_object_get(reader->object, key);
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < min || number > max) {
		refuse(reader, key, "is no number in its range");
		return 0;
	}
	return (int)number;
}

static int read_word(struct reader *reader, const char *key, const char *const *words, size_t count)
{
	char text[16];

	read_text(reader, key, text, sizeof(text));
	for (size_t i = 0; i < count; i++)
		if (!strcmp(text, words[i]))
			return (int)i;
	refuse(reader, key, "is no word that is known");
	return 0;
}

static int read_profile(struct reader *reader)
{
	int profile = read_number(reader, "profile", 1, 255);

	for (size_t i = 0; i < TR_COUNT(profiles); i++)
		if (profiles[i] == profile)
			return profile;
	refuse(reader, "profile", "is none of 100, 77 and 66");
	return 0;
}

int tr_probe_read_rung(
	const json_t *json, struct tr_probe_candidate *ret, char *why, size_t why_size)
{
	struct reader reader = {.object = json, .why = why, .why_size = why_size};
	struct tr_probe_candidate candidate = {0};
	struct tr_rung *rung = &candidate.rung;

	rung->kind = read_word(&reader, "kind", kinds, TR_COUNT(kinds));
	rung->rate = read_word(&reader, "rate", rates, TR_COUNT(rates));
	rung->profile = read_profile(&reader);
	rung->level = read_number(&reader, "level", 0, 1000);
	rung->is_low_power = read_flag(&reader, "is_low_power");
	rung->has_packed_headers = read_flag(&reader, "has_packed_headers");
	rung->can_convert = read_flag(&reader, "can_convert");
	rung->was_tested = read_flag(&reader, "was_tested");
	rung->max_width = read_number(&reader, "max_width", 0, SIZE_MAX_PIXELS);
	rung->max_height = read_number(&reader, "max_height", 0, SIZE_MAX_PIXELS);
	rung->us_per_picture = read_number(&reader, "us_per_picture", 0, US_MAX);
	read_text(&reader, "device", rung->device, sizeof(rung->device));
	read_text(&reader, "address", rung->address, sizeof(rung->address));
	read_text(&reader, "driver", rung->driver, sizeof(rung->driver));
	read_text(&reader, "name", rung->name, sizeof(rung->name));
	candidate.works = read_flag(&reader, "works");
	candidate.is_integrated = read_flag(&reader, "is_integrated");
	read_text(&reader, "cause", candidate.cause, sizeof(candidate.cause));
	read_text(&reader, "problem", candidate.problem, sizeof(candidate.problem));
	read_text(&reader, "cure", candidate.cure, sizeof(candidate.cure));
	/* younger than the others: recorded answers may lack it */
	if (json_object_get(json, "zero_copy"))
		read_text(&reader, "zero_copy", candidate.zero_copy, sizeof(candidate.zero_copy));
	if ((rung->kind == TR_RUNG_SOFTWARE) == (rung->device[0] != '\0'))
		refuse(&reader, "device", "does not go with the rung's kind");
	if (reader.rc == 0)
		*ret = candidate;
	return reader.rc;
}

json_t *tr_probe_write_rung(const struct tr_probe_candidate *candidate, int cores)
{
	const struct tr_rung *rung = &candidate->rung;
	int engines = rung->kind == TR_RUNG_SOFTWARE ? cores : 1;
	json_t *json = json_pack(
		"{s:s, s:s, s:s, s:i, s:i, s:b, s:b, s:b, s:b, s:i, s:i, s:i, s:s, s:s, s:s, s:b, "
		"s:b, s:s, s:s, s:s, s:s}",
		"name", rung->name, "kind", kinds[rung->kind], "rate", rates[rung->rate], "profile",
		rung->profile, "level", rung->level, "is_low_power", rung->is_low_power,
		"has_packed_headers", rung->has_packed_headers, "can_convert", rung->can_convert,
		"was_tested", rung->was_tested, "max_width", rung->max_width, "max_height",
		rung->max_height, "us_per_picture", rung->us_per_picture, "device", rung->device,
		"address", rung->address, "driver", rung->driver, "works", candidate->works,
		"is_integrated", candidate->is_integrated, "cause", candidate->cause, "problem",
		candidate->problem, "cure", candidate->cure, "zero_copy", candidate->zero_copy);

	if (!json || rung->us_per_picture <= 0)
		return json;
	json_object_set_new(
		json, "ms_per_picture", json_real(round(rung->us_per_picture / 10.0) / 100.0));
	json_object_set_new(json, "sessions",
		json_pack("{s:i, s:i}", "1280x720",
			(int)tr_probe_count_sessions(rung->us_per_picture, 1280, 720, engines),
			"1920x1080",
			(int)tr_probe_count_sessions(rung->us_per_picture, 1920, 1080, engines)));
	return json;
}

/* What people and other programs rely on; a device may say more. */
static int check_device(const json_t *device, char *why, size_t why_size)
{
	struct reader reader = {.object = device, .why = why, .why_size = why_size};
	char text[TR_PROBE_SENTENCE_MAX];

	read_text(&reader, "node", text, sizeof(((struct tr_rung *)NULL)->device));
	read_text(&reader, "address", text, sizeof(((struct tr_rung *)NULL)->address));
	read_text(&reader, "kernel_driver", text, 64);
	read_text(&reader, "vendor", text, 64);
	read_text(&reader, "cause", text, 24);
	read_text(&reader, "problem", text, TR_PROBE_SENTENCE_MAX);
	read_text(&reader, "cure", text, TR_PROBE_CURE_MAX);
	return reader.rc;
}

static int check_rungs(const json_t *rungs, char *why, size_t why_size)
{
	struct tr_probe_candidate candidate = {0};
	bool has_software = false;
	const json_t *rung;
	size_t i;

	json_array_foreach((json_t *)rungs, i, rung)
	{
		int rc = tr_probe_read_rung(rung, &candidate, why, why_size);
		if (rc < 0)
			return rc;
		has_software = has_software || candidate.rung.kind == TR_RUNG_SOFTWARE;
	}
	if (!has_software)
		snprintf(why, why_size, "software is not among the rungs");
	return has_software ? 0 : -EPROTO;
}

int tr_probe_check(const json_t *json, char *why, size_t why_size)
{
	const json_t *devices = json_object_get(json, "devices");
	const json_t *rungs = json_object_get(json, "rungs");
	const json_t *advice = json_object_get(json, "advice"), *item;
	size_t i;
	int rc = 0;

	if (!json_is_array(devices) || !json_is_array(rungs) || !json_is_array(advice) ||
		json_array_size(devices) > DEVICES_MAX || json_array_size(rungs) > RUNGS_MAX ||
		json_array_size(advice) > RUNGS_MAX) {
		snprintf(why, why_size, "there are no lists of devices, rungs and advice");
		return -EPROTO;
	}
	json_array_foreach((json_t *)devices, i, item) if (rc == 0) rc =
		check_device(item, why, why_size);
	json_array_foreach((json_t *)advice, i, item) if (rc == 0 && !json_is_string(item))
	{
		snprintf(why, why_size, "advice is no sentence");
		rc = -EPROTO;
	}
	return rc < 0 ? rc : check_rungs(rungs, why, why_size);
}

void tr_probe_name_rung(struct tr_rung *rung)
{
	const char *slash = strrchr(rung->device, '/');
	const char *node = slash ? slash + 1 : rung->device;

	if (rung->kind == TR_RUNG_SOFTWARE)
		snprintf(rung->name, sizeof(rung->name), "libx264");
	else
		snprintf(rung->name, sizeof(rung->name), "h264_%s %.14s %s%s%s", kinds[rung->kind],
			node, rates[rung->rate], rung->is_low_power ? " LP" : "",
			rung->profile == 77   ? " Main"
			: rung->profile == 66 ? " CB"
					      : "");
}
