/* Why a page is not there, as a reason for programs and as one sentence for people. */
#ifndef TR_BROWSER_LOAD_ERROR_H
#define TR_BROWSER_LOAD_ERROR_H

#include <stddef.h>

enum tr_load_error {
	TR_LOAD_ERROR_NONE,
	TR_LOAD_ERROR_ADDRESS,	   /* no address that a browser can open */
	TR_LOAD_ERROR_NAME,	   /* the host's name is not known */
	TR_LOAD_ERROR_CONNECTION,  /* refused, unreachable, cut off */
	TR_LOAD_ERROR_CERTIFICATE, /* the server's certificate is not trusted */
	TR_LOAD_ERROR_BLOCKED,	   /* a policy of this machine forbids it */
	TR_LOAD_ERROR_HTTP,	   /* the server answered, with 400 to 599 */
	TR_LOAD_ERROR_TIMEOUT,	   /* not loaded by the deadline */
	TR_LOAD_ERROR_HUNG,	   /* loaded, but its scripts no longer answer */
	TR_LOAD_ERROR_BROWSER,	   /* the browser itself does not answer */
	TR_LOAD_ERROR_OTHER,
};

/* "net::ERR_NAME_NOT_RESOLVED" to reason and sentence. `url` is printed without its secrets. */
enum tr_load_error tr_load_error_describe_net(
	const char *net_error, const char *url, char *out, size_t size);

/* The sentence for an HTTP status of 400 and above. */
void tr_load_error_describe_http(int status, const char *url, char *out, size_t size);

#endif
