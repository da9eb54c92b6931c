#include "cli/node_verb.h"
#include "cli/node_wait.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "protocol/node_words.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_ALL = 1, OPTION_WAIT };

static const struct tr_option options[] = {
	{"all", NULL, "all that run", OPTION_ALL},
	{"wait", NULL, "until files are made and scripts are through", OPTION_WAIT},
	TR_NODE_VERB_OPTIONS,
};

struct request {
	struct tr_node_verb node;
	const char *session;
	bool is_all, is_waiting;
};

static int stop(struct request *request, const char *id)
{
	TR_CLEANUP(tr_freep) char *word = tr_node_client_escape(id);
	json_t *json = NULL;
	int code = tr_node_verb_call(
		&request->node, "POST", NULL, &json, "/v1/sessions/%s/stop", word ? word : "");

	json_decref(json);
	if (code == 0 && !request->node.is_json && !request->is_waiting)
		tr_text_table_say(stdout, "Session %s ends; its files are made then.", id);
	return code;
}

/* Adds what is to be shown of it as JSON. */
static int wait_for(struct request *request, const char *id, json_t *told)
{
	json_t *session = NULL;
	int code = tr_node_wait_session(&request->node, id, TR_NODE_WAIT_OVER, &session);

	if (!session)
		return code;
	const char *file = tr_node_words_text(session, "file");
	if (!request->node.is_json)
		tr_text_table_say(stdout, "Session %s is over: %s%s%s%s%s", id,
			code ? "FAILED: " : "", code ? tr_node_words_text(session, "sentence") : "",
			file[0] && !code ? tr_node_words_text(session, "folder") : "",
			code	  ? ""
			: file[0] ? "/"
				  : "no file",
			code ? "" : file);
	json_array_append_new(told, session);
	return code;
}

static int stop_these(struct request *request, const json_t *ids)
{
	json_t *told = json_array(), *id;
	int worst = 0, code;
	size_t i;

	json_array_foreach((json_t *)ids, i, id)
	{
		code = stop(request, json_string_value(id));
		worst = code > worst ? code : worst;
		if (code == 0 && !request->is_waiting)
			json_array_append_new(told, json_pack("{s:O}", "session_id", id));
	}
	json_array_foreach((json_t *)ids, i, id)
	{
		code = request->is_waiting && worst == 0
			       ? wait_for(request, json_string_value(id), told)
			       : 0;
		worst = code > worst ? code : worst;
	}
	if (request->node.is_json && (worst == 0 || json_array_size(told) > 0))
		return tr_node_verb_print_json(json_pack("{s:o}", "sessions", told)), worst;
	json_decref(told);
	return worst;
}

/* All that run: those that end already, too, for who waits. */
static int list_running(struct request *request, json_t *ids)
{
	json_t *json = NULL, *session;
	size_t i;
	int code = tr_node_verb_call(&request->node, "GET", NULL, &json, "/v1/sessions");

	json_array_foreach(json_object_get(json, "sessions"), i,
		session) if (strcmp(tr_node_words_text(session, "state"), "ended") != 0)
		json_array_append(ids, json_object_get(session, "session_id"));
	json_decref(json);
	if (code == 0 && json_array_size(ids) == 0 && !request->node.is_json)
		puts("Nothing runs.");
	return code;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct request request = {.node = {.name = verb->name}};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0) {
		if (id == 0 && request.session) {
			fputs("telerec stop: one session, or --all\n", stderr);
			return TR_EXIT_USAGE;
		}
		if (id == 0)
			request.session = value;
		request.is_all |= id == OPTION_ALL;
		request.is_waiting |= id == OPTION_WAIT;
		tr_node_verb_take(&request.node, id, value);
	}
	if (rc == 0 && request.is_all == (request.session != NULL)) {
		fputs("telerec stop: name a session (`telerec sessions` lists them), or --all\n",
			stderr);
		return TR_EXIT_USAGE;
	}
	if (rc < 0)
		return TR_EXIT_USAGE;
	json_t *ids = request.session ? json_pack("[s]", request.session) : json_array();
	int code = tr_node_verb_open(&request.node);
	if (code == 0 && request.is_all)
		code = list_running(&request, ids);
	if (code == 0)
		code = stop_these(&request, ids);
	json_decref(ids);
	tr_node_verb_close(&request.node);
	return code;
}

const struct tr_verb tr_verb_stop = {
	"stop", "ID", "Ends a recording or a stream, or all.", options, run};
