#include "storage/upload_target.h"

#include "core/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *scheme;
	enum tr_upload_kind kind;
	bool is_tls;
} schemes[] = {
	{"sftp", TR_UPLOAD_SFTP, true},
	{"webdav", TR_UPLOAD_WEBDAV, false},
	{"http", TR_UPLOAD_WEBDAV, false},
	{"webdavs", TR_UPLOAD_WEBDAV, true},
	{"https", TR_UPLOAD_WEBDAV, true},
	{"s3", TR_UPLOAD_S3, true},
	{"smb", TR_UPLOAD_SMB, false},
};

/* ---- the URL ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Without percent-encoding; what would be a control character then is refused. */
static int decode(const char *from, size_t length, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		char c = from[i];
		if (c == '%') {
			int high = i + 2 < length ? hex_digit(from[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(from[i + 2]) : -1;
			if (low < 0)
				return -EINVAL;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if ((unsigned char)c < 0x20 || c == 0x7f || used + 1 >= size)
			return -EINVAL;
		out[used++] = c;
	}
	out[used] = '\0';
	return 0;
}

static bool is_host(const char *host, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)host[i]) && !strchr(".-_:", host[i]))
			return false;
	return length > 0 && host[0] != '-';
}

/* "host", "host:port", "[::1]:port" */
static int take_host(const char *text, size_t length, struct tr_upload_url *url)
{
	bool is_bracketed = length > 0 && text[0] == '[';
	const char *end = is_bracketed ? memchr(text, ']', length) : memchr(text, ':', length);
	const char *host = text + is_bracketed;
	size_t host_length = (size_t)((end ? end : text + length) - host);
	const char *rest = end ? end + is_bracketed : text + length;
	size_t rest_length = (size_t)(text + length - rest);
	char number[8];
	int64_t port;

	if ((is_bracketed && !end) || !is_host(host, host_length) ||
		host_length >= sizeof(url->host) || (rest_length > 0 && *rest != ':') ||
		rest_length > sizeof(number))
		return -EINVAL;
	snprintf(url->host, sizeof(url->host), "%.*s", (int)host_length, host);
	if (rest_length == 0)
		return 0;
	snprintf(number, sizeof(number), "%.*s", (int)rest_length - 1, rest + 1);
	if (tr_text_parse_int(number, 1, 65535, &port) < 0)
		return -EINVAL;
	url->port = (int)port;
	return 0;
}

static int take_path(const char *text, struct tr_upload_url *url)
{
	int rc = decode(text, strlen(text), url->path, sizeof(url->path));

	for (size_t length = strlen(url->path); length > 0 && url->path[length - 1] == '/';)
		url->path[--length] = '\0';
	return rc;
}

static int parse(const char *text, struct tr_upload_url *url)
{
	const char *colon = strstr(text, "://");
	size_t scheme_length = colon ? (size_t)(colon - text) : 0;

	for (size_t i = 0; i < TR_COUNT(schemes); i++) {
		if (strlen(schemes[i].scheme) == scheme_length &&
			!strncmp(schemes[i].scheme, text, scheme_length)) {
			url->kind = schemes[i].kind;
			url->is_tls = schemes[i].is_tls;
		}
	}
	if (url->kind == TR_UPLOAD_NONE || strpbrk(text, "?#"))
		return -EINVAL;
	const char *host = colon + 3;
	size_t length = strcspn(host, "/");
	const char *at = memrchr(host, '@', length);
	if (at && (memchr(host, ':', (size_t)(at - host)) ||
			  decode(host, (size_t)(at - host), url->user, sizeof(url->user)) < 0))
		return -EINVAL;
	const char *name = at ? at + 1 : host;
	int rc = take_host(name, length - (size_t)(name - host), url);
	return rc < 0 ? rc : take_path(host + length, url);
}

