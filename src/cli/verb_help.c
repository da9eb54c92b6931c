#include "cli/verbs.h"

#include <stdio.h>

static const struct tr_option options[] = {{0}};

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	(void)verb;
	const struct tr_verb *about = argc > 1 ? tr_verbs_find(argv[1]) : NULL;
	if (argc > 1 && !about) {
		fprintf(stderr, "telerec help: there is no verb \"%s\"\n", argv[1]);
		return TR_EXIT_USAGE;
	}
	tr_verbs_print_help(about);
	return 0;
}

const struct tr_verb tr_verb_help = {
	"help", "[VERB]", "Prints this list, or the options of a verb.", options, run};
