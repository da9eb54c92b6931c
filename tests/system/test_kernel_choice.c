#include "test.h"

#include "machine_tree.h"

#include "system/aloop_setup.h"
#include "system/kernel_choice.h"
#include "system/kernel_findings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tree tree;
static struct tr_change change;
static char *told;
static size_t told_size;

static int begin(void **state)
{
	tree_begin(&tree, TREE_CLOUD);
	tree_add_kernel(&tree, TREE_CLOUD, false);
	tree_add_kernel(&tree, TREE_GENERIC, true);
	tree_add_grub(&tree);
	change = (struct tr_change){.root = tree.root, .out = open_memstream(&told, &told_size)};
	assert_non_null(change.out);
	return 0;
}

static int end(void **state)
{
	fclose(change.out);
	free(told);
	tree_end(&tree);
	return 0;
}

static bool was_told(const char *part)
{
	fflush(change.out);
	return strstr(told, part) != NULL;
}

static void read_status(struct tr_kernel_status *status)
{
	assert_int_equal(tr_kernel_read(tree.root, status), 0);
}

static enum tr_kernel_phase phase(void)
{
	struct tr_kernel_choice choice;

	assert_int_equal(tr_kernel_read_choice(tree.root, &choice), 0);
	return choice.phase;
}

static int use(bool may_install, bool skips_trial)
{
	const struct tr_kernel_wish wish = {may_install, skips_trial};

	return tr_kernel_use_generic(&change, &wish);
}

/* GRUB forgets a one-time choice before it boots it. */
static void boot(const char *version)
{
	char command[256];

	snprintf(command, sizeof(command), "grub-editenv %s/boot/grub/grubenv unset next_entry",
		tree.root);
	assert_int_equal(system(command), 0);
	tree_run(&tree, version);
}

static void a_dry_run_shows_each_change_and_makes_none(void **state)
{
	char *menu = tree_read(&tree, "/boot/grub/grub.cfg");

	change.is_dry_run = true;
	assert_int_equal(use(false, false), 0);
	assert_true(was_told("--- /dev/null\n+++ b/etc/default/grub.d/zz-telerec.cfg\n"));
	assert_true(was_told("+*) GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX panic=30\" ;;\n"));
	assert_true(was_told("would run: update-grub\n"));
	assert_true(was_told("would run: grub-reboot '" TREE_GENERIC_PATH "'\n"));
	assert_true(was_told("+next_entry=" TREE_GENERIC_PATH "\n"));
	assert_true(was_told("+  \"phase\": \"trial\",\n"));
	assert_true(was_told("Nothing was changed."));
	assert_false(tree_has(&tree, TR_KERNEL_DROP_IN));
	assert_false(tree_has(&tree, TR_KERNEL_CHOICE));
	assert_false(tree_says(&tree, "/calls", "update-grub"));
	assert_true(tree_says(&tree, "/boot/grub/grub.cfg", menu));
	free(menu);
}

static void a_kernel_is_on_trial_first_and_the_default_after_a_good_boot(void **state)
{
	struct tr_kernel_status status;

	assert_int_equal(use(false, false), 0);
	assert_int_equal(phase(), TR_KERNEL_TRIAL);
	read_status(&status);
	assert_string_equal(status.grub.next, TREE_GENERIC_PATH);
	assert_string_equal(status.grub.default_version, TREE_CLOUD);
	assert_true(tree_says(&tree, "/boot/grub/grub.cfg", "panic=30"));
	assert_true(tree_says(&tree, "/etc/default/grub", "GRUB_DEFAULT=0\n"));

	assert_int_equal(tr_kernel_boot_ok(&change), -EAGAIN); /* not booted yet */
	assert_int_equal(phase(), TR_KERNEL_TRIAL);

	boot(TREE_GENERIC);
	assert_int_equal(tr_kernel_boot_ok(&change), 0);
	assert_int_equal(phase(), TR_KERNEL_CHOSEN);
	read_status(&status);
	assert_string_equal(status.grub.chosen, TREE_GENERIC_PATH);
	assert_string_equal(status.grub.default_version, TREE_GENERIC);
	assert_string_equal(status.grub.next, "");
	assert_false(tree_says(&tree, "/boot/grub/grub.cfg", "panic=30"));
	assert_int_equal(tr_kernel_boot_ok(&change), 0); /* once more does nothing */
}

