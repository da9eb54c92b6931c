/* What lsblk tells, as different machines tell it. */
#include "test.h"

#include "core/file.h"
#include "system/disk_layout.h"
#include "system/disks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char home[64];
static char *path_before;
static struct tr_disks disks;

/* A lsblk that prints this. */
static void answer(const char *text, int code)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/lsblk", home);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\ncat <<'END'\n%s\nEND\nexit %d\n", text, code);
	fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
}

static int begin(void **state)
{
	char path[PATH_MAX];

	strcpy(home, "/tmp/telerec-disks-XXXXXX");
	assert_non_null(mkdtemp(home));
	path_before = strdup(getenv("PATH"));
	snprintf(path, sizeof(path), "%s:%.3000s", home, path_before);
	setenv("PATH", path, 1);
	return 0;
}

static int end(void **state)
{
	setenv("PATH", path_before, 1);
	free(path_before);
	tr_file_remove_tree(home);
	return 0;
}

#define DISK(name, size, more)                                                                     \
	"{\"name\":\"" name "\",\"path\":\"/dev/" name "\",\"type\":\"disk\",\"size\":" size       \
	",\"ro\":false,\"rm\":false," more "}"
#define FREE "\"mountpoints\":[null]"
#define PART(name, more)                                                                           \
	"{\"name\":\"" name "\",\"path\":\"/dev/" name                                             \
	"\",\"type\":\"part\",\"size\":1073741824," more "}"

static void disks_are_told_with_what_is_on_them(void **state)
{
	char what[256];

	answer("{\"blockdevices\":[" DISK("sda", "500107862016",
		       "\"model\":\"Old Disk  \",\"serial\":\"S1\",\"tran\":\"sata\"," FREE
		       ",\"children\":[" PART("sda1",
			       "\"fstype\":\"ntfs\",\"label\":\"Windows\"," FREE) "," PART("sda2",
			       "\"fstype\":null,\"label\":null,\"partlabel\":\"data\"," FREE) "]") "," DISK("vda",
		       "8589934592", FREE) "]}",
		0);
	assert_int_equal(tr_disks_read(&disks), 0);
	assert_int_equal(disks.count, 2);
	assert_string_equal(disks.disks[0].model, "Old Disk");
	assert_string_equal(disks.disks[0].bus, "sata");
	tr_disks_describe(&disks.disks[0], what, sizeof(what));
	assert_string_equal(what, "ntfs \"Windows\" 1.0 GiB, unknown \"data\" 1.0 GiB");
	assert_null(tr_disks_obstacle(&disks.disks[0]));
	tr_disks_describe(&disks.disks[1], what, sizeof(what));
	assert_string_equal(what, "empty");
	assert_ptr_equal(tr_disks_find(&disks, "vda"), &disks.disks[1]);
	assert_ptr_equal(tr_disks_find(&disks, "/dev/vda"), &disks.disks[1]);
	assert_null(tr_disks_find(&disks, "sda1"));
	assert_null(tr_disks_find(&disks, ""));
}

static void a_disk_in_use_is_not_to_be_had(void **state)
{
	answer("{\"blockdevices\":[" DISK("sda", "16000000000",
		       FREE ",\"children\":[" PART("sda1",
			       "\"mountpoints\":[null,\"/run/telerec-image/medium\"]") "]") "," DISK("sdb",
		       "16000000000",
		       FREE ",\"children\":[" PART("sdb1",
			       FREE ",\"children\":[{\"name\":\"md0\",\"type\":\"raid1\"," FREE
				    "}]") "]") "," DISK("sdc", "16000000000",
		       "\"mountpoints\":[\"[SWAP]\"]") "," DISK("sdd", "16000000000",
		       FREE ",\"children\":[" PART("sdd1", FREE
			       ",\"children\":[{\"name\":\"c\",\"type\":\"crypt\",\"mountpoints\":[\"/srv\"]}]") "]") "]}",
		0);
	assert_int_equal(tr_disks_read(&disks), 0);
	assert_int_equal(disks.count, 4);
	assert_string_equal(
		tr_disks_obstacle(&disks.disks[0]), "it is mounted at /run/telerec-image/medium");
	assert_string_equal(tr_disks_obstacle(&disks.disks[1]), "it is part of a raid1 that runs");
	assert_string_equal(tr_disks_obstacle(&disks.disks[2]), "it is in use as swap space");
	assert_string_equal(tr_disks_obstacle(&disks.disks[3]), "it is mounted at /srv");
}

