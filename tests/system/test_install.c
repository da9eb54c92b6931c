/* The installer with the real tools, on a file that stands for a disk. */
#include "test.h"

#include "shell.h"

#include "core/file.h"
#include "system/disk_layout.h"
#include "system/disk_write.h"
#include "system/install.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK_BYTES (5000 * TR_MIB)

static char home[64];
static char disk[128], medium[128];
static char steps[1024];
static struct tr_install_result result;

/* A medium as the image's is, but small. */
static int make_medium(void **state)
{
	/* A system on the disk takes some 200 MB; memory is quicker. */
	strcpy(home, "/dev/shm/telerec-install-XXXXXX");
	if (!mkdtemp(home)) {
		strcpy(home, "/tmp/telerec-install-XXXXXX");
		assert_non_null(mkdtemp(home));
	}
	snprintf(disk, sizeof(disk), "%s/disk", home);
	snprintf(medium, sizeof(medium), "%s/medium", home);
	shell("mkdir -p %s/live/bios %s/live/esp/EFI/BOOT %s/live/esp/boot/grub && cd %s/live && "
	      "head -c 3000000 /dev/urandom >root.squashfs && head -c 500001 /dev/urandom >boot.squashfs && "
	      "head -c 512 /dev/urandom >bios/boot.img && "
	      "head -c 33000 /dev/urandom >bios/core.img && echo shim >esp/EFI/BOOT/BOOTX64.EFI && "
	      "echo menu >esp/boot/grub/grub.cfg && "
	      "sha256sum root.squashfs boot.squashfs bios/* >SHA256SUMS",
		medium, medium, medium, medium);
	shell("truncate -s %lld %s", (long long)DISK_BYTES, disk);
	return 0;
}

static int remove_home(void **state)
{
	tr_file_remove_tree(home);
	return 0;
}

static void note_step(const char *step, int percent, void *user)
{
	if (percent == 0 && !strstr(steps, step))
		snprintf(steps + strlen(steps), sizeof(steps) - strlen(steps), "%s;", step);
}

static int install(const char *data, bool keeps_data)
{
	const struct tr_install_wish wish = {
		.disk = disk, .medium = medium, .data = data, .keeps_data = keeps_data};

	steps[0] = '\0';
	int rc = tr_install_run(&wish, note_step, NULL, &result);
	if (rc < 0)
		print_message("%s\n", result.why);
	return rc;
}

static int64_t offset_of(enum tr_disk_layout_part part)
{
	return tr_disk_layout_get(part)->offset;
}

static void assert_same(int64_t offset, const char *file)
{
	shell("cmp -n $(stat -c %%s %s/live/%s) %s/live/%s %s 0 %lld", medium, file, medium, file,
		disk, (long long)offset);
}

static void a_disk_gets_everything_in_its_place(void **state)
{
	assert_int_equal(install(NULL, false), 0);
	assert_true(result.is_touched);
	assert_string_equal(steps,
		"partitioning;copying the system;checking the system;copying the kernel;checking the kernel;"
		"making the data partition;writing the boot files;writing GRUB for BIOS;"
		"checking GRUB for BIOS;done;");
	shell("sgdisk --verify %s | grep -q 'No problems found'", disk);
	shell("sgdisk --print %s | awk '$1 ~ /^[0-9]+$/ {print $NF}' | tr '\\n' ' ' | "
	      "grep -qx 'bios-boot esp boot-a root-a boot-b root-b data '",
		disk);
	shell("sgdisk --info=1 %s | grep -q 'First sector: 2048 '", disk);
	assert_same(offset_of(TR_PART_ROOT_A), "root.squashfs");
	assert_same(offset_of(TR_PART_BIOS_BOOT), "bios/core.img");
	shell("cmp -n 440 %s/live/bios/boot.img %s", medium, disk);
	assert_same(offset_of(TR_PART_BOOT_A), "boot.squashfs");
	shell("mtype -i %s@@%lld ::EFI/BOOT/BOOTX64.EFI | grep -qx shim", disk,
		(long long)offset_of(TR_PART_ESP));
	shell("mcopy -i %s@@%lld ::boot/grub/grubenv %s/env && grub-editenv %s/env list | grep -qx "
	      "PROVEN=A",
		disk, (long long)offset_of(TR_PART_ESP), home, home);
	shell("mlabel -s -i %s@@%lld | grep -q TR-ESP", disk, (long long)offset_of(TR_PART_ESP));
	assert_true(tr_install_finds_data(disk));
	shell("e2fsck -fn '%s?offset=%lld' >/dev/null 2>&1", disk,
		(long long)offset_of(TR_PART_DATA));
}

