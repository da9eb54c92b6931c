#include "doctor/server_snippets.h"

#include "config/config_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* What a template's {name} stands for. */
#define NAMES_MAX 24
#define VALUE_SIZE 1100

struct names {
	unsigned count;
	struct name {
		const char *name;
		char value[VALUE_SIZE];
	} list[NAMES_MAX];
};

/* A text to paste. `when` says for whom: 'n'ew servers, 'o'ld ones, 'b'oth. */
struct template
{
	char when;
	const char *where, *file, *text;
};

#define SERVER "on the Jitsi server"
#define SERVER_ROOT "on the Jitsi server, as root"
#define RECORDER "on this machine"
#define DOCKER_HOST "on the docker host"

#define BREWERY_COMPONENT                                                                          \
	"Component \"{internal_muc}\" \"muc\"\n"                                                   \
	"    storage = \"memory\"\n"                                                               \
	"    modules_enabled = { \"ping\"; }\n"                                                    \
	"    admins = { \"focus@{auth_domain}\", \"jvb@{auth_domain}\" }\n"                        \
	"    muc_room_locking = false\n"                                                           \
	"    muc_room_default_public_jids = true\n"                                                \
	"    muc_room_cache_size = 1000\n"
#define HIDDEN_HOST                                                                                \
	"VirtualHost \"{hidden_domain}\"\n"                                                        \
	"    modules_enabled = { \"smacks\"; \"limits_exception\"; }\n"                            \
	"    authentication = \"internal_hashed\"\n"
#define JICOFO_KEYS                                                                                \
	"jicofo {\n"                                                                               \
	"  xmpp {\n"                                                                               \
	"    trusted-domains = [ \"{hidden_domain}\" ] // merge with the list that is there\n"     \
	"  }\n"                                                                                    \
	"  jibri {\n"                                                                              \
	"    brewery-jid = \"{brewery}\"\n"                                                        \
	"    pending-timeout = 90 seconds\n"                                                       \
	"  }\n"                                                                                    \
	"}\n"

static const struct template prosody_templates[] = {
	{'n', SERVER, "/etc/prosody/conf.d/telerec.cfg.lua",
		"-- The room where Jicofo finds recorders. Current packages of Jitsi Meet have it\n"
		"-- already, in {domain}.cfg.lua: leave this part out then.\n" BREWERY_COMPONENT
		"\n"
		"-- The account by which the browser takes part in meetings unseen. The module\n"
		"-- limits_exception comes with Jitsi Meet's packages; without it Prosody goes on, too.\n" HIDDEN_HOST},
	{'o', SERVER, "/etc/prosody/conf.d/telerec.cfg.lua",
		"-- The room where Jicofo finds recorders; leave this part out when {domain}.cfg.lua\n"
		"-- has it already.\n"
		"Component \"{internal_muc}\" \"muc\"\n"
		"    storage = \"memory\" -- \"null\" before Prosody 0.11\n"
		"    modules_enabled = { \"ping\"; }\n"
		"    admins = { \"focus@{auth_domain}\", \"jvb@{auth_domain}\" }\n"
		"    muc_room_locking = false\n"
		"    muc_room_default_public_jids = true\n"
		"    muc_room_cache_size = 1000\n"
		"\n"
		"-- The account by which the browser takes part in meetings unseen.\n"
		"VirtualHost \"{hidden_domain}\"\n"
		"    modules_enabled = { \"ping\"; }\n"
		"    authentication = \"internal_hashed\"\n"},
	{'b', SERVER, "/etc/prosody/conf.d/{domain}.cfg.lua",
		"-- Only for rooms with a lobby, a password, a limit or tokens: lets the recorder in.\n"
		"-- Merge with the lists that are there.\n"
		"--\n"
		"-- under VirtualHost \"{domain}\":\n"
		"--   muc_lobby_whitelist = { \"{hidden_domain}\" }\n"
		"--   visitors_ignore_list = { \"{hidden_domain}\" }\n"
		"-- under Component \"{conference_muc}\" \"muc\":\n"
		"--   token_verification_allowlist = { \"{hidden_domain}\" }\n"
		"--   muc_password_whitelist = { \"focus@{auth_domain}\", "
		"\"{call_user}@{hidden_domain}\" }\n"
		"--   muc_access_whitelist = { \"focus@{auth_domain}\", "
		"\"{call_user}@{hidden_domain}\" }\n"
		"--   rate_limit_whitelist_hosts = { \"{hidden_domain}\" }\n"
		"-- above all hosts:\n"
		"--   recorder_prefixes = { \"{call_user}@{hidden_domain}\" }\n"},
	{'b', SERVER_ROOT, "",
		"{register_control}\n"
		"{register_call}\n"
		"systemctl restart prosody\n"},
	{'b', SERVER ": what to write as fingerprint in telerec.conf's environment", "",
		"openssl x509 -in /etc/prosody/certs/{auth_domain}.crt -noout -sha256 "
		"-fingerprint\n"},
};

