#include "cli/node_show.h"
#include "cli/node_verb.h"
#include "cli/recording_fetch.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "core/clock.h"
#include "core/text.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGE 1000
#define LIMIT 100

enum { OPTION_SEARCH = 1, OPTION_STATE, OPTION_LIMIT, OPTION_TO, OPTION_YES };

static const struct tr_option options[] = {
	{"search", "TEXT", "only those with these words in id, room or name", OPTION_SEARCH},
	{"state", "STATE", "recording, finishing, done or failed", OPTION_STATE},
	{"limit", "NUMBER", "the newest so many (default: 100; 0: all)", OPTION_LIMIT},
	{"to", "DIR", "for get: make its folder there (default: here); for upload: this target",
		OPTION_TO},
	{"yes", NULL, "for delete: do not ask", OPTION_YES},
	TR_NODE_VERB_OPTIONS,
};

struct request {
	struct tr_node_verb node;
	const char *what; /* "list", "show", ... */
	const char *id;
	const char *search, *state, *to;
	int64_t limit;
	bool is_yes;
};

static int take_word(struct request *request, const char *word)
{
	static const char *const words[] = {
		"list", "show", "get", "delete", "finish", "upload", NULL};

	if (request->id || (request->what && !strcmp(request->what, "list")))
		return tr_options_refuse("recordings", "what is this for? ", word);
	if (request->what) {
		request->id = word;
		return 0;
	}
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], word))
			request->what = words[i];
	return request->what ? 0
			     : tr_options_refuse("recordings",
				       "list, show, get, delete, finish or upload, not ", word);
}

static int take(struct request *request, int id, const char *value)
{
	switch (id) {
	case 0:
		return take_word(request, value);
	case OPTION_SEARCH:
		request->search = value;
		return 0;
	case OPTION_STATE:
		request->state = value;
		return 0;
	case OPTION_LIMIT:
		return tr_text_parse_int(value, 0, 1000000, &request->limit) < 0
			       ? tr_options_refuse("recordings", "--limit is a number, not ", value)
			       : 0;
	case OPTION_TO:
		request->to = value;
		return 0;
	case OPTION_YES:
		request->is_yes = true;
		return 0;
	default:
		tr_node_verb_take(&request->node, id, value);
		return 0;
	}
}

static int check(struct request *request)
{
	if (!request->what)
		request->what = "list";
	bool is_list = !strcmp(request->what, "list");
	if (!is_list && !request->id)
		return tr_options_refuse("recordings",
			"name the recording (`telerec recordings` lists them): telerec "
			"recordings ID ",
			request->what);
	if (!is_list && (request->search || request->state))
		return tr_options_refuse("recordings", "--search and --state are for the list", "");
	if (request->to && strcmp(request->what, "get") != 0 &&
		strcmp(request->what, "upload") != 0)
		return tr_options_refuse("recordings",
			"--to is for `telerec recordings get ID` and `telerec recordings upload "
			"ID`",
			"");
	return 0;
}

/* ---- the list ---- */

/* Page by page into one answer, like that of a single page. */
static int read_list(struct request *request, json_t **ret_list)
{
	TR_CLEANUP(tr_freep)
	char *search = tr_node_client_escape(request->search ? request->search : "");
	TR_CLEANUP(tr_freep)
	char *state = tr_node_client_escape(request->state ? request->state : "");
	json_t *list = NULL;
	size_t got = 0, page;

	do {
		json_t *json = NULL;
		int64_t left = request->limit > 0 ? request->limit - (int64_t)got : PAGE;
		int code = tr_node_verb_call(&request->node, "GET", NULL, &json,
			"/v1/recordings?limit=%lld&offset=%zu%s%s%s%s",
			(long long)(left < PAGE ? left : PAGE), got,
			request->search ? "&search=" : "", search ? search : "",
			request->state ? "&state=" : "", state ? state : "");
		if (code != 0) {
			json_decref(list);
			return code;
		}
		json_t *rows = json_object_get(json, "recordings");
		page = json_array_size(rows);
		got += page;
		if (list)
			json_array_extend(json_object_get(list, "recordings"), rows);
		else
			list = json_incref(json);
		json_decref(json);
	} while (page > 0 && (request->limit == 0 || (int64_t)got < request->limit) &&
		 (int64_t)got < tr_node_words_int(list, "total"));
	*ret_list = list;
	return 0;
}

static int show_list(struct request *request)
{
	json_t *list = NULL;
	int code = read_list(request, &list);

	if (code != 0)
		return code;
	if (request->node.is_json)
		return tr_node_verb_print_json(list);
	json_t *rows = json_object_get(list, "recordings");
	long long left = tr_node_words_int(list, "total") - (long long)json_array_size(rows);
	if (json_array_size(rows) == 0)
		puts(request->search || request->state ? "No recording fits."
						       : "There is no recording.");
	else
		tr_node_show_recordings(stdout, rows, tr_clock_wall_ns() / TR_NS_PER_MS,
			tr_text_table_terminal_width(stdout));
	if (left > 0)
		printf("... and %lld older ones: --limit 0 shows all.\n", left);
	json_decref(list);
	return 0;
}

