/* The client's own parts see each other here: node_client.c (requests and what comes back) and
 * node_client_trouble.c (what is said of those that fail). */
#ifndef TR_PROTOCOL_NODE_CLIENT_INTERNAL_H
#define TR_PROTOCOL_NODE_CLIENT_INTERNAL_H

#include "protocol/node_client.h"

#include <curl/curl.h>

struct tr_node_client {
	CURL *curl;
	char *socket_path; /* NULL: by URL */
	char *base;	   /* without a slash at its end */
	char *token, *ca_file;
	int timeout_ms;
	bool is_broken; /* the settings are no good; the problem says why */
	int status;
	char problem[1024];
	char detail[CURL_ERROR_SIZE];
};

/* Keeps the sentence, and returns rc. */
int tr_node_client_refuse(struct tr_node_client *client, int rc, const char *format, ...)
	TR_PRINTF(3, 4);

/* For a request that failed with `code`, with or without the head of an answer. -errno. */
int tr_node_client_complain(
	struct tr_node_client *client, CURLcode code, bool has_answered, bool is_following);

/* For an answer that is an error; `answer` may be NULL. -EREMOTEIO. */
int tr_node_client_complain_status(struct tr_node_client *client, const json_t *answer);

#endif
