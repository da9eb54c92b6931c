/* Whether the browser may go to a meeting's host. */
#ifndef TR_DAEMON_MEETING_HOST_H
#define TR_DAEMON_MEETING_HOST_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

/* Sees to it that the host of `url` is among `hosts` (names between commas, "*.x" for those below
 * x), by adding it unless the list is strict. -EACCES with a strict list that lacks it, -EINVAL for
 * a URL without host, -ENAMETOOLONG. */
TR_CHECKED int tr_meeting_host_allow(const char *url, bool is_strict, char *hosts, size_t size);

#endif
