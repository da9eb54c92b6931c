/* Reads the options of a verb one after the other, by the verb's table. */
#ifndef TR_CLI_OPTIONS_H
#define TR_CLI_OPTIONS_H

#include "core/cleanup.h"

#include <stdbool.h>

#define TR_EXIT_USAGE 2

struct tr_option {
	const char *name;     /* without "--"; NULL ends a table */
	const char *argument; /* "TIME"; "[=DIR]": only behind a '='; NULL: takes none */
	const char *help;
	int id; /* the verb's own number, from 1 */
};

struct tr_options {
	const char *verb;
	const struct tr_option *table;
	int argc;
	char **argv;  /* argv[0] is the verb */
	int next;     /* starts as 1 */
	bool is_rest; /* after "--" everything is an argument */
};

/* Gives the next option's id and value (NULL when there is none), or id 0 and an argument. 1; 0 at
 * the end; -EINVAL after saying what is wrong. */
TR_CHECKED int tr_options_next(struct tr_options *options, int *ret_id, const char **ret_value);

/* Says on standard error what is wrong with an option or argument: the sentence, then the word as
 * it was given. -EINVAL. */
int tr_options_refuse(const char *verb, const char *sentence, const char *word);

#endif
