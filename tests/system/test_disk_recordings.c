/* A disk for recordings: its label, its mount, its folder; and what is refused. */
#include "test.h"

#include "core/file.h"
#include "system/disk_recordings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char home[64], root[80];
static char *path_before;
static struct tr_change change;

static void write_below(const char *folder, const char *name, const char *text, mode_t mode)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

/* Tools that write down how they are called. */
static void make_tool(const char *name)
{
	char text[200];

	snprintf(text, sizeof(text), "#!/bin/sh\necho \"%s $*\" >>%s/calls\n", name, home);
	write_below(home, name, text, 0755);
}

static void answer(const char *disks)
{
	char text[4096];

	snprintf(text, sizeof(text), "#!/bin/sh\ncat <<'END'\n{\"blockdevices\":[%s]}\nEND\n",
		disks);
	write_below(home, "lsblk", text, 0755);
}

static int begin(void **state)
{
	static const char *const tools[] = {
		"e2label", "xfs_admin", "btrfs", "udevadm", "systemctl", "mkfs.ext4"};
	char path[PATH_MAX];

	strcpy(home, "/tmp/telerec-recdisk-XXXXXX");
	assert_non_null(mkdtemp(home));
	path_before = strdup(getenv("PATH"));
	snprintf(path, sizeof(path), "%s:%.3000s", home, path_before);
	setenv("PATH", path, 1);
	for (size_t i = 0; i < TR_COUNT(tools); i++)
		make_tool(tools[i]);
	snprintf(root, sizeof(root), "%s/root", home);
	snprintf(path, sizeof(path), "%s/proc/self", root);
	assert_int_equal(tr_file_make_folders(path, 0755), 0);
	write_below(path, "mounts", "/dev/sda2 / ext4 rw 0 0\n/dev/sdc1 /data ext4 rw 0 0\n", 0644);
	snprintf(path, sizeof(path), "%s/run/media/telerec/TELEREC-REC", root);
	assert_int_equal(tr_file_make_folders(path, 0755), 0);
	change = (struct tr_change){.root = root, .out = fopen("/dev/null", "we")};
	return 0;
}

static int end(void **state)
{
	fclose(change.out);
	setenv("PATH", path_before, 1);
	free(path_before);
	tr_file_remove_tree(home);
	return 0;
}

#define PART(name, type, label)                                                                    \
	"{\"name\":\"" name "\",\"path\":\"/dev/" name                                             \
	"\",\"type\":\"part\",\"size\":107374182400,\"fstype\":" type ",\"label\":" label          \
	",\"mountpoints\":[null]}"
#define DISK(name, parts)                                                                          \
	"{\"name\":\"" name "\",\"path\":\"/dev/" name                                             \
	"\",\"type\":\"disk\",\"size\":107374182400,\"ro\":false,\"rm\":true,"                     \
	"\"mountpoints\":[null],\"children\":[" parts "]}"

/* The calls of all tools, without those of lsblk. */
static void expect_calls(const char *wanted)
{
	char path[200], text[2000] = "";

	snprintf(path, sizeof(path), "%s/calls", home);
	FILE *file = fopen(path, "re");
	size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	if (file)
		fclose(file);
	text[size] = '\0';
	assert_string_equal(text, wanted);
}

static void a_disk_gets_its_label_its_mount_and_a_folder(void **state)
{
	char folder[PATH_MAX], path[PATH_MAX + 80];
	struct stat st;

	answer(DISK("sdb", PART("sdb1", "\"ext4\"", "\"Films\"")));
	assert_int_equal(tr_disk_recordings_use(&change, "/dev/sdb1", folder), 0);
	assert_string_equal(folder, "/run/media/telerec/TELEREC-REC/recordings");
	expect_calls("e2label /dev/sdb1 TELEREC-REC\n"
		     "udevadm trigger --action=change --settle /dev/sdb1\n"
		     "systemctl start telerec-disk@sdb1.service\n");
	snprintf(path, sizeof(path), "%s%s", root, folder);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
}

