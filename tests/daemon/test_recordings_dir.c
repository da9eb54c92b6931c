/* The directory of recordings: nothing is written where a disk or a share should be and is not. */
#include "test.h"

#include "core/file.h"
#include "daemon/recordings_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char home[64];

static int begin(void **state)
{
	strcpy(home, "/tmp/telerec-recdir-XXXXXX");
	assert_non_null(mkdtemp(home));
	return 0;
}

static int end(void **state)
{
	tr_file_remove_tree(home);
	return 0;
}

static void an_ordinary_folder_is_made_and_tried(void **state)
{
	char path[100], why[300] = "";

	snprintf(path, sizeof(path), "%s/a/b", home);
	const struct tr_recordings_dir dir = {path};
	assert_int_equal(tr_recordings_dir_check(&dir, true, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	assert_int_equal(tr_recordings_dir_check(&dir, false, why, sizeof(why)), 0);
}

static void a_mount_point_without_its_disk_is_found(void **state)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/share/files/recordings", home);
	assert_int_equal(tr_recordings_dir_find_mount(path, home), -ENODEV);
	assert_int_equal(tr_file_make_folders(path, 0755), 0);
	assert_int_equal(tr_recordings_dir_find_mount(path, home), -ENODEV);
	assert_int_equal(tr_recordings_dir_find_mount("/nonexistent/x", "/nonexistent"), -ENODEV);
	assert_int_equal(tr_recordings_dir_find_mount(home, "/nonexistent"), 0);
	assert_int_equal(tr_recordings_dir_find_mount("/nonexistent2/x", "/nonexistent"), 0);
}

static void a_disk_that_is_there_is_fine(void **state)
{
	struct stat above, below;

	/* A file system in another one, which each Linux has. */
	if (stat("/", &above) < 0 || stat("/proc", &below) < 0 || above.st_dev == below.st_dev)
		skip();
	assert_int_equal(tr_recordings_dir_find_mount("/./proc/self", "/."), 0);
	assert_int_equal(tr_recordings_dir_find_mount("/./proc/no/such/folder", "/."), 0);
}

static void a_share_that_is_away_is_told_and_not_written_beside(void **state)
{
	const struct tr_recordings_dir dir = {"/run/media/telerec/no-such-share/files/recordings"};
	char why[300];

	assert_int_equal(tr_recordings_dir_check(&dir, true, why, sizeof(why)), -ENODEV);
	assert_non_null(strstr(why, "the disk or the network share is not there"));
	assert_int_equal(access("/run/media/telerec/no-such-share", F_OK), -1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_ordinary_folder_is_made_and_tried),
		TEST(a_mount_point_without_its_disk_is_found),
		TEST(a_disk_that_is_there_is_fine),
		TEST(a_share_that_is_away_is_told_and_not_written_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
