#include "cli/verbs.h"

#include <stdio.h>

static const struct tr_option options[] = {{0}};

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	(void)verb, (void)argc, (void)argv;
	puts("telerec " TR_VERSION);
	return 0;
}

const struct tr_verb tr_verb_version = {"version", "", "Prints the version.", options, run};
