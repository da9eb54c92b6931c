#include "cli/machine_change.h"
#include "cli/verbs.h"
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WRONG_PIN_S 2 /* so that nobody tries them all */

enum { OPTION_STDIN = 1, OPTION_DRY_RUN, OPTION_ROOT, OPTION_CONFIG, OPTION_JSON };

static const struct tr_option options[] = {
	{"stdin", NULL, "for set: a JSON object {KEY: VALUE} comes in", OPTION_STDIN},
	{"dry-run", NULL, "change nothing, show each change", OPTION_DRY_RUN},
	{"root", "DIR", "the files below DIR", OPTION_ROOT},
	{"config", "FILE", "for test-network: the Jitsi servers in it", OPTION_CONFIG},
	{"json", NULL, "print JSON", OPTION_JSON},
	{0},
};

struct request {
	struct tr_node_verb node; /* for errors */
	struct tr_change change;
	const char *what, *config;
	bool is_stdin;
	json_t *settings;
};

/* "time.servers=a, b" into the settings. */
static int take_setting(struct request *request, const char *word)
{
	const char *equals = strchr(word, '=');
	char key[80];

	if (!equals || (size_t)(equals - word) >= sizeof(key))
		return tr_options_refuse("machine", "say KEY=VALUE, not ", word);
	snprintf(key, sizeof(key), "%.*s", (int)(equals - word), word);
	if (!strncmp(key, "console.", 8))
		return tr_options_refuse("machine",
			"a command line can be read by others: give the PIN with --stdin", "");
	tr_machine_change_add(request->settings, key, equals + 1);
	return 0;
}

static int take(struct request *request, int id, const char *value)
{
	static const char *const words[] = {"status", "set", "check-pin", "test-network", NULL};

	switch (id) {
	case OPTION_STDIN:
		request->is_stdin = true;
		return 0;
	case OPTION_DRY_RUN:
		request->change.is_dry_run = true;
		return 0;
	case OPTION_ROOT:
		request->change.root = strcmp(value, "/") ? value : "";
		return 0;
	case OPTION_CONFIG:
		request->config = value;
		return 0;
	case OPTION_JSON:
		request->node.is_json = true;
		return 0;
	}
	if (request->what)
		return strcmp(request->what, "set")
			       ? tr_options_refuse("machine", "what is this for? ", value)
			       : take_setting(request, value);
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], value))
			request->what = words[i];
	return request->what ? 0
			     : tr_options_refuse("machine",
				       "status, set, check-pin or test-network, not ", value);
}

/* ---- the actions ---- */

static void show_part(const char *name, const json_t *part)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)part, key, value)
	{
		if (!strcmp(key, "why") && !json_string_value(value)[0])
			continue;
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		printf("%-10s %-10s %s\n", name, key,
			json_is_string(value) ? json_string_value(value)
			: text		      ? text
					      : "");
		free(text);
		name = "";
	}
}

static int show(struct request *request)
{
	json_t *all = tr_machine_read(request->change.root), *part;
	const char *name;

	if (!all)
		return TR_EXIT_FAILED;
	if (request->node.is_json)
		return tr_node_verb_print_json(all);
	json_object_foreach(all, name, part) show_part(name, part);
	json_decref(all);
	return 0;
}

static int set(struct request *request)
{
	json_error_t error;

	if (request->is_stdin) {
		json_t *more = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
		if (!json_is_object(more)) {
			json_decref(more);
			return tr_node_verb_fail(&request->node, TR_EXIT_USAGE,
				"what came in is no JSON object (line %d)", error.line);
		}
		json_object_update(request->settings, more);
		json_decref(more);
	}
	if (json_object_size(request->settings) == 0)
		return tr_node_verb_fail(&request->node, TR_EXIT_USAGE,
			"say what: telerec machine set time.zone=Europe/Berlin");
	return tr_machine_change_run(&request->node, &request->change, request->settings);
}

static int check_pin(struct request *request)
{
	char pin[256] = "";

	if (!fgets(pin, sizeof(pin), stdin))
		pin[0] = '\0';
	pin[strcspn(pin, "\n")] = '\0';
	int rc = tr_machine_check_pin(request->change.root, pin);
	explicit_bzero(pin, sizeof(pin));
	if (rc == 0)
		return 0;
	if (rc != -EACCES)
		return tr_node_verb_fail(&request->node, TR_EXIT_FAILED,
			"the PIN cannot be checked: %s", strerror(-rc));
	sleep(WRONG_PIN_S);
	return tr_node_verb_fail(&request->node, TR_EXIT_FAILED, "this is not the PIN");
}

/* Those of the Jitsi servers are looked up. */
static int test_network(struct request *request)
{
	TR_CLEANUP(tr_freep) struct tr_config *config = calloc(1, sizeof(*config));
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	const char *hosts[TR_CONFIG_ENVIRONMENTS_MAX + 1] = {0};
	char names[TR_CONFIG_ENVIRONMENTS_MAX][TR_CONFIG_HOST_MAX];

	if (!config || !complaints)
		return TR_EXIT_FAILED;
	if (tr_config_load_public(request->config, config, complaints) < 0)
		config->environment_count = 0;
	for (unsigned i = 0; i < config->environment_count; i++) {
		snprintf(names[i], sizeof(names[i]), "%s", config->environments[i].servers[0]);
		char *colon = strrchr(names[i], ':');
		if (colon && strchr(names[i], ':') == colon)
			*colon = '\0';
		hosts[i] = names[i];
	}
	return tr_machine_network_test(stdout, hosts) < 0 ? TR_EXIT_FAILED : 0;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	static const struct {
		const char *what;
		int (*run)(struct request *request);
	} actions[] = {{"status", show}, {"set", set}, {"check-pin", check_pin},
		{"test-network", test_network}};
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct request request = {.node = {.name = verb->name},
		.change = {.root = "", .out = stdout},
		.config = TR_CONFIG_DEFAULT_PATH,
		.settings = json_object()};
	const char *value;
	int id, rc, code = TR_EXIT_USAGE;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take(&request, id, value) < 0)
			break;
	if (rc == 0 && !request.what)
		request.what = "status";
	for (size_t i = 0; rc == 0 && i < TR_COUNT(actions); i++)
		if (!strcmp(actions[i].what, request.what))
			code = actions[i].run(&request);
	json_decref(request.settings);
	return code;
}

const struct tr_verb tr_verb_machine = {"machine",
	"[status|set KEY=VALUE...|check-pin|test-network]",
	"Tells and sets network, time, keyboard, SSH key and console PIN.", options, run};
