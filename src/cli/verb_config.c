#include "cli/config_apply.h"
#include "cli/config_edit.h"
#include "cli/config_file.h"
#include "cli/config_value.h"
#include "cli/node_verb.h"
#include "cli/node_wait.h"
#include "cli/verbs.h"
#include "config/config_text.h"
#include "core/child.h"
#include "core/text.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { OPTION_CONFIG = 1, OPTION_RESTART, OPTION_STDIN };

static const struct tr_option options[] = {
	{"config", "FILE", "this file instead of /etc/telerec/telerec.conf", OPTION_CONFIG},
	{"restart", NULL, "for set: start telerecd anew, if nothing runs", OPTION_RESTART},
	{"stdin", NULL, "for set: a JSON object {KEY: VALUE} comes in, secrets too", OPTION_STDIN},
	TR_NODE_VERB_OPTIONS,
};

struct request {
	struct tr_node_verb node;
	const char *what; /* "show", "get", "set", "check" */
	const char *path;
	bool is_path_said, is_restarting, is_stdin;
	int count;
	const char **words; /* those behind `what` */
};

static int take(struct request *request, int id, const char *value)
{
	static const char *const words[] = {"show", "get", "set", "check", NULL};

	if (id == OPTION_CONFIG) {
		request->path = value;
		request->is_path_said = true;
	}
	request->is_restarting |= id == OPTION_RESTART;
	request->is_stdin |= id == OPTION_STDIN;
	tr_node_verb_take(&request->node, id, value);
	if (id != 0)
		return 0;
	if (request->what) {
		request->words[request->count++] = value;
		return 0;
	}
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], value))
			request->what = words[i];
	return request->what ? 0
			     : tr_options_refuse("config", "show, get, set or check, not ", value);
}

static int check_request(struct request *request)
{
	bool is_set = !strcmp(request->what, "set"), is_show = !strcmp(request->what, "show");
	if (request->is_stdin && (!is_set || request->count > 0))
		return tr_options_refuse(
			"config", "--stdin is for `telerec config set` without words", "");
	if (request->is_stdin && tr_node_verb_is_elsewhere(&request->node))
		return tr_options_refuse("config", "--stdin is for this machine's settings", "");
	if (is_set && request->count == 0 && !request->is_stdin)
		return tr_options_refuse(
			"config", "say which setting: telerec config set KEY=VALUE", "");
	if ((is_show && request->count > 0) || (!is_set && request->count > 1))
		return tr_options_refuse("config", "one at a time: what is this for? ",
			request->words[is_show ? 0 : 1]);
	if (!is_set && request->is_restarting)
		return tr_options_refuse("config", "--restart is for `telerec config set`", "");
	if (tr_node_verb_is_elsewhere(&request->node) &&
		(request->is_path_said || request->is_restarting))
		return tr_options_refuse("config",
			"--node's file cannot be named, and it is not started anew from here: "
			"`telerec drain --leave` ends it there",
			"");
	if (!strcmp(request->what, "check") && request->count > 0)
		request->path = request->words[0];
	return 0;
}

/* ---- complaints ---- */

static int tell_check(
	struct request *request, const struct tr_config_complaints *complaints, int code)
{
	json_t *wrong = json_array(), *odd = json_array();

	for (unsigned i = 0; i < complaints->count && i < TR_CONFIG_COMPLAINTS_MAX; i++) {
		json_array_append_new(wrong, json_string(complaints->lines[i]));
		if (!request->node.is_json)
			fprintf(stderr, "%s\n", complaints->lines[i]);
	}
	for (unsigned i = 0; i < complaints->warning_count && i < TR_CONFIG_WARNINGS_MAX; i++) {
		json_array_append_new(odd, json_string(complaints->warnings[i]));
		if (!request->node.is_json)
			fprintf(stderr, "warning: %s\n", complaints->warnings[i]);
	}
	if (request->node.is_json)
		tr_node_verb_print_json(json_pack("{s:b,s:O,s:O}", "is_valid",
			complaints->count == 0, "complaints", wrong, "warnings", odd));
	json_decref(wrong);
	json_decref(odd);
	return code;
}

