#include "cli/host_keys.h"
#include "cli/node_verb.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "config/upload_json.h"
#include "core/log.h"
#include "core/text.h"
#include "storage/upload.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define TRY_MS (3 * 60 * 1000)
#define INPUT_MAX 65536

enum { OPTION_CONFIG = 1, OPTION_STDIN, OPTION_JSON };

static const struct tr_option options[] = {
	{"config", "FILE", "the targets of this telerec.conf", OPTION_CONFIG},
	{"stdin", NULL, "a target that is not saved yet: its settings as a JSON object",
		OPTION_STDIN},
	{"json", NULL, "print JSON", OPTION_JSON},
	{0},
};

struct request {
	const char *what, *name, *config_path;
	bool is_json, is_stdin;
	struct tr_config *config;
	struct tr_upload_target target;
};

/* ---- the target ---- */

static void show_complaints(const struct tr_config_complaints *complaints)
{
	for (unsigned i = 0; i < complaints->count && i < TR_CONFIG_COMPLAINTS_MAX; i++)
		fprintf(stderr, "%s\n", complaints->lines[i]);
}

static int load(struct request *request, bool has_secrets)
{
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));

	request->config = calloc(1, sizeof(*request->config));
	if (!request->config || !complaints)
		return -ENOMEM;
	int rc = has_secrets
			 ? tr_config_load(request->config_path, request->config, complaints)
			 : tr_config_load_public(request->config_path, request->config, complaints);
	if (rc < 0)
		show_complaints(complaints);
	return rc;
}

static int take_from_config(struct request *request, bool has_secrets)
{
	int rc = load(request, has_secrets);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < request->config->storage.upload_count; i++)
		if (request->name &&
			!strcmp(request->config->storage.uploads[i].target.name, request->name)) {
			request->target = request->config->storage.uploads[i].target;
			return 0;
		}
	fprintf(stderr, "telerec upload: %s has no target \"%.60s\" in storage.uploads\n",
		request->config_path, request->name);
	return -ENOENT;
}

static int take_from_stdin(struct request *request)
{
	char text[INPUT_MAX], why[400] = "";
	size_t size = fread(text, 1, sizeof(text) - 1, stdin);

	text[size] = '\0';
	int rc = tr_upload_json_read(text, &request->target, why, sizeof(why));
	explicit_bzero(text, sizeof(text));
	if (rc < 0)
		fprintf(stderr, "telerec upload: %s\n", why);
	return rc;
}

/* ---- what is done ---- */

static json_t *list_keys(const struct tr_host_keys *keys, bool is_fingerprint)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < keys->count; i++)
		json_array_append_new(
			list, json_string(is_fingerprint ? keys->fingerprints[i] : keys->keys[i]));
	return list;
}

static void print_json(const struct request *request, const char *cause, const char *sentence,
	const char *cure, const struct tr_host_keys *keys)
{
	tr_node_verb_print_json(json_pack("{s:s, s:b, s:s, s:s, s:s, s:o, s:o}", "name",
		request->target.name, "is_fine", !strcmp(cause, "fine"), "cause", cause, "sentence",
		sentence, "cure", cure, "host_keys", list_keys(keys, false), "fingerprints",
		list_keys(keys, true)));
}

static void print_keys(const struct tr_host_keys *keys)
{
	puts("The server shows these keys (compare the fingerprints with what `ssh-keygen -lf "
	     "/etc/ssh/ssh_host_..._key.pub` says there):");
	for (unsigned i = 0; i < keys->count; i++)
		printf("  %s (%.*s)\n", keys->fingerprints[i], (int)strcspn(keys->keys[i], " "),
			keys->keys[i]);
	puts("If they are right, put this line into the target in telerec.conf:");
	fputs("  host_keys = [ ", stdout);
	for (unsigned i = 0; i < keys->count; i++)
		printf("%s\"%s\"", i ? ", " : "", keys->keys[i]);
	puts(" ];");
}

static int trust(struct request *request)
{
	struct tr_host_keys keys = {0};
	const char *sentence = "";

	int rc = tr_host_keys_scan(&request->target, &keys);
	if (rc == -EINVAL)
		sentence = "only targets with sftp:// have host keys";
	else if (rc == -ENOENT)
		sentence = "ssh-keyscan is missing: apt install openssh-client";
	else if (rc < 0)
		sentence = "the server shows no host key: does an SSH server listen there?";
	if (request->is_json)
		print_json(request, rc < 0 ? "no-keys" : "fine", sentence, "", &keys);
	else if (rc < 0)
		fprintf(stderr, "telerec upload: %s\n", sentence);
	else
		print_keys(&keys);
	return rc < 0;
}

