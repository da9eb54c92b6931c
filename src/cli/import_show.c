#include "cli/import_show.h"

#include <string.h>

static const char *const titles[TR_IMPORT_OUTCOMES] = {
	[TR_IMPORT_CARRIED] = "Carried over",
	[TR_IMPORT_CHANGED] = "Carried over, but look at it",
	[TR_IMPORT_LATER] = "Not carried over: telerec cannot do it yet",
	[TR_IMPORT_DROPPED] = "Not carried over",
	[TR_IMPORT_UNKNOWN] = "Unknown to Jibri, too",
};

static const char *word(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static void print_row(FILE *out, const json_t *row)
{
	const char *ours = word(row, "telerec"), *value = word(row, "value");
	const char *note = word(row, "note");

	fprintf(out, "  %s", word(row, "jibri"));
	if (ours[0])
		fprintf(out, " -> %s%s%s", ours, value[0] ? " = " : "", value);
	fputc('\n', out);
	if (note[0])
		fprintf(out, "      %s\n", note);
}

void tr_import_show_table(FILE *out, const struct tr_import_plan *plan)
{
	json_t *row;
	size_t i;

	for (int outcome = 0; outcome < TR_IMPORT_OUTCOMES; outcome++) {
		const char *name = tr_import_outcome_name((enum tr_import_outcome)outcome);
		bool has_title = false;
		json_array_foreach(plan->rows, i, row)
		{
			if (strcmp(word(row, "outcome"), name) != 0)
				continue;
			if (!has_title)
				fprintf(out, "%s:\n", titles[outcome]);
			has_title = true;
			print_row(out, row);
		}
		if (has_title)
			fputc('\n', out);
	}
}

static unsigned kept(const struct tr_config_complaints *complaints)
{
	return complaints->count < TR_CONFIG_COMPLAINTS_MAX ? complaints->count
							    : TR_CONFIG_COMPLAINTS_MAX;
}

static void print_lines(FILE *out, const char *title, const char lines[][512], unsigned count)
{
	if (count > 0)
		fprintf(out, "\n%s:\n", title);
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "  %s\n", lines[i]);
}

/* The path without ".new". */
static void print_move(FILE *out, const char *path)
{
	fprintf(out, "  mv %s %.*s\n", path, (int)(strlen(path) - strlen(".new")), path);
}

void tr_import_show_result(FILE *out, const struct tr_import_result *result)
{
	bool is_fine = result->complaints.count == 0;

	fprintf(out, "Written: %s and %s\n", result->config_path, result->secrets_path);
	if (is_fine)
		fputs("The settings pass their check.\n", out);
	else
		print_lines(out, "The settings do not pass their check yet",
			result->complaints.lines, kept(&result->complaints));
	print_lines(out, "Warnings", result->complaints.warnings, result->complaints.warning_count);
	print_lines(out, "What this machine lacks", result->files.lines, kept(&result->files));
	if (result->is_beside && is_fine) {
		fputs("\nThere was a configuration already. To take this one:\n", out);
		print_move(out, result->secrets_path);
		print_move(out, result->config_path);
	}
	fputs("\nUnlike Jibri, telerec goes on with a recording when it loses the XMPP server "
	      "(on_control_loss).\n",
		out);
}

static json_t *list_lines(const char lines[][512], unsigned count)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list, json_string(lines[i]));
	return list;
}

void tr_import_show_json(
	FILE *out, const struct tr_import_plan *plan, const struct tr_import_result *result)
{
	json_t *object = json_pack("{s:O, s:s, s:s, s:b, s:o, s:o, s:o}", "keys", plan->rows,
		"config", result->config_path, "secrets", result->secrets_path, "passes",
		result->complaints.count == 0, "complaints",
		list_lines(result->complaints.lines, kept(&result->complaints)), "warnings",
		list_lines(result->complaints.warnings, result->complaints.warning_count),
		"missing", list_lines(result->files.lines, kept(&result->files)));

	if (object)
		json_dumpf(object, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(object);
}
