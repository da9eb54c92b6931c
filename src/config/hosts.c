#include "config/hosts_internal.h"

#include "config/config.h"
#include "core/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DOMAIN_BYTES 253
#define LABEL_BYTES 63
#define NICK_BYTES 120 /* leaves room for "-16" */

static bool is_label(const char *text, size_t length)
{
	if (length == 0 || length > LABEL_BYTES || text[0] == '-' || text[length - 1] == '-')
		return false;
	/* Bytes above ASCII: names may be written in their own script. */
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-_", text[i]) &&
			(unsigned char)text[i] < 0x80)
			return false;
	return true;
}

static bool is_domain(const char *text, size_t length)
{
	size_t start = 0;

	if (length == 0 || length > DOMAIN_BYTES)
		return false;
	for (size_t i = 0; i <= length; i++) {
		if (i < length && text[i] != '.')
			continue;
		if (!is_label(text + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

static bool is_ipv6(const char *text)
{
	struct in6_addr address;
	return inet_pton(AF_INET6, text, &address) == 1;
}

const char *tr_hosts_domain_fault(const char *text)
{
	return is_domain(text, strlen(text)) ? NULL : "a domain like \"meet.example.org\"";
}

int tr_hosts_split_server(const char *text, char *host, size_t size, int *ret_port)
{
	char name[DOMAIN_BYTES + 1];
	int64_t port = 0;
	bool is_bracketed = text[0] == '[';
	const char *start = is_bracketed ? text + 1 : text;
	size_t length = strcspn(start, is_bracketed ? "]" : ":");

	if (length >= sizeof(name) || length >= size || (is_bracketed && start[length] != ']'))
		return -EINVAL;
	snprintf(name, sizeof(name), "%.*s", (int)length, start);
	if (is_bracketed ? !is_ipv6(name) : !is_domain(name, length))
		return -EINVAL;
	const char *rest = start + length + is_bracketed;
	if (rest[0] && (rest[0] != ':' || tr_text_parse_int(rest + 1, 1, 65535, &port) < 0))
		return -EINVAL;
	snprintf(host, size, "%s", name);
	*ret_port = (int)port;
	return 0;
}

const char *tr_hosts_server_fault(const char *text)
{
	char host[DOMAIN_BYTES + 1];
	int port;

	return tr_hosts_split_server(text, host, sizeof(host), &port) == 0
		       ? NULL
		       : "a server like \"xmpp.example.org\", \"xmpp.example.org:5222\" or "
			 "\"[2001:db8::1]:5222\"";
}

const char *tr_hosts_pattern_fault(const char *text)
{
	const char *name = strncmp(text, "*.", 2) ? text : text + 2;

	return is_domain(name, strlen(name)) || is_ipv6(text)
		       ? NULL
		       : "a host like \"meet.example.org\", or \"*.example.org\"";
}

const char *tr_hosts_address_fault(const char *text)
{
	struct in_addr address;

	return inet_pton(AF_INET, text, &address) == 1 || is_ipv6(text)
		       ? NULL
		       : "an address of this machine like \"127.0.0.1\" or \"0.0.0.0\" (all)";
}

/* Where the host starts; NULL when it is no such address. */
static const char *skip_scheme(const char *url)
{
	if (!strncasecmp(url, "https://", 8))
		return url + 8;
	return strncasecmp(url, "http://", 7) ? NULL : url + 7;
}

const char *tr_hosts_url_fault(const char *text)
{
	static const char words[] = "an address like \"https://meet.example.org\", without ? and #";
	const char *authority = skip_scheme(text);
	char server[DOMAIN_BYTES + 16], host[DOMAIN_BYTES + 1];
	int port;

	if (!authority || strpbrk(text, "?# \"<>\\") != NULL)
		return words;
	size_t length = strcspn(authority, "/");
	if (length >= sizeof(server))
		return words;
	snprintf(server, sizeof(server), "%.*s", (int)length, authority);
	return tr_hosts_split_server(server, host, sizeof(host), &port) < 0 ? words : NULL;
}

void tr_hosts_of_url(const char *url, char *out, size_t size)
{
	const char *authority = skip_scheme(url);
	char server[DOMAIN_BYTES + 16];
	int port;

	out[0] = '\0';
	if (!authority)
		return;
	snprintf(server, sizeof(server), "%.*s", (int)strcspn(authority, "/"), authority);
	if (tr_hosts_split_server(server, out, size, &port) < 0)
		out[0] = '\0';
}

const char *tr_hosts_localpart_fault(const char *text)
{
	return !text[0] || strpbrk(text, "\"&'/:<>@ ") ? "a name without domain, like \"jibri\""
						       : NULL;
}

const char *tr_hosts_nick_fault(const char *text)
{
	size_t length = strlen(text);

	if (length > NICK_BYTES)
		return "shorter (120 bytes at most)";
	return text[0] == ' ' || text[length - 1] == ' '
		       ? "a name without blanks at its ends, like \"recorder-1\""
		       : NULL;
}

const char *tr_hosts_jid_fault(const char *text)
{
	static const char words[] = "an account like \"focus@auth.meet.example.org\"";
	char local[256];
	size_t length = strcspn(text, "@");

	if (length == 0 || length >= sizeof(local) || text[length] != '@')
		return words;
	snprintf(local, sizeof(local), "%.*s", (int)length, text);
	return tr_hosts_localpart_fault(local) || tr_hosts_domain_fault(text + length + 1) ? words
											   : NULL;
}

const char *tr_hosts_sha256_fault(const char *text)
{
	size_t digits = 0;

	for (; *text; text++) {
		if (isxdigit((unsigned char)*text))
			digits++;
		else if (*text != ':')
			return "the SHA-256 of the certificate: 64 hex digits";
	}
	return digits == 64 ? NULL : "the SHA-256 of the certificate: 64 hex digits";
}

bool tr_hosts_is_loopback(const char *host)
{
	struct in_addr address;

	return !strcasecmp(host, "localhost") || !strcmp(host, "::1") ||
	       (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

int tr_config_split_server(const char *entry, char *host, size_t host_size, int *ret_port)
{
	return tr_hosts_split_server(entry, host, host_size, ret_port);
}
