#include "control/node_api_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* "example.org:8080" without the port, "[::1]:8080" without port and brackets. */
static bool take_name(const char *host, char *out, size_t size)
{
	const char *from = host, *rest;
	size_t length;

	if (*host == '[') {
		from++;
		length = strcspn(from, "]");
		if (from[length] != ']')
			return false;
		rest = from + length + 1;
	} else {
		length = strcspn(from, ":");
		rest = from + length;
	}
	if (length == 0 || length >= size || (*rest && *rest != ':') ||
		(*rest && strspn(rest + 1, "0123456789") != strlen(rest + 1)))
		return false;
	memcpy(out, from, length);
	out[length] = '\0';
	return true;
}

bool tr_node_api_access_host_is_ours(const char *host, const char *name)
{
	struct in6_addr address;
	char text[256];

	if (!host || !take_name(host, text, sizeof(text)))
		return false;
	if (*host == '[')
		return inet_pton(AF_INET6, text, &address) == 1;
	return inet_pton(AF_INET, text, &address) == 1 || !strcasecmp(text, "localhost") ||
	       (*name && !strcasecmp(text, name));
}

bool tr_node_api_access_has_token(const char *authorization, const char *token)
{
	static const char scheme[] = "Bearer";
	const size_t length = sizeof(scheme) - 1, size = strlen(token);

	if (!authorization || strncasecmp(authorization, scheme, length) != 0 ||
		authorization[length] != ' ')
		return false;
	authorization += length + strspn(authorization + length, " ");
	size_t given = strlen(authorization);
	volatile unsigned char difference = given != size;
	for (size_t i = 0; i < given && size > 0; i++)
		difference |= (unsigned char)(authorization[i] ^ token[i % size]);
	return difference == 0 && size > 0;
}

bool tr_node_api_access_is_loopback(const char *bind)
{
	struct in6_addr in6;
	struct in_addr in;

	if (!strcmp(bind, "localhost"))
		return true;
	if (inet_pton(AF_INET, bind, &in) == 1)
		return ntohl(in.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, bind, &in6) == 1 && IN6_IS_ADDR_LOOPBACK(&in6);
}
