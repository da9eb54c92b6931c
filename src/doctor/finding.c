#include "doctor/finding.h"

#include "core/appliance.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define SENTENCE_SIZE 1200
#define WIDTH 96

static const struct {
	const char *name, *shown;
} statuses[] = {
	[TR_FINDING_OK] = {"ok", "ok"},
	[TR_FINDING_NOTE] = {"note", "note"},
	[TR_FINDING_WARNING] = {"warning", "WARNING"},
	[TR_FINDING_FAILURE] = {"failure", "FAILURE"},
	[TR_FINDING_SKIPPED] = {"skipped", "-"},
};

int tr_findings_init(struct tr_findings *findings)
{
	*findings = (struct tr_findings){.list = json_array()};
	return findings->list ? 0 : -ENOMEM;
}

void tr_findings_fini(struct tr_findings *findings)
{
	json_decref(findings->list);
	findings->list = NULL;
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : "";
}

static bool is_of(const json_t *object, enum tr_finding_status status)
{
	return !strcmp(text(object, "status"), statuses[status].name);
}

/* Names from servers and files may hold anything; bytes that are no UTF-8 become '?'. */
static json_t *text_of(const char *text)
{
	char clean[SENTENCE_SIZE];
	json_t *string = json_string(text);

	if (string)
		return string;
	snprintf(clean, sizeof(clean), "%s", text);
	for (char *c = clean; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(clean);
}

static void set(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key, text_of(value ? value : ""));
}

static json_t *make_cure(const struct tr_cure *cure)
{
	json_t *object = json_object();

	set(object, "where", cure->where ? cure->where : "on this machine");
	set(object, "file", cure->file);
	set(object, "setting", cure->setting);
	set(object, "text", cure->text);
	return object;
}

/* Wraps at spaces, each line with `indent` blanks in front; the first one has them already. */
static void print_wrapped(FILE *out, const char *sentence, int indent)
{
	size_t room = WIDTH - (size_t)indent;

	while (*sentence) {
		size_t length = strlen(sentence);
		if (length > room) {
			length = room;
			while (length > 0 && sentence[length] != ' ')
				length--;
			if (length == 0)
				length = strcspn(sentence, " ");
		}
		fprintf(out, "%.*s\n", (int)length, sentence);
		sentence += length;
		sentence += strspn(sentence, " ");
		if (*sentence)
			fprintf(out, "%*s", indent, "");
	}
}

static void print_cure(FILE *out, const json_t *cure)
{
	const char *where = text(cure, "where"), *file = text(cure, "file");
	const char *setting = text(cure, "setting"), *line = text(cure, "text");

	fprintf(out, "%11s> %s%s%s%s%s:\n", "", where, file[0] ? ", in " : "", file,
		setting[0] ? ", " : "", setting);
	while (*line) {
		size_t length = strcspn(line, "\n");
		fprintf(out, "%15s%.*s\n", "", (int)length, line);
		line += length + (line[length] == '\n');
	}
}

static void print_one(FILE *out, const json_t *object)
{
	const char *status = text(object, "status"), *meaning = text(object, "meaning");
	const json_t *cure = json_object_get(object, "cure");
	const char *shown = status;

	for (size_t i = 0; i < TR_COUNT(statuses); i++)
		if (!strcmp(statuses[i].name, status))
			shown = statuses[i].shown;
	fprintf(out, "  %-7s  ", shown);
	print_wrapped(out, text(object, "sentence"), 11);
	if (meaning[0]) {
		fprintf(out, "%11s", "");
		print_wrapped(out, meaning, 11);
	}
	if (json_is_object(cure) &&
		(is_of(object, TR_FINDING_WARNING) || is_of(object, TR_FINDING_FAILURE)))
		print_cure(out, cure); /* of what is only said by the way, --json tells it */
}

