/*
 * What lies between a client and its server: passes bytes on, breaks, swallows, or plays a server
 * that is badly set up. A thread of its own; functions may be called at any time.
 */
#ifndef TR_TESTS_CONTROL_RELAY_H
#define TR_TESTS_CONTROL_RELAY_H

enum relay_mode {
	RELAY_PASS,
	RELAY_SWALLOW, /* the connections stay, nothing passes, new ones get nothing */
	RELAY_NO_TLS,  /* plays a server without STARTTLS that wants a password */
	RELAY_SILENT,  /* plays one that goes silent in the TLS handshake */
};

struct relay;

/* Listens on a free loopback port for connections to `port`. */
struct relay *relay_create(int port);
void relay_destroy(struct relay *relay);
int relay_port(const struct relay *relay);
void relay_set_mode(struct relay *relay, enum relay_mode mode);

/* Closes all connections; new ones are taken. */
void relay_break(struct relay *relay);

/* Connections taken so far, and whether a client said these words to a played server. */
unsigned relay_count(struct relay *relay);
int relay_has_heard(struct relay *relay, const char *words);

#endif
