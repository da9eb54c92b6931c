#include "control/room_url.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PART_MAX 1023 /* bytes of a localpart or domain, RFC 7622 */

static void lower(char *text)
{
	for (; *text; text++) {
		if (*text >= 'A' && *text <= 'Z')
			*text += 'a' - 'A';
	}
}

static bool is_kept(const char *at)
{
	if (*at == '%')
		return isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]);
	return isalnum((unsigned char)*at) ? (unsigned char)*at < 0x80
					   : *at && strchr("-._~!$&'()*+,;=:@", *at);
}

/* An escape that is there already stays; "/", "?", "#" and all that is not ASCII become one. */
static void append_encoded(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (is_kept(text))
			fputc(*text, out);
		else
			fprintf(out, "%%%02X", (unsigned char)*text);
	}
}

/* Browsers read "." and "..", escaped or not, as a way to another address. */
static bool is_dots(const char *name)
{
	unsigned dots = 0;

	while (*name && dots < 3) {
		if (*name == '.')
			name++;
		else if (!strncasecmp(name, "%2e", 3))
			name += 3;
		else
			return false;
		dots++;
	}
	return dots < 3;
}

/* Splits `room` into two parts in lower case. */
static int split(const char *room, char *local, char *domain)
{
	const char *at = strchr(room, '@');
	if (!at || at == room || !at[1] || strchr(room, '/') || strchr(at + 1, '@'))
		return -EINVAL;
	if (at - room > PART_MAX || strlen(at + 1) > PART_MAX)
		return -EINVAL;
	memcpy(local, room, (size_t)(at - room));
	local[at - room] = '\0';
	strcpy(domain, at + 1);
	lower(local);
	lower(domain);
	if (is_dots(local) || !domain[strspn(domain, ".")])
		return -EINVAL;
	return 0;
}

static void trim_end(char *text, char what)
{
	for (size_t size = strlen(text); size > 0 && text[size - 1] == what; size--)
		text[size - 1] = '\0';
}

/* Leaves the tenant in `domain`. */
static int cut_domain(const struct tr_room_url_rule *rule, char *domain)
{
	size_t strip = strlen(rule->strip), size = strlen(rule->xmpp_domain);
	char *stripped = strip ? strcasestr(domain, rule->strip) : NULL;

	if (stripped)
		memmove(stripped, stripped + strip, strlen(stripped + strip) + 1);
	trim_end(domain, '.');
	if (size == 0 || strlen(domain) < size)
		return -EDOM;
	char *ours = domain + strlen(domain) - size;
	if (strcasecmp(ours, rule->xmpp_domain) || (ours > domain && ours[-1] != '.'))
		return -EDOM;
	*ours = '\0';
	trim_end(domain, '.');
	memmove(domain, domain + strspn(domain, "."), strlen(domain + strspn(domain, ".")) + 1);
	return 0;
}

static char *join(const struct tr_room_url_rule *rule, const char *tenant, const char *local)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;

	size_t base = strlen(rule->base_url);
	while (base > 0 && rule->base_url[base - 1] == '/')
		base--;
	if (base)
		fprintf(out, "%.*s", (int)base, rule->base_url);
	else
		fprintf(out, "https://%s", rule->xmpp_domain);
	if (tenant[0]) {
		fputc('/', out);
		append_encoded(out, tenant);
	}
	fputc('/', out);
	append_encoded(out, local);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

int tr_room_url_make(
	const struct tr_room_url_rule *rule, const char *room, struct tr_room_url *ret_url)
{
	char local[PART_MAX + 1], domain[PART_MAX + 1];

	int rc = split(room, local, domain);
	if (rc == 0)
		rc = cut_domain(rule, domain);
	if (rc < 0)
		return rc;

	struct tr_room_url url = {join(rule, domain, local), strdup(local)};
	if (!url.url || !url.call_name) {
		tr_room_url_fini(&url);
		return -ENOMEM;
	}
	*ret_url = url;
	return 0;
}

void tr_room_url_fini(struct tr_room_url *url)
{
	free(url->url);
	free(url->call_name);
	*url = (struct tr_room_url){0};
}