int tr_upload_target_parse_url(const char *text, struct tr_upload_url *ret_url)
{
	struct tr_upload_url url = {0};
	int rc = parse(text, &url);

	if (rc == 0)
		*ret_url = url;
	return rc;
}

static bool has_password(const char *text)
{
	const char *host = strstr(text, "://");
	size_t length = host ? strcspn(host + 3, "/") : 0;
	const char *at = host ? memrchr(host + 3, '@', length) : NULL;

	return at && memchr(host + 3, ':', (size_t)(at - host - 3));
}

const char *tr_upload_target_url_fault(const char *text)
{
	struct tr_upload_url url = {0};

	if (has_password(text))
		return "a URL without a password (that belongs into secrets.conf, in an entry of the "
		       "same name)";
	if (tr_upload_target_parse_url(text, &url) < 0)
		return "a URL like \"sftp://user@host/folder\", \"webdavs://host/path\", "
		       "\"s3://bucket/prefix\" or \"smb://host/share/folder\"";
	if (url.kind == TR_UPLOAD_S3 && (url.port || url.user[0]))
		return "\"s3://bucket/prefix\"; the server is `endpoint`, the account "
		       "`access_key`";
	if (url.kind == TR_UPLOAD_SMB && !url.path[0])
		return "\"smb://host/share/folder\", with a share";
	return NULL;
}

const char *tr_upload_target_host_key_fault(const char *text)
{
	static const char *const starts[] = {"ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-nistp256 ",
		"ecdsa-sha2-nistp384 ", "ecdsa-sha2-nistp521 "};

	for (size_t i = 0; i < TR_COUNT(starts); i++) {
		const char *key = text + strlen(starts[i]);
		if (!strncmp(text, starts[i], strlen(starts[i])) && strlen(key) > 40 &&
			strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789+/=") == strlen(key))
			return NULL;
	}
	return "a public key of the server like \"ssh-ed25519 AAAA...\" (`telerec upload trust NAME` "
	       "prints it)";
}

/* ---- as a whole ---- */

static bool is_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return false;
	return name[0] && name[0] != '.' && name[0] != '-';
}

static int say(char *why, size_t size, const char *sentence)
{
	snprintf(why, size, "%s", sentence);
	return -EINVAL;
}

int tr_upload_target_check(const struct tr_upload_target *target, char *why, size_t why_size)
{
	struct tr_upload_url url = {0};

	if (!is_name(target->name))
		return say(why, why_size,
			"storage.uploads.name must be given: letters, digits, '-', '_' and '.'");
	if (!target->url[0])
		return say(why, why_size, "storage.uploads.url must be given");
	const char *fault = tr_upload_target_url_fault(target->url);
	if (fault || tr_upload_target_parse_url(target->url, &url) < 0) {
		snprintf(why, why_size, "storage.uploads.url must be %s", fault ? fault : "valid");
		return -EINVAL;
	}
	bool is_s3 = url.kind == TR_UPLOAD_S3;
	if (url.kind == TR_UPLOAD_SFTP && !target->user[0] && !url.user[0])
		return say(why, why_size,
			"sftp needs a user: \"sftp://user@host/folder\" in storage.uploads.url");
	if (!is_s3 && (target->endpoint[0] || target->region[0] || target->access_key[0] ||
			      target->secret_key[0]))
		return say(why, why_size,
			"endpoint, region, access_key and secret_key of storage.uploads are for "
			"s3:// only");
	if (url.kind != TR_UPLOAD_SFTP && (target->key_file[0] || target->host_key_count > 0))
		return say(why, why_size,
			"key_file and host_keys of storage.uploads are for sftp:// only");
	if (is_s3 && (target->password[0] || target->user[0]))
		return say(why, why_size,
			"s3:// has access_key and secret_key instead of user and password");
	return 0;
}

void tr_upload_target_show(const struct tr_upload_target *target, char *out, size_t size)
{
	tr_text_redact(target->url, out, size);
}
