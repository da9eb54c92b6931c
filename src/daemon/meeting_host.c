#include "daemon/meeting_host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* "https://user@HOST:port/..." */
static int find_host(const char *url, const char **ret_host, size_t *ret_length)
{
	const char *host = strstr(url, "://");

	if (!host)
		return -EINVAL;
	host += 3;
	size_t authority = strcspn(host, "/?#");
	const char *at = memrchr(host, '@', authority);
	if (at) {
		authority -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	if (length > authority)
		length = authority;
	if (length == 0)
		return -EINVAL;
	*ret_host = host;
	*ret_length = length;
	return 0;
}

static bool covers(const char *entry, size_t entry_length, const char *host, size_t length)
{
	if (entry_length > 2 && entry[0] == '*') {
		size_t tail = entry_length - 1; /* ".x" */
		return length > tail && !strncasecmp(host + length - tail, entry + 1, tail);
	}
	return entry_length == length && !strncasecmp(entry, host, length);
}

int tr_meeting_host_allow(const char *url, bool is_strict, char *hosts, size_t size)
{
	const char *host;
	size_t length;

	int rc = find_host(url, &host, &length);
	if (rc < 0)
		return rc;
	for (const char *entry = hosts; *entry;) {
		size_t entry_length = strcspn(entry, ",");
		if (covers(entry, entry_length, host, length))
			return 0;
		entry += entry_length + (entry[entry_length] == ',');
	}
	if (is_strict)
		return -EACCES;
	size_t used = strlen(hosts);
	if (used + length + 2 > size)
		return -ENAMETOOLONG;
	snprintf(hosts + used, size - used, "%s%.*s", used > 0 ? "," : "", (int)length, host);
	return 0;
}
