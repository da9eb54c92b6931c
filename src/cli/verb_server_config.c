#include "cli/verbs.h"
#include "config/config_text.h"
#include "core/file.h"
#include "core/text.h"
#include "doctor/server_snippets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PASSWORD_SIZE 33

enum {
	OPTION_DOMAIN = 1,
	OPTION_CONFIG,
	OPTION_ENVIRONMENT,
	OPTION_STYLE,
	OPTION_WRITE,
	OPTION_JSON
};

static const struct tr_option options[] = {
	{"domain", "DOMAIN", "of a Jitsi Meet that telerec.conf has not yet", OPTION_DOMAIN},
	{"config", "FILE", "take the names from this telerec.conf", OPTION_CONFIG},
	{"environment", "NAME", "the environment in it (default: the first)", OPTION_ENVIRONMENT},
	{"style", "AGE", "new, or old for servers before about 2022", OPTION_STYLE},
	{"write-secrets", "FILE", "write the passwords there instead of showing them",
		OPTION_WRITE},
	{"json", NULL, "print JSON", OPTION_JSON},
	{0},
};

struct request {
	enum tr_server_part part;
	const char *domain, *config, *environment, *secrets_path;
	bool is_old, is_json;
};

static int refuse(const char *format, ...) TR_PRINTF(1, 2);

static int refuse(const char *format, ...)
{
	va_list args;

	fputs("telerec server-config: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -EINVAL;
}

static int take_part(struct request *request, const char *word)
{
	if (request->part != TR_SERVER_PARTS)
		return refuse("one at a time: prosody, jicofo, jitsi-meet or docker");
	request->part = tr_server_part_find(word);
	if (request->part == TR_SERVER_PARTS)
		return refuse(
			"\"%.40s\" is neither prosody nor jicofo, jitsi-meet or docker", word);
	return 0;
}

static int take(struct request *request, int id, const char *value)
{
	switch (id) {
	case OPTION_DOMAIN:
		request->domain = value;
		return 0;
	case OPTION_CONFIG:
		request->config = value;
		return 0;
	case OPTION_ENVIRONMENT:
		request->environment = value;
		return 0;
	case OPTION_STYLE:
		request->is_old = !strcmp(value, "old");
		return request->is_old || !strcmp(value, "new")
			       ? 0
			       : refuse("--style is \"new\" or \"old\", not \"%.40s\"", value);
	case OPTION_WRITE:
		request->secrets_path = value;
		return value[0] ? 0 : refuse("--write-secrets wants a file");
	case OPTION_JSON:
		request->is_json = true;
		return 0;
	}
	return take_part(request, value);
}

static int read_request(const struct tr_verb *verb, int argc, char **argv, struct request *request)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take(request, id, value) < 0)
			return -EINVAL;
	if (rc < 0)
		return rc;
	if (request->part == TR_SERVER_PARTS)
		return refuse("name what to set up: prosody, jicofo, jitsi-meet or docker");
	if (request->domain && (request->config || request->environment))
		return refuse(
			"--domain is for a Jitsi Meet that is in no telerec.conf; name either");
	return 0;
}

static void complain(const struct tr_config_complaints *complaints)
{
	for (unsigned i = 0; i < complaints->count && i < TR_CONFIG_COMPLAINTS_MAX; i++)
		fprintf(stderr, "telerec server-config: %s\n", complaints->lines[i]);
}

/* The text of a configuration with this one environment, which the configuration's own rules
 * complete: docker has other names than Debian's packages. */
static int write_text(const struct request *request, const char *passwords[2], char **ret_text)
{
	json_t *entry = json_pack("{s:s, s:s, s:{s:s}, s:{s:s}}", "name", request->domain,
		"xmpp_domain", request->domain, "control", "password", passwords[0], "call",
		"password", passwords[1]);

	if (request->part == TR_SERVER_DOCKER && entry) {
		json_t *docker =
			json_pack("{s:s, s:s, s:[s], s:s+, s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s}}",
				"xmpp_domain", "meet.jitsi", "strip", "muc.", "servers",
				request->domain, "base_url", "https://", request->domain, "control",
				"domain", "auth.meet.jitsi", "password", passwords[0], "call",
				"domain", "hidden.meet.jitsi", "password", passwords[1], "brewery",
				"domain", "internal-muc.meet.jitsi");
		json_object_update(entry, docker);
		json_decref(docker);
	}
	json_t *settings = json_pack("{s:[o]}", "environments", entry);
	int rc = settings ? tr_config_text_make("", settings, ret_text) : -ENOMEM;
	json_decref(settings);
	return rc;
}

static int make_passwords(struct tr_config_environment *environment, bool *ret_is_new)
{
	int rc = 0;

	*ret_is_new = !environment->control.password[0] || !environment->call.password[0];
	if (!environment->control.password[0])
		rc = tr_server_password_make(environment->control.password, PASSWORD_SIZE);
	if (rc == 0 && !environment->call.password[0])
		rc = tr_server_password_make(environment->call.password, PASSWORD_SIZE);
	if (rc < 0)
		fprintf(stderr, "telerec server-config: no random numbers: %s\n", strerror(-rc));
	return rc;
}

