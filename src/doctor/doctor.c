#include "doctor/doctor_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static const char *const areas[] = {"config", "disk", "finalize", "kernel", "machine", "node",
	"network", "tls", "control", "clock", "brewery", "call", "page", "meeting", "streams",
	"webhooks", "uploads", NULL};

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

void tr_doctor_fail_setting(struct tr_doctor *doctor, const char *meaning, const char *cause,
	const char *setting, const char *line, const char *sentence)
{
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = cause,
		.meaning = meaning,
		.cure = {.file = doctor->settings->config_path, .setting = setting, .text = line},
	};

	tr_findings_add(doctor->findings, &finding, "%s", sentence);
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

static bool wants_one_of(const struct tr_doctor *doctor, const char *const *names)
{
	for (; *names; names++)
		if (tr_doctor_wants(doctor, *names))
			return true;
	return false;
}

/* The page, and a meeting with the real browser. */
static void ask_web(struct tr_doctor *doctor, const struct tr_config_environment *environment)
{
	const char *why = NULL;

	bool is_page_good = tr_ask_page(doctor, environment, doctor->room);
	if (!tr_doctor_wants(doctor, "meeting"))
		return;
	if (doctor->settings->is_quick)
		why = "--quick was asked for";
	else if (!is_page_good)
		why = "the page cannot be loaded";
	else if (!doctor->is_machine_ready)
		why = "something is missing on this machine";
	else if (!doctor->has_passwords)
		why = "the configuration has no passwords that can be used";
	if (why)
		skip(doctor, environment, "meeting", why);
	else
		tr_ask_meeting(doctor, environment, doctor->room);
}

static void ask_environment(
	struct tr_doctor *doctor, const struct tr_config_environment *environment)
{
	static const char *const of_servers[] = {
		"network", "tls", "control", "brewery", "call", "clock", NULL};
	static const char *const of_web[] = {"page", "clock", "meeting", NULL};

	for (unsigned i = 0; i < environment->server_count; i++)
		if (wants_one_of(doctor, of_servers))
			ask_server(doctor, environment, environment->servers[i]);
	if (wants_one_of(doctor, of_web))
		ask_web(doctor, environment);
}

static void ask_machine(struct tr_doctor *doctor)
{
	static const char *const of_machine[] = {"machine", "meeting", NULL};

	if (tr_doctor_wants(doctor, "disk"))
		tr_ask_disk(doctor);
	if (tr_doctor_wants(doctor, "finalize"))
		tr_ask_finalize(doctor);
	if (tr_doctor_wants(doctor, "kernel"))
		tr_ask_kernel(doctor);
	if (wants_one_of(doctor, of_machine))
		tr_ask_machine(doctor);
	tr_ask_node(doctor);
}

static bool is_asked_for(const struct tr_doctor *doctor, const char *name)
{
	const char *wanted = doctor->settings->environment;
	return !wanted || !strcmp(wanted, name);
}

static int ask_all(struct tr_doctor *doctor, struct tr_config_complaints *complaints)
{
	bool is_found = !doctor->settings->environment;

	if (!tr_ask_config(doctor, complaints)) {
		tr_findings_skip(doctor->findings,
			"nothing else is checked because the configuration cannot be used");
		return 0;
	}
	for (unsigned i = 0; i < doctor->config->environment_count; i++)
		is_found = is_found || is_asked_for(doctor, doctor->config->environments[i].name);
	if (!is_found)
		return -ENOENT;
	ask_machine(doctor);
	for (unsigned i = 0; i < doctor->config->environment_count; i++)
		if (is_asked_for(doctor, doctor->config->environments[i].name))
			ask_environment(doctor, &doctor->config->environments[i]);
	if (tr_doctor_wants(doctor, "streams"))
		tr_ask_streams(doctor);
	if (tr_doctor_wants(doctor, "webhooks"))
		tr_ask_webhooks(doctor);
	if (tr_doctor_wants(doctor, "uploads"))
		tr_ask_uploads(doctor);
	return 0;
}

/* A room that nobody has, unless one was named. */
static void choose_room(struct tr_doctor *doctor)
{
	unsigned number = 0;

	if (doctor->settings->room) {
		snprintf(doctor->room, sizeof(doctor->room), "%s", doctor->settings->room);
		return;
	}
	if (getrandom(&number, sizeof(number), 0) < 0)
		number = (unsigned)getpid();
	snprintf(doctor->room, sizeof(doctor->room), "telerec-check-%08x", number);
}

int tr_doctor_run(const struct tr_doctor_settings *settings, struct tr_findings *findings)
{
	struct tr_doctor doctor = {.settings = settings, .findings = findings};
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	int rc = -ENOMEM;

	choose_room(&doctor);
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
