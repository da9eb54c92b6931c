/*
 * Reads a configuration of Jibri's into JSON: jibri.conf as it is found on real hosts (comments,
 * includes, substitutions, appended lists, units), the old config.json, and the variables of the
 * docker image.
 *
 * HOCON is read by ruby-hocon, the library that Jibri's own package brings, in a child without a
 * shell. What goes to it and comes from it holds passwords: it goes through memory, not through
 * files, arguments or the environment.
 */
#ifndef TR_CLI_IMPORT_READ_H
#define TR_CLI_IMPORT_READ_H

#include "core/cleanup.h"

#include <jansson.h>

struct tr_import_source {
	json_t *found;	 /* what the file and the variables say, its root is {"jibri": ...} */
	json_t *all;	 /* what is below "jibri", with Jibri's defaults */
	json_t *unset;	 /* names of ${?variables} that have no value */
	json_t *missing; /* included files that are not there */
	/* Paths of `found` to what they are called in the old file or in the image, when it is not
	 * the path. */
	json_t *origins;
	json_t *strangers; /* variables of the image that it does not know */
	json_t *unused;	   /* those that mean nothing to us */
};

/*
 * Reads `path` (NULL: none) and `env_path` (NULL: none), which is the docker image's .env or the
 * file with the values of ${?variables}. -EINVAL, -ENOENT and so on with a sentence in `problem`,
 * which never holds a value.
 */
TR_CHECKED int tr_import_read(const char *path, const char *env_path,
	struct tr_import_source *ret_source, char *problem, size_t problem_size);

void tr_import_source_clear(struct tr_import_source *source);

#endif
