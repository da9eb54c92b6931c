#include "cli/completion.h"

#include "cli/verbs.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Verbs whose arguments are names that `telerec completion words VERB` knows. */
static const char *const with_names[] = {
	"slots", "sessions", "stop", "recordings", "config", "help", NULL};

static bool is_in(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

/* Whether a placeholder of an option or an argument is a path. */
static bool is_path(const char *placeholder)
{
	static const char *const paths[] = {"FILE", "DIR", "PATH", "FOLDER"};

	for (size_t i = 0; i < TR_COUNT(paths); i++)
		if (strstr(placeholder, paths[i]))
			return true;
	return false;
}

/* The words that stand as they are in "[list|show ID]|prosody": in small letters. */
static void put_words(FILE *out, const char *arguments)
{
	const char *before = "";

	for (const char *at = arguments; *at;) {
		size_t length = strcspn(at, "[]| .");
		if (length > 0 && islower((unsigned char)*at)) {
			fprintf(out, "%s%.*s", before, (int)length, at);
			before = " ";
		}
		at += length;
		at += *at != '\0';
	}
}

/* "--a --b" of the options that `wanted` wants. */
static void put_options(
	FILE *out, const struct tr_verb *verb, bool (*wanted)(const struct tr_option *option))
{
	const char *before = "";

	for (const struct tr_option *option = verb->options; option->name; option++) {
		if (wanted && !wanted(option))
			continue;
		fprintf(out, "%s--%s", before, option->name);
		before = " ";
	}
}

static bool wants_path(const struct tr_option *option)
{
	return option->argument && option->argument[0] != '[' && is_path(option->argument);
}

static bool wants_value(const struct tr_option *option)
{
	return option->argument && option->argument[0] != '[' && !is_path(option->argument);
}

/* ---- bash ---- */

static const char bash_head[] =
	"# Completion of telerec(1) for bash, made by `telerec completion "
	"bash`.\n"
	"_telerec()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal options= paths= values= words= has_files= has_names=\n"
	"\tCOMPREPLY=()\n";

static const char bash_tail[] =
	"\tesac\n"
	"\tif [[ \" $values \" == *\" $prev \"* ]]; then\n"
	"\t\treturn\n"
	"\telif [[ \" $paths \" == *\" $prev \"* ]]; then\n"
	"\t\thas_files=yes words= has_names=\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\tCOMPREPLY=($(compgen -W \"$options --help\" -- \"$cur\"))\n"
	"\t\treturn\n"
	"\tfi\n"
	"\t[ -z \"$has_names\" ] ||\n"
	"\t\twords+=\" $(\"${COMP_WORDS[0]}\" completion words \"${COMP_WORDS[1]}\" 2>/dev/null)\"\n"
	"\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	"\tif [ -n \"$has_files\" ]; then\n"
	"\t\tlocal IFS=$'\\n'\n"
	"\t\tCOMPREPLY+=($(compgen -f -- \"$cur\"))\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\tfi\n"
	"} &&\n"
	"\tcomplete -o default -F _telerec telerec\n";

void tr_completion_print_bash(FILE *out)
{
	fputs(bash_head, out);
	fputs("\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\tCOMPREPLY=($(compgen -W \"", out);
	for (const struct tr_verb *const *verb = tr_verbs_all(); *verb; verb++)
		fprintf(out, "%s ", (*verb)->name);
	fputs("--help --version\" -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in\n",
		out);
	for (const struct tr_verb *const *each = tr_verbs_all(); *each; each++) {
		const struct tr_verb *verb = *each;
		bool has_names = is_in(verb->name, with_names);
		fprintf(out, "\t%s)\n\t\toptions=\"", verb->name);
		put_options(out, verb, NULL);
		fputs("\"\n\t\tpaths=\"", out);
		put_options(out, verb, wants_path);
		fputs("\"\n\t\tvalues=\"", out);
		put_options(out, verb, wants_value);
		fputs("\"\n\t\twords=\"", out);
		put_words(out, verb->arguments);
		fprintf(out, "\"%s%s\n\t\t;;\n",
			is_path(verb->arguments) && !has_names ? "\n\t\thas_files=yes" : "",
			has_names ? "\n\t\thas_names=yes" : "");
	}
	fputs(bash_tail, out);
}

/* ---- zsh ---- */

/* Within single quotes, where brackets and colons mean something to _arguments. */
static void put_zsh(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", out);
		else if (strchr("[]:\\", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void put_zsh_option(FILE *out, const struct tr_option *option)
{
	bool is_optional = option->argument && option->argument[0] == '[';

	fprintf(out, " \\\n\t\t\t'--%s%s[", option->name,
		!option->argument ? ""
		: is_optional	  ? "=-"
				  : "=");
	put_zsh(out, option->help);
	fputc(']', out);
	if (option->argument) {
		fputs(is_optional ? "::" : ":", out);
		put_zsh(out, option->argument);
		fputs(is_path(option->argument) ? ":_files" : ": ", out);
	}
	fputc('\'', out);
}

static void put_zsh_verb(FILE *out, const struct tr_verb *verb)
{
	bool has_names = is_in(verb->name, with_names);

	fprintf(out, "\t%s)\n\t\tknown=(", verb->name);
	put_words(out, verb->arguments);
	fputs(")\n", out);
	if (has_names)
		fprintf(out, "\t\tknown+=(${(f)\"$(telerec completion words %s 2>/dev/null)\"})\n",
			verb->name);
	fputs("\t\t_arguments", out);
	for (const struct tr_option *option = verb->options; option->name; option++)
		put_zsh_option(out, option);
	fputs(" \\\n\t\t\t'--help[tell the options]'", out);
	if (is_path(verb->arguments))
		fputs(" \\\n\t\t\t'*: :{ compadd -a known || _files }'", out);
	else if (verb->arguments[0])
		fputs(" \\\n\t\t\t'*: :{ compadd -a known }'", out);
	fputs("\n\t\t;;\n", out);
}

void tr_completion_print_zsh(FILE *out)
{
	fputs("#compdef telerec\n# Completion of telerec(1) for zsh, made by `telerec completion "
	      "zsh`.\n_telerec()\n{\n\tlocal -a verbs known\n\tverbs=(",
		out);
	for (const struct tr_verb *const *verb = tr_verbs_all(); *verb; verb++) {
		fprintf(out, "\n\t\t'%s:", (*verb)->name);
		put_zsh(out, (*verb)->summary);
		fputc('\'', out);
	}
	fputs("\n\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe verb verbs\n\t\treturn\n\tfi\n"
	      "\tshift words\n\t(( CURRENT-- ))\n\tcase $words[1] in\n",
		out);
	for (const struct tr_verb *const *verb = tr_verbs_all(); *verb; verb++)
		put_zsh_verb(out, *verb);
	fputs("\tesac\n}\n_telerec \"$@\"\n", out);
}
