/* Where a stream goes, from places that other users of the machine cannot look at. */
#ifndef TR_CLI_TARGET_INPUT_H
#define TR_CLI_TARGET_INPUT_H

#include "output/target_list.h"

/* Adds the targets in the file, one a line; empty lines and those that begin with '#' are none.
 * With `path` NULL standard input is read to its end. -EINVAL after saying what is wrong. */
TR_CHECKED int tr_target_input_read(
	const char *verb, const char *path, struct tr_target_list *targets);

/* Overwrites a string of argv: it is what other users see of this process. */
void tr_target_input_wipe(const char *argument);

#endif
