#include "test.h"

#include "machine_tree.h"

#include "system/aloop.h"
#include "system/kernel.h"
#include "system/kernel_findings.h"
#include "system/kernel_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tree tree;
static struct tr_kernel_status status;

static int begin(void **state)
{
	tree_begin(&tree, TREE_CLOUD);
	return 0;
}

static int end(void **state)
{
	tree_end(&tree);
	return 0;
}

static void look(void)
{
	assert_int_equal(tr_kernel_read(tree.root, &status), 0);
	json_t *object = tr_kernel_to_json(&status);
	assert_non_null(object);
	json_decref(object);
}

static void flavours_are_read_from_the_versions_end(void **state)
{
	static const struct {
		const char *version;
		enum tr_kernel_flavour flavour;
	} cases[] = {
		{"6.1.0-50-amd64", TR_KERNEL_GENERIC},
		{"6.12.107+deb13-amd64", TR_KERNEL_GENERIC},
		{"6.12.107+deb13-cloud-amd64", TR_KERNEL_CLOUD},
		{"6.12.107+deb13-rt-amd64", TR_KERNEL_RT},
		{"5.10.0-0.deb10.16-686-pae", TR_KERNEL_GENERIC},
		{"6.1.0-50-arm64", TR_KERNEL_GENERIC},
		{"6.1.0-50-cloud-arm64", TR_KERNEL_CLOUD},
		{"6.8.0-51-generic", TR_KERNEL_GENERIC},
		{"6.8.0-51-lowlatency", TR_KERNEL_GENERIC},
		{"6.8.0-1021-aws", TR_KERNEL_AWS},
		{"6.8.0-1021-azure", TR_KERNEL_AZURE},
		{"6.8.0-1020-gcp", TR_KERNEL_GCP},
		{"5.4.0-1100-kvm", TR_KERNEL_KVM},
		{"5.15.0-1071-realtime", TR_KERNEL_RT},
		{"6.18.44-fc-v669", TR_KERNEL_UNKNOWN},
		{"6.8.5-301.fc40.x86_64", TR_KERNEL_UNKNOWN},
		{"6.6.30", TR_KERNEL_UNKNOWN},
		{"6.6.30-cloudy", TR_KERNEL_UNKNOWN},
	};

	for (size_t i = 0; i < TR_COUNT(cases); i++)
		assert_string_equal(tr_kernel_flavour_name(tr_kernel_flavour_of(cases[i].version)),
			tr_kernel_flavour_name(cases[i].flavour));
}

static void a_cloud_kernel_has_no_loopback_and_another_one_has(void **state)
{
	tree_add_kernel(&tree, TREE_CLOUD, false);
	tree_add_kernel(&tree, TREE_GENERIC, true);
	tree_add_grub(&tree);
	look();
	assert_string_equal(status.running.version, TREE_CLOUD);
	assert_int_equal(status.running.flavour, TR_KERNEL_CLOUD);
	assert_int_equal(status.running.aloop, TR_ALOOP_ABSENT);
	assert_string_equal(status.running.package, "linux-image-" TREE_CLOUD);
	assert_int_equal(status.installed_count, 2);
	assert_string_equal(status.installed[0].version, TREE_CLOUD);
	assert_string_equal(tr_kernel_find_better(&status)->version, TREE_GENERIC);
	assert_int_equal(status.loader, TR_LOADER_GRUB);
	assert_int_equal(status.secure_boot, TR_SECURE_BOOT_NO_EFI);
	assert_string_equal(status.grub.default_title, "Debian GNU/Linux");
	assert_string_equal(status.grub.default_version, TREE_CLOUD);
	assert_string_equal(status.grub.setting, "0");
	assert_string_equal(status.generic_package, "linux-image-amd64");
	assert_string_equal(status.container, "");
}

static void the_module_is_found_loadable_built_in_and_loaded(void **state)
{
	bool has_modules;

	tree_add_kernel(&tree, TREE_GENERIC, true);
	tree_run(&tree, TREE_GENERIC);
	look();
	assert_int_equal(status.running.aloop, TR_ALOOP_LOADABLE);
	tree_write(&tree, "/sys/module/snd_aloop/initstate", "live\n");
	tree_write(&tree, "/proc/asound/tr1/id", "tr1\n");
	tree_write(&tree, "/proc/asound/tr2/id", "tr2\n");
	tree_write(&tree, "/proc/asound/tr4/id", "tr4\n");
	look();
	assert_int_equal(status.running.aloop, TR_ALOOP_LOADED);
	assert_int_equal(status.slot_cards, 2);

	/* Listed, but not there: an upgrade took the files. */
	tree_remove(&tree, "/lib/modules/" TREE_GENERIC "/kernel/sound/drivers/snd-aloop.ko");
	assert_int_equal(tr_aloop_find(tree.root, TREE_GENERIC, &has_modules), TR_ALOOP_ABSENT);
	assert_true(has_modules);

	tree_write(&tree, "/lib/modules/6.6.30/modules.builtin",
		"kernel/sound/core/snd.ko\nkernel/sound/drivers/snd-aloop.ko\n");
	assert_int_equal(tr_aloop_find(tree.root, "6.6.30", &has_modules), TR_ALOOP_BUILT_IN);
	assert_int_equal(tr_aloop_find(tree.root, "6.6.31", &has_modules), TR_ALOOP_ABSENT);
	assert_false(has_modules);
}

