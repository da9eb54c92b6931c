#define TR_LOG_AREA "service"

#include "system/service.h"

#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define USUAL_FOLDER "/run/telerec/slots"

int tr_service_find_slot_sockets(const char *processes, char *out, size_t size)
{
	const char *folder = getenv("TELEREC_SLOT_SOCKETS");
	bool is_named = folder && folder[0] == '/';

	out[0] = '\0';
	if (!strcmp(processes, "own") || (!strcmp(processes, "auto") && !is_named))
		return 0;
	int rc = tr_text_format(out, size, "%s", is_named ? folder : USUAL_FOLDER);
	/* Slots are other users: they may go through, and see nothing. */
	if (rc == 0 && mkdir(out, 0711) < 0 && errno != EEXIST)
		rc = -errno;
	if (rc == 0 && chmod(out, 0711) < 0)
		rc = -errno;
	if (rc < 0)
		return tr_fail(rc, "cannot make %s, where slots report for duty", out);
	return 0;
}
