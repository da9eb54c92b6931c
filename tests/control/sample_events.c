#include "sample_events.h"

#include <stdio.h>
#include <stdlib.h>

static enum tr_message_type message_of(enum tr_event_type type)
{
	switch (type) {
	case TR_EVENT_MEETING:
		return TR_MESSAGE_MEETING;
	case TR_EVENT_PROGRESS:
		return TR_MESSAGE_PROGRESS;
	case TR_EVENT_STREAM:
		return TR_MESSAGE_STREAM;
	case TR_EVENT_FILES:
		return TR_MESSAGE_FINISHED;
	default:
		return TR_MESSAGE_COUNT_;
	}
}

void sample_events_tell_one(enum tr_event_type type, tr_event_fn *tell, void *user)
{
	struct tr_message *message = calloc(1, sizeof(*message));
	struct tr_event event = {
		.type = type,
		.slot = 2,
		.session_id = "the-stream",
		.room = "standup@conference.example.org",
		.environment = "prod-xmpp.example.org",
		.state = "away",
		.target = "archive",
		.sentence = "Something has happened\nin two lines",
		.kind = TR_CONTROL_STREAM,
		.answer = TR_CONTROL_BUSY,
		.is_failure = true,
		.reason = TR_REASON_MEETING_EMPTY,
		.presence = {.busy = TR_CONTROL_WORKING, .problem = "no sound"},
		.message = message,
	};

	if (!message)
		abort();
	message->type = message_of(type);
	if (type == TR_EVENT_PROGRESS)
		message->progress.peak_db = -1.0 / 0.0;
	if (type == TR_EVENT_FILES)
		snprintf(message->finished.file, sizeof(message->finished.file), "movie.mp4");
	if (message->type == TR_MESSAGE_COUNT_)
		event.message = NULL;
	tell(&event, user);
	free(message);
}

void sample_events_tell(tr_event_fn *tell, void *user)
{
	for (unsigned type = 0; type < TR_EVENT_COUNT_; type++)
		sample_events_tell_one(type, tell, user);
}