static int load_domain(const struct request *request, struct tr_config *config,
	struct tr_config_complaints *complaints)
{
	const char *passwords[2] = {"x", "x"}; /* real ones are made later */
	TR_CLEANUP(tr_freep) char *text = NULL;

	int rc = write_text(request, passwords, &text);
	if (rc == 0)
		rc = tr_config_parse(text, "--domain", config, complaints);
	if (rc < 0) {
		complain(complaints);
		return rc;
	}
	config->environments[0].control.password[0] = '\0';
	config->environments[0].call.password[0] = '\0';
	return 0;
}

/* Passwords that are set already are taken; without them names are enough. */
static int load_file(const struct request *request, struct tr_config *config,
	struct tr_config_complaints *complaints)
{
	const char *path = request->config ? request->config : TR_CONFIG_DEFAULT_PATH;

	bool has_accounts = request->part == TR_SERVER_PROSODY || request->part == TR_SERVER_DOCKER;

	int rc = has_accounts ? tr_config_load(path, config, complaints) : -ENOKEY;
	if (rc == 0)
		return 0;
	if (has_accounts)
		complain(complaints);
	rc = tr_config_load_public(path, config, complaints);
	if (rc == 0 && has_accounts)
		fputs("telerec server-config: so new passwords are made\n", stderr);
	if (rc < 0 && !has_accounts)
		complain(complaints);
	if (rc < 0 && !request->config)
		refuse("or name the domain of the Jitsi Meet with --domain");
	return rc;
}

static struct tr_config_environment *choose(const struct request *request, struct tr_config *config)
{
	for (unsigned i = 0; i < config->environment_count; i++)
		if (!request->environment ||
			!strcmp(config->environments[i].name, request->environment))
			return &config->environments[i];
	if (request->environment)
		refuse("there is no environment \"%.100s\" in the configuration",
			request->environment);
	else
		refuse("the configuration has no environments yet: name the domain of the Jitsi "
		       "Meet with --domain");
	return NULL;
}

/* Never over a file that is there: it may hold the passwords of other environments. */
static int write_secrets(const char *path, const struct tr_config_environment *environment)
{
	TR_CLEANUP(tr_closep) int fd = -1;
	char *text = NULL;

	int rc = tr_server_snippets_secrets(environment, &text);
	if (rc == 0) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		rc = fd < 0 ? -errno : tr_file_write_all(fd, text, strlen(text));
		if (rc == 0 && fsync(fd) < 0)
			rc = -errno;
	}
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	if (rc < 0)
		fprintf(stderr, "telerec server-config: cannot write %s: %s\n", path,
			strerror(-rc));
	return rc;
}

static void print_text(const json_t *list)
{
	json_t *snippet;
	size_t i;

	json_array_foreach((json_t *)list, i, snippet)
	{
		const char *file = json_string_value(json_object_get(snippet, "file"));
		printf("%s### %s%s%s:\n\n%s", i ? "\n" : "",
			json_string_value(json_object_get(snippet, "where")), file[0] ? ", " : "",
			file, json_string_value(json_object_get(snippet, "text")));
	}
}

static int show(const struct request *request, const struct tr_config_environment *environment,
	bool has_new_passwords)
{
	const struct tr_server_wish wish = {.part = request->part,
		.is_old = request->is_old,
		.environment = environment,
		.secrets_path = request->secrets_path,
		.is_new_here = request->domain != NULL,
		.has_new_passwords = has_new_passwords};
	json_t *list;

	int rc = tr_server_snippets_make(&wish, &list);
	if (rc == -EINVAL)
		return refuse("an account or a room has a name that shells would take apart");
	if (rc == 0 && request->secrets_path)
		rc = write_secrets(request->secrets_path, environment);
	if (rc < 0)
		return rc;
	if (request->is_json)
		json_dumpf(list, stdout, JSON_INDENT(2));
	else
		print_text(list);
	if (request->is_json)
		putchar('\n');
	else if (request->secrets_path)
		printf("\nThe passwords are in %s.\n", request->secrets_path);
	json_decref(list);
	return 0;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct request request = {.part = TR_SERVER_PARTS};
	struct tr_config *config = calloc(1, sizeof(*config));
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	struct tr_config_environment *environment = NULL;
	int code = 1;

	if (!config || !complaints)
		fputs("telerec server-config: no memory\n", stderr);
	else if (read_request(verb, argc, argv, &request) < 0)
		code = TR_EXIT_USAGE;
	else if ((request.domain ? load_domain(&request, config, complaints)
				 : load_file(&request, config, complaints)) == 0)
		environment = choose(&request, config);
	bool is_new = false;
	if (environment && make_passwords(environment, &is_new) == 0 &&
		show(&request, environment, is_new) == 0)
		code = 0;
	if (config)
		explicit_bzero(config, sizeof(*config));
	free(config);
	free(complaints);
	return code;
}

const struct tr_verb tr_verb_server_config = {"server-config", "prosody|jicofo|jitsi-meet|docker",
	"Prints what the Jitsi server needs for telerec.", options, run};
