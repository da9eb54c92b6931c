#include "cli/node_verb.h"
#include "cli/node_wait.h"
#include "cli/target_input.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "core/text.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	OPTION_ROOM = 1,
	OPTION_FOR,
	OPTION_SLOT,
	OPTION_STREAM,
	OPTION_VIEW_URL,
	OPTION_ENVIRONMENT,
	OPTION_SESSION_ID,
	OPTION_WAIT
};

static const struct tr_option options[] = {
	{"for", "TIME", "end by itself after this time", OPTION_FOR},
	{"room", "JID", "the meeting's room", OPTION_ROOM},
	{"slot", "NUMBER", "in this slot (default: any)", OPTION_SLOT},
	{"stream", "FILE", "stream live to the address in FILE (\"-\": standard input)",
		OPTION_STREAM},
	{"view-url", "URL", "where people watch the stream", OPTION_VIEW_URL},
	{"environment", "NAME", "join with the account of this one", OPTION_ENVIRONMENT},
	{"session-id", "ID", "call the session so (default: made up)", OPTION_SESSION_ID},
	{"wait", "[=over]", "until it is on, or until all of it is over", OPTION_WAIT},
	TR_NODE_VERB_OPTIONS,
};

struct request {
	struct tr_node_verb node;
	json_t *body;
	const char *stream_file;
	enum tr_node_wait_until until;
};

static int take_url(struct request *request, const char *url)
{
	if (json_object_get(request->body, "url"))
		return tr_options_refuse("start", "one meeting at a time: what is this for? ", url);
	if (!strstr(url, "://"))
		return tr_options_refuse(
			"start", "the meeting's address begins with https://, unlike ", url);
	return json_object_set_new(request->body, "url", json_string(url));
}

/* An address of a stream is a secret: not even the complaint shows it. */
static int take_stream(struct request *request, const char *value)
{
	if (request->stream_file)
		return tr_options_refuse("start",
			"--stream is there twice: further targets of a room are set with "
			"rooms in telerec.conf",
			"");
	if (strstr(value, "://")) {
		tr_target_input_wipe(value);
		return tr_options_refuse("start",
			"whoever is on this machine can read its command lines, and with this "
			"address anybody may stream. Write it into a file, and say --stream "
			"FILE; or pipe it in, and say --stream -",
			"");
	}
	request->stream_file = value;
	return 0;
}

static int take_wait(struct request *request, const char *value)
{
	if (value && strcmp(value, "over") != 0 && strcmp(value, "on") != 0)
		return tr_options_refuse("start", "--wait=over or --wait=on, not --wait=", value);
	request->until = value && !strcmp(value, "over") ? TR_NODE_WAIT_OVER : TR_NODE_WAIT_ON;
	return 0;
}

static int take_slot(struct request *request, const char *value)
{
	int64_t slot;

	if (tr_text_parse_int(value, 1, 16, &slot) < 0)
		return tr_options_refuse("start", "that is no slot's number: ", value);
	return json_object_set_new(request->body, "slot", json_integer(slot));
}

static int take_time(struct request *request, const char *value)
{
	int64_t ms;

	if (tr_text_parse_duration(value, &ms) < 0 || ms <= 0)
		return tr_options_refuse(
			"start", "--for takes a time like 90s, 45m or 1.5h, not ", value);
	return json_object_set_new(request->body, "for", json_string(value));
}

static int take(struct request *request, int id, const char *value)
{
	static const char *const members[] = {[OPTION_ROOM] = "room",
		[OPTION_VIEW_URL] = "view_url",
		[OPTION_ENVIRONMENT] = "environment",
		[OPTION_SESSION_ID] = "session_id"};

	switch (id) {
	case 0:
		return take_url(request, value);
	case OPTION_FOR:
		return take_time(request, value);
	case OPTION_SLOT:
		return take_slot(request, value);
	case OPTION_STREAM:
		return take_stream(request, value);
	case OPTION_WAIT:
		return take_wait(request, value);
	case OPTION_ROOM:
	case OPTION_VIEW_URL:
	case OPTION_ENVIRONMENT:
	case OPTION_SESSION_ID:
		return json_object_set_new(request->body, members[id], json_string(value)) < 0
			       ? tr_options_refuse("start", "this is no UTF-8: --", members[id])
			       : 0;
	default:
		tr_node_verb_take(&request->node, id, value);
		return 0;
	}
}

