/*
 * Where a stream may go: from what Jicofo, an HTTP client or a person asked for to the URL that is
 * opened, and what of it may be shown.
 *
 * A target's URL is a secret as a whole: its last part is the key with which anybody may stream.
 * Pure functions; nothing here logs.
 */
#ifndef TR_OUTPUT_STREAM_URL_H
#define TR_OUTPUT_STREAM_URL_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

#define TR_STREAM_URL_SIZE 2048
#define TR_STREAM_URL_SHOWN_SIZE 256 /* of what may be shown; longer ones are cut */

enum tr_stream_url_scheme {
	TR_STREAM_URL_NONE,
	TR_STREAM_URL_RTMP,
	TR_STREAM_URL_RTMPS,
	TR_STREAM_URL_SRT,
	TR_STREAM_URL_HTTP, /* HLS, pushed with PUT */
	TR_STREAM_URL_HTTPS,
};

struct tr_stream_url {
	enum tr_stream_url_scheme scheme;
	char host[256]; /* without the brackets of an IPv6 address */
	int port;	/* the scheme's own when the URL has none */
};

/* An operator's rule: a URL that `match` matches as a whole goes to `to` instead, in which \1 to \9
 * are the groups, \0 is the whole URL and \\ is a backslash. */
struct tr_stream_url_rewrite {
	const char *match; /* POSIX extended regular expression */
	const char *to;
};

/*
 * The URL that `target` means, into `out` (TR_STREAM_URL_SIZE bytes): a whole URL with its scheme
 * in small letters, or for a bare key YouTube's URL with it. Blanks around it are not part of it.
 *
 * -EINVAL: empty, or it has blanks, control or non-ASCII characters, or no host; -EPROTONOSUPPORT:
 * another kind of URL; -ENAMETOOLONG.
 */
TR_CHECKED int tr_stream_url_resolve(const char *target, char *out, size_t size);

/* Takes a URL apart that tr_stream_url_resolve() gave. The same errors. */
TR_CHECKED int tr_stream_url_read(const char *url, struct tr_stream_url *ret);

static inline bool tr_stream_url_is_http(enum tr_stream_url_scheme scheme)
{
	return scheme == TR_STREAM_URL_HTTP || scheme == TR_STREAM_URL_HTTPS;
}

/* Scheme, host, RTMP application and three stars for the rest into `out`: for logs, screens and
 * messages. Never any of the key, the user, the password or the arguments, whatever `url` is. */
void tr_stream_url_redact(const char *url, char *out, size_t size);

/* One of the patterns (POSIX extended regular expressions) matches the whole URL. A pattern that is
 * none matches nothing; no patterns allow nothing. */
bool tr_stream_url_is_allowed(const char *url, const char *const *patterns, size_t count);

/* What the first rule that matches makes of `url`, or `url` itself when none does, into `out`. The
 * result is resolved as above; its errors are the rule's. */
TR_CHECKED int tr_stream_url_rewrite(const char *url, const struct tr_stream_url_rewrite *rules,
	size_t count, char *out, size_t size);

/* For who reads a configuration: 0, or -EINVAL with a sentence in `problem`. */
TR_CHECKED int tr_stream_url_check_pattern(const char *pattern, char *problem, size_t size);
TR_CHECKED int tr_stream_url_check_rewrite(
	const struct tr_stream_url_rewrite *rule, char *problem, size_t size);

#endif
