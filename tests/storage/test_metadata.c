#include "test.h"

#include "core/file.h"
#include "storage/metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define OURS                                                                                       \
	"\"telerec\":{\"session_id\":\"one\",\"room\":\"standup@conference.meet.example.org\","    \
	"\"started\":\"2026-11-21T04:13:00Z\"}}"

static char folder[64];
static int dirfd_ = -1;
static char written[4000];
static struct tr_metadata metadata;

static int start(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/tr-metadata-XXXXXX");
	assert_non_null(mkdtemp(folder));
	dirfd_ = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	metadata = (struct tr_metadata){
		.meeting_url = "https://meet.example.org/standup",
		.request_metadata = "",
		.session_id = "one",
		.room = "standup@conference.meet.example.org",
		.created_wall_ns = INT64_C(1795234380) * 1000000000,
	};
	return dirfd_ >= 0 ? 0 : -1;
}

static int stop(void **state)
{
	close(dirfd_);
	return tr_file_remove_tree(folder);
}

static const char *write_it(void)
{
	char *text;
	size_t size;

	assert_int_equal(tr_metadata_write(dirfd_, &metadata), 0);
	assert_int_equal(
		tr_file_read(dirfd_, TR_METADATA_FILE, sizeof(written) - 1, &text, &size), 0);
	memcpy(written, text, size + 1);
	free(text);
	return written;
}

static void jibris_members_come_first_and_compact(void **state)
{
	json_t *participants = json_pack("[{s:{s:s,s:s,s:s},s:s}]", "user", "id", "u1", "name",
		"Ann Bücher", "email", "a@example.org", "group", "g");

	metadata.participants = participants;
	metadata.request_metadata = "{\"share\":true}";
	assert_string_equal(write_it(),
		"{\"meeting_url\":\"https://meet.example.org/standup\",\"participants\":[{"
		"\"user\":{\"id\":\"u1\",\"name\":\"Ann Bücher\",\"email\":\"a@example.org\"},"
		"\"group\":\"g\"}],\"share\":true," OURS);
	json_decref(participants);
}

static void nobody_known_is_an_empty_list(void **state)
{
	assert_string_equal(write_it(),
		"{\"meeting_url\":\"https://meet.example.org/standup\",\"participants\":[]," OURS);
}

static void the_requests_members_keep_their_order_and_do_not_replace_ours(void **state)
{
	metadata.request_metadata =
		"{\"z\":{\"token\":\"t\"},\"a\":1.5,\"participants\":7,\"telerec\":null,"
		"\"meeting_url\":\"x\",\"n\":\"a\\u0000b\"}";
	assert_string_equal(write_it(),
		"{\"meeting_url\":\"https://meet.example.org/standup\",\"participants\":[],"
		"\"z\":{\"token\":\"t\"},\"a\":1.5,\"n\":\"a\\u0000b\"," OURS);
}

static void a_request_that_is_no_object_is_left_out(void **state)
{
	static const char *const wrong[] = {"{", "[1]", "7", "{\"a\":}", "\xff", "null"};

	for (unsigned i = 0; i < TR_COUNT(wrong); i++) {
		metadata.request_metadata = wrong[i];
		assert_string_equal(write_it(),
			"{\"meeting_url\":\"https://meet.example.org/standup\","
			"\"participants\":[]," OURS);
	}
}

static void participants_that_are_no_list_are_nobody(void **state)
{
	json_t *object = json_object();

	metadata.participants = object;
	assert_non_null(strstr(write_it(), "\"participants\":[],"));
	json_decref(object);
}

static void only_the_owner_may_read_it_even_after_a_crash(void **state)
{
	struct stat st;

	close(openat(dirfd_, "." TR_METADATA_FILE ".new", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	write_it();
	assert_int_equal(fstatat(dirfd_, TR_METADATA_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void what_cannot_be_written_is_an_error_and_leaves_nothing(void **state)
{
	int closed = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	close(closed);
	assert_int_equal(tr_metadata_write(closed, &metadata), -EBADF);
	assert_int_equal(mkdirat(dirfd_, TR_METADATA_FILE, 0700), 0); /* rename fails on it */
	assert_int_equal(tr_metadata_write(dirfd_, &metadata), -EISDIR);
	assert_int_equal(faccessat(dirfd_, "." TR_METADATA_FILE ".new", F_OK, 0), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(jibris_members_come_first_and_compact),
		TEST(nobody_known_is_an_empty_list),
		TEST(the_requests_members_keep_their_order_and_do_not_replace_ours),
		TEST(a_request_that_is_no_object_is_left_out),
		TEST(participants_that_are_no_list_are_nobody),
		TEST(only_the_owner_may_read_it_even_after_a_crash),
		TEST(what_cannot_be_written_is_an_error_and_leaves_nothing),
	};
	return cmocka_run_group_tests_name("metadata", tests, NULL, NULL);
}
