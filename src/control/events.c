#include "control/events.h"

static const char *const names[TR_EVENT_COUNT_] = {
	[TR_EVENT_NODE] = "node",
	[TR_EVENT_SLOT] = "slot",
	[TR_EVENT_ACCEPTED] = "accepted",
	[TR_EVENT_REFUSED] = "refused",
	[TR_EVENT_ON] = "on",
	[TR_EVENT_MEETING] = "meeting",
	[TR_EVENT_PROGRESS] = "progress",
	[TR_EVENT_STREAM] = "stream",
	[TR_EVENT_WARNING] = "warning",
	[TR_EVENT_ENDED] = "ended",
	[TR_EVENT_FILES] = "files",
	[TR_EVENT_SCRIPT] = "script",
	[TR_EVENT_OVER] = "over",
	[TR_EVENT_UPLOAD] = "upload",
	[TR_EVENT_DISK] = "disk",
	[TR_EVENT_LINK] = "link",
};

const char *tr_event_type_name(enum tr_event_type type)
{
	return (unsigned)type < TR_EVENT_COUNT_ ? names[type] : "unknown";
}
