#include "doctor/doctor_internal.h"
#include "system/aloop.h"
#include "system/capacity.h"
#include "system/kernel_findings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const enum tr_finding_status statuses[] = {
	[TR_KERNEL_OK] = TR_FINDING_OK,
	[TR_KERNEL_NOTE] = TR_FINDING_NOTE,
	[TR_KERNEL_WARNING] = TR_FINDING_WARNING,
	[TR_KERNEL_FAILURE] = TR_FINDING_FAILURE,
};

static unsigned count_slots(const struct tr_config *config)
{
	struct tr_capacity capacity;
	char why[300];

	if (config->slots > 0)
		return (unsigned)config->slots;
	tr_capacity_read("", &capacity);
	return tr_capacity_count_slots(&capacity, config->video.width, config->video.height,
		config->video.frame_rate, 0, why, sizeof(why));
}

static const char *root_of(const struct tr_doctor *doctor)
{
	return doctor->settings->root ? doctor->settings->root : "";
}

/* Loading a module is safe where it is wanted, and nobody uses another set of cards. */
static void fix_module(struct tr_doctor *doctor, struct tr_kernel_status *status, unsigned slots)
{
	char why[300];

	if (!doctor->settings->may_fix || geteuid() != 0 ||
		status->running.aloop != TR_ALOOP_LOADABLE || status->is_blocked)
		return;
	if (tr_aloop_load(root_of(doctor), slots, why, sizeof(why)) < 0)
		tr_findings_note(doctor->findings, "snd-aloop could not be loaded: %s", why);
	else if (tr_kernel_read(root_of(doctor), status) == 0)
		tr_findings_note(doctor->findings, "fixed: snd-aloop was loaded for %u slot%s",
			slots, slots == 1 ? "" : "s");
}

static void add_all(struct tr_doctor *doctor, const struct tr_kernel_status *status, unsigned slots,
	bool needs_loopback)
{
	struct tr_kernel_finding *found = calloc(TR_KERNEL_FINDINGS_MAX, sizeof(*found));
	struct tr_kernel_choice choice;

	if (!found)
		return;
	if (tr_kernel_read_choice(root_of(doctor), &choice) < 0)
		choice = (struct tr_kernel_choice){0};
	unsigned count = tr_kernel_find(status, &choice, slots, needs_loopback, found);
	for (unsigned i = 0; i < count; i++) {
		const struct tr_finding finding = {
			.status = statuses[found[i].status],
			.cause = found[i].cause,
			.meaning = found[i].meaning,
			.cure = {.where = found[i].where,
				.text = found[i].cure[0] ? found[i].cure : NULL},
		};
		tr_findings_add(doctor->findings, &finding, "%s", found[i].sentence);
	}
	free(found);
}

void tr_ask_kernel(struct tr_doctor *doctor)
{
	const char *source = doctor->config->sound.source;
	bool needs_loopback = !strcmp(source, "loopback");
	unsigned slots = count_slots(doctor->config);
	struct tr_kernel_status *status = calloc(1, sizeof(*status));

	tr_doctor_enter(doctor, "kernel", NULL);
	if (status && tr_kernel_read(root_of(doctor), status) == 0) {
		if (needs_loopback || !strcmp(source, "auto"))
			fix_module(doctor, status, slots);
		add_all(doctor, status, slots, needs_loopback);
	}
	free(status);
}
