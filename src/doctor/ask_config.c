#include "core/text.h"
#include "doctor/doctor_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RUN "Run: "

static const char *const meaning = "telerecd does not start with this.";

/* "FILE:12: what", or "FILE: what": the line's number, 0 when there is none. */
static int line_of(const char *complaint)
{
	const char *at = strstr(complaint, ".conf:");
	int line = 0;

	if (at)
		sscanf(at + strlen(".conf:"), "%d", &line);
	return line;
}

static void add_complaint(
	struct tr_doctor *doctor, const char *complaint, enum tr_finding_status status)
{
	char command[PATH_MAX + 64], file[PATH_MAX];
	const char *run = strstr(complaint, RUN);
	bool is_open = strstr(complaint, "holds passwords") != NULL;
	int line = line_of(complaint);

	snprintf(file, sizeof(file), "%.*s", (int)strcspn(complaint, ":"), complaint);
	bool is_missing = strstr(complaint, "has no password") != NULL;
	bool is_absent = strstr(complaint, ": cannot be read:") != NULL && line == 0;

	if (is_missing)
		snprintf(command, sizeof(command),
			"telerec server-config prosody --config %s --write-secrets %s", file,
			doctor->secrets_path);
	else if (is_absent)
		snprintf(command, sizeof(command),
			"telerec server-config prosody --domain meet.example.org # prints one, too");
	else if (run)
		snprintf(command, sizeof(command), "%.*s", (int)strcspn(run + strlen(RUN), "\n"),
			run + strlen(RUN));
	else
		snprintf(command, sizeof(command), "sensible-editor +%d %s", line ? line : 1, file);
	const struct tr_finding finding = {
		.status = status,
		.cause = is_open			 ? "secrets-open"
			 : strstr(complaint, "unknown")	 ? "unknown-key"
			 : strstr(complaint, "be read:") ? "no-config"
			 : is_missing			 ? "no-password"
			 : strstr(complaint, " names /") ? "unreadable-file"
							 : "bad-config",
		.meaning = status == TR_FINDING_FAILURE ? meaning : NULL,
		.cure = {.text = command},
	};
	tr_findings_add(doctor->findings, &finding, "%s", complaint);
}

static void add_complaints(struct tr_doctor *doctor, const struct tr_config_complaints *complaints)
{
	unsigned count = complaints->count;

	for (unsigned i = 0; i < count && i < TR_CONFIG_COMPLAINTS_MAX; i++)
		add_complaint(doctor, complaints->lines[i], TR_FINDING_FAILURE);
	if (count > TR_CONFIG_COMPLAINTS_MAX)
		tr_findings_note(doctor->findings, "and %u more", count - TR_CONFIG_COMPLAINTS_MAX);
}

/* secrets.conf beside the configuration, when others can read it: ours to close. */
static void fix_secrets(struct tr_doctor *doctor)
{
	const char *path = doctor->secrets_path;
	struct stat st;

	if (!doctor->settings->may_fix || lstat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
		!(st.st_mode & S_IRWXO) || (st.st_uid != 0 && st.st_uid != geteuid()))
		return;
	if (chmod(path, st.st_mode & 07770) == 0)
		tr_findings_note(doctor->findings, "fixed: others can no longer read %s", path);
}

static void place_secrets(struct tr_doctor *doctor)
{
	const char *path = doctor->settings->config_path, *slash = strrchr(path, '/');

	snprintf(doctor->secrets_beside, sizeof(doctor->secrets_beside), "%.*ssecrets.conf",
		slash ? (int)(slash - path + 1) : 0, path);
	doctor->secrets_path = doctor->secrets_beside;
}

/* Files that are named and cannot be read. The script and the browser have questions of their own.
 */
static void check_files(struct tr_doctor *doctor, struct tr_config_complaints *complaints)
{
	complaints->count = complaints->warning_count = 0;
	if (tr_config_check_files(doctor->config, doctor->settings->config_path, complaints) == 0)
		return;
	for (unsigned i = 0; i < complaints->count && i < TR_CONFIG_COMPLAINTS_MAX; i++)
		if (!strstr(complaints->lines[i], "finalize.script") &&
			!strstr(complaints->lines[i], "browser.path"))
			add_complaint(doctor, complaints->lines[i], TR_FINDING_FAILURE);
}

static void praise(struct tr_doctor *doctor, const struct tr_config_complaints *complaints)
{
	const struct tr_config *config = doctor->config;

	for (unsigned i = 0; i < complaints->warning_count && i < TR_CONFIG_WARNINGS_MAX; i++)
		add_complaint(doctor, complaints->warnings[i], TR_FINDING_WARNING);
	tr_findings_ok(doctor->findings, "%s is understood: %u environment%s%s%s",
		doctor->settings->config_path, config->environment_count,
		config->environment_count == 1 ? "" : "s",
		config->secrets[0] ? ", passwords from " : "", config->secrets);
}

bool tr_ask_config(struct tr_doctor *doctor, struct tr_config_complaints *complaints)
{
	const char *path = doctor->settings->config_path;

	tr_doctor_enter(doctor, "config", NULL);
	place_secrets(doctor);
	fix_secrets(doctor);
	int rc = tr_config_load(path, doctor->config, complaints);
	if (rc == 0) {
		doctor->has_passwords = true;
		praise(doctor, complaints);
		check_files(doctor, complaints);
		if (doctor->config->secrets[0])
			doctor->secrets_path = doctor->config->secrets;
		if (doctor->config->environment_count == 0) {
			const struct tr_finding finding = {
				.status = TR_FINDING_WARNING,
				.cause = "no-environment",
				.meaning = "No Jitsi Meet can ask this machine for recordings.",
				.cure = {.text = "telerec server-config prosody --domain "
						 "meet.example.org # prints what goes where\n"},
			};
			tr_findings_add(doctor->findings, &finding,
				"%s names no Jitsi Meet: environments is empty", path);
		}
		return true;
	}
	add_complaints(doctor, complaints);
	/* What needs no password can be looked at all the same. */
	return tr_config_load_public(path, doctor->config, complaints) == 0;
}
