#include "cli/node_show.h"
#include "cli/node_status.h"
#include "cli/node_verb.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "core/clock.h"

#include <errno.h>
#include <string.h>

#define DRAW_EVERY_NS TR_NS_PER_S
#define RETRY_S 2

enum { OPTION_FOLLOW = 1 };

static const struct tr_option options[] = {
	{"follow", NULL, "go on, and show what happens", OPTION_FOLLOW},
	TR_NODE_VERB_OPTIONS,
};

struct watch {
	struct tr_node_verb *node;
	struct tr_node_verb *asker; /* for the state, while events come */
	bool is_screen;
	int64_t drawn_ns;
	int code;
};

/* {"node": {}, "slots": []}. 0, or the exit code. */
static int read_status(struct tr_node_verb *node, json_t **ret_status)
{
	json_t *about = NULL, *slots = NULL;
	int code = tr_node_verb_call(node, "GET", NULL, &about, "/v1/node");

	if (code == 0)
		code = tr_node_verb_call(node, "GET", NULL, &slots, "/v1/slots");
	if (code == 0)
		*ret_status = json_pack(
			"{s:O,s:O}", "node", about, "slots", json_object_get(slots, "slots"));
	json_decref(about);
	json_decref(slots);
	if (code == 0 && !*ret_status)
		return tr_node_verb_fail(node, TR_EXIT_UNREACHABLE,
			"it does not answer as a node does: no slots in its answer");
	return code;
}

static int show_once(struct tr_node_verb *node, bool is_screen)
{
	json_t *status = NULL;
	int code = read_status(node, &status);

	if (code != 0)
		return code;
	if (is_screen)
		fputs("\033[H\033[2J", stdout);
	bool is_well =
		tr_node_status_show(node->is_json ? NULL : stdout, json_object_get(status, "node"),
			json_object_get(status, "slots"), tr_text_table_terminal_width(stdout));
	if (node->is_json)
		tr_node_verb_print_json(json_incref(status));
	fflush(stdout);
	json_decref(status);
	return is_well ? 0 : TR_EXIT_FAILED;
}

static int on_event(const char *type, const json_t *data, void *user)
{
	struct watch *watch = user;

	if (!watch->is_screen && type) {
		if (watch->node->is_json)
			json_dumpf(data, stdout, JSON_COMPACT), fputc('\n', stdout);
		else if (strcmp(type, "progress") != 0 && strcmp(type, "meeting") != 0)
			tr_node_show_event(stdout, data);
		return fflush(stdout) < 0 || ferror(stdout) ? -ECANCELED : 0;
	}
	if (!watch->is_screen || tr_clock_now_ns() - watch->drawn_ns < DRAW_EVERY_NS)
		return 0;
	watch->drawn_ns = tr_clock_now_ns();
	watch->code = show_once(watch->asker, true);
	return watch->code == TR_EXIT_UNREACHABLE ? -ECANCELED : 0;
}

/* A person's screen waits for a node that is started anew; a program's input ends. */
static int follow(struct tr_node_verb *node)
{
	struct tr_node_verb asker = *node;
	struct watch watch = {.node = node, .asker = &asker};

	watch.is_screen = !node->is_json && tr_text_table_terminal_width(stdout) > 0;
	asker.client = NULL;
	int code = tr_node_verb_open(&asker);
	while (code == 0) {
		int rc = tr_node_client_follow(node->client, "/v1/events", on_event, &watch);
		if (rc == -ECANCELED && !watch.is_screen)
			break;
		if (rc != -ECANCELED)
			watch.code = tr_node_verb_tell(node, rc, NULL);
		if (!watch.is_screen || rc == -EREMOTEIO || rc == -EACCES)
			code = watch.code;
		else
			sleep(RETRY_S);
	}
	tr_node_verb_close(&asker);
	return code;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct tr_node_verb node = {.name = verb->name};
	bool is_following = false;
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0) {
		if (id == 0) {
			fprintf(stderr, "telerec status: what is \"%s\" for?\n", value);
			return TR_EXIT_USAGE;
		}
		is_following |= id == OPTION_FOLLOW;
		tr_node_verb_take(&node, id, value);
	}
	if (rc < 0)
		return TR_EXIT_USAGE;
	int code = tr_node_verb_open(&node);
	if (code == 0)
		code = is_following ? follow(&node) : show_once(&node, false);
	tr_node_verb_close(&node);
	return code;
}

const struct tr_verb tr_verb_status = {
	"status", "", "Tells how this node is: slots, disk, servers.", options, run};
