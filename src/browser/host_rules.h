/* Which hosts a browser may talk to, as the value of Chromium's --host-resolver-rules. */
#ifndef TR_BROWSER_HOST_RULES_H
#define TR_BROWSER_HOST_RULES_H

#include "core/cleanup.h"

#include <stddef.h>

/*
 * `hosts`: names and IP addresses between commas, "*.example.org" for all names below, a port
 * behind one is ignored. All other names are unknown to the browser, without asking any name
 * server; so are addresses that are not listed. Media connections go by address and are not names:
 * they work.
 * "" gives "". -EINVAL (said) for what is no host, -ENAMETOOLONG.
 */
TR_CHECKED int tr_host_rules_format(const char *hosts, char *out, size_t size);

#endif
