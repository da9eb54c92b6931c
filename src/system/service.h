/* What the service manager does for us. */
#ifndef TR_SYSTEM_SERVICE_H
#define TR_SYSTEM_SERVICE_H

#include "core/cleanup.h"

#include <stddef.h>

/*
 * The folder where slots that the service manager starts report for duty (telerec-slot@N.service to
 * N.sock), made when it is missing; "" when we start slots ourselves. `processes` is the
 * configuration's word: "systemd", "own", or "auto", which asks whether our unit started us (it
 * names the folder in TELEREC_SLOT_SOCKETS). -errno; said.
 */
TR_CHECKED int tr_service_find_slot_sockets(const char *processes, char *out, size_t size);

#endif
