#include "cli/storage_share.h"

#include "cli/verbs.h"
#include "config/config.h"
#include "core/text.h"
#include "system/network_share.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define URL_MAX 1600
#define INPUT_MAX 4096
#define INTERNAL "/var/lib/telerec/recordings"

/* What is asked for, from wherever it came. Holds a password: wiped by who has it. */
struct wanted {
	char url[URL_MAX];
	struct tr_network_share share;
};

static int refuse(const struct tr_storage_share *request, const char *sentence)
{
	return tr_node_verb_fail(request->node, TR_EXIT_USAGE, "%s", sentence);
}

/* ---- reading ---- */

/* Standard input up to its end, or its first line. -EINVAL when it is too long. */
static int read_input(bool is_line, char *text, size_t size)
{
	size_t length = fread(text, 1, size, stdin);

	if (length == size)
		return -EINVAL;
	text[length] = '\0';
	if (is_line)
		text[strcspn(text, "\r\n")] = '\0';
	return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static int take_json(const struct tr_storage_share *request, const char *text,
	struct wanted *wanted, const char **ret_user, char *user, size_t user_size)
{
	char why[200];
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int code = 0;

	if (!json_is_object(json))
		code = refuse(request, "what came in is no JSON object");
	else if (tr_text_format(wanted->url, URL_MAX, "%s", text_of(json, "url")) < 0)
		code = refuse(request, "the address is too long");
	else if (tr_network_share_parse(wanted->url, &wanted->share, why, sizeof(why)) < 0)
		code = refuse(request, why);
	else if (tr_text_format(user, user_size, "%s", text_of(json, "user")) < 0 ||
		 tr_text_format(wanted->share.password, sizeof(wanted->share.password), "%s",
			 text_of(json, "password")) < 0)
		code = refuse(request, "the user or the password is too long");
	*ret_user = user;
	json_decref(json);
	return code;
}

static int take_words(
	const struct tr_storage_share *request, const char *password, struct wanted *wanted)
{
	char why[200];

	if (!request->url)
		return refuse(request, "say which share: nfs://host/export or smb://host/share");
	if (tr_text_format(wanted->url, URL_MAX, "%s", request->url) < 0)
		return refuse(request, "the address is too long");
	if (tr_network_share_parse(wanted->url, &wanted->share, why, sizeof(why)) < 0)
		return refuse(request, why);
	return tr_text_format(
		       wanted->share.password, sizeof(wanted->share.password), "%s", password) < 0
		       ? refuse(request, "the password is too long")
		       : 0;
}

static int check(
	const struct tr_storage_share *request, struct tr_network_share *share, const char *user)
{
	if (user[0] && !share->is_smb)
		return refuse(request, "an NFS share knows no user and no password");
	if (tr_text_format(share->user, sizeof(share->user), "%s", user) < 0)
		return refuse(request, "the user's name is too long");
	if (share->password[0] && !user[0])
		return refuse(request, "a password needs a user: --user NAME");
	return strpbrk(user, "\r\n") || strpbrk(share->password, "\r\n")
		       ? refuse(request, "the user and the password must be one line each")
		       : 0;
}

static int read_wanted(const struct tr_storage_share *request, struct wanted *wanted)
{
	char input[INPUT_MAX] = "", name[sizeof(wanted->share.user)];
	const char *user = request->user ? request->user : "";
	int code = 0;

	if ((request->is_stdin || request->is_password_read) &&
		read_input(!request->is_stdin, input, sizeof(input)) < 0)
		code = refuse(request, "what came in is too long");
	if (code == 0 && request->is_stdin)
		code = take_json(request, input, wanted, &user, name, sizeof(name));
	else if (code == 0)
		code = take_words(request, input, wanted);
	explicit_bzero(input, sizeof(input));
	return code ? code : check(request, &wanted->share, user);
}

/* ---- doing ---- */

static int fail(const struct tr_storage_share *request, int rc)
{
	return tr_node_verb_fail(request->node, rc == -ENOENT ? TR_EXIT_USAGE : TR_EXIT_FAILED,
		"%s", request->change->why[0] ? request->change->why : strerror(-rc));
}

static int set_folder(const struct tr_storage_share *request, const char *folder)
{
	char setting[PATH_MAX + 16];
	char *argv[] = {(char *)"config", (char *)"set", (char *)"--config",
		(char *)request->config, setting, NULL};

	if (tr_text_format(setting, sizeof(setting), "recordings=%s", folder) < 0)
		return TR_EXIT_FAILED;
	if (request->change->is_dry_run) {
		tr_change_say(request->change, "%s: %s", request->config, setting);
		return 0;
	}
	return tr_verb_config.run(&tr_verb_config, 5, argv);
}

static bool is_folder_there(const char *config_path)
{
	TR_CLEANUP(tr_freep) struct tr_config *config = calloc(1, sizeof(*config));
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));

	return config && complaints &&
	       tr_config_load_public(config_path, config, complaints) >= 0 &&
	       !strncmp(config->recordings, TR_NETWORK_SHARE_PLACE, strlen(TR_NETWORK_SHARE_PLACE));
}

/* Settings first: should the rest fail, recordings go to the disk all the same. */
static int forget(const struct tr_storage_share *request)
{
	int code = is_folder_there(request->config) ? set_folder(request, INTERNAL) : 0;

	if (code)
		return code;
	int rc = tr_network_share_forget(request->change);
	return rc < 0 ? fail(request, rc) : 0;
}

int tr_storage_share_run(const struct tr_storage_share *request)
{
	struct wanted wanted = {0};

	if (request->is_forgotten)
		return request->url || request->user || request->is_stdin
			       ? refuse(request, "--forget takes no share: there is only one")
			       : forget(request);
	int code = read_wanted(request, &wanted);
	int rc = code ? 0 : tr_network_share_use(request->change, &wanted.share, wanted.url);
	explicit_bzero(&wanted, sizeof(wanted));
	if (code)
		return code;
	return rc < 0 ? fail(request, rc) : set_folder(request, TR_NETWORK_SHARE_FOLDER);
}

/* ---- show ---- */

void tr_storage_share_add(const char *root, json_t *all)
{
	char url[URL_MAX];
	bool is_mounted;

	tr_network_share_read(root, url, sizeof(url), &is_mounted);
	json_object_set_new(
		all, "share", json_pack("{s:s,s:b}", "url", url, "mounted", is_mounted));
}

void tr_storage_share_print(const json_t *all)
{
	const json_t *share = json_object_get(all, "share");
	const char *url = text_of(share, "url");

	if (url[0])
		printf("network share %s: %s\n", url,
			json_is_true(json_object_get(share, "mounted"))
				? "mounted at " TR_NETWORK_SHARE_PLACE
				: "NOT there now; it is tried again by itself");
}