static void undo_brings_everything_back(void **state)
{
	char *menu = tree_read(&tree, "/boot/grub/grub.cfg");

	assert_int_equal(use(false, false), 0);
	assert_int_equal(tr_kernel_undo(&change), 0);
	assert_int_equal(phase(), TR_KERNEL_NOT_CHOSEN);
	assert_false(tree_has(&tree, TR_KERNEL_DROP_IN));
	assert_false(tree_has(&tree, "/var/lib/telerec-kernel"));
	assert_false(tree_says(&tree, "/boot/grub/grubenv", "next_entry"));
	assert_true(tree_says(&tree, "/boot/grub/grub.cfg", menu));

	assert_int_equal(use(false, false), 0);
	boot(TREE_GENERIC);
	assert_int_equal(tr_kernel_boot_ok(&change), 0);
	assert_int_equal(tr_kernel_undo(&change), 0);
	assert_true(tree_says(&tree, "/boot/grub/grub.cfg", menu));
	assert_true(was_told("GRUB boots Debian GNU/Linux (" TREE_CLOUD ") again."));
	assert_int_equal(tr_kernel_undo(&change), 0);
	assert_true(was_told("nothing to undo"));
	free(menu);
}

static void somebody_elses_one_time_choice_stays(void **state)
{
	assert_int_equal(use(false, false), 0);
	assert_int_equal(system("grub-reboot 'other>one'"), 0);
	assert_int_equal(tr_kernel_undo(&change), 0);
	assert_true(tree_says(&tree, "/boot/grub/grubenv", "next_entry=other>one\n"));
}

static void a_kernel_that_did_not_come_up_is_told_and_given_up(void **state)
{
	struct tr_kernel_finding findings[TR_KERNEL_FINDINGS_MAX];
	struct tr_kernel_status status;
	struct tr_kernel_choice choice;

	assert_int_equal(use(false, false), 0);
	boot(TREE_CLOUD);
	assert_int_equal(tr_kernel_boot_ok(&change), -ECANCELED);
	assert_non_null(strstr(change.why, TREE_GENERIC " was on trial and did not come up"));
	assert_int_equal(phase(), TR_KERNEL_FAILED);
	assert_false(tree_has(&tree, TR_KERNEL_DROP_IN));
	read_status(&status);
	assert_string_equal(status.grub.default_version, TREE_CLOUD);
	assert_int_equal(tr_kernel_read_choice(tree.root, &choice), 0);
	assert_int_equal(tr_kernel_find(&status, &choice, 1, false, findings), 2);
	assert_string_equal(findings[1].cause, "kernel-failed");
	assert_int_equal(use(false, false), 0); /* it may be tried again */
	assert_int_equal(phase(), TR_KERNEL_TRIAL);
}

static void without_a_trial_it_is_the_default_at_once(void **state)
{
	struct tr_kernel_status status;

	tree_write(&tree, "/abstraction", "lvm\n");
	assert_int_equal(use(false, false), -ENOTSUP);
	assert_non_null(strstr(change.why, "lvm"));
	assert_non_null(strstr(change.why, "--no-trial"));
	assert_int_equal(use(false, true), 0);
	assert_int_equal(phase(), TR_KERNEL_CHOSEN);
	read_status(&status);
	assert_string_equal(status.grub.default_version, TREE_GENERIC);
}

static void a_package_is_installed_only_when_asked_for(void **state)
{
	tree_remove(&tree, "/boot/vmlinuz-" TREE_GENERIC);
	tree_write(&tree, "/packages", "linux-image-amd64\n");
	assert_int_equal(use(false, false), -ENOENT);
	assert_non_null(strstr(change.why, "linux-image-amd64"));
	assert_false(tree_says(&tree, "/calls", "apt-get"));

	change.is_dry_run = true;
	assert_int_equal(use(true, false), 0);
	assert_true(was_told("would run: apt-get install --yes --no-install-recommends "
			     "linux-image-amd64"));
	assert_false(tree_says(&tree, "/calls", "apt-get"));

	change.is_dry_run = false;
	assert_int_equal(use(true, false), 0);
	assert_true(tree_says(&tree, "/boot/grub/grubenv", "gnulinux-6.1.0-51-amd64-advanced"));
	assert_true(tree_says(&tree, TR_KERNEL_CHOICE, "\"installed\": \"linux-image-amd64\""));
}