static void settings_of_the_running_system_come_along(void **state)
{
	shell("mkdir -p %s/data/etc/telerec %s/data/recordings %s/data/network && "
	      "echo 'slots = 2;' >%s/data/etc/telerec/telerec.conf && echo big >%s/data/recordings/r",
		home, home, home, home, home);
	char data[128];
	snprintf(data, sizeof(data), "%s/data", home);
	assert_int_equal(install(data, false), 0);
	shell("debugfs -R 'cat /etc/telerec/telerec.conf' '%s?offset=%lld' 2>/dev/null | grep -qx "
	      "'slots = 2;'",
		disk, (long long)offset_of(TR_PART_DATA));
	shell("! debugfs -R 'stat /recordings/r' '%s?offset=%lld' 2>&1 | grep -q Inode:", disk,
		(long long)offset_of(TR_PART_DATA));
}

static void data_are_kept_when_asked(void **state)
{
	char data[128];

	shell("mkdir -p %s/data/etc && echo kept >%s/data/etc/mark", home, home);
	snprintf(data, sizeof(data), "%s/data", home);
	assert_int_equal(install(NULL, true), -EINVAL);
	assert_false(result.is_touched);
	assert_non_null(strstr(result.why, "nothing to keep"));
	assert_int_equal(install(data, false), 0);
	assert_int_equal(install(NULL, true), 0);
	shell("debugfs -R 'cat /etc/mark' '%s?offset=%lld' 2>/dev/null | grep -qx kept", disk,
		(long long)offset_of(TR_PART_DATA));
	shell("sgdisk --verify %s | grep -q 'No problems found'", disk);
}

static void a_damaged_medium_does_not_pass(void **state)
{
	shell("printf X | dd of=%s/live/root.squashfs bs=1 seek=2000000 conv=notrunc status=none",
		medium);
	assert_int_equal(install(NULL, false), -EBADMSG);
	assert_true(result.is_touched);
	assert_non_null(strstr(result.why, "root.squashfs as read from the medium is damaged"));
	/* And the disk does not look as if it could boot. */
	shell("cmp -n 440 %s /dev/zero", disk);
}

static void what_cannot_work_is_refused_before_anything_is_written(void **state)
{
	shell("echo precious | dd of=%s conv=notrunc status=none", disk);
	shell("mv %s/live/SHA256SUMS %s/sums", medium, home);
	assert_int_equal(install(NULL, false), -ENOENT);
	assert_non_null(strstr(result.why, "there is no system to install"));
	shell("mv %s/sums %s/live/SHA256SUMS && mv %s/live/boot.squashfs %s/boot", home, medium,
		medium, home);
	assert_int_equal(install(NULL, false), -ENOENT);
	shell("mv %s/boot %s/live/boot.squashfs && truncate -s 4800M %s", home, medium, disk);
	assert_int_equal(install(NULL, false), -EINVAL);
	assert_non_null(strstr(result.why, "too small"));
	assert_false(result.is_touched);
	shell("head -c 9 %s | grep -qx precious", disk);
	snprintf(disk, sizeof(disk), "%s/none", home);
	assert_int_equal(install(NULL, false), -ENOENT);
}

