/* One page by HTTP(S), as a browser would ask for it: what comes back, and from whom. */
#ifndef TR_DOCTOR_HTTP_LOOK_H
#define TR_DOCTOR_HTTP_LOOK_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

enum tr_http_look_fault {
	TR_HTTP_LOOK_FINE, /* an answer: `status` */
	TR_HTTP_LOOK_NAME,
	TR_HTTP_LOOK_REFUSED,
	TR_HTTP_LOOK_LATE,
	TR_HTTP_LOOK_CERTIFICATE,
	TR_HTTP_LOOK_OTHER,
};

struct tr_http_look_settings {
	const char *url;
	const char *post;    /* JSON to post; NULL: get */
	const char *ca_file; /* trusted instead of the system's, or NULL */
	bool ignore_certificate;
	bool stays; /* redirects are not followed */
	int timeout_ms;
};

struct tr_http_look {
	enum tr_http_look_fault fault;
	char word[300]; /* the library's, for a fault */
	int status;
	char location[1024]; /* where it ended when it was led elsewhere, else "" */
	int64_t ahead_s;     /* their clock against ours */
	bool has_date;
	int days_left; /* of the certificate; -1: unknown */
	char *body;    /* the first 512 KiB, never NULL after a take; the caller's */
};

/* Waits. -ENOMEM. Let go of the body with tr_http_look_fini(). */
TR_CHECKED int tr_http_look_take(
	const struct tr_http_look_settings *settings, struct tr_http_look *ret_look);
void tr_http_look_fini(struct tr_http_look *look);

#endif