static void a_package_that_is_not_there_is_told(void **state)
{
	tree_remove(&tree, "/boot/vmlinuz-" TREE_GENERIC);
	assert_int_equal(use(true, false), -EIO);
	assert_non_null(strstr(change.why, "Unable to locate package linux-image-amd64"));
	assert_false(tree_has(&tree, TR_KERNEL_DROP_IN));
}

static void make_ubuntu(const char *running)
{
	tree_write(&tree, "/etc/os-release", "ID=ubuntu\nID_LIKE=debian\n");
	tree_remove(&tree, "/boot/vmlinuz-" TREE_CLOUD);
	tree_remove(&tree, "/boot/vmlinuz-" TREE_GENERIC);
	tree_remove(&tree, "/lib/modules");
	tree_add_kernel(&tree, running, false);
	tree_run(&tree, running);
}

static void ubuntus_second_package_is_enough_for_the_running_kernel(void **state)
{
	make_ubuntu("6.8.0-1021-aws");
	tree_write(&tree, "/packages", "linux-modules-extra-6.8.0-1021-aws\nlinux-image-generic\n");
	assert_int_equal(use(false, false), -ENOENT);
	assert_non_null(strstr(change.why, "apt install linux-modules-extra-6.8.0-1021-aws"));
	assert_non_null(strstr(change.why, "No other kernel is needed."));

	change.is_dry_run = true;
	assert_int_equal(use(true, false), 0);
	assert_true(was_told("would run: apt-get install --yes --no-install-recommends "
			     "linux-modules-extra-6.8.0-1021-aws"));
	assert_false(tree_says(&tree, "/calls", "apt-get"));

	change.is_dry_run = false;
	assert_int_equal(use(true, false), 0);
	assert_true(tree_says(&tree, "/calls", "linux-modules-extra-6.8.0-1021-aws"));
	assert_true(was_told("The kernel stays: \"telerec kernel load\" is next."));
	assert_int_equal(phase(), TR_KERNEL_NOT_CHOSEN);
}

static void ubuntus_generic_kernel_replaces_one_without_such_a_package(void **state)
{
	make_ubuntu("6.8.0-1021-kvm");
	tree_write(&tree, "/packages", "linux-image-generic\n");
	assert_int_equal(use(true, false), 0);
	assert_true(tree_says(&tree, "/boot/grub/grubenv", "gnulinux-6.8.0-51-generic-advanced"));
	assert_true(tree_says(&tree, TR_KERNEL_CHOICE, "\"installed\": \"linux-image-generic\""));
	assert_int_equal(phase(), TR_KERNEL_TRIAL);
	boot("6.8.0-51-generic");
	assert_int_equal(tr_kernel_boot_ok(&change), 0);
	assert_int_equal(phase(), TR_KERNEL_CHOSEN);
}

static void what_fails_half_way_is_taken_back(void **state)
{
	char *menu = tree_read(&tree, "/boot/grub/grub.cfg");

	tree_write(&tree, "/fail-grub-reboot", "grub-reboot: no space left\n");
	assert_int_equal(use(false, false), -EIO);
	assert_non_null(strstr(change.why, "grub-reboot failed with code 1"));
	assert_non_null(strstr(change.why, "no space left"));
	assert_false(tree_has(&tree, TR_KERNEL_DROP_IN));
	assert_int_equal(phase(), TR_KERNEL_NOT_CHOSEN);
	assert_true(tree_says(&tree, "/boot/grub/grub.cfg", menu));
	free(menu);
}

static void a_menu_that_does_not_take_the_choice_is_told(void **state)
{
	tree_write(&tree, "/ignore-settings", "");
	assert_int_equal(use(false, true), -EBADMSG);
	assert_non_null(strstr(change.why, "GRUB's default is still Debian GNU/Linux"));
	assert_int_equal(phase(), TR_KERNEL_NOT_CHOSEN);
	assert_false(tree_has(&tree, TR_KERNEL_DROP_IN));
}