static int test(struct request *request)
{
	struct tr_upload_result result = {.cause = TR_UPLOAD_OTHER};
	struct tr_host_keys keys = {0};
	char cure[400] = "";

	int rc = tr_upload_try(&request->target, TRY_MS, &result);
	if (rc < 0)
		tr_upload_cause_say(
			result.cause = rc == -ETIMEDOUT ? TR_UPLOAD_SILENT : TR_UPLOAD_OTHER,
			&request->target, strerror(-rc), result.sentence, sizeof(result.sentence));
	tr_upload_cause_cure(result.cause, &request->target, cure, sizeof(cure));
	bool wants_keys = result.cause == TR_UPLOAD_HOST_KEY_UNKNOWN ||
			  result.cause == TR_UPLOAD_HOST_KEY_CHANGED;
	bool has_keys = wants_keys && tr_host_keys_scan(&request->target, &keys) == 0;
	if (request->is_json) {
		print_json(
			request, tr_upload_cause_name(result.cause), result.sentence, cure, &keys);
	} else {
		tr_text_table_say(result.cause == TR_UPLOAD_FINE ? stdout : stderr, "%s%s",
			result.sentence,
			result.cause == TR_UPLOAD_FINE
				? ": a small file was written, read and removed."
				: ".");
		if (has_keys)
			print_keys(&keys);
		else if (cure[0])
			fprintf(stderr, "Do: %s\n", cure);
	}
	return result.cause != TR_UPLOAD_FINE;
}

static int list(struct request *request)
{
	json_t *rows = json_array();
	char shown[1024];

	if (load(request, false) < 0)
		return TR_EXIT_FAILED;
	for (unsigned i = 0; i < request->config->storage.upload_count; i++) {
		const struct tr_upload_target *target = &request->config->storage.uploads[i].target;
		tr_upload_target_show(target, shown, sizeof(shown));
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s}", "name", target->name, "url", shown,
				      "what", target->only_movie ? "movie" : "all"));
		if (!request->is_json)
			printf("%-20s %s%s\n", target->name, shown,
				target->only_movie ? " (only the movie)" : "");
	}
	if (!request->is_json && json_array_size(rows) == 0)
		puts("Nothing is uploaded: storage.uploads in telerec.conf has no target.");
	if (request->is_json)
		return tr_node_verb_print_json(json_pack("{s:o}", "targets", rows));
	json_decref(rows);
	return 0;
}

/* ---- the words ---- */

static int take(struct request *request, int id, const char *value)
{
	if (id == OPTION_CONFIG)
		request->config_path = value;
	else if (id == OPTION_STDIN)
		request->is_stdin = true;
	else if (id == OPTION_JSON)
		request->is_json = true;
	else if (!request->what)
		request->what = value;
	else if (!request->name)
		request->name = value;
	else
		return tr_options_refuse("upload", "what is this for? ", value);
	return 0;
}

static int check(struct request *request)
{
	bool is_list = !request->what || !strcmp(request->what, "list");

	if (!is_list && strcmp(request->what, "test") != 0 && strcmp(request->what, "trust") != 0)
		return tr_options_refuse("upload", "list, test or trust, not ", request->what);
	if (is_list && (request->name || request->is_stdin))
		return tr_options_refuse("upload", "the list is of all targets", "");
	if (!is_list && !request->name == !request->is_stdin)
		return tr_options_refuse(
			"upload", "name one target of storage.uploads, or say --stdin", "");
	return 0;
}

static int run_one(struct request *request)
{
	bool is_test = !strcmp(request->what, "test");

	int rc = request->is_stdin ? take_from_stdin(request) : take_from_config(request, is_test);
	if (rc < 0)
		return request->is_stdin || rc == -ENOENT ? TR_EXIT_USAGE : TR_EXIT_FAILED;
	return is_test ? test(request) : trust(request);
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct request *request = calloc(1, sizeof(*request));
	const char *value;
	int id, rc;

	if (!request)
		return TR_EXIT_FAILED;
	request->config_path = TR_CONFIG_DEFAULT_PATH;
	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if ((rc = take(request, id, value)) < 0)
			break;
	int code = TR_EXIT_USAGE;
	if (rc == 0 && check(request) == 0) {
		tr_log_set_level(TR_LOG_ERROR);
		signal(SIGPIPE, SIG_IGN);
		code = request->what && strcmp(request->what, "list") != 0 ? run_one(request)
									   : list(request);
	}
	if (request->config)
		explicit_bzero(request->config, sizeof(*request->config));
	free(request->config);
	explicit_bzero(request, sizeof(*request));
	free(request);
	return code;
}

const struct tr_verb tr_verb_upload = {"upload", "[list|test NAME|trust NAME]",
	"Lists, tries or gets to know where recordings are uploaded to.", options, run};
