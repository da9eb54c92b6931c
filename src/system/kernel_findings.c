#include "system/kernel_findings.h"

#include "system/kernel_place.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct list {
	struct tr_kernel_finding *out;
	unsigned count;
};

static struct tr_kernel_finding *add(struct list *list, enum tr_kernel_finding_status status,
	const char *cause, const char *format, ...) TR_PRINTF(4, 5);

static struct tr_kernel_finding *add(struct list *list, enum tr_kernel_finding_status status,
	const char *cause, const char *format, ...)
{
	/* The last place is written over rather than the array left. */
	unsigned index =
		list->count < TR_KERNEL_FINDINGS_MAX ? list->count++ : TR_KERNEL_FINDINGS_MAX - 1;
	struct tr_kernel_finding *finding = &list->out[index];
	va_list args;

	*finding = (struct tr_kernel_finding){.status = status, .cause = cause};
	va_start(args, format);
	vsnprintf(finding->sentence, sizeof(finding->sentence), format, args);
	va_end(args);
	return finding;
}

static void set_cure(struct tr_kernel_finding *finding, const char *format, ...) TR_PRINTF(2, 3);

static void set_cure(struct tr_kernel_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(finding->cure, sizeof(finding->cure), format, args);
	va_end(args);
}

static enum tr_kernel_finding_status lack(bool needs_loopback)
{
	return needs_loopback ? TR_KERNEL_FAILURE : TR_KERNEL_NOTE;
}

static const char *lack_means(bool needs_loopback)
{
	return needs_loopback ? "Recordings have no sound, as the settings ask for the kernel's "
				"loopback cards."
			      : "telerec's own ALSA plug-in carries the sound.";
}

static void find_absent(const struct tr_kernel_status *status, bool needs, struct list *list)
{
	const struct tr_kernel *better = tr_kernel_find_better(status);
	const char *version = status->running.version;
	struct tr_kernel_finding *finding;

	if (status->container[0] || status->loader != TR_LOADER_GRUB) {
		finding = add(list, lack(needs), "no-snd-aloop",
			status->container[0]
				? "The host's kernel %s gives this container (%s) no snd-aloop."
				: "The running kernel %s has no snd-aloop, and there is no GRUB "
				  "here to choose another one (%s).",
			version,
			status->container[0] ? status->container
			: status->loader == TR_LOADER_NONE
				? "no boot loader at all: the kernel comes from outside"
				: tr_kernel_loader_name(status->loader));
		set_cure(finding, "%s", tr_kernel_host_advice(status));
		finding->where = status->container[0] ? "on the host" : NULL;
	} else if (!status->running.has_modules) {
		finding = add(list, lack(needs), "modules-gone",
			"The modules of the running kernel %s are not on this machine any more.",
			version);
		set_cure(finding, "reboot\n");
	} else if (better) {
		finding = add(list, lack(needs), "no-snd-aloop",
			"The running kernel %s (%s) has no snd-aloop; %s, which is installed, has.",
			version, tr_kernel_flavour_name(status->running.flavour), better->version);
		set_cure(finding, "telerec kernel use-generic\n");
	} else {
		finding = add(list, lack(needs), "no-snd-aloop",
			"The running kernel %s (%s) has no snd-aloop, and no installed one has.",
			version, tr_kernel_flavour_name(status->running.flavour));
		set_cure(finding, "telerec kernel use-generic --install\n");
	}
	finding->meaning = lack_means(needs);
}

static void find_packaged(const struct tr_kernel_status *status, bool needs, struct list *list)
{
	struct tr_kernel_finding *finding = add(list, lack(needs), "snd-aloop-not-installed",
		"snd-aloop for the running kernel %s is in the package %s, which is not "
		"installed.",
		status->running.version, status->running.aloop_package);

	finding->meaning = lack_means(needs);
	set_cure(finding, "apt install %s\ntelerec kernel load\n", status->running.aloop_package);
}

