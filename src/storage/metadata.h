/* metadata.json of a recording: Jibri's members, then what the request brought, then ours. */
#ifndef TR_STORAGE_METADATA_H
#define TR_STORAGE_METADATA_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdint.h>

#define TR_METADATA_FILE "metadata.json"
#define TR_METADATA_OURS "telerec" /* the member that holds ours, "room" among them */

struct tr_metadata {
	const char *meeting_url;    /* without parameters */
	const json_t *participants; /* array of identity objects; NULL: [] */
	const char
		*request_metadata; /* JSON object as text, merged into the top level; "" for none */
	const char *session_id;
	const char *room; /* the whole name, "" when unknown */
	int64_t created_wall_ns;
};

/* Compact UTF-8, mode 0600 (it may hold tokens), written whole or not at all. Members of Jibri's
 * and ours win over the request's of the same name. What cannot be read in the request's is left
 * out with a warning that does not quote it. -errno; said. */
TR_CHECKED int tr_metadata_write(int dirfd, const struct tr_metadata *metadata);

#endif
