#include "cli/completion.h"
#include "cli/node_verb.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "protocol/node_words.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 1500

static const struct tr_option options[] = {{0}};

/* Where the names come from that an argument of a verb may be. */
static const struct {
	const char *verb, *path, *list, *member;
	bool is_of_those_that_run;
} sources[] = {
	{"slots", "/v1/slots", "slots", "slot", false},
	{"sessions", "/v1/sessions", "sessions", "session_id", false},
	{"stop", "/v1/sessions", "sessions", "session_id", true},
	{"recordings", "/v1/recordings", "recordings", "id", false},
};

static void print_names(const json_t *rows, const char *member, bool is_of_those_that_run)
{
	size_t i;
	json_t *row;

	json_array_foreach((json_t *)rows, i, row)
	{
		const json_t *name = json_object_get(row, member);
		if (is_of_those_that_run && !strcmp(tr_node_words_text(row, "state"), "ended"))
			continue;
		if (json_is_integer(name))
			printf("%lld\n", (long long)json_integer_value(name));
		else if (!strpbrk(tr_node_words_text(row, member), " \n\t'\"\\$`*?;&|<>(){}[]#!~"))
			puts(tr_node_words_text(row, member)); /* others a shell would misread */
	}
}

/* In silence: this is asked for by a shell in the middle of somebody's typing. */
static int ask_node(size_t source)
{
	char socket[PATH_MAX];
	tr_node_verb_find_socket(socket, sizeof(socket));
	const struct tr_node_client_settings settings = {.node = socket, .timeout_ms = TIMEOUT_MS};
	TR_CLEANUP(tr_node_client_destroyp) struct tr_node_client *client = NULL;
	json_t *answer = NULL;
	int rc = tr_node_client_create(&settings, &client);

	if (rc == 0)
		rc = tr_node_client_call(client, "GET", sources[source].path, NULL, &answer);
	if (rc == 0)
		print_names(json_object_get(answer, sources[source].list), sources[source].member,
			sources[source].is_of_those_that_run);
	json_decref(answer);
	return rc < 0 ? TR_EXIT_UNREACHABLE : 0;
}

static int print_words(const char *verb)
{
	const char *key;

	for (unsigned i = 0; !strcmp(verb, "config") && (key = tr_config_key(i)); i++)
		puts(key);
	for (const struct tr_verb *const *each = tr_verbs_all(); *each; each++)
		if (!strcmp(verb, "help"))
			puts((*each)->name);
	for (size_t i = 0; i < TR_COUNT(sources); i++)
		if (!strcmp(verb, sources[i].verb))
			return ask_node(i);
	return 0;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	(void)verb;
	if (argc == 2 && !strcmp(argv[1], "bash")) {
		tr_completion_print_bash(stdout);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "zsh")) {
		tr_completion_print_zsh(stdout);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "words"))
		return print_words(argv[2]);
	fputs("telerec completion: for which shell, bash or zsh?\n", stderr);
	return TR_EXIT_USAGE;
}

const struct tr_verb tr_verb_completion = {"completion", "bash|zsh|words VERB",
	"Prints what a shell needs to complete command lines.", options, run};
