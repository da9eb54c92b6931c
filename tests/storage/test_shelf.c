/* The recordings directory as a shelf, in a folder of our own. */
#include "test.h"

#include "core/clock.h"
#include "core/file.h"
#include "storage/leftovers.h"
#include "storage/metadata.h"
#include "storage/recording.h"
#include "storage/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char home[64];
static struct tr_shelf *shelf;
static json_t *got;

static int set_up(void **state)
{
	strcpy(home, "/tmp/telerec-shelf-XXXXXX");
	assert_non_null(mkdtemp(home));
	return tr_shelf_create(home, &shelf);
}

static int tear_down(void **state)
{
	tr_shelf_destroy(tr_take(shelf));
	json_decref(tr_take(got));
	return tr_file_remove_tree(home);
}

static const char *in_home(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	return path;
}

static void write_file(int dirfd, const char *name, const char *text)
{
	TR_CLEANUP(tr_closep)
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
}

static int add(const char *name, enum tr_recording_state state, int64_t created_s)
{
	struct tr_recording recording;

	assert_int_equal(mkdir(in_home(name), 0750), 0);
	int dirfd = open(in_home(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dirfd >= 0);
	assert_int_equal(tr_recording_init(&recording, name, "https://meet.example/Room", "Room_x",
				 created_s * TR_NS_PER_S),
		0);
	recording.state = state;
	recording.bytes = 5;
	recording.duration_ns = 3 * TR_NS_PER_S;
	snprintf(recording.file, sizeof(recording.file), "Room_x.mp4");
	assert_int_equal(tr_recording_save(dirfd, &recording), 0);
	write_file(dirfd, "Room_x.mp4", "movie");
	return dirfd;
}

static void add_only(const char *name, enum tr_recording_state state, int64_t created_s)
{
	close(add(name, state, created_s));
}

static void list(void)
{
	json_decref(tr_take(got));
	assert_int_equal(tr_shelf_list(shelf, &got), 0);
}

static const char *member(const json_t *entry, const char *key)
{
	return json_string_value(json_object_get(entry, key));
}

static const char *id_at(size_t index)
{
	return member(json_array_get(got, index), "id");
}

static void the_newest_stands_first_and_other_folders_do_not(void **state)
{
	add_only("old", TR_RECORDING_DONE, 1000);
	add_only("new", TR_RECORDING_FAILED, 3000);
	add_only("middle", TR_RECORDING_RUNNING, 2000);
	assert_int_equal(mkdir(in_home("other"), 0750), 0);
	write_file(AT_FDCWD, in_home("file"), "x");
	list();
	assert_int_equal(json_array_size(got), 3);
	assert_string_equal(id_at(0), "new");
	assert_string_equal(id_at(1), "middle");
	assert_string_equal(id_at(2), "old");
	assert_string_equal(member(json_array_get(got, 0), "state"), "failed");
	assert_string_equal(member(json_array_get(got, 1), "state"), "recording");
}

static void an_entry_says_what_the_folder_knows(void **state)
{
	TR_CLEANUP(tr_closep) int dirfd = add("s1", TR_RECORDING_DONE, 1000);
	const struct tr_metadata metadata = {.meeting_url = "https://meet.example/Room",
		.request_metadata = "",
		.session_id = "s1",
		.room = "room@muc.meet.example",
		.created_wall_ns = 1};

	assert_int_equal(tr_metadata_write(dirfd, &metadata), 0);
	write_file(dirfd, "report.json", "{\"grade\": \"B\"}");
	assert_int_equal(tr_leftovers_note_finalize(dirfd, true), 0);
	list();
	const json_t *entry = json_array_get(got, 0);
	assert_string_equal(member(entry, "session_id"), "s1");
	assert_string_equal(member(entry, "room"), "room@muc.meet.example");
	assert_string_equal(member(entry, "grade"), "B");
	assert_string_equal(member(entry, "file"), "Room_x.mp4");
	assert_int_equal(json_integer_value(json_object_get(entry, "duration_ms")), 3000);
	assert_int_equal(json_integer_value(json_object_get(entry, "created_ms")), 1000000);
	assert_true(json_is_false(json_object_get(entry, "is_finalized")));
	assert_int_equal(tr_leftovers_note_finalize(dirfd, false), 0);
	list();
	assert_true(json_is_true(json_object_get(json_array_get(got, 0), "is_finalized")));
}

static void a_damaged_one_is_passed_over(void **state)
{
	TR_CLEANUP(tr_closep) int dirfd = add("bad", TR_RECORDING_DONE, 1000);

	write_file(dirfd, "state.json", "{");
	add_only("good", TR_RECORDING_DONE, 1000);
	list();
	assert_int_equal(json_array_size(got), 1);
	assert_string_equal(id_at(0), "good");
}

static void one_comes_with_files_report_and_metadata_without_tokens(void **state)
{
	TR_CLEANUP(tr_closep) int dirfd = add("s1", TR_RECORDING_DONE, 1000);

	write_file(dirfd, "metadata.json",
		"{\"meeting_url\": \"u\", \"upload_token\": \"geheim\", \"a\": [{\"Password\": "
		"\"geheim\", \"b\": 1}]}");
	write_file(dirfd, "report.json", "{\"grade\": \"A\", \"x\": 1}");
	write_file(dirfd, ".hidden", "x");
	assert_int_equal(symlinkat("/etc/passwd", dirfd, "link"), 0);
	assert_int_equal(tr_shelf_read(shelf, "s1", &got), 0);
	TR_CLEANUP(tr_freep) char *text = json_dumps(got, 0);
	assert_null(strstr(text, "geheim"));
	assert_null(strstr(text, "hidden"));
	assert_null(strstr(text, "link"));
	assert_int_equal(json_array_size(json_object_get(got, "files")), 3);
	assert_string_equal(member(json_object_get(got, "metadata"), "meeting_url"), "u");
	assert_string_equal(member(json_object_get(got, "report"), "grade"), "A");
	json_decref(tr_take(got));
	assert_int_equal(tr_shelf_read(shelf, "s2", &got), -ENOENT);
	assert_int_equal(tr_shelf_read(shelf, "..", &got), -ENOENT);
}

static void a_file_is_opened_and_nothing_outside_the_folder(void **state)
{
	TR_CLEANUP(tr_closep) int dirfd = add("s1", TR_RECORDING_DONE, 1000);
	TR_CLEANUP(tr_closep) int fd = -1;
	char bytes[6] = "";
	int none = -1;

	write_file(dirfd, "metadata.json", "{}");
	assert_int_equal(symlinkat("/etc/passwd", dirfd, "link"), 0);
	assert_int_equal(mkfifoat(dirfd, "pipe", 0600), 0);
	assert_int_equal(tr_shelf_open_file(shelf, "s1", "Room_x.mp4", &fd), 0);
	assert_int_equal(read(fd, bytes, 5), 5);
	assert_string_equal(bytes, "movie");
	const char *const bad[] = {
		"link", "pipe", "../s1/Room_x.mp4", "metadata.json", "", ".", "nothing"};
	for (size_t i = 0; i < TR_COUNT(bad); i++)
		assert_int_equal(tr_shelf_open_file(shelf, "s1", bad[i], &none), -ENOENT);
	assert_int_equal(tr_shelf_open_file(shelf, "../s1", "Room_x.mp4", &none), -ENOENT);
	assert_int_equal(symlink("s1", in_home("s2")), 0);
	assert_int_equal(tr_shelf_open_file(shelf, "s2", "Room_x.mp4", &none), -ENOENT);
}

static void removing_takes_all_below_and_never_what_a_link_points_to(void **state)
{
	TR_CLEANUP(tr_closep) int dirfd = add("s1", TR_RECORDING_DONE, 1000);
	TR_CLEANUP(tr_closep) int kept = add("kept", TR_RECORDING_DONE, 1000);

	assert_int_equal(mkdirat(dirfd, "below", 0750), 0);
	write_file(AT_FDCWD, in_home("s1/below/x"), "x");
	assert_int_equal(symlinkat(home, dirfd, "all"), 0);
	assert_int_equal(symlinkat("../kept/Room_x.mp4", dirfd, "one"), 0);
	assert_int_equal(tr_shelf_remove(shelf, "s1"), 0);
	assert_int_equal(access(in_home("s1"), F_OK), -1);
	assert_int_equal(access(in_home(".removed-s1"), F_OK), -1);
	assert_int_equal(faccessat(kept, "Room_x.mp4", F_OK, 0), 0);
	assert_int_equal(tr_shelf_remove(shelf, "s1"), -ENOENT);
	list();
	assert_int_equal(json_array_size(got), 1);
}

static void what_is_no_recording_is_not_removed(void **state)
{
	assert_int_equal(mkdir(in_home("other"), 0750), 0);
	assert_int_equal(tr_shelf_remove(shelf, "other"), -ENOENT);
	assert_int_equal(tr_shelf_remove(shelf, "."), -ENOENT);
	assert_int_equal(tr_shelf_remove(shelf, ".."), -ENOENT);
	assert_int_equal(access(in_home("other"), F_OK), 0);
}

static void fresh_is_what_was_just_written(void **state)
{
	TR_CLEANUP(tr_closep) int dirfd = add("s1", TR_RECORDING_RUNNING, 1000);
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	assert_true(tr_shelf_is_fresh(shelf, "s1", 600));
	assert_int_equal(utimensat(dirfd, "Room_x.mp4", old, 0), 0);
	assert_int_equal(utimensat(dirfd, "state.json", old, 0), 0);
	assert_false(tr_shelf_is_fresh(shelf, "s1", 600));
}

static void a_shelf_that_is_not_there_is_empty(void **state)
{
	assert_int_equal(rmdir(home), 0);
	list();
	assert_int_equal(json_array_size(got), 0);
	assert_int_equal(mkdir(home, 0700), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_newest_stands_first_and_other_folders_do_not),
		TEST(an_entry_says_what_the_folder_knows),
		TEST(a_damaged_one_is_passed_over),
		TEST(one_comes_with_files_report_and_metadata_without_tokens),
		TEST(a_file_is_opened_and_nothing_outside_the_folder),
		TEST(removing_takes_all_below_and_never_what_a_link_points_to),
		TEST(what_is_no_recording_is_not_removed),
		TEST(fresh_is_what_was_just_written),
		TEST(a_shelf_that_is_not_there_is_empty),
	};
	return cmocka_run_group_tests_name("shelf", tests, NULL, NULL);
}