static void what_is_no_disk_is_left_out(void **state)
{
	answer("{\"blockdevices\":[" DISK("zram0", "1000", FREE) "," DISK("fd0", "1474560",
		       FREE) "," DISK("mmcblk0boot0", "4194304", FREE) "," DISK("sdx", "0",
		       FREE) ",{\"name\":\"sr0\",\"path\":\"/dev/sr0\",\"type\":\"rom\",\"size\":7000000000},"
			     "{\"name\":\"loop0\",\"path\":\"/dev/loop0\",\"type\":\"loop\",\"size\":7000000000}]}",
		0);
	assert_int_equal(tr_disks_read(&disks), 0);
	assert_int_equal(disks.count, 0);
}

static void small_and_locked_disks_cannot_be_used(void **state)
{
	answer("{\"blockdevices\":[" DISK("sda", "4000000000",
		       FREE) ",{\"name\":\"sdb\",\"path\":\"/dev/sdb\",\"type\":\"disk\",\"size\":\"16000000000\",\"ro\":\"1\","
			     "\"rm\":\"0\"}]}",
		0);
	assert_int_equal(tr_disks_read(&disks), 0);
	assert_string_equal(tr_disks_obstacle(&disks.disks[0]), "it is smaller than 4.8 GiB");
	assert_string_equal(tr_disks_obstacle(&disks.disks[1]), "it cannot be written");
	json_t *list = tr_disks_to_json(&disks);
	assert_int_equal(json_array_size(list), 2);
	assert_true(json_is_false(json_object_get(json_array_get(list, 0), "is_usable")));
	json_decref(list);
}

static void labels_cannot_command_a_terminal(void **state)
{
	char what[256];

	answer("{\"blockdevices\":[" DISK("sda", "16000000000",
		       "\"fstype\":\"ext4\",\"label\":"
		       "\"\\u001b[2Jx\"," FREE) "]}",
		0);
	assert_int_equal(tr_disks_read(&disks), 0);
	tr_disks_describe(&disks.disks[0], what, sizeof(what));
	assert_string_equal(what, "ext4 \"?[2Jx\" 14.9 GiB");
}

static void an_answer_that_is_none_is_an_error(void **state)
{
	answer("no", 0);
	assert_int_equal(tr_disks_read(&disks), -EBADMSG);
	answer("{}", 1);
	assert_int_equal(tr_disks_read(&disks), -EIO);
}

static void the_layout_leaves_no_hole_and_fits_the_sector(void **state)
{
	for (int i = 1; i < TR_PART_COUNT; i++) {
		const struct tr_disk_layout_place *before =
			tr_disk_layout_get((enum tr_disk_layout_part)(i - 1));
		assert_int_equal(tr_disk_layout_get((enum tr_disk_layout_part)i)->offset,
			before->offset + before->size);
	}
	char **argv = NULL;
	assert_int_equal(tr_disk_layout_command("/dev/x", 6000 * TR_MIB, 4096, &argv), 0);
	assert_string_equal(argv[2], "--new=1:256:511");
	int last = 0;
	while (argv[last + 1])
		last++;
	assert_string_equal(argv[last], "/dev/x");
	tr_disk_layout_free_command(argv);
	assert_int_equal(tr_disk_layout_data_bytes(6000 * TR_MIB), (6000 - 4354 - 1) * TR_MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(disks_are_told_with_what_is_on_them, begin, end),
		cmocka_unit_test_setup_teardown(a_disk_in_use_is_not_to_be_had, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_disk_is_left_out, begin, end),
		cmocka_unit_test_setup_teardown(small_and_locked_disks_cannot_be_used, begin, end),
		cmocka_unit_test_setup_teardown(labels_cannot_command_a_terminal, begin, end),
		cmocka_unit_test_setup_teardown(an_answer_that_is_none_is_an_error, begin, end),
		cmocka_unit_test(the_layout_leaves_no_hole_and_fits_the_sector),
	};
	return cmocka_run_group_tests_name("disks", tests, NULL, NULL);
}
