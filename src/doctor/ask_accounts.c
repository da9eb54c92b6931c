#include "doctor/doctor_internal.h"
#include "doctor/tcp.h"
#include "doctor/tls_look.h"
#include "doctor/visit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STEP_TIMEOUT_MS 15000 /* as Jicofo waits for an answer */
#define CLOCK_WARN_S 30
#define CLOCK_FAIL_S 300

static const char *const unseen =
	"Jicofo never sees this recorder: \"Recording unavailable\" in the meeting.";
static const char *const unheard = "The browser cannot take part unseen: every recording fails.";

static void fill_visit(const struct tr_doctor_server *server, struct tr_visit_settings *settings)
{
	*settings = (struct tr_visit_settings){
		.host = server->host,
		.port = server->port,
		.is_direct = !strcmp(server->environment->security, "tls"),
		.fingerprint = server->fingerprint,
		.timeout_ms = STEP_TIMEOUT_MS,
	};
}

/* ---- log-in, of both accounts ---- */

struct login {
	const char *what; /* "control" */
	const char *username, *domain;
	const char *meaning;
	enum tr_server_piece account;
};

static void explain_login(struct tr_doctor *doctor, const struct tr_doctor_server *server,
	const struct login *login, enum tr_visit_fault fault, const char *word)
{
	struct tr_finding finding = {.status = TR_FINDING_FAILURE, .meaning = login->meaning};
	enum tr_server_piece piece = TR_SERVER_PIECE_NONE;
	const char *what = "the server ended the connection in the log-in";

	switch (fault) {
	case TR_VISIT_REFUSED:
		finding.cause = "wrong-password";
		piece = login->account;
		what = "the server refuses the log-in: the account does not exist, or its password "
		       "is another one";
		break;
	case TR_VISIT_NO_METHOD:
		finding.cause = "no-login-method";
		piece = login->account;
		what = "the server offers no way to log in with a password (authentication = "
		       "\"internal_hashed\" is missing)";
		break;
	case TR_VISIT_CERTIFICATE:
		finding.cause = "tls-changed";
		what = "another certificate was shown than a moment before, so the password was "
		       "not sent";
		break;
	case TR_VISIT_LATE:
		finding.cause = "login-late";
		what = "the server did not finish the log-in in time";
		break;
	default:
		finding.cause = "login-lost";
	}
	tr_doctor_add_with_snippet(doctor, &finding, server->environment, piece,
		"%s account %s@%s: %s%s%s%s", login->what, login->username, login->domain, what,
		word[0] ? " (" : "", word, word[0] ? ")" : "");
}

/* ---- the clock, as far as XMPP tells ---- */

static void compare_clock(
	struct tr_doctor *doctor, struct tr_visit *visit, const struct tr_doctor_server *server)
{
	int64_t ahead_s = 0;
	const struct tr_finding finding = {
		.cause = "clock",
		.meaning = "Tokens and certificates may be refused, and recordings carry wrong "
			   "times.",
		.cure = {.text = "timedatectl set-ntp true # here, or on the Jitsi server\n"},
	};
	struct tr_finding found = finding;

	if (tr_visit_compare_clock(visit, server->environment->control.domain, &ahead_s) < 0)
		return;
	int64_t off_s = ahead_s < 0 ? -ahead_s : ahead_s;
	if (off_s < CLOCK_WARN_S)
		return;
	tr_doctor_enter(doctor, "clock", server->environment);
	found.status = off_s < CLOCK_FAIL_S ? TR_FINDING_WARNING : TR_FINDING_FAILURE;
	tr_findings_add(doctor->findings, &found,
		"the XMPP server's clock is %lld s %s this machine's", (long long)off_s,
		ahead_s > 0 ? "ahead of" : "behind");
}

/* Meetings' rooms are below strip and xmpp_domain: what is left in a room's domain otherwise is
 * taken for a tenant. Only a server that has the other usual name proves it wrong. */
static void check_strip(
	struct tr_doctor *doctor, struct tr_visit *visit, const struct tr_doctor_server *server)
{
	static const char *const usual[] = {"conference.", "muc."};
	const struct tr_config_environment *environment = server->environment;
	char domain[600], line[100];

	snprintf(domain, sizeof(domain), "%s%s", environment->strip, environment->xmpp_domain);
	if (tr_visit_is_there(visit, domain))
		return;
	for (size_t i = 0; i < TR_COUNT(usual); i++) {
		snprintf(domain, sizeof(domain), "%s%s", usual[i], environment->xmpp_domain);
		if (!strcmp(usual[i], environment->strip) || !tr_visit_is_there(visit, domain))
			continue;
		snprintf(line, sizeof(line), "strip = \"%s\";", usual[i]);
		const struct tr_finding finding = {
			.status = TR_FINDING_FAILURE,
			.cause = "wrong-strip",
			.meaning = "The browser opens wrong addresses, with a part of the domain "
				   "taken for a tenant.",
			.cure = {.file = doctor->settings->config_path,
				.setting = "environments.strip",
				.text = line},
		};
		tr_findings_add(doctor->findings, &finding,
			"the meetings are on %s, which strip = \"%s\" does not fit", domain,
			environment->strip);
		return;
	}
}

