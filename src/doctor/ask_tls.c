#include "doctor/doctor_internal.h"
#include "doctor/fingerprint.h"
#include "doctor/tcp.h"
#include "doctor/tls_look.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SOON_DAYS 14

static const char *const meaning =
	"No password is sent, so Jicofo never sees this recorder: \"Recording unavailable\".";

static int days_left(const struct tr_tls_look *look)
{
	return (int)((look->expires - time(NULL)) / 86400);
}

static void day_of(time_t time, char out[static 16])
{
	struct tm tm;

	strftime(out, 16, "%Y-%m-%d", gmtime_r(&time, &tm));
}

static void fail_with(struct tr_doctor *doctor, const struct tr_doctor_server *server,
	enum tr_server_piece piece, const char *cause, const char *sentence)
{
	struct tr_finding finding = {
		.status = TR_FINDING_FAILURE, .cause = cause, .meaning = meaning};

	tr_doctor_add_with_snippet(doctor, &finding, server->environment, piece, "%s", sentence);
}

static void explain_unknown_host(struct tr_doctor *doctor, const struct tr_doctor_server *server)
{
	const struct tr_config_environment *environment = server->environment;
	char text[1400], usual[300], line[400];

	snprintf(text, sizeof(text),
		"the XMPP server on %s does not serve the domain %s (host-unknown): control.domain "
		"is wrong, or the server is another one",
		server->host, environment->control.domain);
	snprintf(usual, sizeof(usual), "auth.%s", environment->xmpp_domain);
	snprintf(line, sizeof(line),
		"domain = \"%s\"; // in control: as VirtualHost in Prosody has it", usual);
	if (strcmp(usual, environment->control.domain) != 0) {
		tr_doctor_fail_setting(
			doctor, meaning, "wrong-domain", "environments.control.domain", line, text);
		return;
	}
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = "wrong-domain",
		.meaning = meaning,
		.cure = {.where = "on the Jitsi server, as root",
			.text = "grep -rn VirtualHost /etc/prosody # control.domain must be one of "
				"them\n"},
	};
	tr_findings_add(doctor->findings, &finding, "%s", text);
}

static void explain_fault(struct tr_doctor *doctor, const struct tr_doctor_server *server,
	const struct tr_tls_look *look)
{
	const struct tr_config_environment *environment = server->environment;
	char text[1400], line[600];

	switch (look->fault) {
	case TR_TLS_LOOK_HOST_UNKNOWN:
		explain_unknown_host(doctor, server);
		return;
	case TR_TLS_LOOK_NO_STARTTLS:
		snprintf(text, sizeof(text),
			"the XMPP server on %s offers no STARTTLS for %s, and security = \"%s\" "
			"wants it",
			server->host, environment->control.domain, environment->security);
		fail_with(doctor, server, TR_SERVER_PIECE_TLS, "no-starttls", text);
		return;
	case TR_TLS_LOOK_SILENT:
		snprintf(text, sizeof(text),
			"%s takes connections on port %d and then says nothing: the XMPP server "
			"hangs, or wants TLS from the first byte",
			server->host, server->port);
		tr_doctor_fail_setting(doctor, meaning, "port-silent", "environments.security",
			"security = \"tls\"; // if the port is the one for direct TLS (5223)",
			text);
		return;
	case TR_TLS_LOOK_NOT_XMPP:
		snprintf(text, sizeof(text),
			"what listens on %s port %d is no XMPP server (web servers are 80 and 443)",
			server->host, server->port);
		snprintf(line, sizeof(line), "servers = [ \"%s:5222\" ];", server->host);
		tr_doctor_fail_setting(
			doctor, meaning, "not-xmpp", "environments.servers", line, text);
		return;
	default:
		snprintf(text, sizeof(text),
			"no encrypted connection with %s port %d comes about: %s", server->host,
			server->port, look->word);
		fail_with(doctor, server, TR_SERVER_PIECE_TLS, "tls-handshake", text);
	}
}

/* Which of its own faults the certificate has first. */
static void explain_certificate(struct tr_doctor *doctor, const struct tr_doctor_server *server,
	const struct tr_tls_look *look)
{
	const char *domain = server->environment->control.domain;
	char text[2000], line[300], day[16];

	day_of(look->expires, day);
	snprintf(line, sizeof(line),
		"fingerprint = \"%s\";\n"
		"// or, with the authority's certificate: ca_file = \"/etc/telerec/ca.crt\";",
		look->fingerprint);
	if (look->is_expired) {
		snprintf(text, sizeof(text),
			"the certificate that %s shows for %s ended on %s, %d days ago",
			server->host, domain, day, -days_left(look));
		fail_with(doctor, server, TR_SERVER_PIECE_TLS, "tls-expired", text);
	} else if (look->is_too_early) {
		snprintf(text, sizeof(text),
			"the certificate that %s shows for %s is not valid yet: this machine's "
			"clock is wrong, or the server's was",
			server->host, domain);
		fail_with(doctor, server, TR_SERVER_PIECE_NONE, "tls-too-early", text);
	} else if (!look->is_trusted) {
		snprintf(text, sizeof(text),
			"the certificate for %s is %s, which this machine does not trust; its "
			"SHA-256 fingerprint is %s%s%s",
			domain, look->is_self_signed ? "self-signed" : "from a private authority",
			look->fingerprint, look->ca_fingerprint[0] ? ", its authority's " : "",
			look->ca_fingerprint);
		tr_doctor_fail_setting(doctor, meaning,
			look->is_self_signed ? "tls-self-signed" : "tls-untrusted",
			"environments.fingerprint (when it is the one on the server)", line, text);
	} else {
		snprintf(text, sizeof(text), "the certificate that %s shows is for %s, not for %s",
			server->host, look->names, domain);
		fail_with(doctor, server, TR_SERVER_PIECE_TLS, "tls-name", text);
	}
}

