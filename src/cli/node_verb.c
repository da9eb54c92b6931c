#include "cli/node_verb.h"

#include "config/config.h"
#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TOKEN_MAX 1024
#define PATH_SIZE 4096

bool tr_node_verb_take(struct tr_node_verb *verb, int id, const char *value)
{
	switch (id) {
	case TR_NODE_VERB_NODE:
		verb->node = value;
		return true;
	case TR_NODE_VERB_TOKEN:
		verb->token_file = value;
		return true;
	case TR_NODE_VERB_CA:
		verb->ca_file = value;
		return true;
	case TR_NODE_VERB_JSON:
		verb->is_json = true;
		return true;
	default:
		return false;
	}
}

bool tr_node_verb_is_elsewhere(const struct tr_node_verb *verb)
{
	return verb->node != NULL;
}

/* ---- complaints ---- */

int tr_node_verb_print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(json);
	return 0;
}

static int complain(
	const struct tr_node_verb *verb, int code, int status, const char *sentence, json_t *error)
{
	if (!verb->is_json)
		fprintf(stderr, "telerec %s: %s\n", verb->name, sentence);
	else if (error)
		tr_node_verb_print_json(json_incref(error));
	else
		tr_node_verb_print_json(json_pack("{s:{s:i,s:s%}}", "error", "status", status,
			"sentence", sentence, strlen(sentence)));
	json_decref(error);
	return code;
}

int tr_node_verb_fail(const struct tr_node_verb *verb, int code, const char *format, ...)
{
	char sentence[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return complain(verb, code, 0, sentence, NULL);
}

int tr_node_verb_tell(const struct tr_node_verb *verb, int rc, json_t *error)
{
	int status = tr_node_client_status(verb->client);
	const char *sentence = tr_node_client_problem(verb->client);
	int code = rc == -EINVAL      ? TR_EXIT_USAGE
		   : rc == -EREMOTEIO ? status == 409			 ? TR_EXIT_BUSY
					: status == 401 || status == 429 ? TR_EXIT_UNREACHABLE
									 : TR_EXIT_FAILED
		   : rc == -ENOMEM    ? TR_EXIT_FAILED
				      : TR_EXIT_UNREACHABLE;

	if (!json_is_object(json_object_get(error, "error"))) {
		json_decref(error);
		error = NULL;
	}
	return complain(verb, code, status, sentence[0] ? sentence : strerror(-rc), error);
}

/* ---- the client ---- */

int tr_node_verb_read_token(const char *name, const char *path, char **ret_token)
{
	size_t size = 0;
	char *text = NULL;
	struct stat st;
	int rc = stat(path, &st) < 0 ? -errno : 0;

	if (rc == 0 && (st.st_mode & S_IRWXO)) {
		fprintf(stderr,
			"telerec %s: everybody can read the token in %s. Run: chmod o= %s\n", name,
			path, path);
		return -EINVAL;
	}
	if (rc == 0)
		rc = tr_file_read(AT_FDCWD, path, TOKEN_MAX, &text, &size);
	if (rc < 0 || !text) {
		fprintf(stderr, "telerec %s: the token in %s cannot be read: %s\n", name, path,
			strerror(-rc));
		return -EINVAL;
	}
	text[strcspn(text, "\r\n")] = '\0';
	if (!text[0]) {
		fprintf(stderr, "telerec %s: there is no token in the first line of %s\n", name,
			path);
		free(text);
		return -EINVAL;
	}
	*ret_token = text;
	return 0;
}

/* What is wrong in telerec.conf is telerecd's to say. */
void tr_node_verb_find_socket(char *out, size_t size)
{
	TR_CLEANUP(tr_freep) struct tr_config *config = calloc(1, sizeof(*config));
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));

	snprintf(out, size, "%s", TR_NODE_CLIENT_SOCKET);
	if (config && complaints &&
		tr_config_load_public(TR_CONFIG_DEFAULT_PATH, config, complaints) == 0 &&
		config->api.socket[0])
		snprintf(out, size, "%s", config->api.socket);
}

int tr_node_verb_open(struct tr_node_verb *verb)
{
	char socket[PATH_MAX] = "", *token = NULL;

	if (verb->token_file && tr_node_verb_read_token(verb->name, verb->token_file, &token) < 0)
		return TR_EXIT_USAGE;
	if (!verb->node)
		tr_node_verb_find_socket(socket, sizeof(socket));
	const struct tr_node_client_settings settings = {
		.node = verb->node ? verb->node : socket,
		.token = token,
		.ca_file = verb->ca_file,
	};
	int rc = tr_node_client_create(&settings, &verb->client);
	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
	if (rc < 0 && !verb->client)
		return tr_node_verb_fail(verb, TR_EXIT_FAILED, "there is not enough memory");
	if (rc < 0) {
		tr_node_verb_tell(verb, rc, NULL);
		return TR_EXIT_USAGE;
	}
	return 0;
}

void tr_node_verb_close(struct tr_node_verb *verb)
{
	tr_node_client_destroy(tr_take(verb->client));
}

int tr_node_verb_call(struct tr_node_verb *verb, const char *method, json_t *body,
	json_t **ret_json, const char *path_format, ...)
{
	char path[PATH_SIZE];
	json_t *json = NULL;
	va_list args;

	va_start(args, path_format);
	int length = vsnprintf(path, sizeof(path), path_format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof(path)) {
		json_decref(body);
		return tr_node_verb_fail(verb, TR_EXIT_USAGE, "the request is too long");
	}
	int rc = tr_node_client_call(verb->client, method, path, body, &json);
	json_decref(body);
	if (rc < 0)
		return tr_node_verb_tell(verb, rc, json);
	*ret_json = json;
	return 0;
}
