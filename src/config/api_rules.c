#include "config/api_rules_internal.h"

#include "config/hosts_internal.h"

#include <string.h>
#include <sys/un.h>

#define TOKEN_BYTES_MIN 16

const char *tr_api_rules_socket_fault(const char *text)
{
	return strlen(text) < sizeof(((struct sockaddr_un *)0)->sun_path)
		       ? NULL
		       : "at most 107 bytes long, as the system has no room for more";
}

const char *tr_api_rules_token_fault(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~')
			return "made of letters, digits and signs without spaces";
	return strlen(text) < TOKEN_BYTES_MIN
		       ? "at least 16 characters long; `openssl rand -hex 32` makes one"
		       : NULL;
}

void tr_api_rules_check_all(
	struct tr_keytable_check *check, const struct tr_config *config, bool needs_passwords)
{
	bool has_tls = config->api.certificate[0] && config->api.key[0];

	if (config->api.certificate[0] && !config->api.key[0])
		tr_keytable_complain(check, 0, "api.certificate has no api.key to go with it");
	if (config->api.key[0] && !config->api.certificate[0])
		tr_keytable_complain(check, 0, "api.key has no api.certificate to go with it");
	if (config->api.port < 0 || tr_hosts_is_loopback(config->api.bind))
		return;
	if (!has_tls)
		tr_keytable_complain(check, 0,
			"api.bind is \"%s\", which others can reach: that needs api.certificate and "
			"api.key (or bind to \"127.0.0.1\")",
			config->api.bind);
	if (needs_passwords && !config->api.token[0])
		tr_keytable_complain(check, 0,
			"api.bind is \"%s\", which others can reach: that needs a token. Put into "
			"secrets.conf: api = { token = \"...\"; }; (`openssl rand -hex 32` makes "
			"one)",
			config->api.bind);
}
