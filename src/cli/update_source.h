/* Where an update comes from: a file, a URL that is fetched to the data partition first, or a stick
 * that is looked through. */
#ifndef TR_CLI_UPDATE_SOURCE_H
#define TR_CLI_UPDATE_SOURCE_H

#include "core/cleanup.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct tr_update_source {
	char file[PATH_MAX];
	char folder[64];	  /* a stick is mounted there */
	bool is_mounted, is_ours; /* is_ours: the file is removed at the end */
};

/* `from` NULL: a stick. -ENOENT, -EIO, with the sentence in `why`; close it in any case. */
TR_CHECKED int tr_update_source_open(
	const char *from, struct tr_update_source *ret_source, char *why, size_t size);
void tr_update_source_close(struct tr_update_source *source);

#endif
