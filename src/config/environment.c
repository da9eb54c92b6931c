#include "config/environment_internal.h"

#include "config/hosts_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static void check_password(struct tr_keytable_check *check, int line,
	const struct tr_config_environment *environment, const char *group, const char *password)
{
	if (!password[0])
		tr_keytable_complain(check, line,
			"environment \"%s\" has no password for its %s account: write %s = { "
			"password = \"...\"; } into its entry in secrets.conf",
			environment->name, group, group);
}

static void check_trust(
	struct tr_keytable_check *check, int line, const struct tr_config_environment *environment)
{
	bool is_pinned = environment->ca_file[0] || environment->fingerprint[0];
	bool is_plain = !strcmp(environment->security, "plain");

	if (is_pinned && environment->trust_all_certificates)
		tr_keytable_complain(check, line,
			"environment \"%s\" has trust_all_certificates, so its ca_file or "
			"fingerprint would mean nothing: take one of them out",
			environment->name);
	if (is_pinned && is_plain)
		tr_keytable_complain(check, line,
			"environment \"%s\" has security \"plain\", so there is no certificate to "
			"check: take out ca_file and fingerprint, or write security = \"starttls\"",
			environment->name);
}

static void warn_of_trust(
	struct tr_keytable_check *check, const struct tr_config_environment *environment)
{
	bool is_away = false;
	char host[TR_CONFIG_HOST_MAX];
	int port;

	for (unsigned i = 0; i < environment->server_count; i++)
		if (tr_hosts_split_server(environment->servers[i], host, sizeof(host), &port) < 0 ||
			!tr_hosts_is_loopback(host))
			is_away = true;
	if (is_away && environment->trust_all_certificates)
		tr_keytable_warn(check,
			"environment \"%s\" trusts any certificate, so anybody on the way can read "
			"its passwords; fingerprint or ca_file ends that",
			environment->name);
	if (is_away && !strcmp(environment->security, "plain"))
		tr_keytable_warn(check,
			"environment \"%s\" is not encrypted (security = \"plain\"), so anybody on "
			"the way can read its passwords",
			environment->name);
}

static bool is_same_occupant(
	const struct tr_config_environment *a, const struct tr_config_environment *b)
{
	if (strcasecmp(a->brewery.domain, b->brewery.domain) != 0 ||
		strcasecmp(a->brewery.room, b->brewery.room) != 0 ||
		strcmp(a->brewery.nickname, b->brewery.nickname) != 0)
		return false;
	for (unsigned i = 0; i < a->server_count; i++)
		for (unsigned j = 0; j < b->server_count; j++)
			if (!strcasecmp(a->servers[i], b->servers[j]))
				return true;
	return false;
}

static void check_pair(struct tr_keytable_check *check, int line,
	const struct tr_config_environment *first, const struct tr_config_environment *second)
{
	if (!strcmp(first->name, second->name))
		tr_keytable_complain(check, line,
			"two environments are called \"%s\": give this one another name",
			first->name);
	else if (is_same_occupant(first, second))
		tr_keytable_complain(check, line,
			"environments \"%s\" and \"%s\" would join the same brewery as \"%s\": give "
			"one another brewery.nickname, or take one out",
			first->name, second->name, first->brewery.nickname);
}

/* A server twice would be one occupant twice. */
static void check_servers(
	struct tr_keytable_check *check, int line, const struct tr_config_environment *environment)
{
	for (unsigned i = 0; i < environment->server_count; i++)
		for (unsigned j = 0; j < i; j++)
			if (!strcasecmp(environment->servers[i], environment->servers[j]))
				tr_keytable_complain(check, line,
					"environment \"%s\" names the server \"%s\" twice",
					environment->name, environment->servers[i]);
}

void tr_environment_check_all(
	struct tr_keytable_check *check, const struct tr_config *config, bool needs_passwords)
{
	for (unsigned i = 0; i < config->environment_count; i++) {
		const struct tr_config_environment *environment = &config->environments[i];
		int line = check->lines[i];
		if (!environment->name[0])
			tr_keytable_complain(
				check, line, "an environment has no name: write name = \"...\";");
		if (!environment->xmpp_domain[0])
			tr_keytable_complain(check, line,
				"environment \"%s\" has no xmpp_domain: write xmpp_domain = "
				"\"meet.example.org\"; with the domain of its Jitsi Meet",
				environment->name);
		if (!environment->name[0] || !environment->xmpp_domain[0])
			continue;
		if (needs_passwords) {
			check_password(
				check, line, environment, "control", environment->control.password);
			check_password(
				check, line, environment, "call", environment->call.password);
		}
		check_trust(check, line, environment);
		check_servers(check, line, environment);
		warn_of_trust(check, environment);
		for (unsigned j = 0; j < i; j++)
			check_pair(check, line, &config->environments[j], environment);
	}
}

/* Adds a name unless the list has it; an empty one is none. */
static int add_host(char *out, size_t size, const char *prefix, const char *host)
{
	char name[TR_CONFIG_HOST_MAX + 2];
	size_t length = strlen(out), wanted;

	if (!host[0])
		return 0;
	wanted = (size_t)snprintf(name, sizeof(name), "%s%s", prefix, host);
	for (const char *at = out; (at = strcasestr(at, name)) != NULL; at++)
		if ((at == out || at[-1] == ',') && (!at[wanted] || at[wanted] == ','))
			return 0;
	if (length + wanted + 2 > size)
		return -ENAMETOOLONG;
	snprintf(out + length, size - length, "%s%s", length ? "," : "", name);
	return 0;
}

static bool has_names_below(const char *host)
{
	return tr_hosts_address_fault(host) && !tr_hosts_is_loopback(host);
}

static int add_with_those_below(char *out, size_t size, const char *host)
{
	int rc = add_host(out, size, "", host);
	return rc == 0 && has_names_below(host) ? add_host(out, size, "*.", host) : rc;
}

int tr_config_list_hosts(const struct tr_config *config, char *out, size_t size)
{
	char host[TR_CONFIG_HOST_MAX];
	int rc = 0;

	out[0] = '\0';
	for (unsigned i = 0; rc == 0 && i < config->browser.allowed_host_count; i++)
		rc = add_host(out, size, "", config->browser.allowed_hosts[i]);
	if (config->browser.allowed_host_count)
		return rc;
	for (unsigned i = 0; rc == 0 && i < config->environment_count; i++) {
		tr_hosts_of_url(config->environments[i].base_url, host, sizeof(host));
		rc = add_with_those_below(out, size, host);
		if (rc == 0)
			rc = add_with_those_below(out, size, config->environments[i].xmpp_domain);
	}
	return rc;
}
