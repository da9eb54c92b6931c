#include "test.h"

#include "cli/cli_rig.h"
#include "cli/node_answers.h"
#include "core/file.h"
#include "fake/node_server.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROW(id_)                                                                                   \
	"{\"id\":\"" id_ "\",\"session_id\":\"s\",\"room\":\"standup@c\",\"name\":\"standup\","    \
	"\"state\":\"done\",\"reason\":\"\",\"file\":\"standup.mp4\",\"bytes\":10,"                \
	"\"duration_ms\":97000,\"created_ms\":1795260000000,\"grade\":\"A\","                      \
	"\"is_finalized\":true"
#define DETAIL(id_, files_) ROW(id_) ",\"files\":[" files_ "],\"report\":null,\"metadata\":null}"
#define MOVIE "{\"name\":\"standup.mp4\",\"bytes\":10}"
#define POSTER "{\"name\":\"poster.jpg\",\"bytes\":4}"

static struct node_server *server;
static char node_option[160], to[PATH_MAX];

static int make(void **state)
{
	int rc = make_home(state);

	server = NULL;
	snprintf(node_option, sizeof(node_option), "--node=%s/node.sock", home);
	snprintf(to, sizeof(to), "%s/to", home);
	return rc;
}

static int unmake(void **state)
{
	node_server_stop(server);
	return remove_home(state);
}

static void serve(const struct node_server_route *routes)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/node.sock", home);
	server = node_server_start(path, NULL, routes);
}

static int run_telerec(const char *const *args)
{
	const char *all[18];
	unsigned count = 0;

	all[count++] = "recordings";
	all[count++] = node_option;
	while (*args)
		all[count++] = *args++;
	all[count] = NULL;
	start_telerec("", all);
	int code = wait_for_end();
	if (strstr(node_server_log(server), "FAULT"))
		fail_msg("%s", node_server_log(server));
	return code;
}

#define RUN(...) run_telerec(ARGS(__VA_ARGS__))

static void the_list_can_be_searched(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/recordings?limit=100&offset=0",
			.body = "{\"total\":2,\"offset\":0,\"recordings\":[" ROW("a") "}," ROW(
				"b") "}]}"},
		{"GET /v1/recordings?limit=1&offset=0&search=a%26b&state=done",
			.body = "{\"total\":3,\"offset\":0,\"recordings\":[" ROW("a") "}]}"},
		{"GET /v1/recordings?limit=100&offset=0&search=zz",
			.body = "{\"total\":0,\"offset\":0,\"recordings\":[]}"},
		{0},
	};

	serve(routes);
	assert_int_equal(run_telerec((const char *const[]){NULL}), 0);
	assert_non_null(strstr(read_home("printed"), "1:37  10 B  A      standup\n"));
	assert_int_equal(RUN("list", "--search", "a&b", "--state", "done", "--limit", "1"), 0);
	assert_non_null(strstr(read_home("printed"), "... and 2 older ones"));
	assert_int_equal(RUN("--search=zz"), 0);
	assert_string_equal(read_home("printed"), "No recording fits.\n");
}

static void all_pages_are_one_list(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/recordings?limit=1000&offset=0",
			.body = "{\"total\":2,\"offset\":0,\"recordings\":[" ROW("a") "}]}"},
		{"GET /v1/recordings?limit=1000&offset=1",
			.body = "{\"total\":2,\"offset\":1,\"recordings\":[" ROW("b") "}]}"},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("--limit=0", "--json"), 0);
	assert_non_null(strstr(read_home("printed"), "\"id\": \"a\""));
	assert_non_null(strstr(read_home("printed"), "\"id\": \"b\""));
}

static void a_copy_goes_on_where_the_connection_broke(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/recordings/a%20b", .body = DETAIL("a b", MOVIE "," POSTER)},
		{"GET /v1/recordings/a%20b/files/standup.mp4", .body = "0123456789", .cut = 4,
			.has_ranges = true},
		{"GET /v1/recordings/a%20b/files/standup.mp4", .body = "0123456789", .cut = 3,
			.has_ranges = true},
		{"GET /v1/recordings/a%20b/files/standup.mp4", .body = "0123456789",
			.has_ranges = true},
		{"GET /v1/recordings/a%20b/files/poster.jpg", .body = "jpeg", .has_ranges = true},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("get", "a b", "--to", to), 0);
	assert_string_equal(read_home("to/a b/standup.mp4"), "0123456789");
	assert_string_equal(read_home("to/a b/poster.jpg"), "jpeg");
	assert_int_equal(access(in_home("to/a b/.standup.mp4.part"), F_OK), -1);
	assert_int_equal(
		node_server_count(server, "GET /v1/recordings/a%20b/files/standup.mp4 [bytes=4-]"),
		1);
	assert_int_equal(
		node_server_count(server, "GET /v1/recordings/a%20b/files/standup.mp4 [bytes=7-]"),
		1);
	/* What is complete is not copied again. */
	assert_int_equal(RUN("get", "a b", "--to", to), 0);
	assert_int_equal(node_server_count(server, "GET /v1/recordings/a%20b/files/poster.jpg"), 1);
}

