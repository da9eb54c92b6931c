#include "test.h"

#include "core/file.h"
#include "storage/leftovers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char recordings[64];
static int parent = -1;
static struct tr_leftover *found;
static unsigned count;

static int start(void **state)
{
	snprintf(recordings, sizeof(recordings), "/tmp/tr-leftovers-XXXXXX");
	assert_non_null(mkdtemp(recordings));
	parent = open(recordings, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	found = NULL;
	count = 77;
	return parent >= 0 ? 0 : -1;
}

static int stop(void **state)
{
	free(found);
	close(parent);
	return tr_file_remove_tree(recordings);
}

/* Gives the folder, open. */
static int make(const char *folder, enum tr_recording_state state, int64_t created_s)
{
	struct tr_recording *recording = calloc(1, sizeof(*recording));
	char session_id[100];

	assert_int_equal(mkdirat(parent, folder, 0700), 0);
	int dirfd = openat(parent, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(session_id, sizeof(session_id), "id-of-%s", folder);
	assert_int_equal(tr_recording_init(recording, session_id, "https://m.example/r", NULL,
				 created_s * 1000000000),
		0);
	recording->state = state;
	assert_int_equal(tr_recording_save(dirfd, recording), 0);
	free(recording);
	return dirfd;
}

static void find(void)
{
	free(found);
	assert_int_equal(tr_leftovers_find(recordings, &found, &count), 0);
}

static void what_is_not_final_is_found_oldest_first(void **state)
{
	close(make("late", TR_RECORDING_RUNNING, 300));
	close(make("done", TR_RECORDING_DONE, 50));
	close(make("early", TR_RECORDING_FINISHING, 100));
	close(make("failed", TR_RECORDING_FAILED, 60));
	find();
	assert_int_equal(count, 2);
	assert_string_equal(found[0].folder, "early");
	assert_string_equal(found[0].session_id, "id-of-early");
	assert_int_equal(found[0].state, TR_RECORDING_FINISHING);
	assert_int_equal(found[0].created_wall_ns, INT64_C(100000000000));
	assert_string_equal(found[1].folder, "late");
	assert_int_equal(found[1].state, TR_RECORDING_RUNNING);
	assert_false(found[0].wants_finalize);
}

static void what_is_not_ours_or_unreadable_is_passed_over(void **state)
{
	assert_int_equal(mkdirat(parent, "strangers", 0700), 0);
	close(openat(parent, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(make(".hidden", TR_RECORDING_RUNNING, 1));
	close(make("good", TR_RECORDING_RUNNING, 2));
	assert_int_equal(symlinkat("good", parent, "link"), 0);
	int damaged = make("damaged", TR_RECORDING_RUNNING, 3);
	assert_int_equal(tr_file_replace(damaged, TR_RECORDING_STATE_FILE, "{", 1), 0);
	close(damaged);
	int newer = make("newer", TR_RECORDING_RUNNING, 4);
	assert_int_equal(tr_file_replace(newer, TR_RECORDING_STATE_FILE, "{\"schema\":99}", 13), 0);
	close(newer);
	assert_int_equal(mkdirat(parent, "pipe", 0700), 0);
	assert_int_equal(mkfifoat(parent, "pipe/" TR_RECORDING_STATE_FILE, 0600), 0);
	find();
	assert_int_equal(count, 1);
	assert_string_equal(found[0].folder, "good");
	assert_int_equal(faccessat(parent, "damaged/" TR_RECORDING_STATE_FILE, F_OK, 0), 0);
}

static void many_are_found(void **state)
{
	char name[20];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "s%03d", i);
		close(make(name, TR_RECORDING_RUNNING, 7)); /* of one age: by name */
	}
	find();
	assert_int_equal(count, 100);
	assert_string_equal(found[0].folder, "s000");
	assert_string_equal(found[99].folder, "s099");
}

static void a_script_that_has_not_run_is_found_with_its_finished_recording(void **state)
{
	int dirfd = make("done", TR_RECORDING_DONE, 1);

	assert_int_equal(tr_leftovers_note_finalize(dirfd, true), 0);
	assert_int_equal(tr_leftovers_note_finalize(dirfd, true), 0);
	find();
	assert_int_equal(count, 1);
	assert_true(found[0].wants_finalize);
	assert_int_equal(found[0].state, TR_RECORDING_DONE);
	assert_int_equal(tr_leftovers_note_finalize(dirfd, false), 0);
	assert_int_equal(tr_leftovers_note_finalize(dirfd, false), 0);
	find();
	assert_int_equal(count, 0);
	assert_null(found);
	close(dirfd);
}

static void a_missing_directory_has_nothing_and_a_file_is_an_error(void **state)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/nothing", recordings);
	assert_int_equal(tr_leftovers_find(path, &found, &count), 0);
	assert_int_equal(count, 0);
	close(openat(parent, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	snprintf(path, sizeof(path), "%s/file", recordings);
	assert_int_equal(tr_leftovers_find(path, &found, &count), -ENOTDIR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_final_is_found_oldest_first),
		TEST(what_is_not_ours_or_unreadable_is_passed_over),
		TEST(many_are_found),
		TEST(a_script_that_has_not_run_is_found_with_its_finished_recording),
		TEST(a_missing_directory_has_nothing_and_a_file_is_an_error),
	};
	return cmocka_run_group_tests_name("leftovers", tests, NULL, NULL);
}
