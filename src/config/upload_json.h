/* An upload target that is not in the configuration yet, as JSON: an object with the keys of
 * storage.uploads. */
#ifndef TR_CONFIG_UPLOAD_JSON_H
#define TR_CONFIG_UPLOAD_JSON_H

#include "storage/upload_target.h"

/* -EINVAL with a sentence, which quotes no value of a secret. */
TR_CHECKED int tr_upload_json_read(
	const char *text, struct tr_upload_target *ret_target, char *why, size_t why_size);

#endif
