/*
 * What an XMPP server shows before anybody logs in: whether it serves a domain, whether it offers
 * TLS, and with which certificate. Nothing secret is sent; any certificate is looked at, and how
 * good it is is told.
 */
#ifndef TR_DOCTOR_TLS_LOOK_H
#define TR_DOCTOR_TLS_LOOK_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <time.h>

enum tr_tls_look_fault {
	TR_TLS_LOOK_FINE,	  /* TLS is up; the certificate is told below */
	TR_TLS_LOOK_UNREACHABLE,  /* no connection */
	TR_TLS_LOOK_SILENT,	  /* a connection, and not a word */
	TR_TLS_LOOK_NOT_XMPP,	  /* it speaks something else */
	TR_TLS_LOOK_HOST_UNKNOWN, /* an XMPP server, but not of this domain */
	TR_TLS_LOOK_STREAM_ERROR, /* `word` */
	TR_TLS_LOOK_NO_STARTTLS,
	TR_TLS_LOOK_HANDSHAKE, /* `word` says what went wrong */
};

struct tr_tls_look_settings {
	const char *host;
	int port;
	const char *domain;  /* of the stream, and the certificate's name */
	bool is_direct;	     /* TLS from the first byte */
	bool is_without;     /* no TLS is wanted: only the stream is opened */
	const char *ca_file; /* to trust besides the system's, or "" */
	int timeout_ms;	     /* of each step */
};

struct tr_tls_look {
	enum tr_tls_look_fault fault;
	char word[200];
	bool offers_starttls;
	/* of the certificate */
	bool is_trusted; /* but for time and name */
	bool is_expired, is_too_early, is_name_right, is_self_signed;
	char fingerprint[128];	  /* SHA-256, "AB:CD:..." */
	char ca_fingerprint[128]; /* of the last one that the server showed, "" when only one */
	char subject[200], issuer[200];
	char names[400]; /* that it is for */
	time_t expires;
};

/* Waits, some steps of `timeout_ms` at most. */
void tr_tls_look_take(const struct tr_tls_look_settings *settings, struct tr_tls_look *ret_look);

#endif
