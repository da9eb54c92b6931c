#include "cli/node_show.h"
#include "cli/node_verb.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "core/clock.h"

#include <stdio.h>

#define ENDED_SHOWN 20

static const struct tr_option options[] = {
	TR_NODE_VERB_OPTIONS,
};

static int show(struct tr_node_verb *node, const char *id)
{
	int64_t now_ms = tr_clock_wall_ns() / TR_NS_PER_MS;
	TR_CLEANUP(tr_freep) char *word = id ? tr_node_client_escape(id) : NULL;
	json_t *json = NULL;
	int code = tr_node_verb_call(
		node, "GET", NULL, &json, "/v1/sessions%s%s", id ? "/" : "", word ? word : "");

	if (code != 0)
		return code;
	if (node->is_json)
		return tr_node_verb_print_json(json);
	if (id)
		tr_node_show_session(stdout, json, now_ms);
	else
		tr_node_show_sessions(stdout, json_object_get(json, "sessions"), ENDED_SHOWN,
			now_ms, tr_text_table_terminal_width(stdout));
	json_decref(json);
	return 0;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct tr_node_verb node = {.name = verb->name};
	const char *value, *session = NULL;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0) {
		if (id == 0 && session) {
			fputs("telerec sessions: one session at a time\n", stderr);
			return TR_EXIT_USAGE;
		}
		if (id == 0)
			session = value;
		tr_node_verb_take(&node, id, value);
	}
	if (rc < 0)
		return TR_EXIT_USAGE;
	int code = tr_node_verb_open(&node);
	if (code == 0)
		code = show(&node, session);
	tr_node_verb_close(&node);
	return code;
}

const struct tr_verb tr_verb_sessions = {"sessions", "[ID]",
	"Shows what is recorded and streamed now, and what was of late.", options, run};
