#include "cli/node_show.h"

#include "cli/text_table.h"
#include "core/text.h"
#include "protocol/node_words.h"

#include <string.h>

static void put_field(FILE *out, const char *name, const char *text)
{
	if (text[0])
		tr_text_table_say(out, "%-11s %s", name, text);
}

static void format_bytes(const json_t *object, const char *key, char *out, size_t size)
{
	tr_text_format_bytes(tr_node_words_int(object, key), out, size);
}

static const char *slot_state(const json_t *slot)
{
	const char *state = tr_node_words_text(slot, "state");

	if (tr_node_words_is(slot, "is_held") && !strcmp(state, "idle"))
		return "held back"; /* for a moment after a failure */
	return state[0] ? state : "unknown";
}

/* The meeting's name: a person knows it rather by that than by the session's id. */
static const char *session_title(const json_t *session)
{
	const char *room = tr_node_words_text(session, "room");
	const char *name = tr_node_words_text(session, "name");

	return room[0] ? room : name[0] ? name : tr_node_words_text(session, "session_id");
}

static int64_t session_length(const json_t *session, int64_t now_ms)
{
	int64_t on_ms = tr_node_words_int(session, "on_ms");
	int64_t duration_ms = tr_node_words_int(session, "duration_ms");
	const json_t *progress = json_object_get(session, "progress");

	if (json_is_object(progress))
		return tr_node_words_int(progress, "time_ms");
	if (duration_ms > 0 || !strcmp(tr_node_words_text(session, "state"), "ended"))
		return duration_ms;
	return on_ms > 0 ? now_ms - on_ms : 0;
}

/* "5, 2 muted". */
static void format_people(const json_t *meeting, char *out, size_t size)
{
	long long muted = tr_node_words_int(meeting, "muted");

	out[0] = '\0';
	if (!tr_node_words_is(meeting, "is_joined"))
		return;
	int length =
		snprintf(out, size, "%lld", (long long)tr_node_words_int(meeting, "participants"));
	if (muted > 0)
		snprintf(out + length, size - (size_t)length, ", %lld muted", muted);
}

/* ---- slots ---- */

static void add_slot(struct tr_text_table *table, const json_t *slot)
{
	const json_t *session = json_object_get(slot, "session");
	const json_t *progress = json_object_get(session, "progress");
	char number[16], length[TR_NODE_WORDS_MAX] = "", level[TR_NODE_WORDS_MAX], people[40];
	char bytes[16] = "";

	snprintf(number, sizeof(number), "%lld", (long long)tr_node_words_int(slot, "slot"));
	tr_node_words_level(progress, level);
	format_people(json_object_get(session, "meeting"), people, sizeof(people));
	if (json_is_object(progress)) {
		tr_node_words_length(tr_node_words_int(progress, "time_ms"), length);
		format_bytes(progress, "bytes", bytes, sizeof(bytes));
	}
	const char *cells[] = {number, slot_state(slot),
		json_is_object(session) ? session_title(session) : "", length, bytes, level,
		people};
	tr_text_table_add(table, cells);
}

void tr_node_show_slots(FILE *out, const json_t *slots, unsigned width)
{
	static const struct tr_text_column columns[] = {{"SLOT", true, 0}, {"STATE", false, 0},
		{"MEETING", false, 12}, {"TIME", true, 0}, {"SIZE", true, 0}, {"SOUND", true, 0},
		{"PEOPLE", false, 6}};
	TR_CLEANUP(tr_text_table_destroyp)
	struct tr_text_table *table = tr_text_table_create(columns, TR_COUNT(columns));
	size_t i;
	json_t *slot;

	if (!table)
		return;
	json_array_foreach((json_t *)slots, i, slot) add_slot(table, slot);
	tr_text_table_print(table, out, width);
}