/* What only a block device does: tools that want it for themselves, and somebody who has it. */
static void a_block_device_is_taken_unless_somebody_has_it(void **state)
{
	char command[192], file[128], device[64] = "";

	snprintf(file, sizeof(file), "%s", disk);
	snprintf(command, sizeof(command), "losetup --find --show %s 2>/dev/null", file);
	FILE *said = popen(command, "re");
	assert_non_null(said);
	if (!fgets(device, sizeof(device), said))
		device[0] = '\0';
	if (pclose(said) != 0 || !device[0]) {
		print_message("no loop device is to be had here: left out\n");
		return;
	}
	device[strcspn(device, "\n")] = '\0';
	snprintf(disk, sizeof(disk), "%s", device);
	int holder = open(disk, O_RDONLY | O_EXCL | O_CLOEXEC);
	int busy = install(NULL, false);
	bool is_touched = result.is_touched;
	close(holder);
	int rc = install(NULL, false);
	snprintf(command, sizeof(command), "losetup --detach %s", device);
	assert_int_equal(system(command), 0);
	assert_int_equal(busy, -EBUSY);
	assert_false(is_touched);
	assert_int_equal(rc, 0);
	assert_true(tr_install_finds_data(file));
}

static void a_tool_that_fails_is_named_with_its_words(void **state)
{
	TR_CLEANUP(tr_freep) char *before = strdup(getenv("PATH"));
	char path[PATH_MAX];

	shell("mkdir %s/bin && printf '#!/bin/sh\\necho the pen is dry >&2\\nexit 1\\n' "
	      ">%s/bin/mkfs.ext4 && chmod 755 %s/bin/mkfs.ext4",
		home, home, home);
	snprintf(path, sizeof(path), "%s/bin:%s", home, before);
	setenv("PATH", path, 1);
	int rc = install(NULL, false);
	setenv("PATH", before, 1);
	assert_int_equal(rc, -EIO);
	assert_string_equal(result.why, "mkfs.ext4 failed: the pen is dry");
	assert_true(result.is_touched);
}

static void a_list_of_hashes_is_read_in_each_form(void **state)
{
	char hash[TR_DISK_WRITE_HASH], list[512], digits[65];

	memset(digits, 'a', 64);
	digits[64] = '\0';
	snprintf(list, sizeof(list), "short  a\n%s  ./live/a\n%s *b b\n", digits, digits);
	assert_int_equal(tr_disk_write_find_hash(list, "live/a", hash), 0);
	assert_string_equal(hash, digits);
	assert_int_equal(tr_disk_write_find_hash(list, "b b", hash), 0);
	assert_int_equal(tr_disk_write_find_hash(list, "a", hash), -ENOENT);
	assert_int_equal(tr_disk_write_find_hash("", "a", hash), -ENOENT);
}

int main(void)
{
	static const char *const tools[] = {
		"sgdisk", "mkfs.vfat", "mcopy", "mkfs.ext4", "debugfs", "grub-editenv"};
	char command[64];

	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	for (size_t i = 0; i < TR_COUNT(tools); i++) {
		snprintf(command, sizeof(command), "command -v %s >/dev/null", tools[i]);
		if (system(command) != 0) {
			printf("skipped: %s is not installed\n", tools[i]);
			return 77;
		}
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_disk_gets_everything_in_its_place, make_medium, remove_home),
		cmocka_unit_test_setup_teardown(
			settings_of_the_running_system_come_along, make_medium, remove_home),
		cmocka_unit_test_setup_teardown(data_are_kept_when_asked, make_medium, remove_home),
		cmocka_unit_test_setup_teardown(
			a_damaged_medium_does_not_pass, make_medium, remove_home),
		cmocka_unit_test_setup_teardown(
			what_cannot_work_is_refused_before_anything_is_written, make_medium,
			remove_home),
		cmocka_unit_test_setup_teardown(
			a_tool_that_fails_is_named_with_its_words, make_medium, remove_home),
		cmocka_unit_test_setup_teardown(
			a_block_device_is_taken_unless_somebody_has_it, make_medium, remove_home),
		cmocka_unit_test(a_list_of_hashes_is_read_in_each_form),
	};
	return cmocka_run_group_tests_name("install", tests, NULL, NULL);
}
