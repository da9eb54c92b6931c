#include "cli/verbs.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>

static const struct tr_verb *const verbs[] = {&tr_verb_console, &tr_verb_status, &tr_verb_slots,
	&tr_verb_sessions, &tr_verb_recordings, &tr_verb_start, &tr_verb_stop, &tr_verb_drain,
	&tr_verb_logs, &tr_verb_config, &tr_verb_record, &tr_verb_stream, &tr_verb_probe,
	&tr_verb_check, &tr_verb_import_jibri, &tr_verb_server_config, &tr_verb_doctor,
	&tr_verb_kernel, &tr_verb_machine, &tr_verb_network, &tr_verb_storage,
	&tr_verb_support_bundle, &tr_verb_upload, &tr_verb_install, &tr_verb_factory_reset,
	&tr_verb_update, &tr_verb_completion, &tr_verb_help, &tr_verb_version, NULL};

const struct tr_verb *const *tr_verbs_all(void)
{
	return verbs;
}

const struct tr_verb *tr_verbs_find(const char *name)
{
	for (const struct tr_verb *const *verb = verbs; *verb; verb++)
		if (!strcmp((*verb)->name, name))
			return *verb;
	return NULL;
}

static void print_verb(const struct tr_verb *verb)
{
	printf("telerec %s%s%s%s\n%s\n", verb->name, verb->options[0].name ? " [OPTIONS]" : "",
		verb->arguments[0] ? " " : "", verb->arguments, verb->summary);
	for (const struct tr_option *option = verb->options; option->name; option++) {
		char left[64];
		const char *argument = option->argument ? option->argument : "";
		bool is_apart = argument[0] && argument[0] != '[';
		snprintf(left, sizeof(left), "--%s%s%s", option->name, is_apart ? " " : "",
			argument);
		printf("  %-22s  %s\n", left, option->help);
	}
}

void tr_verbs_print_help(const struct tr_verb *verb)
{
	if (verb) {
		print_verb(verb);
		return;
	}
	puts("telerec VERB [OPTIONS]: records web pages and meetings\n");
	for (const struct tr_verb *const *each = verbs; *each; each++)
		printf("  %-13s  %s\n", (*each)->name, (*each)->summary);
	puts("\n`telerec VERB --help` tells its options, telerec(1) all of it.");
}

static int complain_verb(const char *name)
{
	const char *names[TR_COUNT(verbs)] = {0};

	for (size_t i = 0; verbs[i]; i++)
		names[i] = verbs[i]->name;
	const char *near = tr_text_nearest(name, names);
	fprintf(stderr, "telerec: there is no verb \"%s\"; ", name);
	if (near)
		fprintf(stderr, "did you mean \"%s\"?\n", near);
	else
		fputs("`telerec help` lists them\n", stderr);
	return TR_EXIT_USAGE;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

int tr_verbs_run(int argc, char **argv)
{
	if (argc < 2) {
		tr_verbs_print_help(NULL);
		return TR_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return tr_verb_help.run(&tr_verb_help, argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version"))
		return tr_verb_version.run(&tr_verb_version, 1, argv + 1);
	const struct tr_verb *verb = tr_verbs_find(argv[1]);
	if (!verb)
		return complain_verb(argv[1]);
	if (wants_help(argc - 1, argv + 1)) {
		tr_verbs_print_help(verb);
		return 0;
	}
	return verb->run(verb, argc - 1, argv + 1);
}
