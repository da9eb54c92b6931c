/* Java's regular expressions as POSIX extended ones. Pure. */
#ifndef TR_CLI_IMPORT_PATTERN_H
#define TR_CLI_IMPORT_PATTERN_H

#include "core/cleanup.h"

#include <stddef.h>

/* -ENOTSUP for what cannot be said, -EINVAL for what is none, -ENAMETOOLONG. */
TR_CHECKED int tr_import_pattern_convert(const char *java, char *out, size_t size);

#endif
