#include "control/member_json_internal.h"
#include "control/snapshot_json_internal.h"

#include <string.h>

#define FINISHED(member) TR_MEMBER(struct tr_message_finished, member)

static const struct tr_member file_members[] = {FINISHED(file), FINISHED(poster), FINISHED(report),
	FINISHED(grade), FINISHED(duration_ms), FINISHED(bytes), {0}};

static const char *answer_word(enum tr_control_answer answer)
{
	switch (answer) {
	case TR_CONTROL_ACCEPTED:
		return "accepted";
	case TR_CONTROL_DUPLICATE:
		return "duplicate";
	case TR_CONTROL_DUPLICATE_ON:
		return "duplicate_on";
	case TR_CONTROL_BUSY:
		return "busy";
	case TR_CONTROL_FAILED:
		return "failed";
	default:
		return "refused";
	}
}

static void add_presence(json_t *object, const struct tr_control_presence *presence)
{
	json_object_set_new(object, "is_busy", json_boolean(presence->busy != TR_CONTROL_IDLE));
	json_object_set_new(object, "is_healthy", json_boolean(presence->is_healthy));
	json_object_set_new(object, "problem", tr_member_json_text(presence->problem));
}

/* The files that were made; of those that were not, what there is. */
static void add_files(json_t *object, const struct tr_event *event)
{
	const struct tr_message *message = event->message;
	struct tr_message_finished files = {.duration_ms = 0};
	enum tr_reason reason = event->reason;

	if (message && message->type == TR_MESSAGE_FINISHED) {
		files = message->finished;
	} else if (message && message->type == TR_MESSAGE_FAILED) {
		memcpy(files.file, message->failed.file, sizeof(files.file));
		reason = message->failed.reason;
	}
	bool is_failure = event->is_failure || (message && message->type == TR_MESSAGE_FAILED);
	json_object_set_new(object, "is_failure", json_boolean(is_failure));
	json_object_set_new(object, "reason", json_string(tr_reason_name(reason)));
	json_object_set_new(object, "files", tr_member_json_make(file_members, &files));
}

static void add_message(json_t *object, const struct tr_event *event, int64_t ms)
{
	const struct tr_message *message = event->message;

	if (!message)
		return;
	if (message->type == TR_MESSAGE_MEETING)
		json_object_set_new(object, "meeting", tr_snapshot_json_meeting(&message->meeting));
	else if (message->type == TR_MESSAGE_PROGRESS)
		json_object_set_new(
			object, "progress", tr_snapshot_json_progress(&message->progress, ms));
	else if (message->type == TR_MESSAGE_STREAM)
		json_object_set_new(object, "stream", tr_snapshot_json_stream(&message->stream));
}

static void add_own(json_t *object, const struct tr_event *event, int64_t ms)
{
	switch (event->type) {
	case TR_EVENT_SLOT:
		add_presence(object, &event->presence);
		/* fall through */
	case TR_EVENT_DISK:
	case TR_EVENT_LINK:
		json_object_set_new(object, "state", tr_member_json_text(event->state));
		break;
	case TR_EVENT_REFUSED:
		json_object_set_new(object, "answer", json_string(answer_word(event->answer)));
		/* fall through */
	case TR_EVENT_ACCEPTED:
	case TR_EVENT_ON:
		json_object_set_new(
			object, "kind", json_string(tr_snapshot_json_kind(event->kind)));
		break;
	case TR_EVENT_ENDED:
		json_object_set_new(object, "reason", json_string(tr_reason_name(event->reason)));
		/* fall through */
	case TR_EVENT_SCRIPT:
		json_object_set_new(object, "is_failure", json_boolean(event->is_failure));
		break;
	case TR_EVENT_UPLOAD:
		json_object_set_new(object, "target", tr_member_json_text(event->target));
		json_object_set_new(object, "state", tr_member_json_text(event->state));
		json_object_set_new(object, "is_failure", json_boolean(event->is_failure));
		break;
	case TR_EVENT_FILES:
		add_files(object, event);
		break;
	default:
		add_message(object, event, ms);
	}
}

json_t *tr_event_json_make(const struct tr_event *event, int64_t ms)
{
	json_t *object = json_pack("{s:s, s:I, s:I}", "type", tr_event_type_name(event->type), "ms",
		(json_int_t)ms, "slot", (json_int_t)event->slot);

	json_object_set_new(object, "session_id", tr_member_json_text(event->session_id));
	json_object_set_new(object, "room", tr_member_json_text(event->room));
	json_object_set_new(object, "environment", tr_member_json_text(event->environment));
	json_object_set_new(object, "sentence", tr_member_json_text(event->sentence));
	add_own(object, event, ms);
	return object;
}
