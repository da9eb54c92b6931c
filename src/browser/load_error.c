#include "browser/load_error.h"

#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/text.h"

#define URL_SHOWN 200

struct net_error {
	const char *prefix; /* of the name behind "net::"; the first that fits is taken */
	enum tr_load_error reason;
	const char *what;
	const char *advice;
};

static const struct net_error net_errors[] = {
	{"ERR_NAME_", TR_LOAD_ERROR_NAME, "the name of the server is not known",
		"check the address, and the name servers of this machine"},
	{"ERR_DNS_", TR_LOAD_ERROR_NAME, "the name of the server cannot be looked up",
		"check the name servers of this machine"},
	{"ERR_CONNECTION_REFUSED", TR_LOAD_ERROR_CONNECTION, "the server refuses the connection",
		"check that the web server runs, and the port"},
	{"ERR_INTERNET_DISCONNECTED", TR_LOAD_ERROR_CONNECTION, "this machine has no network",
		"check its cable and its network settings"},
	{"ERR_ADDRESS_UNREACHABLE", TR_LOAD_ERROR_CONNECTION, "there is no way to the server",
		"check the network settings of this machine"},
	{"ERR_NETWORK_", TR_LOAD_ERROR_CONNECTION, "the network changed or is not reachable",
		"try again; check the network of this machine"},
	{"ERR_CONNECTION_TIMED_OUT", TR_LOAD_ERROR_CONNECTION, "the server does not answer",
		"check the address, and that a firewall lets this machine through"},
	{"ERR_TIMED_OUT", TR_LOAD_ERROR_CONNECTION, "the server does not answer",
		"check the address, and that a firewall lets this machine through"},
	{"ERR_PROXY_", TR_LOAD_ERROR_CONNECTION, "the proxy cannot be used",
		"check the proxy settings"},
	{"ERR_TUNNEL_", TR_LOAD_ERROR_CONNECTION, "the proxy refuses the connection",
		"check the proxy settings"},
	{"ERR_CONNECTION_", TR_LOAD_ERROR_CONNECTION, "the connection was cut off",
		"try again; check the web server's log"},
	{"ERR_EMPTY_RESPONSE", TR_LOAD_ERROR_CONNECTION, "the server closed without an answer",
		"check the web server's log, and whether the address wants https"},
	{"ERR_SOCKET_", TR_LOAD_ERROR_CONNECTION, "the connection could not be made",
		"try again; check the network of this machine"},
	{"ERR_CERT_AUTHORITY_INVALID", TR_LOAD_ERROR_CERTIFICATE,
		"the server's certificate comes from an authority that this machine does not trust",
		"install the authority's certificate on this machine"},
	{"ERR_CERT_DATE_INVALID", TR_LOAD_ERROR_CERTIFICATE,
		"the server's certificate is out of date, or this machine's clock is wrong",
		"check the clock, then renew the certificate"},
	{"ERR_CERT_COMMON_NAME_INVALID", TR_LOAD_ERROR_CERTIFICATE,
		"the server's certificate is for another name", "use the name in the certificate"},
	{"ERR_CERT_", TR_LOAD_ERROR_CERTIFICATE, "the server's certificate is not valid",
		"renew the certificate"},
	{"ERR_SSL_", TR_LOAD_ERROR_CERTIFICATE, "no encrypted connection could be agreed on",
		"check the port, and the server's TLS settings"},
	{"ERR_BLOCKED_BY_", TR_LOAD_ERROR_BLOCKED, "a policy of this machine forbids the page",
		"allow it in the browser's managed policies"},
	{"ERR_UNSAFE_PORT", TR_LOAD_ERROR_BLOCKED, "browsers do not open this port",
		"serve the page on another port"},
	{"ERR_TOO_MANY_REDIRECTS", TR_LOAD_ERROR_OTHER, "the server redirects without end",
		"check the web server's configuration"},
	{"ERR_FILE_NOT_FOUND", TR_LOAD_ERROR_ADDRESS, "there is no such file", "check the path"},
	{"ERR_INVALID_URL", TR_LOAD_ERROR_ADDRESS, "this is no web address",
		"write it as https://host/room"},
	{"ERR_UNKNOWN_URL_SCHEME", TR_LOAD_ERROR_ADDRESS, "this is no web address",
		"write it as https://host/room"},
	{"ERR_DISALLOWED_URL_SCHEME", TR_LOAD_ERROR_ADDRESS, "this is no web address",
		"write it as https://host/room"},
	{"ERR_ABORTED", TR_LOAD_ERROR_OTHER, "there is no page at the address, or it is a download",
		"check the address"},
	{"", TR_LOAD_ERROR_OTHER, "the browser could not load the page", "check the address"},
};

enum tr_load_error tr_load_error_describe_net(
	const char *net_error, const char *url, char *out, size_t size)
{
	const struct net_error *entry = net_errors;
	const char *name = !strncmp(net_error, "net::", 5) ? net_error + 5 : net_error;
	char shown[URL_SHOWN];

	while (strncmp(name, entry->prefix, strlen(entry->prefix)) != 0)
		entry++; /* the last fits all */
	tr_text_redact(url, shown, sizeof(shown));
	snprintf(out, size, "cannot load %s: %s (%.60s); %s", shown, entry->what, name,
		entry->advice);
	return entry->reason;
}

void tr_load_error_describe_http(int status, const char *url, char *out, size_t size)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{401, "it wants a login; check the address and its token"},
		{403, "it forbids the access; check the address and its token"},
		{404, "it has no such page; check the address"},
		{429, "it is asked too often; try again later"},
		{502, "the service behind it is down; check it, then try again"},
		{503, "it is overloaded or in maintenance; try again later"},
		{504, "the service behind it does not answer; check it, then try again"},
	};
	const char *text = status < 500 ? "it refuses the request; check the address"
					: "it has a fault; check the web server's log";
	char shown[URL_SHOWN];

	for (size_t i = 0; i < TR_COUNT(texts); i++)
		if (texts[i].status == status)
			text = texts[i].text;
	tr_text_redact(url, shown, sizeof(shown));
	snprintf(out, size, "cannot load %s: the server answered %d: %s", shown, status, text);
}
