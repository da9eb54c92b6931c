/*
 * Puts an imported configuration where it belongs: telerec.conf and secrets.conf in a folder,
 * checked before anybody is told that it is fine.
 */
#ifndef TR_CLI_IMPORT_WRITE_H
#define TR_CLI_IMPORT_WRITE_H

#include "cli/import_plan.h"
#include "config/config.h"

#include <stdbool.h>

struct tr_import_result {
	char config_path[PATH_MAX], secrets_path[PATH_MAX];
	bool is_beside; /* the names end in ".new", since the plain ones are taken or not good */
	struct tr_config_complaints complaints; /* with the final names; warnings, too */
	struct tr_config_complaints files;	/* what the machine lacks, as the finalize script */
};

/*
 * Writes both files into `folder`, which is made when it is missing. What is there is written over
 * only with `is_forced`, and only by a configuration without complaints; it stays as ".old".
 * secrets.conf can be read by its owner alone. -errno; complaints are no error.
 */
TR_CHECKED int tr_import_write(const struct tr_import_plan *plan, const char *folder,
	const char *head, bool is_forced, struct tr_import_result *ret_result);

#endif