static void a_copy_that_was_cut_off_goes_on_the_next_time(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/recordings/a", .body = DETAIL("a", MOVIE)},
		{"GET /v1/recordings/a/files/standup.mp4", .status = 500,
			.body = ERROR(500, "the disk does not answer")},
		{"GET /v1/recordings/a/files/standup.mp4", .body = "0123456789",
			.has_ranges = true},
		{0},
	};

	serve(routes);
	assert_int_equal(tr_file_make_folders(in_home("to/a"), 0755), 0);
	write_home("to/a/.standup.mp4.part", "01234");
	assert_int_equal(RUN("get", "a", "--to", to), 1);
	assert_non_null(strstr(read_home("said"), "the disk does not answer"));
	assert_string_equal(read_home("to/a/.standup.mp4.part"), "01234");
	assert_int_equal(RUN("get", "a", "--to", to), 0);
	assert_string_equal(read_home("to/a/standup.mp4"), "0123456789");
	assert_null(strstr(node_server_log(server), "mp4\n"));
}

static void what_is_longer_than_the_nodes_file_is_another_file(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/recordings/a", .body = DETAIL("a", MOVIE)},
		{"GET /v1/recordings/a/files/standup.mp4", .body = "0123456789",
			.has_ranges = true},
		{0},
	};

	serve(routes);
	assert_int_equal(tr_file_make_folders(in_home("to/a"), 0755), 0);
	write_home("to/a/.standup.mp4.part", "something that is longer");
	assert_int_equal(RUN("get", "a", "--to", to, "--json"), 0);
	assert_string_equal(read_home("to/a/standup.mp4"), "0123456789");
}

static void a_node_cannot_write_elsewhere(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/recordings/a", .body = DETAIL("a", "{\"name\":\"../x\",\"bytes\":1}")},
		{"GET /v1/recordings/b", .body = DETAIL("..", MOVIE)},
		{"GET /v1/recordings/c", .body = DETAIL("c", "{\"name\":\".hidden\",\"bytes\":1}")},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("get", "a", "--to", to), 1);
	assert_int_equal(RUN("get", "b", "--to", to), 1);
	assert_int_equal(RUN("get", "c", "--to", to), 1);
	assert_null(strstr(node_server_log(server), "/files/"));
}

static void one_is_shown_finished_and_removed(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/recordings/a", .body = DETAIL("a", MOVIE)},
		{"POST /v1/recordings/a/finish", .status = 202, .body = "{\"id\":\"a\"}"},
		{"DELETE /v1/recordings/a", .status = 204, .body = ""},
		{"DELETE /v1/recordings/a", .status = 409,
			.body = ERROR(409, "it is being recorded")},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("show", "a"), 0);
	assert_non_null(strstr(read_home("printed"), "Files       standup.mp4, 10 B\n"));
	assert_int_equal(RUN("finish", "a"), 0);
	assert_int_equal(RUN("delete", "a"), 2);
	assert_non_null(strstr(read_home("said"), "--yes"));
	assert_int_equal(RUN("delete", "a", "--yes"), 0);
	assert_int_equal(RUN("delete", "a", "--yes", "--json"), 4);
	assert_int_equal(node_server_count(server, "DELETE /v1/recordings/a"), 2);
}

static void what_makes_no_sense_is_not_asked_for(void **state)
{
	static const struct node_server_route routes[] = {{0}};

	serve(routes);
	assert_int_equal(RUN("remove", "a"), 2);
	assert_int_equal(RUN("show"), 2);
	assert_int_equal(RUN("list", "a"), 2);
	assert_int_equal(RUN("show", "a", "--to", "/tmp"), 2);
	assert_int_equal(RUN("get", "a", "--search", "b"), 2);
	assert_int_equal(RUN("--limit", "many"), 2);
	assert_string_equal(node_server_log(server), "");
}

#define ON_NODE(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_NODE(the_list_can_be_searched),
		ON_NODE(all_pages_are_one_list),
		ON_NODE(a_copy_goes_on_where_the_connection_broke),
		ON_NODE(a_copy_that_was_cut_off_goes_on_the_next_time),
		ON_NODE(what_is_longer_than_the_nodes_file_is_another_file),
		ON_NODE(a_node_cannot_write_elsewhere),
		ON_NODE(one_is_shown_finished_and_removed),
		ON_NODE(what_makes_no_sense_is_not_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