static void put_stream(FILE *out, const json_t *stream)
{
	const char *state = tr_node_words_text(stream, "state");
	const char *problem = tr_node_words_text(stream, "problem");
	long long again = tr_node_words_int(stream, "reconnects");
	long long lost = tr_node_words_int(stream, "dropped");
	char losses[120] = "";

	if (again > 0 || lost > 0)
		snprintf(losses, sizeof(losses), ", connected again %lld times, %lld pictures lost",
			again, lost);
	tr_text_table_say(out, "%-11s %s: %s, %lld kbit/s, %lld ms queued%s%s%s", "Stream to",
		tr_node_words_text(stream, "name"), state,
		(long long)tr_node_words_int(stream, "kbps"),
		(long long)tr_node_words_int(stream, "queued_ms"), losses, problem[0] ? ": " : "",
		problem);
}

void tr_node_show_slot(FILE *out, const json_t *slot, int64_t now_ms)
{
	const json_t *session = json_object_get(slot, "session");
	const char *problem = tr_node_words_text(slot, "problem");
	long long starts = tr_node_words_int(slot, "starts");
	char text[80];

	snprintf(text, sizeof(text), "%lld", (long long)tr_node_words_int(slot, "slot"));
	put_field(out, "Slot", text);
	snprintf(text, sizeof(text), "%s%s%s", slot_state(slot),
		tr_node_words_is(slot, "is_healthy") ? "" : ", UNWELL",
		tr_node_words_is(slot, "is_held") ? " for some seconds after a failure" : "");
	put_field(out, "State", text);
	put_field(out, "Problem", problem);
	put_field(out, "Sound by", tr_node_words_text(slot, "sound"));
	put_field(out, "Encoder", tr_node_words_text(slot, "encoder"));
	put_field(out, "Display", tr_node_words_text(slot, "display"));
	put_field(out, "Browser", tr_node_words_text(slot, "browser_version"));
	snprintf(text, sizeof(text), "%lld time%s", starts, starts == 1 ? "" : "s");
	put_field(out, "Started", text);
	if (!json_is_object(session))
		return;
	fputc('\n', out);
	tr_node_show_session(out, session, now_ms);
}

/* ---- sessions ---- */

static void add_session(struct tr_text_table *table, const json_t *session, int64_t now_ms)
{
	char length[TR_NODE_WORDS_MAX], when[TR_NODE_WORDS_MAX], slot[16];
	const char *state = tr_node_words_text(session, "state");
	bool is_failure = tr_node_words_is(session, "is_failure");

	tr_node_words_length(session_length(session, now_ms), length);
	tr_node_words_when(tr_node_words_int(session, "accepted_ms"), now_ms, when);
	snprintf(slot, sizeof(slot), "%lld", (long long)tr_node_words_int(session, "slot"));
	const char *cells[] = {tr_node_words_text(session, "session_id"), slot,
		is_failure ? "FAILED" : state, tr_node_words_text(session, "kind"), when, length,
		session_title(session)};
	tr_text_table_add(table, cells);
}

void tr_node_show_sessions(
	FILE *out, const json_t *sessions, unsigned ended_most, int64_t now_ms, unsigned width)
{
	static const struct tr_text_column columns[] = {{"SESSION", false, 0}, {"SLOT", true, 0},
		{"STATE", false, 0}, {"KIND", false, 0}, {"BEGAN", false, 0}, {"TIME", true, 0},
		{"MEETING", false, 12}};
	TR_CLEANUP(tr_text_table_destroyp)
	struct tr_text_table *table = tr_text_table_create(columns, TR_COUNT(columns));
	unsigned ended = 0;
	size_t i;
	json_t *session;

	if (!table)
		return;
	json_array_foreach((json_t *)sessions, i, session)
	{
		bool has_ended = !strcmp(tr_node_words_text(session, "state"), "ended");
		if (!has_ended || ended++ < ended_most)
			add_session(table, session, now_ms);
	}
	if (json_array_size(sessions) == 0)
		fputs("No session runs, and none has ended since telerecd was started.\n", out);
	else
		tr_text_table_print(table, out, width);
	if (ended > ended_most)
		fprintf(out, "... and %u older ones: --json shows all.\n", ended - ended_most);
}