static void find_cards(
	const struct tr_kernel_status *status, unsigned slots, bool needs, struct list *list)
{
	struct tr_kernel_finding *finding;

	if (status->running.aloop == TR_ALOOP_LOADABLE && status->is_blocked) {
		finding = add(list, lack(needs), "snd-aloop-blocked",
			"The kernel %s has snd-aloop, but modprobe.d forbids it.",
			status->running.version);
		set_cure(finding, "grep -rn 'snd.aloop' /etc/modprobe.d /usr/lib/modprobe.d\n");
	} else if (status->running.aloop == TR_ALOOP_LOADABLE) {
		finding = add(list, lack(needs), "snd-aloop-not-loaded",
			"The kernel %s has snd-aloop; it is not loaded.", status->running.version);
		set_cure(finding, "telerec kernel load\n");
	} else if (slots > 0 && status->slot_cards < slots) {
		finding = add(list, lack(needs), "too-few-cards",
			"snd-aloop gives %u of %u slots a card of their own.", status->slot_cards,
			slots);
		set_cure(finding, "telerec kernel load --slots %u\n", slots);
	} else {
		add(list, TR_KERNEL_OK, "snd-aloop",
			"The kernel %s has snd-aloop, and %u slot%s a card of its own.",
			status->running.version, status->slot_cards,
			status->slot_cards == 1 ? " has" : "s have each");
		return;
	}
	finding->meaning = lack_means(needs);
}

static void find_choice(const struct tr_kernel_status *status,
	const struct tr_kernel_choice *choice, struct list *list)
{
	bool runs = !strcmp(status->running.version, choice->version);
	struct tr_kernel_finding *finding;

	if (choice->phase == TR_KERNEL_TRIAL && runs)
		add(list, TR_KERNEL_NOTE, "kernel-on-trial",
			"The kernel %s is on trial; it becomes the default when telerec runs well.",
			choice->version);
	else if (choice->phase == TR_KERNEL_TRIAL && !strcmp(status->grub.next, choice->path)) {
		finding = add(list, TR_KERNEL_NOTE, "kernel-waits",
			"The kernel %s is on trial at the next boot.", choice->version);
		set_cure(finding, "reboot\n");
	} else if (choice->phase == TR_KERNEL_TRIAL || choice->phase == TR_KERNEL_FAILED) {
		finding = add(list, TR_KERNEL_WARNING, "kernel-failed",
			"The kernel %s was on trial and did not come up well; %s runs.",
			choice->version, status->running.version);
		finding->meaning = "The sound stays without the kernel's loopback cards.";
		set_cure(finding, "journalctl --boot=-1 --priority=err\ntelerec kernel undo\n");
	} else if (choice->phase == TR_KERNEL_CHOSEN && status->grub.config[0] &&
		   strcmp(status->grub.default_version, choice->version) != 0) {
		finding = add(list, TR_KERNEL_WARNING, "kernel-choice-lost",
			"telerec's choice was the kernel %s, but GRUB's default is %s (%s).",
			choice->version, status->grub.default_title, status->grub.default_version);
		finding->meaning = "The next boot may have no snd-aloop.";
		set_cure(finding, "telerec kernel undo\ntelerec kernel use-generic\n");
	}
}

/* The next ordinary boot's kernel, when it will do worse than the running one. */
static void find_next_boot(const struct tr_kernel_status *status, struct list *list)
{
	const struct tr_kernel *next = tr_kernel_find_lacking_default(status);

	if (status->running.aloop < TR_ALOOP_LOADABLE || !next)
		return;
	struct tr_kernel_finding *finding = add(list, TR_KERNEL_WARNING, "next-boot-worse",
		"The running kernel has snd-aloop, but GRUB's default, %s, has not.",
		next->version);
	finding->meaning = "After the next boot the loopback cards are gone.";
	set_cure(finding, "telerec kernel use-generic\n");
}

unsigned tr_kernel_find(const struct tr_kernel_status *status,
	const struct tr_kernel_choice *choice, unsigned slots, bool needs_loopback,
	struct tr_kernel_finding out[static TR_KERNEL_FINDINGS_MAX])
{
	struct list list = {.out = out};

	if (status->slot_cards > 0 && status->container[0])
		find_cards(status, slots, needs_loopback, &list);
	else if (status->running.aloop == TR_ALOOP_ABSENT)
		find_absent(status, needs_loopback, &list);
	else if (status->running.aloop == TR_ALOOP_PACKAGED)
		find_packaged(status, needs_loopback, &list);
	else
		find_cards(status, slots, needs_loopback, &list);
	find_choice(status, choice, &list);
	if (choice->phase != TR_KERNEL_TRIAL)
		find_next_boot(status, &list);
	return list.count;
}
