#include "config/node_id_internal.h"

#include <stdio.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

/* Ours, so that the same machine id gives another name than in other programs. */
static const sd_id128_t application =
	SD_ID128_MAKE(5c, 1e, 0b, 7d, 93, a2, 4f, 41, 8d, 6f, 2a, c4, 70, e5, b9, 18);

void tr_node_id_make(char *out, size_t size)
{
	char host[64] = "";
	sd_id128_t id;

	if (sd_id128_get_machine_app_specific(application, &id) == 0) {
		snprintf(out, size, "telerec-%02x%02x%02x%02x", id.bytes[0], id.bytes[1],
			id.bytes[2], id.bytes[3]);
		return;
	}
	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
		snprintf(host, sizeof(host), "unnamed");
	snprintf(out, size, "telerec-%s", host);
}