/* The node's ConfigCheck, or its error with the same lists. */
static int tell_answer(struct request *request, json_t *answer, int code)
{
	static const char *const keys[] = {"complaints", "warnings"};
	const json_t *lists = json_object_get(answer, "error");
	json_t *line;
	size_t k;

	if (request->node.is_json)
		return tr_node_verb_print_json(answer), code;
	for (size_t i = 0; i < TR_COUNT(keys); i++)
		json_array_foreach(json_object_get(lists ? lists : answer, keys[i]), k, line)
			fprintf(stderr, "%s%s\n", i ? "warning: " : "", json_string_value(line));
	json_decref(answer);
	return code;
}

/* ---- settings ---- */

/* Of the file, or of the node elsewhere. */
static int read_settings(struct request *request, json_t **ret_settings)
{
	TR_CLEANUP(tr_freep) struct tr_config *config = calloc(1, sizeof(*config));
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	json_t *answer = NULL;

	if (!config || !complaints)
		return TR_EXIT_FAILED;
	if (tr_node_verb_is_elsewhere(&request->node)) {
		int code = tr_node_verb_call(&request->node, "GET", NULL, &answer, "/v1/config");
		*ret_settings = json_incref(json_object_get(answer, "settings"));
		json_decref(answer);
		return code;
	}
	if (tr_config_load_public(request->path, config, complaints) < 0)
		return tell_check(request, complaints, TR_EXIT_FAILED);
	*ret_settings = tr_config_show(config);
	return *ret_settings ? 0 : TR_EXIT_FAILED;
}

static int show(struct request *request)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	json_t *settings = NULL;
	int code = read_settings(request, &settings);

	if (code != 0)
		return code;
	if (request->node.is_json)
		return tr_node_verb_print_json(settings);
	if (tr_config_text_make(
		    "# All settings in effect, without passwords.\n", settings, &text) == 0)
		fputs(text, stdout);
	json_decref(settings);
	return 0;
}

static int get(struct request *request)
{
	const char *key = request->count ? request->words[0] : NULL, *near = NULL;
	json_t *settings = NULL;

	if (!key)
		return show(request);
	if (tr_config_value_find_key(key, &near) < 0) {
		fprintf(stderr, "telerec config: there is no setting \"%s\"%s%s%s\n", key,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
		return TR_EXIT_USAGE;
	}
	int code = read_settings(request, &settings);
	if (code != 0)
		return code;
	json_t *value = json_incref(tr_config_value_get(settings, key));
	json_decref(settings);
	if (!value)
		return tr_node_verb_fail(&request->node, TR_EXIT_FAILED,
			"%s is not there: it is a secret, its list has no such entry, or several "
			"(then say which: environments[NAME].KEY)",
			key);
	if (request->node.is_json || json_is_object(value) || json_is_array(value))
		json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_INDENT(2)), fputc('\n', stdout);
	else if (json_is_string(value))
		puts(json_string_value(value));
	else
		json_dumpf(value, stdout, JSON_ENCODE_ANY), fputc('\n', stdout);
	json_decref(value);
	return 0;
}

/* ---- the change ---- */

static int complain_edit(const struct request *request, int rc, const char *key)
{
	const char *reason = rc == -ENOENT ? "the list has no such entry"
			     : rc == -ENOTUNIQ
				     ? "the list has several entries: say which by its name, "
				       "environments[NAME].KEY"
			     : rc == -EINVAL ? "the file around it cannot be understood"
					     : strerror(-rc);

	return tr_node_verb_fail(&request->node, TR_EXIT_FAILED, "%s: %s", key, reason);
}

/* Gives the text with all that was asked for. 0, or the exit code. */
static int edit(struct request *request, const char *text, char **ret_text)
{
	char *now = strdup(text);

	for (int i = 0; now && i < request->count; i++) {
		TR_CLEANUP(tr_freep) char *key = NULL;
		TR_CLEANUP(tr_freep) char *value = NULL;
		char *next = NULL, why[512] = "";
		if (tr_config_value_read(request->words[i], &key, &value, why, sizeof(why)) < 0) {
			free(now);
			fprintf(stderr, "telerec config: %s\n", why);
			return TR_EXIT_USAGE;
		}
		int rc = tr_config_edit_set(now, key, value, &next);
		free(now);
		now = next;
		if (rc < 0)
			return complain_edit(request, rc, key);
	}
	*ret_text = now;
	return now ? 0 : TR_EXIT_FAILED;
}

