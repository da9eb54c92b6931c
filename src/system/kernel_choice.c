#include "system/kernel_choice_internal.h"

#include "core/file.h"
#include "core/text.h"
#include "system/kernel_place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define UPDATE_MS (10 * 60 * 1000)
#define GRUBENV_MS 20000
#define CHOICE_MAX ((size_t)64 << 10)

const char *tr_kernel_phase_name(enum tr_kernel_phase phase)
{
	static const char *const names[] = {"none", "trial", "failed", "chosen"};

	return names[phase];
}

/* ---- what we remember ---- */

static void take_text(const json_t *object, const char *key, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	snprintf(out, size, "%s", text ? text : "");
}

int tr_kernel_read_choice(const char *root, struct tr_kernel_choice *ret_choice)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	char path[PATH_MAX];
	size_t size;

	*ret_choice = (struct tr_kernel_choice){0};
	int rc = tr_text_format(path, sizeof(path), "%s%s", root, TR_KERNEL_CHOICE);
	if (rc == 0)
		rc = tr_file_read(AT_FDCWD, path, CHOICE_MAX, &text, &size);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	json_t *object = json_loads(text, 0, NULL);
	const char *phase = json_string_value(json_object_get(object, "phase"));
	for (int i = TR_KERNEL_TRIAL; phase && i <= TR_KERNEL_CHOSEN; i++)
		if (!strcmp(phase, tr_kernel_phase_name((enum tr_kernel_phase)i)))
			ret_choice->phase = (enum tr_kernel_phase)i;
	take_text(object, "kernel", ret_choice->version, sizeof(ret_choice->version));
	take_text(object, "entry", ret_choice->path, sizeof(ret_choice->path));
	take_text(object, "default_before", ret_choice->before, sizeof(ret_choice->before));
	take_text(object, "kernel_before", ret_choice->before_version,
		sizeof(ret_choice->before_version));
	take_text(object, "installed", ret_choice->package, sizeof(ret_choice->package));
	ret_choice->is_renewal = json_is_true(json_object_get(object, "is_renewal"));
	json_decref(object);
	return ret_choice->phase == TR_KERNEL_NOT_CHOSEN ? -EINVAL : 0;
}

int tr_kernel_choice_remember(struct tr_change *change, const struct tr_kernel_choice *choice)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "phase",
		tr_kernel_phase_name(choice->phase), "kernel", choice->version, "entry",
		choice->path, "default_before", choice->before, "kernel_before",
		choice->before_version, "installed", choice->package, "is_renewal",
		choice->is_renewal);
	TR_CLEANUP(tr_freep) char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
	TR_CLEANUP(tr_freep) char *whole = NULL;

	json_decref(object);
	if (!text || asprintf(&whole, "%s\n", text) < 0)
		return tr_change_fail(change, -ENOMEM, "the choice cannot be written down");
	return tr_change_file(change, TR_KERNEL_CHOICE, whole);
}

/* ---- GRUB's settings ---- */

int tr_kernel_choice_write_drop_in(struct tr_change *change, const struct tr_kernel_choice *choice)
{
	char text[2 * TR_GRUB_VALUE_MAX + 1024];
	bool keeps = choice->is_renewal;

	int rc;
	if (choice->phase == TR_KERNEL_CHOSEN)
		rc = tr_text_format(text, sizeof(text),
			"# Written by \"telerec kernel use-generic\"; \"telerec kernel undo\" "
			"removes it.\n"
			"# The kernel %s has snd-aloop.\n"
			"GRUB_DEFAULT=\"%s\"\n",
			choice->version, choice->path);
	else
		rc = tr_text_format(text, sizeof(text),
			"# Written by \"telerec kernel use-generic\"; \"telerec kernel undo\" "
			"removes it.\n"
			"# On trial: %s is booted once. Should it stop half way, the machine "
			"restarts\n"
			"# by itself, with the kernel that it had before.\n"
			"case \" $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT \" in\n"
			"*\" panic=\"*) ;;\n"
			"*) GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX panic=30\" ;;\n"
			"esac\n%s%s%s",
			choice->version, keeps ? "GRUB_DEFAULT=\"" : "",
			keeps ? choice->before : "", keeps ? "\"\n" : "");
	if (rc < 0)
		return tr_change_fail(change, rc, "the menu entry's name is too long");
	return tr_change_file(change, TR_KERNEL_DROP_IN, text);
}

int tr_kernel_choice_update_grub(struct tr_change *change)
{
	const char *const debian[] = {"update-grub", NULL};

	return tr_change_run(change, debian, UPDATE_MS);
}

/* The generated menu is the proof: it offers the entry and, when it is to be the default, takes it.
 */
int tr_kernel_choice_verify(struct tr_change *change, const struct tr_kernel_choice *choice)
{
	struct tr_kernel_status status;
	struct tr_grub_menu menu;

	if (change->is_dry_run)
		return 0;
	int rc = tr_kernel_read_menu(change->root, &menu);
	if (rc < 0)
		return tr_change_fail(change, rc, "the new menu cannot be read: %s", strerror(-rc));
	const struct tr_grub_entry *entry = tr_grub_find_version(&menu, choice->version);
	bool is_there = entry && !strcmp(entry->path, choice->path);
	tr_grub_menu_release(&menu);
	if (!is_there)
		return tr_change_fail(change, -EBADMSG,
			"GRUB's menu does not offer the kernel %s as %s after update-grub",
			choice->version, choice->path);
	rc = tr_kernel_read(change->root, &status);
	if (rc < 0)
		return tr_change_fail(change, rc, "the kernel's state cannot be read");
	bool is_default = !strcmp(status.grub.default_version, choice->version);
	if (choice->phase == TR_KERNEL_CHOSEN && !is_default)
		return tr_change_fail(change, -EBADMSG,
			"GRUB's default is still %s after update-grub; a file after "
			"zz-telerec.cfg in /etc/default/grub.d may set GRUB_DEFAULT (now: %s)",
			status.grub.default_title, status.grub.setting);
	if (choice->phase == TR_KERNEL_TRIAL && strcmp(status.grub.next, choice->path) != 0)
		return tr_change_fail(change, -EBADMSG,
			"GRUB's one-time choice is \"%s\" and not \"%s\" after grub-reboot",
			status.grub.next, choice->path);
	return 0;
}

