#include "test.h"

#include "core/file.h"
#include "system/account.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

static char home[] = "/tmp/telerec-account-XXXXXX";
static int folder;

static int make_home(void **state)
{
	strcpy(home, "/tmp/telerec-account-XXXXXX");
	assert_non_null(mkdtemp(home));
	folder = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder < 0;
}

static int remove_home(void **state)
{
	close(folder);
	return tr_file_remove_tree(home);
}

static uid_t owner_of(const char *name)
{
	struct stat st;
	assert_int_equal(fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_uid;
}

static void make_file(const char *name, uid_t owner)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, owner, (gid_t)-1), 0);
	close(fd);
}

static void root_gives_slots_another_user_and_others_themselves(void **state)
{
	struct tr_account account;

	tr_account_for_slots(&account);
	if (geteuid() == 0) {
		assert_true(account.uid != 0 && account.gid != 0);
		assert_true(account.user[0] != '\0');
	} else {
		assert_int_equal(account.uid, geteuid());
		assert_string_equal(account.user, "");
	}
}

static void a_folder_is_lent_and_comes_back_with_what_was_made_in_it(void **state)
{
	struct tr_account account;

	tr_account_for_slots(&account);
	assert_int_equal(tr_account_lend(folder, &account), 0);
	assert_int_equal(owner_of("."), account.uid);
	make_file("recording", account.uid);
	assert_int_equal(tr_account_take_back(folder, &account), 0);
	assert_int_equal(owner_of("."), geteuid());
	assert_int_equal(owner_of("recording"), geteuid());
}

static void what_is_in_a_folder_goes_with_it(void **state)
{
	struct tr_account account;

	tr_account_for_slots(&account);
	make_file("part", geteuid());
	make_file("linked", geteuid());
	assert_int_equal(linkat(folder, "linked", folder, "linked-too", 0), 0);
	assert_int_equal(tr_account_lend(folder, &account), 0);
	assert_int_equal(owner_of("part"), account.uid);
	assert_int_equal(owner_of("linked"), geteuid()); /* it may lie elsewhere, too */
	assert_int_equal(tr_account_take_back(folder, &account), 0);
	assert_int_equal(owner_of("part"), geteuid());
	assert_int_equal(owner_of("."), geteuid());
}

static void links_and_the_files_of_others_are_left_alone(void **state)
{
	struct tr_account account;

	if (geteuid() != 0) /* an ordinary user can give nothing away */
		skip();
	tr_account_for_slots(&account);
	make_file("foreign", account.uid + 1);
	assert_int_equal(symlinkat("foreign", folder, "link"), 0);
	assert_int_equal(
		fchownat(folder, "link", account.uid, account.gid, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(tr_account_take_back(folder, &account), 0);
	assert_int_equal(owner_of("foreign"), account.uid + 1);
	assert_int_equal(owner_of("link"), account.uid);
}

static void expect_group_and_mode(gid_t gid, mode_t mode)
{
	struct stat st;
	assert_int_equal(fstat(folder, &st), 0);
	assert_int_equal(st.st_gid, gid);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void a_folder_is_shared_by_a_slots_group_and_taken_back(void **state)
{
	const struct passwd *games = getpwnam("games");

	assert_int_equal(tr_account_share(folder, geteuid()), 0);
	expect_group_and_mode(getegid(), 0700);
	assert_int_equal(tr_account_share(folder, 64998), -ENOENT);
	if (!games || geteuid() != 0) /* others are not in another user's group */
		skip();
	assert_int_equal(tr_account_share(folder, games->pw_uid), 0);
	expect_group_and_mode(games->pw_gid, 0770);
	make_file("recording", games->pw_uid);
	assert_int_equal(tr_account_unshare(folder), 0);
	expect_group_and_mode(getegid(), 0750);
	assert_int_equal(tr_account_unshare(folder), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(root_gives_slots_another_user_and_others_themselves),
		TEST(a_folder_is_lent_and_comes_back_with_what_was_made_in_it),
		TEST(a_folder_is_shared_by_a_slots_group_and_taken_back),
		TEST(what_is_in_a_folder_goes_with_it),
		TEST(links_and_the_files_of_others_are_left_alone),
	};
	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
