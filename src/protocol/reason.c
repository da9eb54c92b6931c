#include "protocol/reason.h"

#include <errno.h>
#include <string.h>

/* The exit codes are promised in telerec(1): a number once given stays. */
static const struct reason_row {
	const char *name;
	int exit_code;
	const char *sentence;
} rows[TR_REASON_COUNT_] = {
	[TR_REASON_NONE] = {"none", 0, "The recording is complete."},
	[TR_REASON_INTERNAL] = {"internal", 1, "telerec failed; the lines above say where."},
	[TR_REASON_BAD_REQUEST] = {"bad_request", 2, "This cannot be recorded as asked."},
	[TR_REASON_NO_DISPLAY] = {"no_display", 3,
		"The X server could not be started; `telerec doctor` says what it needs."},
	[TR_REASON_NO_BROWSER] = {"no_browser", 4,
		"Chromium could not be started; `telerec doctor` says what it needs."},
	[TR_REASON_NO_SOUND] = {"no_sound", 5, "No way to record sound works here."},
	[TR_REASON_NO_ENCODER] = {"no_encoder", 6, "No video encoder works here."},
	[TR_REASON_PAGE_FAILED] = {"page_failed", 7, "The page could not be loaded."},
	[TR_REASON_PAGE_TIMEOUT] = {"page_timeout", 8, "The page did not load in time."},
	[TR_REASON_PAGE_CRASHED] = {"page_crashed", 9, "The browser or its page kept crashing."},
	[TR_REASON_DISK_FULL] = {"disk_full", 10,
		"The disk is full; what was recorded until then is kept."},
	[TR_REASON_DISK_ERROR] = {"disk_error", 11, "The recording's folder cannot be written."},
	[TR_REASON_DISPLAY_LOST] = {"display_lost", 12,
		"The X server died; what was recorded until then is kept."},
	[TR_REASON_SOUND_LOST] = {"sound_lost", 13,
		"The sound device went away; what was recorded until then is kept."},
	[TR_REASON_ENCODER_LOST] = {"encoder_lost", 14,
		"The encoder kept dying; what was recorded until then is kept."},
	[TR_REASON_SLOT_LOST] = {"slot_lost", 15,
		"The recording process kept dying; what was recorded until then is kept."},
	[TR_REASON_INTERRUPTED] = {"interrupted", 130,
		"Stopped at once; what was recorded until then is on the disk, unfinished."},
	[TR_REASON_MEETING_EMPTY] = {"meeting_empty", 0, "Everybody has left the meeting."},
	[TR_REASON_MEETING_MUTED] = {"meeting_muted", 0,
		"Everybody in the meeting was muted for too long."},
	[TR_REASON_MEETING_KICKED] = {"meeting_kicked", 0,
		"Somebody removed the recorder from the meeting."},
	[TR_REASON_JOIN_FAILED] = {"join_failed", 16, "The meeting could not be joined."},
	[TR_REASON_NO_MEDIA] = {"no_media", 17,
		"No picture or sound came from the meeting although somebody sends."},
	[TR_REASON_ICE_FAILED] = {"ice_failed", 18,
		"The connection to the meeting's video bridge was lost and did not come back."},
	[TR_REASON_CANCELLED] = {"cancelled", 19, "Stopped before the recording had begun."},
	[TR_REASON_STREAM_REFUSED] = {"stream_refused", 20,
		"Every streaming server refused the stream."},
	[TR_REASON_STREAM_LOST] = {"stream_lost", 21,
		"No streaming server could be reached for too long."},
};

static const struct reason_row *row_of(enum tr_reason reason)
{
	unsigned index = (unsigned)reason;
	return &rows[index < TR_REASON_COUNT_ ? index : TR_REASON_INTERNAL];
}

const char *tr_reason_name(enum tr_reason reason)
{
	return row_of(reason)->name;
}

int tr_reason_from_name(const char *name, enum tr_reason *ret_reason)
{
	for (unsigned i = 0; i < TR_REASON_COUNT_; i++) {
		if (!strcmp(rows[i].name, name)) {
			*ret_reason = (enum tr_reason)i;
			return 0;
		}
	}
	return -ENOENT;
}

const char *tr_reason_sentence(enum tr_reason reason)
{
	return row_of(reason)->sentence;
}

bool tr_reason_is_clean(enum tr_reason reason)
{
	return row_of(reason)->exit_code == 0;
}

int tr_reason_exit_code(enum tr_reason reason)
{
	return row_of(reason)->exit_code;
}
