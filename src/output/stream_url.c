#include "output/stream_url.h"

#include "core/text.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define YOUTUBE "rtmp://a.rtmp.youtube.com/live2/"
#define MAX_GROUPS 11 /* \0 to \9, and the one put around the pattern */

static const struct scheme {
	const char *name;
	enum tr_stream_url_scheme value;
	int port; /* 0: the URL must name one */
} schemes[] = {
	{"rtmp", TR_STREAM_URL_RTMP, 1935},
	{"rtmps", TR_STREAM_URL_RTMPS, 443},
	{"srt", TR_STREAM_URL_SRT, 0},
	{"http", TR_STREAM_URL_HTTP, 80},
	{"https", TR_STREAM_URL_HTTPS, 443},
};

static const struct scheme *find_scheme(const char *url, size_t length)
{
	for (size_t i = 0; i < TR_COUNT(schemes); i++)
		if (strlen(schemes[i].name) == length && !strncasecmp(schemes[i].name, url, length))
			return &schemes[i];
	return NULL;
}

static int read_port(const char *text, size_t length, int *ret)
{
	char digits[6];
	int64_t port;

	if (length == 0 || length >= sizeof(digits) || strspn(text, "0123456789") < length)
		return -EINVAL;
	memcpy(digits, text, length);
	digits[length] = '\0';
	int rc = tr_text_parse_int(digits, 1, 65535, &port);
	if (rc < 0)
		return -EINVAL;
	*ret = (int)port;
	return 0;
}

/* "host", "host:port", "[::1]:port" */
static int read_authority(const char *text, size_t length, struct tr_stream_url *url)
{
	bool is_v6 = length > 0 && text[0] == '[';
	const char *end = text + length;
	const char *host_end = memchr(text, is_v6 ? ']' : ':', length);

	if (is_v6 && !host_end)
		return -EINVAL;
	const char *rest = host_end ? host_end + is_v6 : end;
	const char *host = text + is_v6;
	size_t host_length = (size_t)((host_end ? host_end : end) - host);
	if (host_length == 0 || host_length >= sizeof(url->host))
		return -EINVAL;
	memcpy(url->host, host, host_length);
	url->host[host_length] = '\0';
	if (rest == end)
		return url->port ? 0 : -EINVAL;
	return *rest == ':' ? read_port(rest + 1, (size_t)(end - rest - 1), &url->port) : -EINVAL;
}

int tr_stream_url_read(const char *text, struct tr_stream_url *ret)
{
	struct tr_stream_url url = {0};
	const char *colon = strstr(text, "://");

	if (!colon)
		return -EINVAL;
	const struct scheme *scheme = find_scheme(text, (size_t)(colon - text));
	if (!scheme)
		return -EPROTONOSUPPORT;
	url.scheme = scheme->value;
	url.port = scheme->port;

	const char *authority = colon + 3;
	size_t length = strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', length);
	const char *host = at ? at + 1 : authority;
	int rc = read_authority(host, length - (size_t)(host - authority), &url);
	if (rc < 0)
		return rc;
	*ret = url;
	return 0;
}

int tr_stream_url_resolve(const char *target, char *out, size_t size)
{
	struct tr_stream_url url;

	while (isspace((unsigned char)*target))
		target++;
	size_t length = strlen(target);
	while (length > 0 && isspace((unsigned char)target[length - 1]))
		length--;
	if (length == 0)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (target[i] <= ' ' || target[i] >= 0x7f)
			return -EINVAL;

	const char *colon = memmem(target, length, "://", 3);
	if (!colon)
		return tr_text_format(out, size, YOUTUBE "%.*s", (int)length, target);
	int rc = tr_text_format(out, size, "%.*s", (int)length, target);
	if (rc < 0)
		return rc;
	for (char *at = out; at < out + (colon - target); at++)
		*at = (char)tolower((unsigned char)*at);
	return tr_stream_url_read(out, &url);
}

/* The first part of the path, when another one follows that can be the key. */
static size_t shown_path_length(const char *path)
{
	if (*path != '/')
		return 0;
	size_t first = strcspn(path + 1, "/?#;");
	return first > 0 && path[1 + first] == '/' ? 1 + first : 0;
}

void tr_stream_url_redact(const char *text, char *out, size_t size)
{
	struct tr_stream_url url;

	if (tr_stream_url_read(text, &url) < 0) {
		snprintf(out, size, "***");
		return;
	}
	const char *authority = strstr(text, "://") + 3;
	const char *path = authority + strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', (size_t)(path - authority));
	const char *host = at ? at + 1 : authority;
	bool is_rtmp = url.scheme == TR_STREAM_URL_RTMP || url.scheme == TR_STREAM_URL_RTMPS;
	/* Only of RTMP it is known that the first part names an application. */
	int shown = is_rtmp ? (int)shown_path_length(path) : 0;

	snprintf(out, size, "%.*s%.*s%.*s%s", (int)(authority - text), text, (int)(path - host),
		host, shown, path, *path ? "/***" : "");
}