static const struct template jicofo_templates[] = {
	{'n', SERVER, "/etc/jitsi/jicofo/jicofo.conf", JICOFO_KEYS},
	{'n', "on the Jitsi server, as root, does the same", "",
		"hocon -f /etc/jitsi/jicofo/jicofo.conf set jicofo.xmpp.trusted-domains "
		"'[\"{hidden_domain}\"]'\n"
		"hocon -f /etc/jitsi/jicofo/jicofo.conf set jicofo.jibri.brewery-jid "
		"'\"{brewery}\"'\n"
		"hocon -f /etc/jitsi/jicofo/jicofo.conf set jicofo.jibri.pending-timeout "
		"'90 seconds'\n"
		"systemctl restart jicofo\n"},
	{'o', SERVER, "/etc/jitsi/jicofo/sip-communicator.properties",
		"org.jitsi.jicofo.jibri.BREWERY={brewery}\n"
		"org.jitsi.jicofo.jibri.PENDING_TIMEOUT=90\n"},
	{'o', SERVER_ROOT, "", "systemctl restart jicofo\n"},
};

static const struct template jitsi_meet_templates[] = {
	{'n', SERVER, "/etc/jitsi/meet/{domain}-config.js",
		"// at its end\n"
		"config.hiddenDomain = '{hidden_domain}';\n"
		"config.recordingService = Object.assign({}, config.recordingService, { enabled: "
		"true });\n"
		"config.liveStreaming = Object.assign({}, config.liveStreaming, { enabled: true "
		"});\n"},
	{'o', SERVER, "/etc/jitsi/meet/{domain}-config.js",
		"// at its end\n"
		"config.hiddenDomain = '{hidden_domain}';\n"
		"config.fileRecordingsEnabled = true;\n"
		"config.liveStreamingEnabled = true;\n"},
};

static const struct template docker_templates[] = {
	{'n', DOCKER_HOST, ".env",
		"ENABLE_RECORDING=1\n"
		"ENABLE_LIVESTREAMING=1\n"
		"XMPP_DOMAIN={domain}\n"
		"XMPP_AUTH_DOMAIN={auth_domain}\n"
		"XMPP_INTERNAL_MUC_DOMAIN={internal_muc}\n"
		"XMPP_HIDDEN_DOMAIN={hidden_domain}\n"
		"JIBRI_BREWERY_MUC={brewery_room}\n"
		"JIBRI_XMPP_USER={control_user}\n"
		"JIBRI_XMPP_PASSWORD={control_password}\n"
		"JIBRI_RECORDER_USER={call_user}\n"
		"JIBRI_RECORDER_PASSWORD={call_password}\n"},
	{'o', DOCKER_HOST, ".env",
		"ENABLE_RECORDING=1\n"
		"XMPP_DOMAIN={domain}\n"
		"XMPP_AUTH_DOMAIN={auth_domain}\n"
		"XMPP_INTERNAL_MUC_DOMAIN={internal_muc}\n"
		"XMPP_RECORDER_DOMAIN={hidden_domain}\n"
		"JIBRI_BREWERY_MUC={brewery_room}\n"
		"JIBRI_PENDING_TIMEOUT=90\n"
		"JIBRI_XMPP_USER={control_user}\n"
		"JIBRI_XMPP_PASSWORD={control_password}\n"
		"JIBRI_RECORDER_USER={call_user}\n"
		"JIBRI_RECORDER_PASSWORD={call_password}\n"},
	{'b', DOCKER_HOST, "docker-compose.override.yml",
		"# Lets this machine reach the XMPP server; allow nobody else in the firewall.\n"
		"services:\n"
		"    prosody:\n"
		"        ports:\n"
		"            - '5222:5222'\n"},
	{'o', DOCKER_HOST, "CONFIG/web/custom-config.js",
		"config.hiddenDomain = '{hidden_domain}';\n"
		"config.fileRecordingsEnabled = true;\n"
		"config.liveStreamingEnabled = true;\n"},
	{'b', "on the docker host, in the folder of docker-compose.yml", "",
		"docker compose up -d --force-recreate prosody jicofo web\n"},
};