/* The brewery is looked into by the same connection. */
static void ask_control(struct tr_doctor *doctor, struct tr_doctor_server *server)
{
	const struct tr_config_environment *environment = server->environment;
	const struct login login = {"the control", environment->control.username,
		environment->control.domain, unseen, TR_SERVER_PIECE_CONTROL_ACCOUNT};
	TR_CLEANUP(tr_visit_endp) struct tr_visit *visit = NULL;
	struct tr_visit_settings settings;
	char word[100];

	tr_doctor_enter(doctor, "control", environment);
	fill_visit(server, &settings);
	settings.domain = login.domain;
	settings.username = login.username;
	settings.password = environment->control.password;
	enum tr_visit_fault fault = tr_visit_begin(&settings, &visit, word, sizeof(word));
	if (fault != TR_VISIT_FINE) {
		explain_login(doctor, server, &login, fault, word);
		tr_doctor_enter(doctor, "brewery", environment);
		tr_findings_skip(
			doctor->findings, "not checked because the control account cannot log in");
		return;
	}
	tr_findings_ok(doctor->findings, "%s@%s logs in", login.username, login.domain);
	check_strip(doctor, visit, server);
	compare_clock(doctor, visit, server);
	tr_ask_brewery(doctor, visit, server);
}

/* ---- the hidden participant's account ---- */

/* Which certificate is shown for the hidden domain matters little: the browser comes by the web.
 * But the password goes only to a server that the configuration's rules trust. */
static bool look_at_hidden(
	struct tr_doctor *doctor, struct tr_doctor_server *server, char fingerprint[static 128])
{
	const struct tr_config_environment *environment = server->environment;
	const struct tr_tls_look_settings settings = {
		.host = server->host,
		.port = server->port,
		.domain = environment->call.domain,
		.is_direct = !strcmp(environment->security, "tls"),
		.is_without = !server->fingerprint[0],
		.ca_file = environment->ca_file,
		.timeout_ms = TR_TCP_TIMEOUT_MS,
	};
	struct tr_finding finding = {
		.status = TR_FINDING_FAILURE, .cause = "no-hidden-domain", .meaning = unheard};
	struct tr_tls_look look;

	tr_tls_look_take(&settings, &look);
	if (look.fault == TR_TLS_LOOK_HOST_UNKNOWN) {
		tr_doctor_add_with_snippet(doctor, &finding, environment,
			TR_SERVER_PIECE_HIDDEN_HOST,
			"the XMPP server does not serve the hidden domain %s (host-unknown): "
			"call.domain is wrong, or the VirtualHost is missing",
			environment->call.domain);
		return false;
	}
	if (look.fault != TR_TLS_LOOK_FINE) {
		tr_findings_note(doctor->findings,
			"the call account was not tried: no encrypted connection for %s here; the "
			"browser comes by the page",
			environment->call.domain);
		return false;
	}
	bool is_known = !strcmp(look.fingerprint, server->fingerprint) || !server->fingerprint[0];
	bool is_good = look.is_trusted && !look.is_expired && !look.is_too_early;
	if (!is_known && !is_good && !environment->trust_all_certificates) {
		tr_findings_note(doctor->findings,
			"the call account was not tried: the certificate for %s is not trusted; "
			"the browser comes by the page",
			environment->call.domain);
		return false;
	}
	snprintf(fingerprint, 128, "%s", look.fingerprint);
	return true;
}

static void ask_call(struct tr_doctor *doctor, struct tr_doctor_server *server)
{
	const struct tr_config_environment *environment = server->environment;
	const struct login login = {"the call", environment->call.username,
		environment->call.domain, unheard, TR_SERVER_PIECE_CALL_ACCOUNT};
	TR_CLEANUP(tr_visit_endp) struct tr_visit *visit = NULL;
	struct tr_visit_settings settings;
	char word[100], fingerprint[128];

	tr_doctor_enter(doctor, "call", environment);
	if (!look_at_hidden(doctor, server, fingerprint))
		return;
	fill_visit(server, &settings);
	settings.fingerprint = fingerprint;
	settings.domain = login.domain;
	settings.username = login.username;
	settings.password = environment->call.password;
	enum tr_visit_fault fault = tr_visit_begin(&settings, &visit, word, sizeof(word));
	if (fault != TR_VISIT_FINE)
		explain_login(doctor, server, &login, fault, word);
	else
		tr_findings_ok(doctor->findings, "%s@%s logs in", login.username, login.domain);
}

void tr_ask_accounts(struct tr_doctor *doctor, struct tr_doctor_server *server)
{
	if (!doctor->has_passwords) {
		tr_doctor_enter(doctor, "control", server->environment);
		tr_findings_skip(doctor->findings,
			"control, brewery and call: not checked because the configuration has no "
			"passwords that can be used");
		return;
	}
	ask_control(doctor, server);
	ask_call(doctor, server);
}
