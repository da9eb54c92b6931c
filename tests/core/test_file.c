#include "test.h"

#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char home[] = "/tmp/telerec-file-XXXXXX";
static int folder;

static int make_home(void **state)
{
	strcpy(home, "/tmp/telerec-file-XXXXXX");
	assert_non_null(mkdtemp(home));
	folder = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder < 0;
}

static int remove_home(void **state)
{
	close(folder);
	return tr_file_remove_tree(home);
}

static void what_is_written_is_read_again(void **state)
{
	char *data = NULL;
	size_t size;

	assert_int_equal(tr_file_replace(folder, "a", "one\0two", 7), 0);
	assert_int_equal(tr_file_read(folder, "a", 100, &data, &size), 0);
	assert_int_equal(size, 7);
	assert_memory_equal(data, "one\0two", 8);
	free(data);
	assert_int_equal(tr_file_read(folder, "a", 6, &data, &size), -EFBIG);
	assert_int_equal(tr_file_read(folder, "b", 6, &data, &size), -ENOENT);
}

static void replacing_gives_a_new_file_and_leaves_no_other(void **state)
{
	struct stat before, after;

	assert_int_equal(tr_file_replace(folder, "a", "1", 1), 0);
	int old = openat(folder, "a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(tr_file_replace(folder, "a", "22", 2), 0);
	assert_int_equal(fstat(old, &before), 0);
	assert_int_equal(fstatat(folder, "a", &after, 0), 0);
	assert_int_equal(before.st_size, 1); /* a reader of the old one still has all of it */
	assert_int_equal(after.st_size, 2);
	assert_int_equal(faccessat(folder, ".a.new", F_OK, 0), -1);
	close(old);
}

static void replacing_into_a_missing_folder_fails(void **state)
{
	assert_int_equal(tr_file_replace(folder, "x/a", "1", 1), -ENOENT);
}

static void secrets_are_for_the_owner_and_in_a_shared_folder_for_its_group(void **state)
{
	struct stat st;

	assert_int_equal(tr_file_replace_private(folder, "a", "1", 1), 0);
	assert_int_equal(fstatat(folder, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fchmod(folder, 0770), 0);
	assert_int_equal(tr_file_replace_private(folder, "a", "1", 1), 0);
	assert_int_equal(fstatat(folder, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777 & ~0640U, 0);
	assert_int_equal(st.st_mode & 0600, 0600);
	assert_int_equal(fchmod(folder, 0775), 0);
	assert_int_equal(tr_file_replace_private(folder, "a", "1", 1), 0);
	assert_int_equal(fstatat(folder, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void folders_are_made_with_those_above(void **state)
{
	char path[200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a/b/c", home);
	assert_int_equal(tr_file_make_folders(path, 0750), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(tr_file_make_folders(path, 0750), 0);
	snprintf(path, sizeof(path), "%s/file", home);
	assert_int_equal(tr_file_replace(folder, "file", "", 0), 0);
	assert_int_equal(tr_file_make_folders(path, 0750), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/file/below", home);
	assert_int_equal(tr_file_make_folders(path, 0750), -ENOTDIR);
}

static void removing_a_tree_does_not_follow_links(void **state)
{
	char path[200], outside[200], link[220];

	snprintf(outside, sizeof(outside), "%s/outside", home);
	snprintf(path, sizeof(path), "%s/tree/deep", home);
	assert_int_equal(tr_file_make_folders(path, 0700), 0);
	assert_int_equal(tr_file_make_folders(outside, 0700), 0);
	int kept = openat(folder, "outside/kept", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(kept >= 0);
	close(kept);
	snprintf(link, sizeof(link), "%s/link", path);
	assert_int_equal(symlink(outside, link), 0);
	snprintf(path, sizeof(path), "%s/tree", home);
	assert_int_equal(tr_file_remove_tree(path), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(faccessat(folder, "outside/kept", F_OK, 0), 0);
	assert_int_equal(tr_file_remove_tree(path), 0); /* what is not there is removed */
}

static void free_space_is_a_number_or_an_error(void **state)
{
	assert_true(tr_file_free_bytes(folder) >= 0);
	assert_true(tr_file_free_bytes(-1) == -EBADF);
}

static void memory_is_told_from_a_disk(void **state)
{
	assert_true(tr_file_is_in_memory("/dev/shm"));
	assert_false(tr_file_is_in_memory("/proc"));
	assert_false(tr_file_is_in_memory("/nonexistent"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read_again),
		TEST(replacing_gives_a_new_file_and_leaves_no_other),
		TEST(replacing_into_a_missing_folder_fails),
		TEST(secrets_are_for_the_owner_and_in_a_shared_folder_for_its_group),
		TEST(folders_are_made_with_those_above),
		TEST(removing_a_tree_does_not_follow_links),
		TEST(free_space_is_a_number_or_an_error),
		TEST(memory_is_told_from_a_disk),
	};
	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
