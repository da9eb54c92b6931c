#include "control/xmpp_server.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/text.h"

#define TR_LOG_AREA "xmpp"

#define DIGITS 64 /* of a SHA-256 fingerprint */

static const size_t strings[] = {
	offsetof(struct tr_xmpp_server, environment),
	offsetof(struct tr_xmpp_server, entry),
	offsetof(struct tr_xmpp_server, host),
	offsetof(struct tr_xmpp_server, ca_file),
	offsetof(struct tr_xmpp_server, fingerprint),
	offsetof(struct tr_xmpp_server, control_domain),
	offsetof(struct tr_xmpp_server, control_username),
	offsetof(struct tr_xmpp_server, control_password),
	offsetof(struct tr_xmpp_server, brewery_domain),
	offsetof(struct tr_xmpp_server, brewery_room),
	offsetof(struct tr_xmpp_server, nickname),
	offsetof(struct tr_xmpp_server, focus_jid),
	offsetof(struct tr_xmpp_server, xmpp_domain),
	offsetof(struct tr_xmpp_server, base_url),
	offsetof(struct tr_xmpp_server, strip),
	offsetof(struct tr_xmpp_server, call_domain),
	offsetof(struct tr_xmpp_server, call_username),
	offsetof(struct tr_xmpp_server, call_password),
};

static const char **string_at(struct tr_xmpp_server *server, size_t index)
{
	return (const char **)((char *)server + strings[index]);
}

int tr_xmpp_server_copy(const struct tr_xmpp_server *server, struct tr_xmpp_server *ret_copy)
{
	struct tr_xmpp_server copy = *server;
	bool is_whole = true;

	for (size_t i = 0; i < TR_COUNT(strings); i++) {
		const char **text = string_at(&copy, i);
		*text = strdup(*text ? *text : "");
		is_whole = is_whole && *text;
	}
	if (!is_whole) {
		tr_xmpp_server_fini(&copy);
		return -ENOMEM;
	}
	*ret_copy = copy;
	return 0;
}

void tr_xmpp_server_fini(struct tr_xmpp_server *copy)
{
	for (size_t i = 0; i < TR_COUNT(strings); i++) {
		char *text = (char *)*string_at(copy, i);
		if (text)
			explicit_bzero(text, strlen(text));
		free(text);
	}
	*copy = (struct tr_xmpp_server){0};
}

/* Copies the hex digits in lower case; their number, or -1 when there are too many. */
static int read_digits(const char *fingerprint, char *out)
{
	int count = 0;

	for (; *fingerprint; fingerprint++) {
		if (!isxdigit((unsigned char)*fingerprint))
			continue;
		if (count == DIGITS)
			return -1;
		out[count++] = (char)tolower((unsigned char)*fingerprint);
	}
	out[count] = '\0';
	return count;
}

bool tr_xmpp_server_is_pinned(const struct tr_xmpp_server *server, const char *fingerprint)
{
	char wanted[DIGITS + 1], is[DIGITS + 1];

	return read_digits(server->fingerprint, wanted) == DIGITS &&
	       read_digits(fingerprint, is) == DIGITS && !strcmp(wanted, is);
}

static int complain(const struct tr_xmpp_server *server, const char *what)
{
	tr_error("environment \"%s\": %s", server->environment, what);
	return -EINVAL;
}

static int check_names(const struct tr_xmpp_server *server)
{
	if (!server->control_domain[0] || !server->control_username[0])
		return complain(server, "the control login needs a user name and a domain");
	if (!server->brewery_domain[0] || !server->brewery_room[0] || !server->nickname[0])
		return complain(server, "the brewery needs a domain, a room and a nickname");
	if (!server->xmpp_domain[0])
		return complain(server, "xmpp_domain is missing: no meeting has an address");
	if (strpbrk(server->control_username, "@/ \"&'<>:") ||
		strpbrk(server->control_domain, "@/ \"&'<>") ||
		strpbrk(server->brewery_room, "@/ \"&'<>:") ||
		strpbrk(server->brewery_domain, "@/ \"&'<>"))
		return complain(server, "a user, room or domain has a character that XMPP names "
					"do not have");
	return 0;
}

int tr_xmpp_server_check(const struct tr_xmpp_server *server)
{
	char digits[DIGITS + 1];

	for (size_t i = 0; i < TR_COUNT(strings); i++) {
		const char *text = *string_at((struct tr_xmpp_server *)server, i);
		if (tr_text_has_controls(text))
			return complain(server, "a setting has a control character in it");
	}
	int rc = check_names(server);
	if (rc < 0)
		return rc;
	if (server->port < 0 || server->port > 65535)
		return complain(server, "no such port");
	if (server->fingerprint[0] && read_digits(server->fingerprint, digits) != DIGITS)
		return complain(server, "the fingerprint is not SHA-256: 64 hex digits");
	if (server->fingerprint[0] && server->security == TR_XMPP_PLAIN)
		return complain(server, "a fingerprint needs TLS, which is switched off");
	return 0;
}

void tr_xmpp_server_describe(const struct tr_xmpp_server *server, char *out, size_t size)
{
	const char *where = server->entry[0]  ? server->entry
			    : server->host[0] ? server->host
					      : server->control_domain;

	snprintf(out, size, "%s (%s)", server->environment, where);
}
