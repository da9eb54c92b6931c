#include "cli/node_verb.h"
#include "cli/node_wait.h"
#include "cli/verbs.h"

#include <stdio.h>

enum { OPTION_LEAVE = 1, OPTION_OFF, OPTION_WAIT };

static const struct tr_option options[] = {
	{"leave", NULL, "end telerecd when nothing runs any more", OPTION_LEAVE},
	{"off", NULL, "take new ones again", OPTION_OFF},
	{"wait", NULL, "until nothing runs and all files are made", OPTION_WAIT},
	TR_NODE_VERB_OPTIONS,
};

static int drain(struct tr_node_verb *node, bool is_off, bool is_leaving, bool is_waiting)
{
	json_t *json = NULL;
	int code = is_off ? tr_node_verb_call(node, "DELETE", NULL, &json, "/v1/drain")
			  : tr_node_verb_call(node, "POST", json_pack("{s:b}", "leave", is_leaving),
				    &json, "/v1/drain");

	if (code == 0 && is_waiting)
		code = tr_node_wait_idle(node, is_leaving);
	if (code != 0) {
		json_decref(json);
		return code;
	}
	if (node->is_json)
		return tr_node_verb_print_json(json);
	json_decref(json);
	if (is_off)
		puts("New recordings start again.");
	else if (is_waiting)
		puts(is_leaving ? "telerecd has ended." : "Nothing runs any more.");
	else
		puts(is_leaving ? "Nothing new starts; telerecd ends when nothing runs any more."
				: "Nothing new starts; what runs goes on.");
	return 0;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct tr_node_verb node = {.name = verb->name};
	bool is_off = false, is_leaving = false, is_waiting = false;
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0) {
		if (id == 0) {
			fprintf(stderr, "telerec drain: what is \"%s\" for?\n", value);
			return TR_EXIT_USAGE;
		}
		is_leaving |= id == OPTION_LEAVE;
		is_off |= id == OPTION_OFF;
		is_waiting |= id == OPTION_WAIT;
		tr_node_verb_take(&node, id, value);
	}
	if (rc < 0)
		return TR_EXIT_USAGE;
	if (is_off && (is_leaving || is_waiting)) {
		fputs("telerec drain: --off goes with neither --leave nor --wait\n", stderr);
		return TR_EXIT_USAGE;
	}
	int code = tr_node_verb_open(&node);
	if (code == 0)
		code = drain(&node, is_off, is_leaving, is_waiting);
	tr_node_verb_close(&node);
	return code;
}

const struct tr_verb tr_verb_drain = {
	"drain", "", "Takes nothing new, for an update or before a restart.", options, run};
