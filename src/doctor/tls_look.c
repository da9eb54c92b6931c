#include "doctor/tls_look.h"

#include "core/clock.h"
#include "doctor/tcp.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_SIZE 8192

struct talk {
	const struct tr_tls_look_settings *settings;
	struct tr_tls_look *look;
	int fd;
	gnutls_session_t session; /* NULL: not encrypted yet */
	char answer[ANSWER_SIZE]; /* of the server, since the last header */
	size_t used;
};

static bool fail(struct talk *talk, enum tr_tls_look_fault fault, const char *word)
{
	talk->look->fault = fault;
	snprintf(talk->look->word, sizeof(talk->look->word), "%s", word);
	return false;
}

static bool say(struct talk *talk, const char *text)
{
	size_t length = strlen(text);
	ssize_t sent = talk->session ? gnutls_record_send(talk->session, text, length)
				     : send(talk->fd, text, length, MSG_NOSIGNAL);
	return sent == (ssize_t)length;
}

/* Reads until one of the words is there. False at the end, when it is late, or too much. */
static bool read_until(struct talk *talk, const char *const *words)
{
	int64_t end_ns = tr_clock_now_ns() + talk->settings->timeout_ms * TR_NS_PER_MS;

	while (talk->used + 1 < sizeof(talk->answer) && tr_clock_now_ns() < end_ns) {
		char *at = talk->answer + talk->used;
		size_t room = sizeof(talk->answer) - 1 - talk->used;
		ssize_t n = talk->session ? gnutls_record_recv(talk->session, at, room)
					  : recv(talk->fd, at, room, 0);
		if (n == GNUTLS_E_INTERRUPTED ||
			(n < 0 && talk->session && !gnutls_error_is_fatal((int)n)))
			continue;
		if (n <= 0)
			break;
		talk->used += (size_t)n;
		talk->answer[talk->used] = '\0';
		for (const char *const *word = words; *word; word++)
			if (strstr(talk->answer, *word))
				return true;
	}
	return false;
}

static void take_stream_error(struct talk *talk, const char *at)
{
	char word[64];
	const char *child = strchr(at + 1, '<');

	if (strstr(at, "<host-unknown") || strstr(at, "<host-gone")) {
		fail(talk, TR_TLS_LOOK_HOST_UNKNOWN, "host-unknown");
		return;
	}
	snprintf(word, sizeof(word), "%.*s", child ? (int)strcspn(child + 1, " />") : 0,
		child ? child + 1 : "");
	fail(talk, TR_TLS_LOOK_STREAM_ERROR, word);
}

/* Opens a stream and reads the features. The line's end makes servers of other kinds answer, too.
 */
static bool open_stream(struct talk *talk)
{
	static const char *const words[] = {"</stream:features>", "<stream:features/>",
		"</stream:error>", "</stream:stream>", NULL};
	char header[700];

	talk->used = 0;
	talk->answer[0] = '\0';
	snprintf(header, sizeof(header),
		"<?xml version='1.0'?><stream:stream to='%s' xmlns='jabber:client' "
		"xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>\n",
		talk->settings->domain);
	bool is_whole = say(talk, header) && read_until(talk, words);
	const char *error = strstr(talk->answer, "<stream:error");
	if (error) {
		take_stream_error(talk, error);
		return false;
	}
	if (is_whole && strstr(talk->answer, "stream:features"))
		return true;
	if (talk->used == 0)
		return fail(talk, TR_TLS_LOOK_SILENT, "");
	return strstr(talk->answer, "<stream:stream")
		       ? fail(talk, TR_TLS_LOOK_STREAM_ERROR, "the stream ended")
		       : fail(talk, TR_TLS_LOOK_NOT_XMPP, "");
}

static bool start_tls(struct talk *talk)
{
	static const char *const words[] = {"<proceed", "<failure", "</stream", NULL};

	talk->look->offers_starttls = strstr(talk->answer, "<starttls") != NULL;
	if (!talk->look->offers_starttls)
		return fail(talk, TR_TLS_LOOK_NO_STARTTLS, "");
	talk->used = 0;
	if (!say(talk, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>") ||
		!read_until(talk, words) || !strstr(talk->answer, "<proceed"))
		return fail(talk, TR_TLS_LOOK_HANDSHAKE, "the server refuses to begin");
	return true;
}

/* ---- the certificate ---- */

static void format_fingerprint(gnutls_x509_crt_t crt, char *out, size_t size)
{
	unsigned char digest[32];
	size_t length = sizeof(digest), used = 0;

	out[0] = '\0';
	if (gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &length) < 0)
		return;
	for (size_t i = 0; i < length && used + 4 < size; i++)
		used += (size_t)snprintf(
			out + used, size - used, "%s%02X", i ? ":" : "", digest[i]);
}

static void list_names(gnutls_x509_crt_t crt, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < 64; i++) {
		char name[256];
		size_t length = sizeof(name) - 1;
		int type = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &length, NULL);
		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (type != GNUTLS_SAN_DNSNAME || used + length + 3 > size)
			continue;
		name[length < sizeof(name) ? length : sizeof(name) - 1] = '\0';
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);
	}
}

