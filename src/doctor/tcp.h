/* TCP connections with a deadline: to see whether somebody is there. */
#ifndef TR_DOCTOR_TCP_H
#define TR_DOCTOR_TCP_H

#include "core/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define TR_TCP_TIMEOUT_MS 5000

/* Tries each address of the host; the socket waits in reads and writes at most `timeout_ms` each.
 * -ENOENT for no such name, -ETIMEDOUT, -ECONNREFUSED, -errno of the last address. */
TR_CHECKED int tr_tcp_connect(const char *host, int port, int timeout_ms, int *ret_fd);

#endif
