#include "cli/record_page.h"

#include "core/clock.h"
#include "core/text.h"
#include "protocol/message.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The scheme in lower case into `out`; empty when there is none. */
static void get_scheme(const char *url, char *out, size_t size)
{
	size_t length = 0;

	while (isalnum((unsigned char)url[length]) ||
		(length > 0 && strchr("+-.", url[length]) && url[length]))
		length++;
	out[0] = '\0';
	if (url[length] != ':' || length == 0 || length >= size)
		return;
	for (size_t i = 0; i < length; i++)
		out[i] = (char)tolower((unsigned char)url[i]);
	out[length] = '\0';
}

bool tr_record_page_check(const char *url, char *why, size_t size)
{
	char scheme[16];

	get_scheme(url, scheme, sizeof(scheme));
	bool is_web = !strcmp(scheme, "http") || !strcmp(scheme, "https");
	if (strlen(url) >= TR_MESSAGE_URL_MAX) {
		snprintf(why, size, "the address is longer than %d bytes", TR_MESSAGE_URL_MAX - 1);
	} else if (tr_text_has_controls(url) || (is_web && strchr(url, ' '))) {
		snprintf(why, size, "the address contains a space or a control character");
	} else if (is_web) {
		const char *rest = url + strlen(scheme) + 1;
		size_t host = strncmp(rest, "//", 2) ? 0 : strcspn(rest + 2, "/?#");
		if (host > 0)
			return true;
		snprintf(why, size, "\"%.100s\" names no host", url);
	} else if (!strcmp(scheme, "file") || !strcmp(scheme, "data") || !strcmp(scheme, "about")) {
		return true;
	} else if (scheme[0] && strncmp(url + strlen(scheme), "://", 3) == 0) {
		snprintf(why, size,
			"cannot record \"%s:\" addresses; http, https, file, data and about are",
			scheme);
	} else {
		snprintf(why, size, "\"%.100s\" is no address; it must start with %s", url,
			url[0] == '/' ? "file:// for a file" : "https:// or another scheme");
	}
	return false;
}

/* "meet.example.org" of "https://meet.example.org:8443/room"; what is no letter becomes '-'. */
static void name_from_url(const char *url, char *out, size_t size)
{
	const char *start = strstr(url, "://");
	const char *host = start ? start + 3 : url;
	size_t length = strcspn(host, "/?#");
	const char *at = memrchr(host, '@', length);
	size_t used = 0;

	if (at) {
		length -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	if (!start || !length) { /* "data:...", "file:///...": the scheme */
		host = url;
		length = strcspn(url, ":");
	}
	for (size_t i = 0; i < length && host[i] != ':' && used + 1 < size; i++) {
		bool is_plain = isalnum((unsigned char)host[i]) || host[i] == '.';
		out[used] = is_plain && (used > 0 || host[i] != '.') ? host[i] : '-';
		used++;
	}
	out[used] = '\0';
	if (used == 0)
		snprintf(out, size, "page");
}

void tr_record_page_name(const char *url, int64_t wall_ns, char *out, size_t size)
{
	char host[64], date[40];
	time_t seconds = (time_t)(wall_ns / TR_NS_PER_S);
	struct tm tm;

	name_from_url(url, host, sizeof(host));
	localtime_r(&seconds, &tm);
	if (strftime(date, sizeof(date), "%Y-%m-%d-%H-%M-%S", &tm) == 0)
		date[0] = '\0';
	snprintf(out, size, "%s_%s", host, date);
}
