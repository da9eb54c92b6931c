/*
 * A double of telerecd's node API for tests of its clients: answers from a table, notes what was
 * asked, and is strict: what is not in the table, or is no proper HTTP/1.1, is noted as a fault.
 */
#ifndef TR_TESTS_FAKE_NODE_SERVER_H
#define TR_TESTS_FAKE_NODE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct node_server_route {
	const char *request; /* "GET /v1/slots?x=y"; NULL ends the table. Several of the same are
				used one after the other, and the last one again and again */
	int status;	     /* 0: 200 */
	const char *body;
	size_t size;	  /* of the body; 0: it is a string */
	const char *type; /* NULL: JSON */
	bool has_ranges;  /* of the body, as asked for */
	size_t cut;	  /* the connection breaks after so many bytes of the body */
	bool stays_open;  /* after the body, until the client or the server goes */
	bool hangs;	  /* no answer at all, until then */
};

struct node_server;

/* With a path it listens there, else on a free port of 127.0.0.1. With a token, who does not send
 * it gets 401. Keeps the table. */
struct node_server *node_server_start(
	const char *path, const char *token, const struct node_server_route *routes);
void node_server_stop(struct node_server *server); /* NULL is fine */

int node_server_port(const struct node_server *server);

/* All requests until now, a line each: "GET /v1/node", "POST /v1/drain {...}", with a range
 * "GET /x [bytes=5-]"; then the faults, "FAULT ...". Until the next call. */
const char *node_server_log(struct node_server *server);

/* How often the line was asked for. */
unsigned node_server_count(struct node_server *server, const char *request);

#endif
