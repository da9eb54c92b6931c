#include "doctor/doctor_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const areas[] = {"config", "node", "network", "tls", "control", "brewery",
	"call", "clock", "page", "machine", "meeting", "disk", "finalize", "streams", "webhooks",
	NULL};

const char *const *tr_doctor_areas(void)
{
	return areas;
}

void tr_doctor_enter(
	struct tr_doctor *doctor, const char *area, const struct tr_config_environment *environment)
{
	snprintf(doctor->findings->area, sizeof(doctor->findings->area), "%s", area);
	snprintf(doctor->findings->subject, sizeof(doctor->findings->subject), "%s",
		environment ? environment->name : "");
}

bool tr_doctor_wants(const struct tr_doctor *doctor, const char *area)
{
	return !doctor->settings->only || !strcmp(doctor->settings->only, area);
}

void tr_doctor_add_with_snippet(struct tr_doctor *doctor, struct tr_finding *finding,
	const struct tr_config_environment *environment, enum tr_server_piece piece,
	const char *format, ...)
{
	char sentence[3000];
	json_t *snippet = NULL;
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (piece != TR_SERVER_PIECE_NONE &&
		tr_server_snippets_piece(environment, doctor->secrets_path, piece, &snippet) == 0) {
		finding->cure.where = json_string_value(json_object_get(snippet, "where"));
		finding->cure.file = json_string_value(json_object_get(snippet, "file"));
		finding->cure.text = json_string_value(json_object_get(snippet, "text"));
	}
	tr_findings_add(doctor->findings, finding, "%s", sentence);
	finding->cure = (struct tr_cure){0};
	json_decref(snippet);
}

static void skip(struct tr_doctor *doctor, const struct tr_config_environment *environment,
	const char *area, const char *why)
{
	tr_doctor_enter(doctor, area, environment);
	tr_findings_skip(doctor->findings, "not checked because %s", why);
}

/* Name, port, TLS, accounts: each needs the one before. */
static void ask_server(struct tr_doctor *doctor, const struct tr_config_environment *environment,
	const char *entry)
{
	struct tr_doctor_server server = {.environment = environment, .entry = entry};
	const char *why = NULL;
	int port = 0;

	if (tr_config_split_server(entry, server.host, sizeof(server.host), &port) < 0)
		return;
	server.port = port				      ? port
		      : environment->control.port	      ? environment->control.port
		      : !strcmp(environment->security, "tls") ? 5223
							      : 5222;
	if (!tr_ask_network_name(doctor, &server))
		why = "the server's name cannot be looked up";
	else if (!tr_ask_network_port(doctor, &server))
		why = "the server cannot be reached";
	if (why)
		skip(doctor, environment, "tls", why);
	else if (!tr_ask_tls(doctor, &server))
		why = "there is no connection that can be trusted";
	if (why)
		skip(doctor, environment, "control", why);
	else
		tr_ask_accounts(doctor, &server);
}

static bool needs_servers(const struct tr_doctor *doctor)
{
	static const char *const names[] = {
		"network", "tls", "control", "brewery", "call", "clock", NULL};

	for (const char *const *name = names; *name; name++)
		if (tr_doctor_wants(doctor, *name))
			return true;
	return false;
}

static int ask_environments(struct tr_doctor *doctor)
{
	const char *wanted = doctor->settings->environment;
	bool is_found = !wanted;

	for (unsigned i = 0; i < doctor->config->environment_count; i++) {
		const struct tr_config_environment *environment = &doctor->config->environments[i];
		if (wanted && strcmp(wanted, environment->name) != 0)
			continue;
		is_found = true;
		for (unsigned j = 0; j < environment->server_count && needs_servers(doctor); j++)
			ask_server(doctor, environment, environment->servers[j]);
	}
	return is_found ? 0 : -ENOENT;
}

static int ask_all(struct tr_doctor *doctor, struct tr_config_complaints *complaints)
{
	if (!tr_ask_config(doctor, complaints)) {
		tr_findings_skip(doctor->findings,
			"nothing else is checked because the configuration cannot be read");
		return 0;
	}
	return ask_environments(doctor);
}

int tr_doctor_run(const struct tr_doctor_settings *settings, struct tr_findings *findings)
{
	struct tr_doctor doctor = {.settings = settings, .findings = findings};
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	int rc = -ENOMEM;

	doctor.config = calloc(1, sizeof(*doctor.config));
	if (doctor.config && complaints) {
		tr_config_set_defaults(doctor.config);
		rc = ask_all(&doctor, complaints);
	}
	if (doctor.config)
		explicit_bzero(doctor.config, sizeof(*doctor.config));
	free(doctor.config);
	free(complaints);
	if (rc == 0 && settings->only)
		tr_findings_keep_area(findings, settings->only);
	return rc;
}