/* ---- one ---- */

static int read_one(struct request *request, json_t **ret_json)
{
	TR_CLEANUP(tr_freep) char *word = tr_node_client_escape(request->id);

	return tr_node_verb_call(
		&request->node, "GET", NULL, ret_json, "/v1/recordings/%s", word ? word : "");
}

static int show_one(struct request *request)
{
	json_t *json = NULL;
	int code = read_one(request, &json);

	if (code != 0)
		return code;
	if (request->node.is_json)
		return tr_node_verb_print_json(json);
	tr_node_show_recording(stdout, json);
	json_decref(json);
	return 0;
}

static int get(struct request *request)
{
	const char *folder = request->to ? request->to : ".";
	json_t *json = NULL;
	int code = read_one(request, &json);

	if (code == 0)
		code = tr_recording_fetch(&request->node, json, folder);
	if (code == 0 && request->node.is_json)
		tr_node_verb_print_json(json_pack("{s:s,s:s+++,s:O}", "id", request->id, "folder",
			folder, "/", request->id, "", "files", json_object_get(json, "files")));
	else if (code == 0)
		tr_text_table_say(stdout, "%s/%s: %zu files", folder, request->id,
			json_array_size(json_object_get(json, "files")));
	json_decref(json);
	return code;
}

/* Whether a person at the terminal says so. */
static bool is_sure(const struct request *request)
{
	char answer[16];

	fprintf(stderr, "Remove the recording %s with all its files, for good? [y/N] ",
		request->id);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int delete (struct request *request)
{
	TR_CLEANUP(tr_freep) char *word = tr_node_client_escape(request->id);
	json_t *json = NULL;

	if (!request->is_yes && (request->node.is_json || !isatty(STDIN_FILENO))) {
		tr_options_refuse("recordings",
			"say --yes: it cannot be undone, and there is nobody to ask", "");
		return TR_EXIT_USAGE;
	}
	if (!request->is_yes && !is_sure(request))
		return TR_EXIT_FAILED;
	int code = tr_node_verb_call(
		&request->node, "DELETE", NULL, &json, "/v1/recordings/%s", word ? word : "");
	json_decref(json);
	if (code != 0)
		return code;
	if (request->node.is_json)
		return tr_node_verb_print_json(json_pack("{s:s}", "id", request->id));
	tr_text_table_say(stdout, "The recording %s is gone.", request->id);
	return 0;
}

static int finish(struct request *request)
{
	TR_CLEANUP(tr_freep) char *word = tr_node_client_escape(request->id);
	json_t *json = NULL;
	int code = tr_node_verb_call(
		&request->node, "POST", NULL, &json, "/v1/recordings/%s/finish", word ? word : "");

	if (code != 0)
		return code;
	if (request->node.is_json)
		return tr_node_verb_print_json(json);
	tr_text_table_say(stdout, "The files of %s are being made.", request->id);
	json_decref(json);
	return 0;
}

static int upload(struct request *request)
{
	TR_CLEANUP(tr_freep) char *word = tr_node_client_escape(request->id);
	json_t *json = NULL, *body = request->to ? json_pack("{s:s}", "name", request->to) : NULL;
	int code = tr_node_verb_call(
		&request->node, "POST", body, &json, "/v1/recordings/%s/uploads", word ? word : "");

	if (code != 0)
		return code;
	if (request->node.is_json)
		return tr_node_verb_print_json(json);
	tr_text_table_say(stdout, "The upload of %s is on its way.", request->id);
	json_decref(json);
	return 0;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	static const struct {
		const char *what;
		int (*run)(struct request *request);
	} actions[] = {{"list", show_list}, {"show", show_one}, {"get", get}, {"delete", delete},
		{"finish", finish}, {"upload", upload}};
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct request request = {.node = {.name = verb->name}, .limit = LIMIT};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take(&request, id, value) < 0)
			return TR_EXIT_USAGE;
	if (rc < 0 || check(&request) < 0)
		return TR_EXIT_USAGE;
	int code = tr_node_verb_open(&request.node);
	for (size_t i = 0; code == 0 && i < TR_COUNT(actions); i++)
		if (!strcmp(actions[i].what, request.what)) {
			code = actions[i].run(&request);
			break;
		}
	tr_node_verb_close(&request.node);
	return code;
}

const struct tr_verb tr_verb_recordings = {"recordings",
	"[list|show ID|get ID|delete ID|finish ID|upload ID]",
	"Lists, shows, copies or removes recordings on the disk.", options, run};
