#include "output/stream_certificate_internal.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

static void close_session(gnutls_session_t *session)
{
	if (*session)
		gnutls_deinit(*session);
}

static void free_trust(gnutls_certificate_credentials_t *trust)
{
	if (*trust)
		gnutls_certificate_free_credentials(*trust);
}

/* A connected socket whose calls block no longer than that; -1. */
static int connect_to(const struct tr_stream_url *where, int timeout_ms)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	struct addrinfo *found = NULL;
	char port[8];
	int fd = -1;

	snprintf(port, sizeof(port), "%d", where->port);
	if (getaddrinfo(where->host, port, &hints, &found) != 0)
		return -1;
	for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		if (connect(fd, at->ai_addr, at->ai_addrlen) < 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	return fd;
}

static bool read_end(gnutls_session_t session, char *out, size_t size)
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
	gnutls_x509_crt_t certificate;
	struct tm day;

	if (!chain || count == 0 || gnutls_x509_crt_init(&certificate) < 0)
		return false;
	bool is_read = gnutls_x509_crt_import(certificate, chain, GNUTLS_X509_FMT_DER) == 0;
	time_t end = is_read ? gnutls_x509_crt_get_expiration_time(certificate) : -1;
	gnutls_x509_crt_deinit(certificate);
	return end != -1 && gmtime_r(&end, &day) && strftime(out, size, "%Y-%m-%d", &day) > 0;
}

static bool say(gnutls_session_t session, unsigned status, char *out, size_t size)
{
	char day[16];

	if (status & GNUTLS_CERT_EXPIRED) {
		if (read_end(session, day, sizeof(day)))
			snprintf(
				out, size, "has expired, or one that signed it (its end: %s)", day);
		else
			snprintf(out, size, "has expired");
	} else if (status & GNUTLS_CERT_NOT_ACTIVATED) {
		snprintf(out, size, "is not valid yet; is this machine's clock right?");
	} else if (status & GNUTLS_CERT_REVOKED) {
		snprintf(out, size, "was revoked");
	} else if (status & GNUTLS_CERT_SIGNER_NOT_FOUND) {
		snprintf(out, size,
			"is not trusted: signed by nobody this machine knows (a private authority "
			"belongs into ca_file)");
	} else if (status & GNUTLS_CERT_INSECURE_ALGORITHM) {
		snprintf(out, size, "is not trusted: signed with an algorithm that is too weak");
	} else {
		return false;
	}
	return true;
}

bool tr_stream_certificate_explain(const struct tr_stream_url *where, const char *ca_file,
	int timeout_ms, char *out, size_t size)
{
	TR_CLEANUP(tr_closep) int fd = connect_to(where, timeout_ms);
	TR_CLEANUP(free_trust) gnutls_certificate_credentials_t trust = NULL;
	TR_CLEANUP(close_session) gnutls_session_t session = NULL;
	unsigned status = 0;

	if (fd < 0 || gnutls_certificate_allocate_credentials(&trust) < 0 ||
		gnutls_init(&session, GNUTLS_CLIENT) < 0)
		return false;
	gnutls_certificate_set_x509_system_trust(trust);
	if (ca_file)
		gnutls_certificate_set_x509_trust_file(trust, ca_file, GNUTLS_X509_FMT_PEM);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust);
	gnutls_server_name_set(
		session, GNUTLS_NAME_DNS, where->host, strnlen(where->host, sizeof(where->host)));
	gnutls_transport_set_int(session, fd);
	gnutls_handshake_set_timeout(session, (unsigned)timeout_ms);
	int rc;
	do
		rc = gnutls_handshake(session);
	while (rc == GNUTLS_E_INTERRUPTED || rc == GNUTLS_E_WARNING_ALERT_RECEIVED);
	if (rc < 0 || gnutls_certificate_verify_peers2(session, &status) < 0)
		return false;
	return say(session, status, out, size);
}