/* Under a heading of its area, unless the last one had the same. */
static void print_live(struct tr_findings *findings, const json_t *object)
{
	const char *area = text(object, "area"), *subject = text(object, "environment");

	if (findings->only && strcmp(findings->only, area) != 0 &&
		!is_of(object, TR_FINDING_FAILURE))
		return;
	if (strcmp(findings->printed_area, area) != 0 ||
		strcmp(findings->printed_subject, subject) != 0)
		fprintf(findings->out, "%s%s%s%s\n", area, subject[0] ? " of \"" : "", subject,
			subject[0] ? "\"" : "");
	snprintf(findings->printed_area, sizeof(findings->printed_area), "%s", area);
	snprintf(findings->printed_subject, sizeof(findings->printed_subject), "%s", subject);
	print_one(findings->out, object);
	fflush(findings->out);
}

static void add(struct tr_findings *findings, const struct tr_finding *finding, const char *format,
	va_list args) __attribute__((format(printf, 3, 0)));

static void add(struct tr_findings *findings, const struct tr_finding *finding, const char *format,
	va_list args)
{
	const struct tr_cure *cure = &finding->cure;
	char sentence[SENTENCE_SIZE];
	json_t *object = json_object();

	vsnprintf(sentence, sizeof(sentence), format, args);
	set(object, "area", findings->area);
	set(object, "environment", findings->subject);
	set(object, "status", statuses[finding->status].name);
	set(object, "cause", finding->cause);
	set(object, "sentence", sentence);
	set(object, "meaning", finding->meaning);
	json_object_set_new(object, "cure",
		cure->file || cure->setting || cure->text ? make_cure(cure) : json_null());
	if (findings->out)
		print_live(findings, object);
	json_array_append_new(findings->list, object);
}

void tr_findings_add(
	struct tr_findings *findings, const struct tr_finding *finding, const char *format, ...)
{
	struct tr_finding here = *finding;
	va_list args;

	/* Nobody installs packages on our own image. */
	if (here.cure.text)
		here.cure.text = tr_appliance_cure("", here.cure.text);
	va_start(args, format);
	add(findings, &here, format, args);
	va_end(args);
}

#define SHORT_FORM(name, value)                                                                    \
	void tr_findings_##name(struct tr_findings *findings, const char *format, ...)             \
	{                                                                                          \
		const struct tr_finding finding = {.status = (value)};                             \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		add(findings, &finding, format, args);                                             \
		va_end(args);                                                                      \
	}

SHORT_FORM(ok, TR_FINDING_OK)
SHORT_FORM(note, TR_FINDING_NOTE)
SHORT_FORM(skip, TR_FINDING_SKIPPED)

unsigned tr_findings_count(
	const struct tr_findings *findings, enum tr_finding_status status, const char *area)
{
	unsigned count = 0;
	json_t *object;
	size_t i;

	json_array_foreach(findings->list, i, object) count +=
		is_of(object, status) && (!area || !strcmp(text(object, "area"), area));
	return count;
}

int tr_findings_exit_code(const struct tr_findings *findings)
{
	if (tr_findings_count(findings, TR_FINDING_FAILURE, NULL))
		return 3;
	return tr_findings_count(findings, TR_FINDING_WARNING, NULL) ? 1 : 0;
}

void tr_findings_keep_area(struct tr_findings *findings, const char *area)
{
	for (size_t i = json_array_size(findings->list); i-- > 0;) {
		const json_t *object = json_array_get(findings->list, i);
		if (strcmp(text(object, "area"), area) != 0 && !is_of(object, TR_FINDING_FAILURE))
			json_array_remove(findings->list, i);
	}
}

void tr_findings_print_sum(const struct tr_findings *findings, FILE *out)
{
	unsigned failures = tr_findings_count(findings, TR_FINDING_FAILURE, NULL);
	unsigned warnings = tr_findings_count(findings, TR_FINDING_WARNING, NULL);
	unsigned skipped = tr_findings_count(findings, TR_FINDING_SKIPPED, NULL);

	fputc('\n', out);
	if (failures + warnings == 0)
		fputs("Nothing is wrong", out);
	else
		fprintf(out, "%u failure%s, %u warning%s", failures, failures == 1 ? "" : "s",
			warnings, warnings == 1 ? "" : "s");
	if (skipped)
		fprintf(out, ", %u not checked", skipped);
	fputs(failures ? ": begin with the first failure.\n" : ".\n", out);
}

void tr_findings_print_json(const struct tr_findings *findings, FILE *out)
{
	json_dumpf(findings->list, out, JSON_INDENT(2));
	fputc('\n', out);
}