static void ubuntus_second_package_is_named(void **state)
{
	tree_write(&tree, "/etc/os-release", "ID=ubuntu\nID_LIKE=debian\n");
	tree_run(&tree, "6.8.0-1021-aws");
	tree_add_kernel(&tree, "6.8.0-1021-aws", false);
	tree_write(&tree, "/packages", "linux-modules-extra-6.8.0-1021-aws\n");
	look();
	assert_int_equal(status.running.aloop, TR_ALOOP_PACKAGED);
	assert_string_equal(status.running.aloop_package, "linux-modules-extra-6.8.0-1021-aws");
	assert_string_equal(status.generic_package, "linux-image-generic");
	tree_write(&tree, "/packages", "");
	look();
	assert_int_equal(status.running.aloop, TR_ALOOP_ABSENT);
}

static void a_forbidden_module_is_told(void **state)
{
	tree_add_kernel(&tree, TREE_GENERIC, true);
	assert_false(tr_aloop_is_blocked(tree.root, TREE_GENERIC));
	tree_write(
		&tree, "/etc/modprobe.d/a.conf", "blacklist snd-pcsp\noptions snd-aloop index=3\n");
	assert_false(tr_aloop_is_blocked(tree.root, TREE_GENERIC));
	tree_write(&tree, "/etc/modprobe.d/b.conf", "blacklist snd_aloop\n");
	assert_true(tr_aloop_is_blocked(tree.root, TREE_GENERIC));
	tree_write(&tree, "/etc/modprobe.d/b.conf", "install snd-aloop /bin/false\n");
	assert_true(tr_aloop_is_blocked(tree.root, TREE_GENERIC));
}

static void expect_container(const char *kind)
{
	char found[32];

	tr_kernel_find_container(tree.root, found, sizeof(found));
	assert_string_equal(found, kind);
}

static void containers_are_known_by_their_signs(void **state)
{
	expect_container("");
	tree_write(&tree, "/proc/1/cgroup", "0::/init.scope\n");
	expect_container("");
	tree_write(&tree, "/proc/1/cgroup", "4:memory:/docker/0123\n");
	expect_container("docker");
	tree_write(&tree, "/proc/vz/version", "");
	expect_container("openvz");
	tree_write(&tree, "/run/.containerenv", "");
	expect_container("podman");
	tree_write_bytes(&tree, "/proc/1/environ", "A=b\0container=lxc\0C=d", 21);
	expect_container("lxc");
	tree_write(&tree, "/run/systemd/container", "systemd-nspawn\n");
	expect_container("systemd-nspawn");
	tree_run(&tree, "5.15.153.1-microsoft-standard-WSL2");
	tree_remove(&tree, "/run");
	tree_remove(&tree, "/proc/1");
	tree_remove(&tree, "/proc/vz");
	expect_container("wsl");
}

static void loaders_are_known_by_their_files(void **state)
{
	static const char info[] =
		"\x06\0\0\0s\0y\0s\0t\0e\0m\0d\0-\0b\0o\0o\0t\0 \0002\0005\0002\0";
#define EFIVARS "/sys/firmware/efi/efivars/"

	assert_int_equal(tr_kernel_find_loader(tree.root), TR_LOADER_NONE);
	tree_write(&tree, "/boot/firmware/config.txt", "");
	assert_int_equal(tr_kernel_find_loader(tree.root), TR_LOADER_RASPBERRY);
	tree_write(&tree, "/boot/extlinux/extlinux.conf", "");
	assert_int_equal(tr_kernel_find_loader(tree.root), TR_LOADER_EXTLINUX);
	tree_write(&tree, "/boot/efi/loader/loader.conf", "");
	assert_int_equal(tr_kernel_find_loader(tree.root), TR_LOADER_SYSTEMD_BOOT);
	tree_write(&tree, "/boot/grub2/grub.cfg", "");
	assert_int_equal(tr_kernel_find_loader(tree.root), TR_LOADER_GRUB);
	assert_int_equal(tr_kernel_find_secure_boot(tree.root), TR_SECURE_BOOT_NO_EFI);
	tree_write_bytes(&tree, EFIVARS "LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", info,
		sizeof(info) - 1);
	assert_int_equal(tr_kernel_find_loader(tree.root), TR_LOADER_SYSTEMD_BOOT);
	assert_int_equal(tr_kernel_find_secure_boot(tree.root), TR_SECURE_BOOT_OFF);
	tree_write_bytes(&tree, EFIVARS "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
		"\x06\0\0\0\x01", 5);
	assert_int_equal(tr_kernel_find_secure_boot(tree.root), TR_SECURE_BOOT_ON);
}

