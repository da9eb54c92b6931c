/* Whether this boot came up well: telerecd runs here, and a slot has proved that it can record. */
#ifndef TR_CLI_BOOT_HEALTH_H
#define TR_CLI_BOOT_HEALTH_H

#include "core/cleanup.h"

#include <stddef.h>
#include <stdint.h>

/* Asks again until it is so, or `wait_ms` have passed: 0; -ETIMEDOUT with the last trouble in
 * `why`. `socket` is the node's; NULL: the usual one. */
TR_CHECKED int tr_boot_health_wait(const char *socket, int64_t wait_ms, char *why, size_t size);

#endif