#define PROSODY_MAIN "/etc/prosody/conf.d/{domain}.cfg.lua"
#define PROSODY_OURS "/etc/prosody/conf.d/telerec.cfg.lua"

static const struct template pieces[TR_SERVER_PIECE_COUNT_] = {
	[TR_SERVER_PIECE_BREWERY_HOST] = {'b', SERVER, PROSODY_OURS,
		BREWERY_COMPONENT "-- then: systemctl restart prosody\n"},
	[TR_SERVER_PIECE_HIDDEN_HOST] = {'b', SERVER, PROSODY_OURS,
		HIDDEN_HOST "-- then: systemctl restart prosody; {register_call}\n"},
	[TR_SERVER_PIECE_CONTROL_ACCOUNT] = {'b', SERVER_ROOT, "",
		"{register_control}\n"
		"# or, when the account is there: prosodyctl passwd {control_user}@{auth_domain}\n"},
	[TR_SERVER_PIECE_CALL_ACCOUNT] = {'b', SERVER_ROOT, "",
		"{register_call}\n"
		"# or, when the account is there: prosodyctl passwd {call_user}@{hidden_domain}\n"},
	[TR_SERVER_PIECE_TLS] = {'b', SERVER_ROOT, "",
		"prosodyctl check certs # \"tls\" must be in modules_enabled of "
		"/etc/prosody/prosody.cfg.lua\n"
		"prosodyctl cert generate {auth_domain}\n"
		"systemctl restart prosody\n"},
	[TR_SERVER_PIECE_FILTER] = {'b', SERVER, PROSODY_MAIN,
		"-- under Component \"{internal_muc}\" \"muc\":\n"
		"    muc_filter_whitelist = { \"{auth_domain}\" } -- merge with the list that is "
		"there\n"},
	[TR_SERVER_PIECE_JICOFO] = {'b', SERVER, "/etc/jitsi/jicofo/jicofo.conf",
		JICOFO_KEYS "// then: systemctl restart jicofo\n"},
	[TR_SERVER_PIECE_WEB] = {'b', SERVER, "/etc/jitsi/meet/{domain}-config.js",
		"config.hiddenDomain = '{hidden_domain}';\n"},
	[TR_SERVER_PIECE_LOBBY] = {'b', SERVER, PROSODY_MAIN,
		"-- under VirtualHost \"{domain}\":\n"
		"    muc_lobby_whitelist = { \"{hidden_domain}\" }\n"},
	[TR_SERVER_PIECE_PASSWORD] = {'b', SERVER, PROSODY_MAIN,
		"-- under Component \"{conference_muc}\" \"muc\":\n"
		"    muc_password_whitelist = { \"focus@{auth_domain}\", "
		"\"{call_user}@{hidden_domain}\" }\n"},
};

static const struct {
	const char *name;
	const struct template *templates;
	size_t count;
} parts[TR_SERVER_PARTS] = {
	[TR_SERVER_PROSODY] = {"prosody", prosody_templates, TR_COUNT(prosody_templates)},
	[TR_SERVER_JICOFO] = {"jicofo", jicofo_templates, TR_COUNT(jicofo_templates)},
	[TR_SERVER_JITSI_MEET] = {"jitsi-meet", jitsi_meet_templates,
		TR_COUNT(jitsi_meet_templates)},
	[TR_SERVER_DOCKER] = {"docker", docker_templates, TR_COUNT(docker_templates)},
};

enum tr_server_part tr_server_part_find(const char *name)
{
	int part = 0;

	while (part < TR_SERVER_PARTS && strcmp(parts[part].name, name) != 0)
		part++;
	return (enum tr_server_part)part;
}