static void each_slot_gets_a_card_out_of_the_way_of_real_ones(void **state)
{
	char options[TR_ALOOP_OPTIONS_MAX];

	assert_int_equal(tr_aloop_options(1, options, sizeof(options)), 0);
	assert_string_equal(options, "enable=1 index=16 id=tr1 pcm_substreams=1 pcm_notify=0");
	assert_int_equal(tr_aloop_options(3, options, sizeof(options)), 0);
	assert_string_equal(options, "enable=1,1,1 index=16,17,18 id=tr1,tr2,tr3 "
				     "pcm_substreams=1,1,1 pcm_notify=0,0,0");
	assert_int_equal(tr_aloop_options(16, options, sizeof(options)), 0);
	assert_non_null(strstr(options, "29,30,31 id=tr1,"));
	assert_non_null(strstr(options, ",tr15,tr16 "));
	assert_int_equal(tr_aloop_options(0, options, sizeof(options)), -EINVAL);
	assert_int_equal(tr_aloop_options(17, options, sizeof(options)), -EINVAL);
}

static const char *first_cause(unsigned slots, bool needs_loopback)
{
	static struct tr_kernel_finding findings[TR_KERNEL_FINDINGS_MAX];
	struct tr_kernel_choice choice;

	look();
	assert_int_equal(tr_kernel_read_choice(tree.root, &choice), 0);
	assert_true(tr_kernel_find(&status, &choice, slots, needs_loopback, findings) >= 1);
	assert_int_equal(findings[0].status == TR_KERNEL_FAILURE,
		needs_loopback && strcmp(findings[0].cause, "snd-aloop") != 0);
	print_message("%s\n%s", findings[0].sentence, findings[0].cure);
	return findings[0].cause;
}

static void each_state_has_its_sentence_and_cure(void **state)
{
	tree_add_kernel(&tree, TREE_CLOUD, false);
	assert_string_equal(first_cause(1, true), "no-snd-aloop"); /* no boot loader */
	tree_add_grub(&tree);
	assert_string_equal(first_cause(1, false), "no-snd-aloop");
	tree_add_kernel(&tree, TREE_GENERIC, true);
	assert_string_equal(first_cause(1, true), "no-snd-aloop");
	tree_run(&tree, "6.1.0-1-amd64");
	assert_string_equal(first_cause(1, true), "modules-gone");
	tree_run(&tree, TREE_GENERIC);
	assert_string_equal(first_cause(1, true), "snd-aloop-not-loaded");
	tree_write(&tree, "/etc/modprobe.d/b.conf", "blacklist snd-aloop\n");
	assert_string_equal(first_cause(1, true), "snd-aloop-blocked");
	tree_write(&tree, "/sys/module/snd_aloop/initstate", "live\n");
	tree_write(&tree, "/proc/asound/tr1/id", "tr1\n");
	assert_string_equal(first_cause(2, true), "too-few-cards");
	assert_string_equal(first_cause(1, true), "snd-aloop");
}

static void a_next_boot_without_loopback_is_warned_of(void **state)
{
	struct tr_kernel_finding findings[TR_KERNEL_FINDINGS_MAX];
	struct tr_kernel_choice choice = {0};

	tree_add_kernel(&tree, TREE_CLOUD, false);
	tree_add_kernel(&tree, TREE_GENERIC, true);
	tree_add_grub(&tree);
	tree_run(&tree, TREE_GENERIC);
	look();
	assert_int_equal(tr_kernel_find(&status, &choice, 1, false, findings), 2);
	assert_string_equal(findings[1].cause, "next-boot-worse");
}

int main(void)
{
#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flavours_are_read_from_the_versions_end),
		IN_TREE(a_cloud_kernel_has_no_loopback_and_another_one_has),
		IN_TREE(the_module_is_found_loadable_built_in_and_loaded),
		IN_TREE(ubuntus_second_package_is_named),
		IN_TREE(a_forbidden_module_is_told),
		IN_TREE(containers_are_known_by_their_signs),
		IN_TREE(loaders_are_known_by_their_files),
		cmocka_unit_test(each_slot_gets_a_card_out_of_the_way_of_real_ones),
		IN_TREE(each_state_has_its_sentence_and_cure),
		IN_TREE(a_next_boot_without_loopback_is_warned_of),
	};
	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
