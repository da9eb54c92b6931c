#include "cli/kernel_show.h"

#include "system/kernel_config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *secure_boot_words(enum tr_secure_boot secure_boot)
{
	static const char *const words[] = {"no EFI", "EFI, Secure Boot off",
		"EFI, Secure Boot on: only signed modules, as the distribution's are, can be "
		"loaded"};

	return words[secure_boot];
}

static void show_kernel(const char *label, const struct tr_kernel *kernel)
{
	printf("%-10s %s (%s), snd-aloop %s%s%s%s%s\n", label, kernel->version,
		tr_kernel_flavour_name(kernel->flavour), tr_aloop_state_name(kernel->aloop),
		kernel->aloop_package[0] ? " in " : "", kernel->aloop_package,
		kernel->package[0] ? ", from " : "", kernel->package);
}

static void show_grub(const struct tr_kernel_grub *grub)
{
	printf("%-10s %s%s%s%s\n", "Default", grub->default_title,
		grub->default_version[0] ? " (" : "", grub->default_version,
		grub->default_version[0] ? ")" : "");
	if (grub->is_lost)
		printf("%-10s the menu has no \"%s\": GRUB takes the first entry\n", "",
			grub->chosen);
	if (grub->setting[0])
		printf("%-10s GRUB_DEFAULT=%s in %s\n", "", grub->setting, grub->setting_file);
	if (grub->saved[0])
		printf("%-10s %s\n", "Saved", grub->saved);
	if (grub->next[0])
		printf("%-10s %s\n", "Next boot", grub->next);
}

void tr_kernel_show_status(
	const struct tr_kernel_status *status, const struct tr_kernel_choice *choice)
{
	show_kernel("Kernel", &status->running);
	for (unsigned i = 0; i < status->installed_count; i++)
		if (strcmp(status->installed[i].version, status->running.version) != 0)
			show_kernel("Installed", &status->installed[i]);
	printf("%-10s %u for slots\n", "Cards", status->slot_cards);
	if (status->container[0]) {
		printf("%-10s container (%s): the host decides about the kernel\n", "Place",
			status->container);
		return;
	}
	printf("%-10s %s; %s\n", "Boot",
		status->loader == TR_LOADER_NONE
			? "no boot loader that telerec knows: the kernel comes from outside"
			: tr_kernel_loader_name(status->loader),
		secure_boot_words(status->secure_boot));
	if (status->loader == TR_LOADER_GRUB)
		show_grub(&status->grub);
	if (choice->phase != TR_KERNEL_NOT_CHOSEN)
		printf("%-10s %s: %s\n", "telerec's", choice->version,
			tr_kernel_phase_name(choice->phase));
}

static void indent(const char *text)
{
	while (*text) {
		int length = (int)strcspn(text, "\n");
		printf("    %.*s\n", length, text);
		text += length;
		text += *text == '\n';
	}
}

void tr_kernel_show_findings(const struct tr_kernel_finding *findings, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct tr_kernel_finding *finding = &findings[i];
		printf("%s%s%s%s\n", i ? "" : "\n", finding->sentence, finding->meaning ? " " : "",
			finding->meaning ? finding->meaning : "");
		if (finding->cure[0] && finding->where)
			printf("  %s:\n", finding->where);
		indent(finding->cure);
	}
}

json_t *tr_kernel_findings_to_json(const struct tr_kernel_finding *findings, unsigned count)
{
	static const char *const statuses[] = {"ok", "note", "warning", "failure"};
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++) {
		const struct tr_kernel_finding *finding = &findings[i];
		json_t *object =
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "status", statuses[finding->status],
				"cause", finding->cause, "sentence", finding->sentence, "meaning",
				finding->meaning ? finding->meaning : "", "cure", finding->cure);
		if (json_array_append_new(list, object) < 0)
			break;
	}
	return list;
}

/* ---- check-config ---- */

struct listing {
	bool is_json;
	json_t *list;
	unsigned needed, unwanted; /* missing */
};

static void tell_option(const struct tr_kernel_option *option, void *user)
{
	struct listing *listing = user;

	listing->needed += option->is_needed && !option->is_met;
	listing->unwanted += !option->is_needed && !option->is_met;
	if (listing->is_json) {
		json_t *object = json_pack("{s:s, s:s, s:s, s:b, s:b, s:s%}", "option",
			option->name, "wanted", option->wanted, "has", option->has, "is_needed",
			option->is_needed, "is_met", option->is_met, "reason", option->reason,
			(size_t)option->reason_length);
		(void)json_array_append_new(listing->list, object);
	} else if (!option->is_met) {
		printf("%-7s %s=%s (%s): %.*s\n", option->is_needed ? "MISSING" : "without",
			option->name, option->wanted, option->has[0] ? option->has : "not set",
			option->reason_length, option->reason);
	}
}

int tr_kernel_show_config(const char *path, bool is_json)
{
	struct listing listing = {.is_json = is_json, .list = json_array()};
	TR_CLEANUP(tr_freep) char *text = NULL;

	int rc = tr_kernel_config_read(path, &text);
	if (rc == 0)
		rc = tr_kernel_config_check(text, tell_option, &listing);
	if (rc < 0) {
		fprintf(stderr, "telerec kernel: %s: %s\n", path,
			rc == -EINVAL ? "this is no kernel's configuration" : strerror(-rc));
	} else if (is_json) {
		json_dumpf(listing.list, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (listing.needed > 0) {
		printf("%u option%s that telerec needs: this kernel cannot be used.\n",
			listing.needed, listing.needed == 1 ? "" : "s");
	} else {
		printf("This kernel has all that telerec needs%s\n",
			listing.unwanted ? ", but not all that it makes use of." : ".");
	}
	json_decref(listing.list);
	return rc != 0;
}