/* Only a choice of ours. */
static int forget_once(struct tr_change *change, const struct tr_kernel_choice *choice,
	const struct tr_kernel_grub *grub)
{
	char path[PATH_MAX];
	const char *slash = strrchr(grub->config, '/');

	if (!choice->path[0] || strcmp(grub->next, choice->path) != 0 || !slash)
		return 0;
	if (tr_text_format(path, sizeof(path), "%.*s/grubenv", (int)(slash - grub->config),
		    grub->config) < 0)
		return -ENAMETOOLONG;
	const char *const argv[] = {"grub-editenv", path, "unset", "next_entry", NULL};
	return tr_change_run(change, argv, GRUBENV_MS);
}

/* ---- afterwards ---- */

int tr_kernel_undo(struct tr_change *change)
{
	struct tr_kernel_choice choice;
	struct tr_kernel_status status;
	char path[PATH_MAX];

	int rc = tr_kernel_read_choice(change->root, &choice);
	bool has_drop_in = tr_kernel_has(change->root, TR_KERNEL_DROP_IN);
	if (rc == 0 && choice.phase == TR_KERNEL_NOT_CHOSEN && !has_drop_in) {
		tr_change_say(change, "No kernel was chosen by telerec: nothing to undo.");
		return 0;
	}
	rc = tr_kernel_read(change->root, &status);
	if (rc == 0)
		rc = forget_once(change, &choice, &status.grub);
	if (rc == 0)
		rc = tr_change_file(change, TR_KERNEL_DROP_IN, NULL);
	if (rc == 0 && has_drop_in)
		rc = tr_kernel_choice_update_grub(change);
	if (rc < 0)
		return rc;
	rc = tr_change_file(change, TR_KERNEL_CHOICE, NULL);
	if (rc < 0 || change->is_dry_run)
		return rc;
	if (tr_text_format(path, sizeof(path), "%s/var/lib/telerec-kernel", change->root) == 0)
		(void)rmdir(path);
	if (tr_kernel_read(change->root, &status) == 0)
		tr_change_say(change, "GRUB boots %s (%s) again.", status.grub.default_title,
			status.grub.default_version);
	if (choice.package[0])
		tr_change_say(change, "The package %s stays installed.", choice.package);
	return 0;
}

static int settle(struct tr_change *change, struct tr_kernel_choice *choice)
{
	choice->phase = TR_KERNEL_CHOSEN;
	choice->is_renewal = false;
	int rc = tr_kernel_choice_write_drop_in(change, choice);
	if (rc == 0)
		rc = tr_kernel_choice_update_grub(change);
	if (rc == 0)
		rc = tr_kernel_choice_verify(change, choice);
	if (rc == 0)
		rc = tr_kernel_choice_remember(change, choice);
	if (rc == 0 && !change->is_dry_run)
		tr_change_say(change, "The kernel %s has booted well and is the default now.",
			choice->version);
	return rc;
}

int tr_kernel_choice_give_back(struct tr_change *change, const struct tr_kernel_choice *choice)
{
	struct tr_kernel_choice old = *choice;
	struct tr_kernel_status status;

	old.phase = choice->is_renewal ? TR_KERNEL_CHOSEN : TR_KERNEL_FAILED;
	old.is_renewal = false;
	int rc = tr_kernel_read(change->root, &status);
	if (rc == 0)
		rc = forget_once(change, choice, &status.grub);
	if (rc == 0 && choice->is_renewal) {
		memcpy(old.version, choice->before_version, sizeof(old.version));
		memcpy(old.path, choice->before, sizeof(old.path));
		rc = tr_kernel_choice_write_drop_in(change, &old);
	} else if (rc == 0) {
		rc = tr_change_file(change, TR_KERNEL_DROP_IN, NULL);
	}
	if (rc == 0)
		rc = tr_kernel_choice_update_grub(change);
	return rc < 0 ? rc : tr_kernel_choice_remember(change, &old);
}

int tr_kernel_boot_ok(struct tr_change *change)
{
	struct tr_kernel_choice choice;
	struct tr_kernel_status status;

	int rc = tr_kernel_read_choice(change->root, &choice);
	if (rc < 0)
		return tr_change_fail(
			change, rc, "%s makes no sense: \"telerec kernel undo\"", TR_KERNEL_CHOICE);
	if (choice.phase != TR_KERNEL_TRIAL)
		return 0;
	rc = tr_kernel_read(change->root, &status);
	if (rc < 0)
		return tr_change_fail(change, rc, "the running kernel cannot be found");
	if (!strcmp(status.running.version, choice.version))
		return settle(change, &choice);
	if (!strcmp(status.grub.next, choice.path))
		return tr_change_fail(change, -EAGAIN,
			"The kernel %s is on trial at the next boot: reboot.", choice.version);
	rc = tr_kernel_choice_give_back(change, &choice);
	return rc < 0 ? rc
		      : tr_change_fail(change, -ECANCELED,
				"The kernel %s was on trial and did not come up well: %s runs, and "
				"stays the default.",
				choice.version, status.running.version);
}
