/*
 * A real Prosody of one's own: loopback, free ports, accounts and certificate in a folder of its
 * own, configured as Jitsi's servers are.
 */
#ifndef TR_TESTS_CONTROL_PROSODY_H
#define TR_TESTS_CONTROL_PROSODY_H

#include "core/child.h"

#include <stdbool.h>

struct prosody {
	char folder[64];
	char ca_file[96];
	char fingerprint[128]; /* of its certificate, SHA-256 */
	int port;	       /* STARTTLS */
	int tls_port;	       /* TLS from the first byte */
	struct tr_child child;
};

/* Domains: auth.meet.test with the accounts jibri and focus (password "pass-NAME"), the room
 * services internal.meet.test, locked.meet.test (rooms are locked until configured) and
 * closed.meet.test (only focus makes rooms). NULL, with the reason in `why`: cannot run here. */
struct prosody *prosody_create(const char **ret_why);
void prosody_destroy(struct prosody *prosody);

/* Ends it, as a reboot does; and starts it again on the same ports. */
void prosody_stop(struct prosody *prosody);
bool prosody_start(struct prosody *prosody);

/* What it logged. */
void prosody_print_log(const struct prosody *prosody);

#endif
