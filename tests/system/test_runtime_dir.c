#include "test.h"

#include "core/file.h"
#include "system/runtime_dir.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static void a_slots_folder_is_private_and_goes_with_all_in_it(void **state)
{
	struct tr_account account;
	char base[PATH_MAX], folder[PATH_MAX], below[PATH_MAX + 20];
	struct stat st;

	tr_account_for_slots(&account);
	assert_int_equal(tr_runtime_dir_make(&account, base, sizeof(base)), 0);
	assert_int_equal(stat(base, &st), 0);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(st.st_mode & 0022, 0);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(tr_runtime_dir_add(base, &account, i, folder, sizeof(folder)), 0);
		assert_int_equal(stat(folder, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0700);
		assert_int_equal(st.st_uid, account.uid);
	}
	strcpy(below, folder);
	strcat(below, "/profile/deep");
	assert_int_equal(tr_file_make_folders(below, 0700), 0);
	tr_runtime_dir_remove(base);
	assert_int_equal(access(base, F_OK), -1);
}

static void a_place_that_is_not_there_is_passed_over(void **state)
{
	struct tr_account account;
	char base[PATH_MAX];

	setenv("XDG_RUNTIME_DIR", "/nonexistent/place", 1);
	tr_account_for_slots(&account);
	assert_int_equal(tr_runtime_dir_make(&account, base, sizeof(base)), 0);
	assert_int_equal(access(base, W_OK), 0);
	tr_runtime_dir_remove(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slots_folder_is_private_and_goes_with_all_in_it),
		cmocka_unit_test(a_place_that_is_not_there_is_passed_over),
	};
	return cmocka_run_group_tests_name("runtime folder", tests, NULL, NULL);
}