static void describe(gnutls_x509_crt_t crt, struct tr_tls_look *look)
{
	size_t size = sizeof(look->subject);

	if (gnutls_x509_crt_get_dn(crt, look->subject, &size) < 0)
		look->subject[0] = '\0';
	size = sizeof(look->issuer);
	if (gnutls_x509_crt_get_issuer_dn(crt, look->issuer, &size) < 0)
		look->issuer[0] = '\0';
	list_names(crt, look->names, sizeof(look->names));
	if (!look->names[0])
		snprintf(look->names, sizeof(look->names), "%s", look->subject);
	look->expires = gnutls_x509_crt_get_expiration_time(crt);
	look->is_self_signed = gnutls_x509_crt_check_issuer(crt, crt) != 0;
	format_fingerprint(crt, look->fingerprint, sizeof(look->fingerprint));
}

static void look_at_chain(struct talk *talk)
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(talk->session, &count);

	for (unsigned i = 0; chain && i<count; i += count> 1 ? count - 1 : 1) {
		gnutls_x509_crt_t crt;
		if (gnutls_x509_crt_init(&crt) < 0)
			return;
		if (gnutls_x509_crt_import(crt, &chain[i], GNUTLS_X509_FMT_DER) == 0) {
			if (i == 0)
				describe(crt, talk->look);
			else
				format_fingerprint(crt, talk->look->ca_fingerprint,
					sizeof(talk->look->ca_fingerprint));
		}
		gnutls_x509_crt_deinit(crt);
	}
}

static void judge(struct talk *talk)
{
	struct tr_tls_look *look = talk->look;
	unsigned status = GNUTLS_CERT_INVALID;
	const unsigned times = GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED;

	look_at_chain(talk);
	if (gnutls_certificate_verify_peers3(talk->session, talk->settings->domain, &status) < 0)
		return;
	look->is_expired = status & GNUTLS_CERT_EXPIRED;
	look->is_too_early = status & GNUTLS_CERT_NOT_ACTIVATED;
	look->is_name_right = !(status & GNUTLS_CERT_UNEXPECTED_OWNER);
	status &= ~(times | GNUTLS_CERT_UNEXPECTED_OWNER);
	/* the remaining flag only sums up */
	look->is_trusted =
		status == 0 ||
		(status == GNUTLS_CERT_INVALID &&
			(look->is_expired || look->is_too_early || !look->is_name_right));
}

static bool shake_hands(struct talk *talk)
{
	const struct tr_tls_look_settings *settings = talk->settings;
	const gnutls_datum_t protocol = {(unsigned char *)"xmpp-client", 11};

	gnutls_server_name_set(
		talk->session, GNUTLS_NAME_DNS, settings->domain, strlen(settings->domain));
	if (settings->is_direct)
		gnutls_alpn_set_protocols(talk->session, &protocol, 1, 0);
	gnutls_transport_set_int(talk->session, talk->fd);
	gnutls_handshake_set_timeout(talk->session, (unsigned)settings->timeout_ms);
	int rc;
	do {
		rc = gnutls_handshake(talk->session);
	} while (rc < 0 && !gnutls_error_is_fatal(rc));
	if (rc < 0) {
		gnutls_session_t broken = talk->session;
		talk->session = NULL;
		gnutls_deinit(broken);
		return fail(talk, TR_TLS_LOOK_HANDSHAKE, gnutls_strerror(rc));
	}
	judge(talk);
	return true;
}

static void talk_tls(struct talk *talk)
{
	gnutls_certificate_credentials_t credentials = NULL;
	const char *ca_file = talk->settings->ca_file;

	if (gnutls_certificate_allocate_credentials(&credentials) < 0 ||
		gnutls_init(&talk->session, GNUTLS_CLIENT) < 0) {
		gnutls_certificate_free_credentials(credentials);
		fail(talk, TR_TLS_LOOK_HANDSHAKE, "no memory");
		return;
	}
	gnutls_certificate_set_x509_system_trust(credentials);
	if (ca_file && ca_file[0])
		gnutls_certificate_set_x509_trust_file(credentials, ca_file, GNUTLS_X509_FMT_PEM);
	gnutls_set_default_priority(talk->session);
	gnutls_credentials_set(talk->session, GNUTLS_CRD_CERTIFICATE, credentials);
	if (shake_hands(talk) && talk->settings->is_direct)
		open_stream(talk);
	if (talk->session) {
		gnutls_bye(talk->session, GNUTLS_SHUT_WR);
		gnutls_deinit(talk->session);
	}
	gnutls_certificate_free_credentials(credentials);
}

void tr_tls_look_take(const struct tr_tls_look_settings *settings, struct tr_tls_look *ret_look)
{
	TR_CLEANUP(tr_closep) int fd = -1;
	struct talk talk = {.settings = settings, .look = ret_look};

	*ret_look = (struct tr_tls_look){0};
	int rc = tr_tcp_connect(settings->host, settings->port, settings->timeout_ms, &fd);
	if (rc < 0) {
		fail(&talk, TR_TLS_LOOK_UNREACHABLE, strerror(-rc));
		return;
	}
	talk.fd = fd;
	if (settings->is_direct) {
		talk_tls(&talk);
		return;
	}
	if (!open_stream(&talk))
		return;
	if (settings->is_without) {
		ret_look->offers_starttls = strstr(talk.answer, "<starttls") != NULL;
		return;
	}
	if (start_tls(&talk))
		talk_tls(&talk);
}
