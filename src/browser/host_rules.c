#include "browser/host_rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/text.h"

#define TR_LOG_AREA "browser"
#define HOST_SIZE 256

/* Without brackets and port: what Chromium compares is the bare host. */
static void strip(char *host)
{
	char *colon = strchr(host, ':');
	char *bracket = strchr(host, ']');

	if (host[0] == '[' && bracket) {
		*bracket = '\0';
		memmove(host, host + 1, strlen(host));
	} else if (colon && !strchr(colon + 1, ':') &&
		   colon[1 + strspn(colon + 1, "0123456789")] == '\0') {
		*colon = '\0';
	}
	for (char *at = host; *at; at++)
		*at = (char)tolower((unsigned char)*at);
}

/* Blanks and commas would end a rule and begin another; a lone star would let everything in. */
static bool is_host(const char *host)
{
	const char *name = !strncmp(host, "*.", 2) ? host + 2 : host;

	return name[0] && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_:")] == '\0';
}

static int add_host(const char *text, size_t length, char *out, size_t size)
{
	char host[HOST_SIZE];
	size_t used = strlen(out);

	int rc = tr_text_format(host, sizeof(host), "%.*s", (int)length, text);
	if (rc == 0)
		strip(host);
	if (rc < 0 || !is_host(host))
		return tr_fail(-EINVAL,
			"\"%.*s\" in the list of hosts is no host name: write it as "
			"meet.example.org, *.example.org or 192.0.2.1",
			(int)(length > 80 ? 80 : length), text);
	return tr_text_format(out + used, size - used, " , EXCLUDE %s", host);
}

int tr_host_rules_format(const char *hosts, char *out, size_t size)
{
	static const char blanks[] = " \t";
	bool is_any = false;

	if (tr_text_format(out, size, "MAP * ~NOTFOUND") < 0)
		return -ENAMETOOLONG;
	for (const char *at = hosts;;) {
		at += strspn(at, blanks);
		size_t length = strcspn(at, ",");
		size_t end = length;
		while (end > 0 && strchr(blanks, at[end - 1]))
			end--;
		if (end > 0) {
			int rc = add_host(at, end, out, size);
			if (rc < 0)
				return rc;
			is_any = true;
		}
		if (!at[length])
			break;
		at += length + 1;
	}
	if (!is_any)
		out[0] = '\0';
	return 0;
}