static bool judge_pinned(struct tr_doctor *doctor, const struct tr_doctor_server *server,
	const struct tr_tls_look *look)
{
	char text[1400], line[200];

	if (tr_fingerprint_is_same(server->environment->fingerprint, look->fingerprint)) {
		tr_findings_ok(doctor->findings, "%s shows the certificate that is configured",
			server->host);
		return true;
	}
	snprintf(text, sizeof(text),
		"%s shows another certificate than the configured one: its SHA-256 fingerprint is "
		"%s",
		server->host, look->fingerprint);
	snprintf(line, sizeof(line), "fingerprint = \"%s\";", look->fingerprint);
	tr_doctor_fail_setting(doctor, meaning, "tls-fingerprint",
		"environments.fingerprint (when it is the one on the server)", line, text);
	return false;
}

static void praise(struct tr_doctor *doctor, const struct tr_doctor_server *server,
	const struct tr_tls_look *look)
{
	int days = days_left(look);
	struct tr_finding finding = {
		.status = TR_FINDING_WARNING,
		.cause = "tls-soon",
		.meaning = "From then on Jicofo does not see this recorder any more.",
	};

	if (days < SOON_DAYS)
		tr_doctor_add_with_snippet(doctor, &finding, server->environment,
			TR_SERVER_PIECE_TLS, "the certificate for %s ends in %d days",
			server->environment->control.domain, days);
	else
		tr_findings_ok(doctor->findings,
			"%s: the certificate for %s is trusted, and good for %d days; issued by "
			"%s%s%s",
			server->environment->security, server->environment->control.domain, days,
			look->issuer, look->ca_fingerprint[0] ? ", whose SHA-256 is " : "",
			look->ca_fingerprint);
}

static bool judge(struct tr_doctor *doctor, const struct tr_doctor_server *server,
	const struct tr_tls_look *look)
{
	const struct tr_config_environment *environment = server->environment;

	if (environment->fingerprint[0])
		return judge_pinned(doctor, server, look);
	bool is_good =
		look->is_trusted && !look->is_expired && !look->is_too_early && look->is_name_right;
	if (is_good) {
		praise(doctor, server, look);
	} else if (environment->trust_all_certificates) {
		char line[200];
		snprintf(line, sizeof(line), "fingerprint = \"%s\";", look->fingerprint);
		const struct tr_finding finding = {
			.status = TR_FINDING_WARNING,
			.cause = "tls-trust-all",
			.meaning = "Whoever sits between could read the password.",
			.cure = {.file = doctor->settings->config_path,
				.setting = "environments.fingerprint, instead of "
					   "trust_all_certificates",
				.text = line},
		};
		tr_findings_add(doctor->findings, &finding,
			"any certificate is taken for %s (trust_all_certificates)",
			environment->control.domain);
		is_good = true;
	} else {
		explain_certificate(doctor, server, look);
	}
	return is_good;
}

static bool is_without_tls(struct tr_doctor *doctor, const struct tr_doctor_server *server,
	const struct tr_tls_look *look)
{
	const char *security = server->environment->security;
	const struct tr_finding finding = {
		.status = TR_FINDING_WARNING,
		.cause = "no-tls",
		.meaning = "Whoever sits between can read the password.",
		.cure = {.file = doctor->settings->config_path,
			.setting = "environments.security",
			.text = "security = \"starttls\";"},
	};

	if (strcmp(security, "plain") != 0 &&
		(strcmp(security, "ifpossible") != 0 || look->fault != TR_TLS_LOOK_NO_STARTTLS))
		return false;
	tr_findings_add(doctor->findings, &finding,
		"the connection with %s is not encrypted (security = \"%s\")", server->host,
		security);
	return true;
}

bool tr_ask_tls(struct tr_doctor *doctor, struct tr_doctor_server *server)
{
	const struct tr_config_environment *environment = server->environment;
	const struct tr_tls_look_settings settings = {
		.host = server->host,
		.port = server->port,
		.domain = environment->control.domain,
		.is_direct = !strcmp(environment->security, "tls"),
		.is_without = !strcmp(environment->security, "plain"),
		.ca_file = environment->ca_file,
		.timeout_ms = TR_TCP_TIMEOUT_MS,
	};
	struct tr_tls_look look;

	tr_doctor_enter(doctor, "tls", environment);
	tr_tls_look_take(&settings, &look);
	if ((look.fault == TR_TLS_LOOK_FINE || look.fault == TR_TLS_LOOK_NO_STARTTLS) &&
		is_without_tls(doctor, server, &look))
		return true;
	if (look.fault != TR_TLS_LOOK_FINE) {
		explain_fault(doctor, server, &look);
		return false;
	}
	snprintf(server->fingerprint, sizeof(server->fingerprint), "%s", look.fingerprint);
	return judge(doctor, server, &look);
}