static void a_menu_without_the_kernel_is_made_anew_first(void **state)
{
	tree_add_kernel(&tree, "6.1.0-52-amd64", true);
	assert_int_equal(use(false, false), 0);
	assert_true(tree_says(&tree, "/boot/grub/grubenv", "gnulinux-6.1.0-52-amd64-advanced"));
}

static void a_running_kernel_that_is_not_the_default_becomes_it(void **state)
{
	struct tr_kernel_status status;

	tree_run(&tree, TREE_GENERIC);
	assert_int_equal(use(false, false), 0);
	assert_int_equal(phase(), TR_KERNEL_CHOSEN);
	read_status(&status);
	assert_string_equal(status.grub.default_version, TREE_GENERIC);
	assert_int_equal(use(false, false), 0);
	assert_true(was_told("nothing to do"));
}

static void begin_renewal(void)
{
	struct tr_kernel_status status;

	assert_int_equal(use(false, false), 0);
	boot(TREE_GENERIC);
	assert_int_equal(tr_kernel_boot_ok(&change), 0);
	tree_add_kernel(&tree, "6.1.0-52-amd64", true);
	assert_int_equal(use(false, false), 0);
	assert_int_equal(phase(), TR_KERNEL_TRIAL);
	read_status(&status);
	assert_non_null(strstr(status.grub.next, "gnulinux-6.1.0-52-amd64-advanced"));
	assert_string_equal(status.grub.default_version, TREE_GENERIC);
	assert_true(tree_says(&tree, "/boot/grub/grub.cfg", "panic=30"));
}

static void a_newer_kernel_is_tried_in_the_place_of_the_chosen_one(void **state)
{
	struct tr_kernel_status status;

	begin_renewal();
	boot("6.1.0-52-amd64");
	assert_int_equal(tr_kernel_boot_ok(&change), 0);
	assert_int_equal(phase(), TR_KERNEL_CHOSEN);
	read_status(&status);
	assert_string_equal(status.grub.default_version, "6.1.0-52-amd64");
	assert_int_equal(use(false, false), 0);
	assert_true(was_told("nothing to do"));
}

static void the_chosen_kernel_stays_when_a_newer_one_fails(void **state)
{
	struct tr_kernel_status status;

	begin_renewal();
	boot(TREE_GENERIC);
	assert_int_equal(tr_kernel_boot_ok(&change), -ECANCELED);
	assert_int_equal(phase(), TR_KERNEL_CHOSEN);
	read_status(&status);
	assert_string_equal(status.grub.default_version, TREE_GENERIC);
	assert_false(tree_says(&tree, "/boot/grub/grub.cfg", "panic=30"));

	tree_write(&tree, "/fail-grub-reboot", "no\n");
	assert_int_equal(use(false, false), -EIO);
	assert_int_equal(phase(), TR_KERNEL_CHOSEN);
	read_status(&status);
	assert_string_equal(status.grub.default_version, TREE_GENERIC);
	assert_int_equal(tr_kernel_undo(&change), 0);
	read_status(&status);
	assert_string_equal(status.grub.default_version, "6.1.0-52-amd64");
}

static void other_machines_are_refused_in_a_sentence(void **state)
{
	tree_write(&tree, "/run/systemd/container", "lxc\n");
	assert_int_equal(use(true, false), -ENOTSUP);
	assert_non_null(strstr(change.why, "This is a container (lxc)"));
	tree_remove(&tree, "/run");
	tree_write(&tree, "/boot/grub/grub.cfg", "blscfg\n");
	assert_int_equal(use(true, false), -ENOTSUP);
	assert_non_null(strstr(change.why, "grubby"));
	tree_remove(&tree, "/boot/grub");
	assert_int_equal(use(true, false), -ENOTSUP);
	assert_non_null(strstr(change.why, "There is no GRUB on this machine"));
	tree_write(&tree, "/boot/loader/loader.conf", "");
	assert_int_equal(use(true, false), -ENOTSUP);
	assert_non_null(strstr(change.why, "systemd-boot"));
	assert_false(tree_says(&tree, "/calls", "apt-get"));
	assert_false(tree_has(&tree, TR_KERNEL_CHOICE));
}

