#include "system/kernel_choice_internal.h"
#include "system/kernel_place.h"
#include "system/tool.h"

#include <errno.h>
#include <string.h>

#define INSTALL_MS (30 * 60 * 1000)
#define GRUB_TOOL_MS 20000

/* GRUB has to forget a one-time choice before it boots it, and cannot write everywhere. */
static int check_grub_writes(struct tr_change *change)
{
	static const char *const targets[] = {"--target=abstraction", "--target=fs"};
	static const char *const read_only[] = {"btrfs", "zfs", "squash4", "iso9660", "f2fs"};

	for (size_t i = 0; i < TR_COUNT(targets); i++) {
		const char *const argv[] = {"grub-probe", targets[i], "/boot/grub", NULL};
		TR_CLEANUP(tr_freep) char *output = NULL;
		if (tr_tool_run(argv, GRUB_TOOL_MS, false, &output) != 0)
			continue;
		const char *word = tr_tool_last_line(output);
		bool is_bad = i == 0 && word[0];
		for (size_t j = 0; i == 1 && j < TR_COUNT(read_only); j++)
			is_bad = is_bad || !strcmp(word, read_only[j]);
		if (is_bad)
			return tr_change_fail(change, -ENOTSUP,
				"/boot/grub is on %s, where GRUB cannot write: a kernel cannot be "
				"tried for one boot. \"telerec kernel use-generic --no-trial\" "
				"makes it the default at once; should it not boot, choose another "
				"one in GRUB's menu",
				word);
	}
	return 0;
}

static int choose_once(struct tr_change *change, const struct tr_kernel_choice *choice)
{
	const char *const argv[] = {"grub-reboot", choice->path, NULL};

	return tr_change_run(change, argv, GRUB_TOOL_MS);
}

static int refuse_place(struct tr_change *change, const struct tr_kernel_status *status)
{
	if (!strcmp(status->container, "wsl"))
		return tr_change_fail(change, -ENOTSUP,
			"This is Windows' subsystem for Linux: Windows decides about the kernel, "
			"nothing was changed.");
	if (status->container[0])
		return tr_change_fail(change, -ENOTSUP,
			"This is a container (%s): it uses the host's kernel, and only the host "
			"can load snd-aloop. Nothing was changed.",
			status->container);
	if (status->loader != TR_LOADER_GRUB)
		return tr_change_fail(change, -ENOTSUP,
			"There is no GRUB on this machine (%s): telerec cannot choose its kernel. "
			"Nothing was changed.",
			status->loader == TR_LOADER_NONE
				? "no boot loader at all, so the kernel comes from outside"
				: tr_kernel_loader_name(status->loader));
	if (status->grub.is_bls)
		return tr_change_fail(change, -ENOTSUP,
			"This GRUB keeps its entries in files of their own (BLS): choose the "
			"kernel with \"grubby --set-default\". Nothing was changed.");
	return 0;
}

static int install(struct tr_change *change, const char *package)
{
	const char *const argv[] = {
		"apt-get", "install", "--yes", "--no-install-recommends", package, NULL};

	return tr_change_run(change, argv, INSTALL_MS);
}

static bool has_aloop(const struct tr_kernel *kernel)
{
	return kernel->aloop >= TR_ALOOP_LOADABLE;
}

/* Gives the kernel, or NULL with 0 when nothing is left to do. Installs when it must and may. */
static int find_kernel(struct tr_change *change, const struct tr_kernel_wish *wish,
	struct tr_kernel_status *status, struct tr_kernel_choice *choice,
	const struct tr_kernel **ret_kernel)
{
	*ret_kernel = tr_kernel_find_better(status);
	if (*ret_kernel)
		return 0;
	if (!status->generic_package[0])
		return tr_change_fail(change, -ENOENT,
			"No installed kernel has snd-aloop, and telerec does not know this "
			"distribution's package of one: install a kernel with CONFIG_SND_ALOOP=m.");
	if (!wish->may_install)
		return tr_change_fail(change, -ENOENT,
			"No installed kernel has snd-aloop. \"telerec kernel use-generic "
			"--install\" installs %s, too.",
			status->generic_package);
	int rc = install(change, status->generic_package);
	if (rc < 0 || change->is_dry_run)
		return rc;
	snprintf(choice->package, sizeof(choice->package), "%s", status->generic_package);
	if (tr_kernel_read(change->root, status) < 0)
		return tr_change_fail(change, -EIO, "the kernels cannot be listed");
	*ret_kernel = tr_kernel_find_better(status);
	return *ret_kernel ? 0
			   : tr_change_fail(change, -ENOENT,
				     "%s is installed, but no kernel in /boot has snd-aloop",
				     status->generic_package);
}

