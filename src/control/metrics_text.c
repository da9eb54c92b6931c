#include "control/metrics_text_internal.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

void tr_metrics_text_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void tr_metrics_text_sample(FILE *out, const char *name, const char *labels, double value)
{
	if (labels && labels[0])
		fprintf(out, "%s{%s} %.15g\n", name, labels, value);
	else
		fprintf(out, "%s %.15g\n", name, value);
}

void tr_metrics_text_flag(
	FILE *out, const char *name, const char *labels, const char *word, const char *is_word)
{
	fprintf(out, "%s{%s%sstate=\"%s\"} %d\n", name, labels, labels[0] ? "," : "", word,
		!strcmp(word, is_word));
}

/* Prometheus takes UTF-8 only, and drops everything for one byte that is none. */
static bool is_utf8(const char *text)
{
	json_t *string = json_string(text);

	json_decref(string);
	return string != NULL;
}

/* Appends `name="text"`, and a comma before it when there is something. */
void tr_metrics_text_add_label(char *labels, const char *name, const char *text)
{
	bool is_clean = is_utf8(text);
	size_t used = strlen(labels);
	FILE *out = fmemopen(labels + used, TR_METRICS_LABELS_MAX - used, "w");

	if (!out)
		return;
	fprintf(out, "%s%s=\"", used ? "," : "", name);
	for (const char *c = text; *c; c++) {
		if (*c == '\\' || *c == '"')
			fprintf(out, "\\%c", *c);
		else if (*c == '\n')
			fputs("\\n", out);
		else
			fputc(!is_clean && (unsigned char)*c >= 0x80 ? '?' : *c, out);
	}
	fputs("\"", out);
	fclose(out);
}

void tr_metrics_text_add_number(char *labels, const char *name, unsigned number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	tr_metrics_text_add_label(labels, name, text);
}