static int read_stream(struct request *request)
{
	bool is_stdin = !strcmp(request->stream_file, "-");
	struct tr_target_list *targets = calloc(1, sizeof(*targets));

	if (!targets)
		return -ENOMEM;
	int rc = tr_target_input_read("start", is_stdin ? NULL : request->stream_file, targets);
	if (rc == 0 && targets->count != 1)
		rc = tr_options_refuse("start",
			targets->count ? "a stream has one address here; further ones of a room "
					 "are set with rooms in telerec.conf. There are several "
					 "in "
				       : "there is no address in ",
			is_stdin ? "standard input" : request->stream_file);
	if (rc == 0)
		rc = json_object_set_new(
			request->body, "stream", json_string(targets->items[0].url));
	if (rc == 0)
		rc = json_object_set_new(request->body, "kind", json_string("stream"));
	tr_target_list_wipe(targets);
	free(targets);
	return rc;
}

static int parse(struct request *request, const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take(request, id, value) < 0)
			return -EINVAL;
	if (rc < 0)
		return rc;
	if (!json_object_get(request->body, "url"))
		return tr_options_refuse("start",
			"name the meeting: telerec start https://meet.example.org/room", "");
	return request->stream_file ? read_stream(request) : 0;
}

static int tell_outcome(const struct request *request, json_t *session, int code)
{
	const char *sentence = tr_node_words_text(session, "sentence");
	const char *file = tr_node_words_text(session, "file");
	const char *id = tr_node_words_text(session, "session_id");

	if (request->node.is_json) {
		tr_node_verb_print_json(session);
		return code;
	}
	if (code != 0)
		tr_text_table_say(stderr, "telerec start: session %s FAILED: %s", id,
			sentence[0] ? sentence : "it has ended before it was on");
	else if (request->until == TR_NODE_WAIT_ON)
		tr_text_table_say(stdout, "Session %s is on.", id);
	else
		tr_text_table_say(stdout, "Session %s is over%s%s/%s", id, file[0] ? ": " : ".",
			file[0] ? tr_node_words_text(session, "folder") : "", file);
	json_decref(session);
	return code;
}

static int start(struct request *request)
{
	json_t *json = NULL, *session = NULL;
	int code = tr_node_verb_call(
		&request->node, "POST", json_incref(request->body), &json, "/v1/sessions");

	if (code != 0)
		return code;
	TR_CLEANUP(tr_freep) char *id = strdup(tr_node_words_text(json, "session_id"));
	if (request->node.is_json && !request->until)
		return tr_node_verb_print_json(json);
	if (!request->node.is_json)
		tr_text_table_say(stdout, "Slot %lld has taken it: session %s",
			(long long)tr_node_words_int(json, "slot"), id ? id : "");
	json_decref(json);
	fflush(stdout);
	if (!request->until || !id)
		return 0;
	code = tr_node_wait_session(&request->node, id, request->until, &session);
	return session ? tell_outcome(request, session, code) : code;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct request request = {.node = {.name = verb->name}, .body = json_object()};
	int code = TR_EXIT_USAGE;

	if (parse(&request, verb, argc, argv) == 0) {
		code = tr_node_verb_open(&request.node);
		if (code == 0)
			code = start(&request);
	}
	json_decref(request.body);
	tr_node_verb_close(&request.node);
	return code;
}

const struct tr_verb tr_verb_start = {
	"start", "URL", "Has telerecd record or stream a meeting.", options, run};