int tr_server_password_make(char *out, size_t size)
{
	static const char letters[] =
		"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"; /* none alike */
	const size_t count = sizeof(letters) - 1;
	size_t used = 0;

	while (used + 1 < size) {
		unsigned char bytes[64];
		ssize_t n = getrandom(bytes, sizeof(bytes), 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		/* Those above the last whole multiple would make some letters likelier. */
		for (ssize_t i = 0; i < n && used + 1 < size; i++)
			if (bytes[i] < 256 / count * count)
				out[used++] = letters[bytes[i] % count];
		explicit_bzero(bytes, sizeof(bytes));
	}
	out[used] = '\0';
	return 0;
}

/* A word as a shell and docker's .env take it. */
static void quote(const char *word, char *out, size_t size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._-@+=:,/";
	size_t used = 0;

	if (word[0] && !word[strspn(word, plain)]) {
		snprintf(out, size, "%s", word);
		return;
	}
	out[used++] = '\'';
	for (; *word && used + 6 < size; word++) {
		if (*word == '\'')
			used += (size_t)snprintf(out + used, size - used, "'\\''");
		else
			out[used++] = *word;
	}
	out[used++] = '\'';
	out[used] = '\0';
}

static char *add_name(struct names *names, const char *name)
{
	struct name *entry = &names->list[names->count++];

	entry->name = name;
	return entry->value;
}

static void add_text(struct names *names, const char *name, const char *value)
{
	snprintf(add_name(names, name), VALUE_SIZE, "%s", value);
}

/* The lines that make the two accounts; asking for the password when it shall not be shown. */
static void add_account(struct names *names, const struct tr_server_wish *wish, const char *line,
	const char *password_name, const char *user, const char *domain, const char *password)
{
	char quoted[600], quoted_user[200];

	quote(password, quoted, sizeof(quoted));
	quote(user, quoted_user, sizeof(quoted_user));
	if (wish->secrets_path) {
		snprintf(add_name(names, line), VALUE_SIZE,
			"prosodyctl adduser %s@%s # asks for %.*s.password of %s", quoted_user,
			domain, (int)strcspn(password_name, "_"), password_name,
			wish->secrets_path);
		snprintf(add_name(names, password_name), VALUE_SIZE, "# is in %s",
			wish->secrets_path);
	} else {
		snprintf(add_name(names, line), VALUE_SIZE, "prosodyctl register %s %s %s",
			quoted_user, domain, quoted);
		add_text(names, password_name, quoted);
	}
	explicit_bzero(quoted, sizeof(quoted));
}

static void fill_names(struct names *names, const struct tr_server_wish *wish)
{
	const struct tr_config_environment *environment = wish->environment;

	add_text(names, "domain", environment->xmpp_domain);
	add_text(names, "auth_domain", environment->control.domain);
	add_text(names, "hidden_domain", environment->call.domain);
	add_text(names, "internal_muc", environment->brewery.domain);
	add_text(names, "brewery_room", environment->brewery.room);
	add_text(names, "control_user", environment->control.username);
	add_text(names, "call_user", environment->call.username);
	snprintf(add_name(names, "brewery"), VALUE_SIZE, "%s@%s", environment->brewery.room,
		environment->brewery.domain);
	snprintf(add_name(names, "conference_muc"), VALUE_SIZE, "%s%s", environment->strip,
		environment->xmpp_domain);
	add_account(names, wish, "register_control", "control_password",
		environment->control.username, environment->control.domain,
		environment->control.password);
	add_account(names, wish, "register_call", "call_password", environment->call.username,
		environment->call.domain, environment->call.password);
}

static const char *find_name(const struct names *names, const char *start, size_t length)
{
	for (unsigned i = 0; i < names->count; i++)
		if (strlen(names->list[i].name) == length &&
			!strncmp(names->list[i].name, start, length))
			return names->list[i].value;
	return NULL;
}

/* The template with its {names}; other braces stay. The caller's. */
static char *expand(const struct names *names, const char *text)
{
	char *out = NULL;
	size_t size;
	FILE *stream = open_memstream(&out, &size);

	while (stream && *text) {
		size_t length = *text == '{' ? strcspn(text, "}") : 0;
		const char *value = length ? find_name(names, text + 1, length - 1) : NULL;
		if (value) {
			fputs(value, stream);
			text += length + 1;
		} else {
			fputc(*text++, stream);
		}
	}
	if (!stream || fclose(stream) != 0) {
		free(out);
		return NULL;
	}
	return out;
}

/* Takes the texts. */
static int add_snippet(json_t *list, const char *where, char *file, char *text)
{
	json_t *snippet = file && text ? json_pack("{s:s, s:s, s:s}", "where", where, "file", file,
						 "text", text)
				       : NULL;

	free(file);
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	return snippet && json_array_append_new(list, snippet) == 0 ? 0 : -ENOMEM;
}

/* What telerec.conf must have that does not follow from the domain. */
static int make_entry(const struct tr_config_environment *environment, char **ret_text)
{
	json_t *servers = json_array();

	for (unsigned i = 0; i < environment->server_count; i++)
		json_array_append_new(servers, json_string(environment->servers[i]));
	json_t *settings = json_pack(
		"{s:[{s:s, s:s, s:o, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s, s:s}}]}",
		"environments", "name", environment->name, "xmpp_domain", environment->xmpp_domain,
		"servers", servers, "base_url", environment->base_url, "strip", environment->strip,
		"control", "domain", environment->control.domain, "username",
		environment->control.username, "brewery", "domain", environment->brewery.domain,
		"room", environment->brewery.room, "call", "domain", environment->call.domain,
		"username", environment->call.username);
	int rc = settings ? tr_config_text_make("", settings, ret_text) : -ENOMEM;

	json_decref(settings);
	return rc;
}

int tr_server_snippets_secrets(const struct tr_config_environment *environment, char **ret_text)
{
	json_t *settings = json_pack("{s:[{s:s, s:{s:s}, s:{s:s}}]}", "environments", "name",
		environment->name, "control", "password", environment->control.password, "call",
		"password", environment->call.password);
	int rc = settings ? tr_config_text_make("", settings, ret_text) : -ENOMEM;

	json_decref(settings);
	return rc;
}

static int add_own(const struct tr_server_wish *wish, json_t *list)
{
	/* Where there are no accounts, passwords that nobody else was told would only mislead. */
	bool has_accounts = wish->part == TR_SERVER_PROSODY || wish->part == TR_SERVER_DOCKER;
	char *text = NULL;
	int rc = 0;

	if (has_accounts && wish->is_new_here) {
		rc = make_entry(wish->environment, &text);
		if (rc == 0)
			rc = add_snippet(list, RECORDER, strdup("/etc/telerec/telerec.conf"), text);
	}
	if (rc == 0 && has_accounts && wish->has_new_passwords && !wish->secrets_path) {
		rc = tr_server_snippets_secrets(wish->environment, &text);
		if (rc == 0)
			rc = add_snippet(list, RECORDER ", chmod 600",
				strdup("/etc/telerec/secrets.conf"), text);
	}
	return rc;
}

static bool is_plain_name(const char *text)
{
	return !strpbrk(text, "\\`$;#{}()|*?!'\"\t\n");
}

int tr_server_snippets_make(const struct tr_server_wish *wish, json_t **ret_list)
{
	const char other = wish->is_old ? 'n' : 'o';
	struct names *names = calloc(1, sizeof(*names));
	json_t *list = json_array();
	int rc = names && list ? 0 : -ENOMEM;

	if (rc == 0 && (!is_plain_name(wish->environment->control.username) ||
			       !is_plain_name(wish->environment->call.username) ||
			       !is_plain_name(wish->environment->brewery.room)))
		rc = -EINVAL;
	if (rc == 0)
		fill_names(names, wish);
	for (size_t i = 0; rc == 0 && i < parts[wish->part].count; i++) {
		const struct template *template = &parts[wish->part].templates[i];
		if (template->when != other)
			rc = add_snippet(list, template->where, expand(names, template->file),
				expand(names, template->text));
	}
	if (rc == 0)
		rc = add_own(wish, list);
	if (names)
		explicit_bzero(names, sizeof(*names));
	free(names);
	if (rc < 0)
		json_decref(list);
	else
		*ret_list = list;
	return rc;
}

int tr_server_snippets_piece(const struct tr_config_environment *environment,
	const char *secrets_path, enum tr_server_piece piece, json_t **ret_snippet)
{
	const struct template *template = &pieces[piece];
	const struct tr_server_wish wish = {
		.environment = environment,
		.secrets_path = secrets_path ? secrets_path : "secrets.conf",
	};
	json_t *list = json_array();
	struct names *names = calloc(1, sizeof(*names));
	int rc = names && list ? 0 : -ENOMEM;

	if (rc == 0 && (!is_plain_name(environment->control.username) ||
			       !is_plain_name(environment->call.username) ||
			       !is_plain_name(environment->brewery.room)))
		rc = -EINVAL;
	if (rc == 0)
		fill_names(names, &wish);
	if (rc == 0)
		rc = add_snippet(list, template->where, expand(names, template->file),
			expand(names, template->text));
	if (rc == 0)
		*ret_snippet = json_incref(json_array_get(list, 0));
	if (names)
		explicit_bzero(names, sizeof(*names));
	free(names);
	json_decref(list);
	return rc;
}
