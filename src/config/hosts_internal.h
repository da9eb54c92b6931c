/* What host names, servers, addresses and XMPP names must look like. A fault is the end of a
 * sentence ("..., but must be FAULT"), NULL when there is none. */
#ifndef TR_CONFIG_HOSTS_INTERNAL_H
#define TR_CONFIG_HOSTS_INTERNAL_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

const char *tr_hosts_domain_fault(const char *text);	/* "meet.example.org" */
const char *tr_hosts_server_fault(const char *text);	/* "host", "host:port", "[::1]:5222" */
const char *tr_hosts_pattern_fault(const char *text);	/* a domain, "*.domain" or an address */
const char *tr_hosts_address_fault(const char *text);	/* "127.0.0.1" */
const char *tr_hosts_url_fault(const char *text);	/* "https://meet.example.org/path" */
const char *tr_hosts_localpart_fault(const char *text); /* "jibri" */
const char *tr_hosts_nick_fault(const char *text);	/* "telerec-0a1b2c3d" */
const char *tr_hosts_jid_fault(const char *text);	/* "focus@auth.meet.example.org" */
const char *tr_hosts_sha256_fault(const char *text);	/* 64 hex digits, with or without colons */

/* The port is 0 when there is none. -EINVAL. */
TR_CHECKED int tr_hosts_split_server(const char *text, char *host, size_t size, int *ret_port);

/* The host of a URL that has no fault. */
void tr_hosts_of_url(const char *url, char *out, size_t size);

/* "localhost", 127.0.0.0/8 or ::1. */
bool tr_hosts_is_loopback(const char *host);

#endif
