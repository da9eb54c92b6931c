/*
 * A TCP connection through which things go wrong: on a thread of its own between a client and a
 * server of the loopback.
 */
#ifndef TR_TESTS_FAULT_PROXY_H
#define TR_TESTS_FAULT_PROXY_H

struct fault_proxy;

enum fault_proxy_mode {
	FAULT_PROXY_FORWARD,
	FAULT_PROXY_HOLE, /* takes nothing, says nothing, ends nothing: new connections too */
	FAULT_PROXY_SLOW, /* so many bytes a second from the client */
	FAULT_PROXY_CUT,  /* every connection is reset, new ones too */
};

/* Any failure ends the test program. */
struct fault_proxy *fault_proxy_create(int to_port);
void fault_proxy_destroy(struct fault_proxy *proxy);

int fault_proxy_port(const struct fault_proxy *proxy);

/* Any thread. Connections that stood in the hole are reset when it is left. */
void fault_proxy_set(struct fault_proxy *proxy, enum fault_proxy_mode mode, int bytes_per_second);

#endif
