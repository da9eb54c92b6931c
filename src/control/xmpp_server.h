/* A server's settings as somebody keeps them: copied, checked, let go of. */
#ifndef TR_CONTROL_XMPP_SERVER_H
#define TR_CONTROL_XMPP_SERVER_H

#include "control/xmpp.h"

/* Copies all strings, NULL becomes "". -ENOMEM. */
TR_CHECKED int tr_xmpp_server_copy(
	const struct tr_xmpp_server *server, struct tr_xmpp_server *ret_copy);

/* Of a copy; passwords are wiped. */
void tr_xmpp_server_fini(struct tr_xmpp_server *copy);

/* -EINVAL with a sentence in the log for what can never work. */
TR_CHECKED int tr_xmpp_server_check(const struct tr_xmpp_server *server);

/* "env (host:5222)" for people. */
void tr_xmpp_server_describe(const struct tr_xmpp_server *server, char *out, size_t size);

/* Is this SHA-256 fingerprint the configured one? Case and what is no hex digit do not count. */
bool tr_xmpp_server_is_pinned(const struct tr_xmpp_server *server, const char *fingerprint);

#endif