static void two_disks_do_not_have_the_same_label(void **state)
{
	char folder[PATH_MAX];

	change.is_dry_run = true;
	answer(DISK("sdb", PART("sdb1", "\"xfs\"", "null")) "," DISK(
		"sdd", PART("sdd1", "\"ext4\"", "\"TELEREC-REC\"")));
	assert_int_equal(tr_disk_recordings_use(&change, "/dev/sdb1", folder), 0);
	assert_string_equal(folder, "/run/media/telerec/TELEREC-REC2/recordings");
	expect_calls("");
}

static void a_third_one_gets_a_third_label(void **state)
{
	char folder[PATH_MAX];

	change.is_dry_run = true;
	answer(DISK("sda", PART("sda1", "\"ext4\"", "\"TELEREC-REC2\"")) "," DISK(
		"sdb", PART("sdb1", "\"ext4\"", "\"TELEREC-REC\"")) "," DISK("sdd",
		PART("sdd1", "\"ext4\"", "\"\"")));
	assert_int_equal(tr_disk_recordings_use(&change, "/dev/sdd1", folder), 0);
	assert_string_equal(folder, "/run/media/telerec/TELEREC-REC3/recordings");
}

static void one_that_is_labelled_keeps_its_label(void **state)
{
	char folder[PATH_MAX];

	answer(DISK("sdb", PART("sdb1", "\"btrfs\"", "\"TELEREC-REC-A\"")));
	change.is_dry_run = true;
	assert_int_equal(tr_disk_recordings_use(&change, "/dev/sdb1", folder), 0);
	assert_string_equal(folder, "/run/media/telerec/TELEREC-REC-A/recordings");
}

static void what_cannot_hold_recordings_is_refused_with_the_reason(void **state)
{
	char folder[PATH_MAX];

	answer(DISK("sdb", PART("sdb1", "\"vfat\"", "\"STICK\"") "," PART("sdb2", "null",
				   "null")) "," DISK("sdc", PART("sdc1", "\"ext4\"", "null")));
	assert_int_equal(tr_disk_recordings_use(&change, "/dev/sdb1", folder), -EINVAL);
	assert_non_null(strstr(change.why, "no large files: format it"));
	assert_int_equal(tr_disk_recordings_use(&change, "/dev/sdb2", folder), -EINVAL);
	assert_non_null(strstr(change.why, "nothing that can be mounted"));
	assert_int_equal(tr_disk_recordings_use(&change, "/dev/sdc1", folder), -EBUSY);
	assert_non_null(strstr(change.why, "it is in use elsewhere at /data"));
	assert_int_equal(tr_disk_recordings_use(&change, "/dev/sdx1", folder), -ENOENT);
	expect_calls("");
}

static void only_what_nobody_uses_is_formatted(void **state)
{
	answer(DISK("sdb", PART("sdb1", "\"vfat\"", "\"STICK\"")) "," DISK(
		"sdc", PART("sdc1", "\"ext4\"", "null")) "," DISK("sdd", ""));
	assert_int_equal(tr_disk_recordings_format(&change, "/dev/sdc1"), -EBUSY);
	assert_int_equal(tr_disk_recordings_format(&change, "/dev/sdb"), -ENOENT);
	assert_int_equal(tr_disk_recordings_format(&change, "sdb1"), -ENOENT);
	expect_calls("");
	assert_int_equal(tr_disk_recordings_format(&change, "/dev/sdb1"), 0);
	assert_int_equal(tr_disk_recordings_format(&change, "/dev/sdd"), 0);
	expect_calls("mkfs.ext4 -F -q -m 0 -L TELEREC-REC /dev/sdb1\n"
		     "mkfs.ext4 -F -q -m 0 -L TELEREC-REC /dev/sdd\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_disk_gets_its_label_its_mount_and_a_folder),
		TEST(two_disks_do_not_have_the_same_label),
		TEST(a_third_one_gets_a_third_label),
		TEST(one_that_is_labelled_keeps_its_label),
		TEST(what_cannot_hold_recordings_is_refused_with_the_reason),
		TEST(only_what_nobody_uses_is_formatted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
