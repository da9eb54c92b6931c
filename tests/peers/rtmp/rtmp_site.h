/*
 * A streaming server for tests: nginx with its RTMP module on ports of its own, in a folder of its
 * own, configured as sites do it (nginx.conf.in).
 *
 * Any failure ends the test program.
 */
#ifndef TR_TESTS_RTMP_SITE_H
#define TR_TESTS_RTMP_SITE_H

#include "core/child.h"

#define RTMP_SITE_PASSWORD "sesame"

struct rtmp_site {
	char folder[32];     /* recordings are in folder/recorded, pushed HLS in folder/hls */
	char authority[64];  /* the certificate that signed those of the TLS ports */
	const char *address; /* where RTMP is */
	int rtmp_port, http_port;
	int tls_port, expired_tls_port, misnamed_tls_port; /* RTMPS, as localhost */
	pid_t network_of; /* nginx runs in the network namespace of this process; 0: in ours */
	struct tr_child nginx;
};

/* NULL, or the reason why there can be none here. */
const char *rtmp_site_missing(void);

void rtmp_site_create(struct rtmp_site *site); /* and starts it, on 127.0.0.1 */
void rtmp_site_create_at(struct rtmp_site *site, const char *address, pid_t network_of);
void rtmp_site_start(struct rtmp_site *site); /* after kill; takes connections when it returns */
void rtmp_site_kill(struct rtmp_site *site);  /* SIGKILL */
void rtmp_site_destroy(struct rtmp_site *site);

/* The newest recorded file of the stream `name`, whose publisher has gone or goes; or NULL. */
const char *rtmp_site_recording(const struct rtmp_site *site, const char *name);

/* A TCP port of the loopback that nobody uses at the moment. */
int rtmp_site_free_port(void);

#endif