/* The entry's path; the menu is made anew when it does not have it yet. */
static int find_entry(struct tr_change *change, struct tr_kernel_choice *choice)
{
	for (int i = 0; i < 2; i++) {
		struct tr_grub_menu menu;
		int rc = tr_kernel_read_menu(change->root, &menu);
		if (rc < 0)
			return tr_change_fail(
				change, rc, "GRUB's menu cannot be read: %s", strerror(-rc));
		const struct tr_grub_entry *entry = tr_grub_find_version(&menu, choice->version);
		if (entry)
			snprintf(choice->path, sizeof(choice->path), "%s", entry->path);
		bool knows_next = menu.knows_next;
		tr_grub_menu_release(&menu);
		if (choice->path[0] && !knows_next)
			tr_change_say(change, "note: this menu was not made by grub-mkconfig");
		if (choice->path[0] || i == 1)
			break;
		rc = tr_kernel_choice_update_grub(change);
		if (rc < 0)
			return rc;
	}
	if (!choice->path[0])
		return tr_change_fail(change, -EBADMSG,
			"GRUB's menu has no entry for the kernel %s, also not after update-grub",
			choice->version);
	/* It is written into shell, and from there into GRUB's script, both in double quotes. */
	if (strpbrk(choice->path, "\"'\\$`\n"))
		return tr_change_fail(change, -EINVAL,
			"the menu entry's name %s cannot be written into GRUB's settings",
			choice->path);
	return 0;
}

/* Takes back what was begun; the sentence of the failure stays. */
static int give_up(struct tr_change *change, const struct tr_kernel_choice *choice, int rc)
{
	char why[sizeof(change->why)];

	if (change->is_dry_run)
		return rc;
	memcpy(why, change->why, sizeof(why));
	tr_change_say(change, "failed: %s", why);
	int back = choice->is_renewal ? tr_kernel_choice_give_back(change, choice)
				      : tr_kernel_undo(change);
	if (back < 0)
		tr_change_say(change, "and it cannot be taken back: %s", change->why);
	memcpy(change->why, why, sizeof(why));
	return rc;
}

static int apply(struct tr_change *change, struct tr_kernel_choice *choice,
	const struct tr_kernel_grub *grub)
{
	/* First of all, so that `undo` knows whatever happens next. */
	int rc = tr_kernel_choice_remember(change, choice);
	if (rc == 0)
		rc = tr_kernel_choice_write_drop_in(change, choice);
	if (rc == 0)
		rc = tr_kernel_choice_update_grub(change);
	if (rc == 0 && choice->phase == TR_KERNEL_TRIAL)
		rc = choose_once(change, choice);
	if (rc == 0 && change->is_dry_run && choice->phase == TR_KERNEL_TRIAL) {
		char before[TR_GRUB_VALUE_MAX + 32] = "", after[TR_GRUB_VALUE_MAX + 32];
		if (grub->next[0])
			snprintf(before, sizeof(before), "next_entry=%s\n", grub->next);
		snprintf(after, sizeof(after), "next_entry=%s\n", choice->path);
		tr_change_print_diff(change->out, "/boot/grub/grubenv", before, after);
	}
	if (rc == 0)
		rc = tr_kernel_choice_verify(change, choice);
	return rc < 0 ? give_up(change, choice, rc) : 0;
}

static void tell_next_step(struct tr_change *change, const struct tr_kernel_choice *choice)
{
	if (change->is_dry_run)
		tr_change_say(change, "Nothing was changed.");
	else if (choice->phase == TR_KERNEL_CHOSEN)
		tr_change_say(change, "The kernel %s is GRUB's default from the next boot on.",
			choice->version);
	else
		tr_change_say(change,
			"The kernel %s is on trial: reboot. It becomes the default when telerec "
			"runs well in it; should it not boot, the machine has its old kernel again "
			"after another restart.",
			choice->version);
}

