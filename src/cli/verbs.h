/* What `telerec` can be told to do: one verb a file, one table, from which --help is made. */
#ifndef TR_CLI_VERBS_H
#define TR_CLI_VERBS_H

#include "cli/options.h"

struct tr_verb {
	const char *name;
	const char *arguments; /* "URL" */
	const char *summary;   /* a line in the list of verbs */
	const struct tr_option *options;
	/* argv[0] is the verb. The program's exit code. */
	int (*run)(const struct tr_verb *verb, int argc, char **argv);
};

extern const struct tr_verb tr_verb_console, tr_verb_status, tr_verb_slots, tr_verb_sessions,
	tr_verb_recordings, tr_verb_start, tr_verb_stop, tr_verb_drain, tr_verb_logs,
	tr_verb_config, tr_verb_completion, tr_verb_record, tr_verb_stream, tr_verb_probe,
	tr_verb_check, tr_verb_import_jibri, tr_verb_server_config, tr_verb_doctor, tr_verb_kernel,
	tr_verb_install, tr_verb_factory_reset, tr_verb_update, tr_verb_machine, tr_verb_network,
	tr_verb_storage, tr_verb_support_bundle, tr_verb_upload, tr_verb_help, tr_verb_version;

/* All verbs, NULL behind the last. */
const struct tr_verb *const *tr_verbs_all(void);

/* NULL when there is none. */
const struct tr_verb *tr_verbs_find(const char *name);

/* To standard output: one verb's help, or with NULL the list of verbs. */
void tr_verbs_print_help(const struct tr_verb *verb);

/* Runs what the command line says. The program's exit code. */
int tr_verbs_run(int argc, char **argv);

#endif
