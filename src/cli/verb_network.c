#include "cli/machine_change.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_DRY_RUN = 1, OPTION_ROOT, OPTION_CONFIG, OPTION_JSON };

static const struct tr_option options[] = {
	{"dry-run", NULL, "change nothing, show each change", OPTION_DRY_RUN},
	{"root", "DIR", "the files below DIR", OPTION_ROOT},
	{"config", "FILE", "for test: the Jitsi servers in it", OPTION_CONFIG},
	{"json", NULL, "print JSON", OPTION_JSON},
	{0},
};

static const char *const keys[] = {
	"interface", "method", "address", "gateway", "dns", "vlan", "proxy", NULL};

struct request {
	struct tr_node_verb node; /* for errors */
	struct tr_change change;
	const char *what, *config;
	json_t *wanted; /* "network.method": ... */
};

/* "dns=192.168.1.1, 192.168.1.2" */
static int take_setting(struct request *request, const char *word)
{
	size_t length = strcspn(word, "=");
	const char *value = word + length + (word[length] == '=');
	char name[40], key[60];
	bool is_known = false;

	snprintf(name, sizeof(name), "%.*s", (int)length, word);
	for (size_t i = 0; keys[i]; i++)
		is_known |= !strcmp(keys[i], name);
	if (!word[length] || !is_known) {
		const char *near = tr_text_nearest(name, keys);
		char text[160];
		snprintf(text, sizeof(text), "%s%s%s",
			near ? "did you mean " : "say KEY=VALUE with a key of `telerec network`",
			near ? near : "", near ? "=VALUE? Not " : ", not ");
		return tr_options_refuse("network", text, word);
	}
	snprintf(key, sizeof(key), "network.%s", name);
	tr_machine_change_add(request->wanted, key, value);
	return 0;
}

static int take(struct request *request, int id, const char *value)
{
	static const char *const words[] = {"show", "set", "test", NULL};

	switch (id) {
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
			       ? tr_options_refuse("network", "what is this for? ", value)
			       : take_setting(request, value);
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], value))
			request->what = words[i];
	return request->what ? 0 : tr_options_refuse("network", "show, set or test, not ", value);
}

/* ---- the actions ---- */

static int show(struct request *request)
{
	json_t *network = tr_machine_network_read(request->change.root), *value;
	const char *key;

	if (!network)
		return TR_EXIT_FAILED;
	if (request->node.is_json)
		return tr_node_verb_print_json(network);
	json_object_foreach(network, key, value)
	{
		char number[24] = "";
		if (!strcmp(key, "why") || !strcmp(key, "dns"))
			continue;
		if (json_is_integer(value))
			snprintf(number, sizeof(number), "%lld",
				(long long)json_integer_value(value));
		printf("%-10s %s\n", key,
			json_is_string(value) ? json_string_value(value) : number);
	}
	json_t *servers = json_object_get(network, "dns"), *server;
	size_t i;
	printf("%-10s", "dns");
	json_array_foreach(servers, i, server)
		printf("%s%s", i > 0 ? ", " : " ", json_string_value(server));
	putchar('\n');
	const char *why = json_string_value(json_object_get(network, "why"));
	if (why && why[0])
		puts(why);
	json_decref(network);
	return 0;
}

/* What is not said stays as it is: the file holds all of them. */
static json_t *merge(const struct request *request)
{
	json_t *network = tr_machine_network_read(request->change.root), *all = json_object();
	char key[60];

	for (size_t i = 0; keys[i]; i++) {
		snprintf(key, sizeof(key), "network.%s", keys[i]);
		json_t *said = json_object_get(request->wanted, key);
		json_object_set(all, key, said ? said : json_object_get(network, keys[i]));
	}
	/* Who gives an address means it. */
	const char *address =
		json_string_value(json_object_get(request->wanted, "network.address"));
	if (address && address[0] && !json_object_get(request->wanted, "network.method"))
		json_object_set_new(all, "network.method", json_string("static"));
	json_decref(network);
	return all;
}

static int set(struct request *request)
{
	if (json_object_size(request->wanted) == 0)
		return tr_node_verb_fail(&request->node, TR_EXIT_USAGE,
			"say what: telerec network set address=192.168.1.20/24 gateway=192.168.1.1");
	json_t *all = merge(request);
	int code = tr_machine_change_run(&request->node, &request->change, all);
	json_decref(all);
	return code;
}

/* From the cable to the names of the Jitsi servers. */
static int test(struct request *request)
{
	char *argv[] = {(char *)"machine", (char *)"test-network", (char *)"--config",
		(char *)request->config, NULL};

	return tr_verb_machine.run(&tr_verb_machine, 4, argv);
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct request request = {.node = {.name = verb->name},
		.change = {.root = "", .out = stdout},
		.config = TR_CONFIG_DEFAULT_PATH,
		.wanted = json_object()};
	const char *value;
	int id, rc, code = TR_EXIT_USAGE;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take(&request, id, value) < 0)
			break;
	if (rc == 0)
		code = !request.what || !strcmp(request.what, "show") ? show(&request)
		       : !strcmp(request.what, "set")		      ? set(&request)
								      : test(&request);
	json_decref(request.wanted);
	return code;
}

const struct tr_verb tr_verb_network = {"network", "[show|set KEY=VALUE...|test]",
	"Tells, sets and tries how this machine is in the network.", options, run};