/* ---- rules ---- */

/* The pattern in one group that must be the whole: its own groups begin at 2. */
static int compile(regex_t *regex, const char *pattern)
{
	TR_CLEANUP(tr_freep) char *whole = NULL;

	/* Alone first: "a)|(b" would break out of the group. */
	int rc = regcomp(regex, pattern, REG_EXTENDED);
	if (rc != 0)
		return rc;
	regfree(regex);
	if (asprintf(&whole, "^(%s)$", pattern) < 0) {
		whole = NULL;
		return REG_ESPACE;
	}
	return regcomp(regex, whole, REG_EXTENDED);
}

static bool matches(const char *pattern, const char *url, regmatch_t *groups)
{
	regex_t regex;

	if (compile(&regex, pattern) != 0)
		return false;
	bool is_match = regexec(&regex, url, groups ? MAX_GROUPS : 0, groups, 0) == 0;
	regfree(&regex);
	return is_match;
}

bool tr_stream_url_is_allowed(const char *url, const char *const *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (matches(patterns[i], url, NULL))
			return true;
	return false;
}

static int fill_in(
	const char *to, const char *url, const regmatch_t *groups, char *out, size_t size)
{
	size_t used = 0;

	for (; *to; to++) {
		const char *piece = to;
		size_t length = 1;
		if (*to == '\\' && isdigit((unsigned char)to[1])) {
			const regmatch_t *group = &groups[to[1] - '0' + 1];
			piece = group->rm_so < 0 ? url : url + group->rm_so;
			length = (size_t)(group->rm_eo - group->rm_so);
			to++;
		} else if (*to == '\\' && to[1] == '\\') {
			to++;
		}
		if (used + length >= size)
			return -ENAMETOOLONG;
		memcpy(out + used, piece, length);
		used += length;
	}
	out[used] = '\0';
	return 0;
}

int tr_stream_url_rewrite(const char *url, const struct tr_stream_url_rewrite *rules, size_t count,
	char *out, size_t size)
{
	regmatch_t groups[MAX_GROUPS];
	char filled[TR_STREAM_URL_SIZE] = "";

	for (size_t i = 0; i < count; i++) {
		if (!matches(rules[i].match, url, groups))
			continue;
		int rc = fill_in(rules[i].to, url, groups, filled, sizeof(filled));
		return rc < 0 ? rc : tr_stream_url_resolve(filled, out, size);
	}
	return tr_stream_url_resolve(url, out, size);
}

/* What other kinds of regular expression have, and this one takes for a letter. */
static const char *find_foreign(const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern != '\\')
			continue;
		pattern++;
		if (*pattern == 'd' || *pattern == 'D')
			return "\\d is not known here, write [0-9] instead";
		if (!*pattern)
			return "it ends with a backslash";
	}
	return NULL;
}

static int check(const char *pattern, size_t *ret_groups, char *problem, size_t size)
{
	regex_t regex;
	char reason[128];

	const char *foreign = find_foreign(pattern);
	if (foreign) {
		snprintf(problem, size, "\"%s\": %s", pattern, foreign);
		return -EINVAL;
	}
	int rc = compile(&regex, pattern);
	if (rc != 0) {
		regerror(rc, &regex, reason, sizeof(reason));
		snprintf(problem, size, "\"%s\" is no POSIX extended regular expression: %s",
			pattern, reason);
		return -EINVAL;
	}
	*ret_groups = regex.re_nsub - 1;
	regfree(&regex);
	return 0;
}

int tr_stream_url_check_pattern(const char *pattern, char *problem, size_t size)
{
	size_t groups;

	return check(pattern, &groups, problem, size);
}

int tr_stream_url_check_rewrite(
	const struct tr_stream_url_rewrite *rule, char *problem, size_t size)
{
	size_t groups;

	int rc = check(rule->match, &groups, problem, size);
	if (rc < 0)
		return rc;
	for (const char *at = rule->to; (at = strchr(at, '\\')); at += 2) {
		bool is_group = isdigit((unsigned char)at[1]);
		if (!is_group && at[1] != '\\') {
			snprintf(problem, size,
				"after a backslash only a group's number or another "
				"backslash may stand");
			return -EINVAL;
		}
		if (is_group && (size_t)(at[1] - '0') > groups) {
			snprintf(problem, size, "\\%c: the pattern has %zu groups", at[1], groups);
			return -EINVAL;
		}
	}
	return 0;
}