static int choose(struct tr_change *change, const struct tr_kernel_status *status,
	const struct tr_kernel *kernel, struct tr_kernel_choice *choice)
{
	snprintf(choice->version, sizeof(choice->version), "%s", kernel->version);
	snprintf(choice->before, sizeof(choice->before), "%s", status->grub.chosen);
	snprintf(choice->before_version, sizeof(choice->before_version), "%s",
		status->grub.default_version);
	int rc = find_entry(change, choice);
	if (rc == 0)
		rc = apply(change, choice, &status->grub);
	if (rc == 0)
		tell_next_step(change, choice);
	return rc;
}

static int use_other(struct tr_change *change, const struct tr_kernel_wish *wish,
	struct tr_kernel_status *status)
{
	struct tr_kernel_choice choice = {
		.phase = wish->skips_trial ? TR_KERNEL_CHOSEN : TR_KERNEL_TRIAL};
	const struct tr_kernel *kernel = NULL;

	int rc = wish->skips_trial ? 0 : check_grub_writes(change);
	if (rc == 0)
		rc = find_kernel(change, wish, status, &choice, &kernel);
	if (rc < 0)
		return rc;
	if (!kernel) {
		tr_change_say(change, "Its menu entry can be told when it is installed.");
		return 0;
	}
	return choose(change, status, kernel, &choice);
}

/* What was chosen is old: one that was installed since is tried in its place. */
static int renew(struct tr_change *change, const struct tr_kernel_status *status,
	const struct tr_kernel *newer)
{
	struct tr_kernel_choice choice = {.phase = TR_KERNEL_TRIAL, .is_renewal = true};

	int rc = check_grub_writes(change);
	return rc < 0 ? rc : choose(change, status, newer, &choice);
}

/* The running one needs no trial, but may not be the default, or not the newest. */
static int use_running(struct tr_change *change, const struct tr_kernel_status *status)
{
	const struct tr_kernel *better = tr_kernel_find_better(status);
	struct tr_kernel_choice choice;
	bool is_fixed = refuse_place(change, status) < 0;

	change->why[0] = '\0';
	if (tr_kernel_read_choice(change->root, &choice) == 0 && choice.phase == TR_KERNEL_TRIAL &&
		!strcmp(choice.version, status->running.version)) {
		tr_change_say(change,
			"The running kernel %s is on trial: \"telerec kernel boot-ok\" makes it "
			"the default.",
			status->running.version);
		return 0;
	}
	if (!is_fixed && choice.phase == TR_KERNEL_CHOSEN && better &&
		!strcmp(choice.version, status->grub.default_version) &&
		strverscmp(better->version, choice.version) > 0)
		return renew(change, status, better);
	if (is_fixed || !tr_kernel_find_lacking_default(status)) {
		tr_change_say(change, "The running kernel %s has snd-aloop: nothing to do.",
			status->running.version);
		return 0;
	}
	choice = (struct tr_kernel_choice){.phase = TR_KERNEL_CHOSEN};
	return choose(change, status, &status->running, &choice);
}

static int use_package(struct tr_change *change, const struct tr_kernel_wish *wish,
	const struct tr_kernel_status *status)
{
	if (!wish->may_install)
		return tr_change_fail(change, -ENOENT,
			"snd-aloop for the running kernel %s is in a package that is not "
			"installed: \"apt install %s\", or \"telerec kernel use-generic "
			"--install\". No other kernel is needed.",
			status->running.version, status->running.aloop_package);
	int rc = install(change, status->running.aloop_package);
	if (rc == 0)
		tr_change_say(change, "The kernel stays: \"telerec kernel load\" is next.");
	return rc;
}

int tr_kernel_use_generic(struct tr_change *change, const struct tr_kernel_wish *wish)
{
	struct tr_kernel_status status;

	int rc = tr_kernel_read(change->root, &status);
	if (rc < 0)
		return tr_change_fail(
			change, rc, "the running kernel cannot be found: %s", strerror(-rc));
	if (has_aloop(&status.running))
		return use_running(change, &status);
	rc = refuse_place(change, &status);
	if (rc < 0)
		return rc;
	return status.running.aloop == TR_ALOOP_PACKAGED ? use_package(change, wish, &status)
							 : use_other(change, wish, &status);
}
