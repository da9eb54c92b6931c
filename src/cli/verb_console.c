#include "cli/node_verb.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "console/console.h"
#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	OPTION_SCREEN = 1,
	OPTION_ASCII,
	OPTION_MONO,
	OPTION_COLOURS,
	OPTION_MOUSE,
	OPTION_STAY,
	OPTION_CONFIG,
};

static const struct tr_option options[] = {
	{"screen", "NAME", "begin with it: home, wall, slots, recordings, logs, ...",
		OPTION_SCREEN},
	{"ascii", NULL, "no character beyond ASCII", OPTION_ASCII},
	{"mono", NULL, "no colour", OPTION_MONO},
	{"colours", "COUNT", "at most so many: 8, 16, 256", OPTION_COLOURS},
	{"mouse", NULL, "take clicks; text is then selected with Shift", OPTION_MOUSE},
	{"stay", NULL, "do not leave: for the screen of an appliance", OPTION_STAY},
	{"config", "FILE", "another telerec.conf for Set-up", OPTION_CONFIG},
	{"node", "NODE", "another node: its https:// address, or a socket", TR_NODE_VERB_NODE},
	{"token-file", "FILE", "the file with that node's token", TR_NODE_VERB_TOKEN},
	{"ca-file", "FILE", "trust the authorities in it", TR_NODE_VERB_CA},
	{0},
};

static int take_option(
	struct tr_console_settings *settings, struct tr_node_verb *node, int id, const char *value)
{
	int64_t colours = 0;

	switch (id) {
	case 0:
		return tr_options_refuse("console", "it takes no argument", value);
	case OPTION_SCREEN:
		settings->screen = value;
		return 0;
	case OPTION_ASCII:
		settings->term.is_ascii = true;
		return 0;
	case OPTION_MONO:
		settings->term.is_mono = true;
		return 0;
	case OPTION_COLOURS:
		if (tr_text_parse_int(value, 8, 1 << 24, &colours) < 0)
			return tr_options_refuse(
				"console", "--colours is a number from 8 to 16777216", value);
		settings->term.colours = (int)colours;
		return 0;
	case OPTION_MOUSE:
		settings->term.has_mouse = true;
		return 0;
	case OPTION_STAY:
		settings->is_appliance = true;
		return 0;
	case OPTION_CONFIG:
		settings->config = value;
		return 0;
	default:
		tr_node_verb_take(node, id, value);
		return 0;
	}
}

/* The console's threads have clients of their own: here is only what they need for it. */
static int run_console(const struct tr_console_settings *said, const struct tr_node_verb *node)
{
	struct tr_console_settings settings = *said;
	char socket[PATH_MAX], program[PATH_MAX];
	char *token = NULL;

	if (node->token_file && tr_node_verb_read_token("console", node->token_file, &token) < 0)
		return TR_EXIT_USAGE;
	if (!node->node)
		tr_node_verb_find_socket(socket, sizeof(socket));
	settings.node = (struct tr_node_client_settings){
		.node = node->node ? node->node : socket,
		.token = token,
		.ca_file = node->ca_file,
	};
	ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[size > 0 ? size : 0] = '\0';
	settings.program = size > 0 ? program : "telerec";
	int rc = tr_console_run(&settings);
	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
	return rc == 0 ? 0 : rc == -ENOENT ? TR_EXIT_USAGE : TR_EXIT_FAILED;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct tr_console_settings settings = {.config = TR_CONFIG_DEFAULT_PATH};
	struct tr_node_verb node = {.name = verb->name};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take_option(&settings, &node, id, value) < 0)
			return TR_EXIT_USAGE;
	if (rc < 0)
		return TR_EXIT_USAGE;
	return run_console(&settings, &node);
}

const struct tr_verb tr_verb_console = {
	"console", "", "Shows everything on this terminal, and lets you change it.", options, run};
