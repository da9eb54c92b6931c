/* Durations as HOCON has them. Pure. */
#ifndef TR_CLI_IMPORT_DURATION_H
#define TR_CLI_IMPORT_DURATION_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* "3 minutes", "1h", "500 ms"; a bare number is milliseconds, which people seldom mean. -EINVAL. */
TR_CHECKED int tr_import_duration_read(const json_t *value, int64_t *ret_ms, bool *ret_is_bare);

/* "1h", "90m", "30s", "250ms" into `out`. */
void tr_import_duration_write(int64_t ms, char *out, size_t size);

#endif