static void set_up(unsigned slots, int wanted)
{
	struct tr_kernel_status status;

	read_status(&status);
	assert_int_equal(tr_aloop_set_up(&change, &status, slots), wanted);
}

static void cards_are_loaded_and_counted(void **state)
{
	tree_run(&tree, TREE_GENERIC);
	change.is_dry_run = true;
	set_up(2, 0);
	assert_true(was_told("+options snd-aloop enable=1,1 index=16,17 id=tr1,tr2 "));
	assert_true(was_told("would run: modprobe snd-aloop enable=1,1 "));
	assert_false(tree_has(&tree, TR_ALOOP_MODPROBE));
	change.is_dry_run = false;
	set_up(2, 0);
	assert_true(tree_has(&tree, "/proc/asound/tr2"));
	assert_true(tree_says(&tree, TR_ALOOP_LOAD, "\nsnd-aloop\n"));
	set_up(2, 0);
	set_up(16, 0); /* more: unloaded, and loaded anew */
	assert_true(tree_has(&tree, "/proc/asound/tr16"));
	set_up(17, -EINVAL);

	bool was_there;
	assert_int_equal(tr_aloop_take_down(&change, &was_there), 0);
	assert_true(was_there);
	assert_false(tree_has(&tree, TR_ALOOP_MODPROBE));
	assert_false(tree_has(&tree, TR_ALOOP_LOAD));
}

static void cards_that_do_not_come_up_are_told(void **state)
{
	set_up(1, -ENOTSUP); /* the cloud's kernel */
	assert_non_null(strstr(change.why, "use-generic"));
	tree_run(&tree, TREE_GENERIC);
	tree_write(&tree, "/no-cards", "");
	set_up(1, -ENODEV);
	assert_non_null(strstr(change.why, "only 0 of 1 cards came up"));
	tree_write(&tree, "/busy", "");
	set_up(1, -EBUSY);
	assert_non_null(strstr(change.why, "in use"));
	tree_remove(&tree, "/sys");
	tree_write(&tree, "/fail-modprobe", "modprobe: ERROR: Key was rejected by service\n");
	set_up(1, -EIO);
	assert_non_null(strstr(change.why, "Key was rejected by service"));
	tree_write(&tree, "/etc/modprobe.d/x.conf", "blacklist snd-aloop\n");
	set_up(1, -EPERM);
}

int main(void)
{
#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		IN_TREE(a_dry_run_shows_each_change_and_makes_none),
		IN_TREE(a_kernel_is_on_trial_first_and_the_default_after_a_good_boot),
		IN_TREE(undo_brings_everything_back),
		IN_TREE(somebody_elses_one_time_choice_stays),
		IN_TREE(a_kernel_that_did_not_come_up_is_told_and_given_up),
		IN_TREE(without_a_trial_it_is_the_default_at_once),
		IN_TREE(a_package_is_installed_only_when_asked_for),
		IN_TREE(a_package_that_is_not_there_is_told),
		IN_TREE(ubuntus_second_package_is_enough_for_the_running_kernel),
		IN_TREE(ubuntus_generic_kernel_replaces_one_without_such_a_package),
		IN_TREE(what_fails_half_way_is_taken_back),
		IN_TREE(a_menu_that_does_not_take_the_choice_is_told),
		IN_TREE(a_menu_without_the_kernel_is_made_anew_first),
		IN_TREE(a_running_kernel_that_is_not_the_default_becomes_it),
		IN_TREE(a_newer_kernel_is_tried_in_the_place_of_the_chosen_one),
		IN_TREE(the_chosen_kernel_stays_when_a_newer_one_fails),
		IN_TREE(other_machines_are_refused_in_a_sentence),
		IN_TREE(cards_are_loaded_and_counted),
		IN_TREE(cards_that_do_not_come_up_are_told),
	};
	return cmocka_run_group_tests_name("kernel_choice", tests, NULL, NULL);
}