static int set_elsewhere(struct request *request)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	json_t *answer = NULL;
	int code = tr_node_verb_call(&request->node, "GET", NULL, &answer, "/v1/config");

	if (code == 0)
		code = edit(request, tr_node_words_text(answer, "text"), &text);
	json_decref(answer);
	if (code != 0)
		return code;
	int rc = tr_node_client_send_text(
		request->node.client, "PUT", "/v1/config", "text/plain", text, &answer);
	bool has_lists = json_object_get(json_object_get(answer, "error"), "complaints");
	if (rc < 0 && (!has_lists || request->node.is_json))
		return tr_node_verb_tell(&request->node, rc, answer);
	if (rc == 0 && !request->node.is_json)
		puts("Written. It is in effect when telerecd has been started anew there.");
	return tell_answer(request, answer, rc < 0 ? TR_EXIT_FAILED : 0);
}

/* Only while nothing runs: recordings are not cut for a setting. */
static int restart(struct request *request)
{
	const char *const argv[] = {"systemctl", "restart", "telerecd.service", NULL};
	const struct tr_child_settings settings = {.argv = argv, .is_group_ours = true};
	struct tr_child child;
	json_t *slots = NULL;

	if (access("/run/systemd/system", F_OK) < 0)
		return tr_node_verb_fail(&request->node, TR_EXIT_FAILED,
			"the settings are written, but no systemd runs here: start telerecd anew "
			"yourself");
	int code = tr_node_verb_open(&request->node);
	if (code != 0)
		return code;
	int rc = tr_node_client_call(request->node.client, "GET", "/v1/slots", NULL, &slots);
	unsigned busy = tr_node_wait_count_sessions(json_object_get(slots, "slots"));
	json_decref(slots);
	if (rc == 0 && busy > 0)
		return tr_node_verb_fail(&request->node, TR_EXIT_BUSY,
			"the settings are written, but %u recordings run. When they have ended: "
			"telerec drain --wait && systemctl restart telerecd",
			busy);
	rc = tr_child_start(&settings, &child);
	int status = rc < 0 ? rc : tr_child_wait(&child, -1);
	if (status < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return tr_node_verb_fail(&request->node, TR_EXIT_FAILED,
			"the settings are written, but telerecd was not started anew: systemctl "
			"status telerecd tells why");
	return 0;
}

/* An absent file is an empty one. 0, or the exit code. */
static int read_file(struct request *request, const char *path, char **ret_text)
{
	int rc = tr_config_file_read(path, ret_text);

	if (rc == -ENOENT)
		*ret_text = strdup("");
	else if (rc < 0)
		return tr_node_verb_fail(&request->node, TR_EXIT_FAILED, "%s cannot be read: %s",
			path, strerror(-rc));
	return *ret_text ? 0 : TR_EXIT_FAILED;
}

struct texts {
	char *old, *edited;		    /* of telerec.conf */
	char *old_secrets, *edited_secrets; /* NULL: they stay */
	char secrets_path[PATH_MAX];
};

static void wipe_texts(struct texts *texts)
{
	tr_config_apply_wipe(texts->old);
	tr_config_apply_wipe(texts->edited);
	tr_config_apply_wipe(texts->old_secrets);
	tr_config_apply_wipe(texts->edited_secrets);
}

/* Like edit(), from standard input. */
static int edit_from_stdin(struct request *request, struct texts *texts)
{
	char why[600] = "";
	json_error_t error;

	if (tr_config_file_find_secrets(request->path, texts->old, texts->secrets_path,
		    sizeof(texts->secrets_path)) < 0)
		return tr_node_verb_fail(&request->node, TR_EXIT_FAILED,
			"%s cannot be understood: `telerec config check` says where",
			request->path);
	int code = read_file(request, texts->secrets_path, &texts->old_secrets);
	if (code != 0)
		return code;
	json_t *settings = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
	if (!settings) /* jansson's own words may quote a password */
		return tr_node_verb_fail(&request->node, TR_EXIT_USAGE,
			"what came in is no JSON object (line %d)", error.line);
	int rc = tr_config_apply(settings, texts->old, texts->old_secrets, &texts->edited,
		&texts->edited_secrets, why, sizeof(why));
	json_decref(settings);
	return rc < 0 ? tr_node_verb_fail(
				&request->node, TR_EXIT_USAGE, "%s", why[0] ? why : strerror(-rc))
		      : 0;
}

static int set(struct request *request)
{
	TR_CLEANUP(wipe_texts) struct texts texts = {0};
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));

	if (!complaints)
		return TR_EXIT_FAILED;
	int code = read_file(request, request->path, &texts.old);
	if (code == 0)
		code = request->is_stdin ? edit_from_stdin(request, &texts)
					 : edit(request, texts.old, &texts.edited);
	if (code != 0 || !texts.edited)
		return code != 0 ? code : TR_EXIT_FAILED;
	int rc = tr_config_file_replace_both(
		request->path, texts.edited, texts.secrets_path, texts.edited_secrets, complaints);
	if (complaints->count > 0) {
		if (!request->node.is_json)
			fputs("telerec config: nothing is changed, for it would have faults:\n",
				stderr);
		return tell_check(request, complaints, TR_EXIT_FAILED);
	}
	if (rc < 0)
		return tr_node_verb_fail(&request->node, TR_EXIT_FAILED,
			"%s cannot be written: %s%s", request->path, strerror(-rc),
			rc == -EACCES || rc == -EROFS ? ". Run it as root" : "");
	tell_check(request, complaints, 0);
	if (request->is_restarting)
		return restart(request);
	if (!request->node.is_json)
		puts("Written. It is in effect when telerecd has been started anew: systemctl "
		     "restart telerecd");
	return 0;
}

