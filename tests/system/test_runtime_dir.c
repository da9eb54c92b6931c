#include "test.h"

#include "core/file.h"
#include "system/runtime_dir.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

/* Made by a process that dies at once; its path. Another process may work in it. */
static void make_in_child(char *out, size_t size, pid_t worker)
{
	int pipes[2], status;

	memset(out, 0, size);
	assert_int_equal(pipe(pipes), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct tr_account account;
		char base[PATH_MAX];
		tr_account_for_slots(&account);
		int rc = tr_runtime_dir_make(&account, base, sizeof(base));
		if (rc == 0 && worker > 0)
			tr_runtime_dir_note(base, worker);
		_exit(rc == 0 && write(pipes[1], base, strlen(base)) > 0 ? 0 : 1);
	}
	close(pipes[1]);
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_true(read(pipes[0], out, size - 1) > 0);
	close(pipes[0]);
}

static void what_a_killed_process_left_is_swept(void **state)
{
	char left[PATH_MAX];

	make_in_child(left, sizeof(left), 0);
	assert_int_equal(access(left, F_OK), 0);
	tr_runtime_dir_sweep();
	assert_int_equal(access(left, F_OK), -1);
}

static void what_somebody_works_in_or_has_not_noted_is_left_alone(void **state)
{
	struct tr_account account;
	char ours[PATH_MAX], worked_in[PATH_MAX], unknown[] = "/tmp/telerec-XXXXXX";
	pid_t worker = fork();

	if (worker == 0) {
		pause();
		_exit(0);
	}
	tr_account_for_slots(&account);
	assert_int_equal(tr_runtime_dir_make(&account, ours, sizeof(ours)), 0);
	make_in_child(worked_in, sizeof(worked_in), worker);
	assert_non_null(mkdtemp(unknown));
	tr_runtime_dir_sweep();
	assert_int_equal(access(ours, F_OK), 0);
	assert_int_equal(access(worked_in, F_OK), 0);
	assert_int_equal(access(unknown, F_OK), 0);
	kill(worker, SIGKILL);
	assert_true(waitpid(worker, NULL, 0) == worker);
	tr_runtime_dir_sweep();
	assert_int_equal(access(worked_in, F_OK), -1);
	tr_runtime_dir_remove(ours);
	assert_int_equal(rmdir(unknown), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slots_folder_is_private_and_goes_with_all_in_it),
		cmocka_unit_test(what_a_killed_process_left_is_swept),
		cmocka_unit_test(what_somebody_works_in_or_has_not_noted_is_left_alone),
		cmocka_unit_test(a_place_that_is_not_there_is_passed_over),
	};
	return cmocka_run_group_tests_name("runtime folder", tests, NULL, NULL);
}