static void put_progress(FILE *out, const json_t *session)
{
	const json_t *progress = json_object_get(session, "progress");
	char level[TR_NODE_WORDS_MAX], bytes[16], people[40];

	format_people(json_object_get(session, "meeting"), people, sizeof(people));
	put_field(out, "People", people);
	if (!json_is_object(progress))
		return;
	tr_node_words_level(progress, level);
	put_field(out, "Sound", level);
	format_bytes(progress, "bytes", bytes, sizeof(bytes));
	put_field(out, "Size", bytes);
	tr_text_table_say(out, "%-11s %lld encoded, %lld lost, %.0f kbit/s", "Pictures",
		(long long)tr_node_words_int(progress, "frames_encoded"),
		(long long)tr_node_words_int(progress, "frames_dropped"),
		tr_node_words_number(progress, "video_kbps"));
	put_field(out, "Note", tr_node_words_text(progress, "note"));
}

static void put_ending(FILE *out, const json_t *session)
{
	char text[160], bytes[16], date[TR_NODE_WORDS_MAX];
	const char *grade = tr_node_words_text(session, "grade");
	const char *reason = tr_node_words_text(session, "reason");

	tr_node_words_date(tr_node_words_int(session, "ended_ms"), date);
	put_field(out, "Ended", date);
	put_field(out, tr_node_words_is(session, "is_failure") ? "FAILED" : "Because",
		tr_node_words_text(session, "sentence"));
	put_field(out, "Reason", strcmp(reason, "none") ? reason : "");
	put_field(out, "File", tr_node_words_text(session, "file"));
	format_bytes(session, "bytes", bytes, sizeof(bytes));
	if (tr_node_words_int(session, "bytes") > 0) {
		snprintf(text, sizeof(text), "%s%s%s", bytes, grade[0] ? ", grade " : "", grade);
		put_field(out, "Size", text);
	}
	put_field(out, "Files",
		tr_node_words_is(session, "is_over") ? "" : "are being made, or its script runs");
}

void tr_node_show_session(FILE *out, const json_t *session, int64_t now_ms)
{
	char text[80], date[TR_NODE_WORDS_MAX], length[TR_NODE_WORDS_MAX];
	bool has_ended = !strcmp(tr_node_words_text(session, "state"), "ended");
	size_t i;
	json_t *stream;

	put_field(out, "Session", tr_node_words_text(session, "session_id"));
	put_field(out, "Meeting", session_title(session));
	snprintf(text, sizeof(text), "%s, in slot %lld", tr_node_words_text(session, "kind"),
		(long long)tr_node_words_int(session, "slot"));
	put_field(out, "Kind", text);
	put_field(out, "Environment", tr_node_words_text(session, "environment"));
	put_field(out, "State", tr_node_words_text(session, "state"));
	tr_node_words_date(tr_node_words_int(session, "accepted_ms"), date);
	put_field(out, "Asked for", date);
	tr_node_words_date(tr_node_words_int(session, "on_ms"), date);
	put_field(out, "On since", date[0] ? date : "not yet");
	tr_node_words_length(session_length(session, now_ms), length);
	put_field(out, "Time", length);
	if (has_ended)
		put_ending(out, session);
	else
		put_progress(out, session);
	json_array_foreach(json_object_get(session, "streams"), i, stream) put_stream(out, stream);
	put_field(out, "Warning", tr_node_words_text(session, "warning"));
	put_field(out, "Recording", tr_node_words_text(session, "folder"));
}

/* ---- recordings ---- */

static void add_recording(struct tr_text_table *table, const json_t *recording, int64_t now_ms)
{
	char length[TR_NODE_WORDS_MAX], when[TR_NODE_WORDS_MAX], bytes[16];
	const char *name = tr_node_words_text(recording, "name");

	tr_node_words_length(tr_node_words_int(recording, "duration_ms"), length);
	tr_node_words_when(tr_node_words_int(recording, "created_ms"), now_ms, when);
	format_bytes(recording, "bytes", bytes, sizeof(bytes));
	const char *cells[] = {tr_node_words_text(recording, "id"),
		tr_node_words_text(recording, "state"), when, length, bytes,
		tr_node_words_text(recording, "grade"),
		name[0] ? name : tr_node_words_text(recording, "room")};
	tr_text_table_add(table, cells);
}