/* ---- check ---- */

static int check_elsewhere(struct request *request)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	json_t *answer = NULL;
	int rc = tr_config_file_read(request->path, &text);

	if (rc < 0)
		return tr_node_verb_fail(&request->node, TR_EXIT_FAILED, "%s cannot be read: %s",
			request->path, strerror(-rc));
	rc = tr_node_client_send_text(
		request->node.client, "POST", "/v1/config/check", "text/plain", text, &answer);
	explicit_bzero(text, strlen(text));
	if (rc < 0)
		return tr_node_verb_tell(&request->node, rc, answer);
	bool is_valid = tr_node_words_is(answer, "is_valid");
	return tell_answer(request, answer, is_valid ? 0 : TR_EXIT_FAILED);
}

static int check(struct request *request)
{
	TR_CLEANUP(tr_freep) struct tr_config *config = calloc(1, sizeof(*config));
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));

	if (!config || !complaints)
		return TR_EXIT_FAILED;
	int rc = tr_config_file_check(request->path, config, complaints);
	explicit_bzero(config, sizeof(*config));
	if (rc == 0 && !request->node.is_json)
		printf("%s is well.\n", request->path);
	return tell_check(request, complaints, rc < 0 ? TR_EXIT_FAILED : 0);
}

static int act(struct request *request)
{
	bool is_elsewhere = tr_node_verb_is_elsewhere(&request->node);
	int code = is_elsewhere ? tr_node_verb_open(&request->node) : 0;

	if (code != 0)
		return code;
	switch (request->what[0]) {
	case 'g':
		return get(request);
	case 'c':
		return is_elsewhere ? check_elsewhere(request) : check(request);
	default:
		return request->what[1] == 'h' ? show(request)
		       : is_elsewhere	       ? set_elsewhere(request)
					       : set(request);
	}
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	TR_CLEANUP(tr_freep) const char **words = calloc((size_t)argc, sizeof(*words));
	struct request request = {
		.node = {.name = verb->name}, .path = TR_CONFIG_DEFAULT_PATH, .words = words};
	const char *value;
	int id, rc;

	if (!words)
		return TR_EXIT_FAILED;
	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take(&request, id, value) < 0)
			return TR_EXIT_USAGE;
	if (rc == 0 && !request.what)
		rc = tr_options_refuse(
			"config", "what with it? show, get KEY, set KEY=VALUE, or check", "");
	if (rc < 0 || !request.what || check_request(&request) < 0)
		return TR_EXIT_USAGE;
	int code = act(&request);
	tr_node_verb_close(&request.node);
	return code;
}

const struct tr_verb tr_verb_config = {"config", "show|get KEY|set KEY=VALUE...|check FILE",
	"Shows, changes or checks the settings.", options, run};
