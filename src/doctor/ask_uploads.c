#include "doctor/doctor_internal.h"
#include "storage/upload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 60000

static void fail(struct tr_doctor *doctor, const struct tr_upload_target *target,
	const struct tr_upload_result *result)
{
	char cure[400], cause[60];

	tr_upload_cause_cure(result->cause, target, cure, sizeof(cure));
	snprintf(cause, sizeof(cause), "upload-%s", tr_upload_cause_name(result->cause));
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = cause,
		.meaning = "Recordings are made, but they stay on this machine until that works.",
		.cure = {.setting = "storage.uploads", .text = cure},
	};
	tr_findings_add(
		doctor->findings, &finding, "the target %s: %s", target->name, result->sentence);
}

static void ask_target(struct tr_doctor *doctor, const struct tr_upload_target *target)
{
	struct tr_upload_result result = {.cause = TR_UPLOAD_OTHER};

	int rc = tr_upload_try(target, TIMEOUT_MS, &result);
	if (rc < 0) {
		result.cause = rc == -ETIMEDOUT ? TR_UPLOAD_SILENT : TR_UPLOAD_OTHER;
		tr_upload_cause_say(result.cause, target, strerror(-rc), result.sentence,
			sizeof(result.sentence));
	}
	if (result.cause == TR_UPLOAD_FINE)
		tr_findings_ok(doctor->findings,
			"the target %s takes files (one was written, read and removed)",
			target->name);
	else
		fail(doctor, target, &result);
}

void tr_ask_uploads(struct tr_doctor *doctor)
{
	const struct tr_config *config = doctor->config;

	tr_doctor_enter(doctor, "uploads", NULL);
	if (config->storage.upload_count > 0 && doctor->settings->is_quick) {
		tr_findings_skip(doctor->findings, "not checked because --quick was asked for");
		return;
	}
	if (config->storage.upload_count > 0 && !doctor->has_passwords) {
		tr_findings_skip(doctor->findings,
			"not checked because the configuration has no passwords that can be used");
		return;
	}
	for (unsigned i = 0; i < config->storage.upload_count; i++)
		ask_target(doctor, &config->storage.uploads[i].target);
}