void tr_node_show_recordings(FILE *out, const json_t *recordings, int64_t now_ms, unsigned width)
{
	static const struct tr_text_column columns[] = {{"RECORDING", false, 0},
		{"STATE", false, 0}, {"MADE", false, 0}, {"TIME", true, 0}, {"SIZE", true, 0},
		{"GRADE", false, 0}, {"NAME", false, 8}};
	TR_CLEANUP(tr_text_table_destroyp)
	struct tr_text_table *table = tr_text_table_create(columns, TR_COUNT(columns));
	size_t i;
	json_t *recording;

	if (!table)
		return;
	json_array_foreach((json_t *)recordings, i, recording)
		add_recording(table, recording, now_ms);
	tr_text_table_print(table, out, width);
}

void tr_node_show_recording(FILE *out, const json_t *recording)
{
	char date[TR_NODE_WORDS_MAX], length[TR_NODE_WORDS_MAX], bytes[16];
	size_t i;
	json_t *file;

	put_field(out, "Recording", tr_node_words_text(recording, "id"));
	put_field(out, "Session", tr_node_words_text(recording, "session_id"));
	put_field(out, "Room", tr_node_words_text(recording, "room"));
	put_field(out, "State", tr_node_words_text(recording, "state"));
	put_field(out, "Reason", tr_node_words_text(recording, "reason"));
	tr_node_words_date(tr_node_words_int(recording, "created_ms"), date);
	put_field(out, "Made", date);
	tr_node_words_length(tr_node_words_int(recording, "duration_ms"), length);
	put_field(out, "Time", length);
	put_field(out, "Grade", tr_node_words_text(recording, "grade"));
	put_field(out, "Script", tr_node_words_is(recording, "is_finalized") ? "is through" : "");
	json_array_foreach(json_object_get(recording, "files"), i, file)
	{
		format_bytes(file, "bytes", bytes, sizeof(bytes));
		tr_text_table_say(out, "%-11s %s, %s", i == 0 ? "Files" : "",
			tr_node_words_text(file, "name"), bytes);
	}
}

/* ---- lines ---- */

void tr_node_show_event(FILE *out, const json_t *event)
{
	char date[TR_NODE_WORDS_MAX], slot[32] = "";
	const char *state = tr_node_words_text(event, "state");
	const char *sentence = tr_node_words_text(event, "sentence");
	const char *session = tr_node_words_text(event, "session_id");
	const char *type = tr_node_words_text(event, "type");
	long long number = tr_node_words_int(event, "slot");

	tr_node_words_date(tr_node_words_int(event, "ms"), date);
	if (number > 0)
		snprintf(slot, sizeof(slot), " slot %lld:", number);
	if (!strcmp(type, "slot") && number > 0)
		type = ""; /* its state says it */
	if (!state[0])
		state = tr_node_words_text(json_object_get(event, "stream"), "state");
	if (!sentence[0])
		sentence = tr_node_words_text(event, "problem");
	tr_text_table_say(out, "%s%s%s%s%s%s%s%s%s%s", date, slot, type[0] ? " " : "", type,
		state[0] ? " " : "", state, session[0] ? ", session " : "", session,
		sentence[0] ? ": " : "", sentence);
}

void tr_node_show_log(FILE *out, const json_t *line)
{
	char date[TR_NODE_WORDS_MAX], slot[32] = "";
	const char *level = tr_node_words_text(line, "level");
	const char *area = tr_node_words_text(line, "area");
	long long number = tr_node_words_int(line, "slot");
	bool is_usual = !strcmp(level, "info") || !strcmp(level, "debug");

	tr_node_words_date(tr_node_words_int(line, "ms"), date);
	if (number > 0)
		snprintf(slot, sizeof(slot), " slot %lld", number);
	tr_text_table_say(out, "%s%s %s%s%s%s%s", date, slot, is_usual ? "" : level,
		is_usual ? "" : ": ", area, area[0] ? ": " : "", tr_node_words_text(line, "text"));
}
