#include "test.h"

#include "fake/node_server.h"
#include "protocol/node_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ERROR(status, sentence) "{\"error\":{\"status\":" #status ",\"sentence\":\"" sentence "\"}}"

static char home[64], path[96];
static char taken[4096];
static size_t taken_size;
static long long said_total;
static unsigned events, ticks;

static const struct node_server_route routes[] = {
	{"GET /v1/node", .body = "{\"id\":\"n1\"}"},
	{"POST /v1/drain", .body = "{\"is_draining\":true,\"is_leaving\":true}"},
	{"PUT /v1/config", .status = 422, .body = ERROR(422, "it has complaints")},
	{"DELETE /v1/recordings/a%20b", .status = 204, .body = ""},
	{"GET /v1/none", .status = 404, .body = ERROR(404, "there is no such thing")},
	{"GET /v1/bad", .status = 500, .body = "<html>"},
	{"GET /v1/text", .body = "hello"},
	{"GET /v1/hangs", .hangs = true},
	{"GET /v1/file", .body = "0123456789", .type = "video/mp4", .has_ranges = true, .cut = 4},
	{"GET /v1/file", .body = "0123456789", .type = "video/mp4", .has_ranges = true},
	{"GET /v1/plain", .body = "0123456789", .type = "video/mp4"},
	{"GET /v1/events", .type = "text/event-stream", .stays_open = true,
		.body = "event: hello\ndata: {\"type\":\"hello\"}\n\n: x\n\nevent: on\ndata: "
			"{\"type\":\"on\",\"slot\":1}\n\n"},
	{"GET /v1/short", .type = "text/event-stream", .body = "event: hello\ndata: {}\n\n"},
	{0},
};

struct rig {
	struct node_server *server;
	struct tr_node_client *client;
};

static struct rig rig;

static int connect_to(const char *node, const char *token, int timeout_ms)
{
	const struct tr_node_client_settings settings = {
		.node = node, .token = token, .timeout_ms = timeout_ms};

	tr_node_client_destroy(rig.client);
	rig.client = NULL;
	return tr_node_client_create(&settings, &rig.client);
}

static int make(void **state)
{
	snprintf(home, sizeof(home), "/tmp/telerec-test.XXXXXX");
	if (!mkdtemp(home))
		return -1;
	snprintf(path, sizeof(path), "%s/control.sock", home);
	rig.server = node_server_start(path, NULL, routes);
	taken_size = 0;
	said_total = -2;
	events = ticks = 0;
	return connect_to(path, NULL, 0);
}

static int unmake(void **state)
{
	bool has_fault = rig.server && strstr(node_server_log(rig.server), "FAULT");

	if (has_fault)
		print_error("%s", node_server_log(rig.server));
	tr_node_client_destroy(rig.client);
	node_server_stop(rig.server);
	rig = (struct rig){0};
	unlink(path);
	rmdir(home);
	return has_fault ? -1 : 0;
}

static void expect_problem(const char *words)
{
	const char *problem = tr_node_client_problem(rig.client);

	if (!strstr(problem, words))
		fail_msg("\"%s\" does not say \"%s\"", problem, words);
}

static int call(const char *method, const char *what)
{
	json_t *json = NULL;
	int rc = tr_node_client_call(rig.client, method, what, NULL, &json);

	json_decref(json);
	return rc;
}

static int take(const void *data, size_t size, int64_t total_size, void *user)
{
	if (size > sizeof(taken) - taken_size)
		return -ENOSPC;
	memcpy(taken + taken_size, data, size);
	taken_size += size;
	said_total = total_size;
	return 0;
}

static int refuse_all(const void *data, size_t size, int64_t total_size, void *user)
{
	return -ENOSPC;
}

static void expect_taken(const char *text)
{
	assert_int_equal(taken_size, strlen(text));
	assert_memory_equal(taken, text, taken_size);
}

static void an_answer_is_json(void **state)
{
	json_t *json = NULL;

	assert_int_equal(tr_node_client_call(rig.client, "GET", "/v1/node", NULL, &json), 0);
	assert_string_equal(json_string_value(json_object_get(json, "id")), "n1");
	assert_int_equal(tr_node_client_status(rig.client), 200);
	json_decref(json);
}

static void a_body_travels_and_an_answer_may_have_none(void **state)
{
	json_t *body = json_pack("{s:b}", "leave", 1), *json = NULL;

	assert_int_equal(tr_node_client_call(rig.client, "POST", "/v1/drain", body, &json), 0);
	assert_true(json_is_true(json_object_get(json, "is_leaving")));
	json_decref(json);
	json_decref(body);
	char *word = tr_node_client_escape("a b");
	char line[64];
	snprintf(line, sizeof(line), "/v1/recordings/%s", word);
	free(word);
	assert_int_equal(tr_node_client_call(rig.client, "DELETE", line, NULL, &json), 0);
	assert_null(json);
	assert_string_equal(node_server_log(rig.server),
		"POST /v1/drain {\"leave\":true}\nDELETE /v1/recordings/a%20b\n");
}

static void an_error_tells_the_nodes_sentence(void **state)
{
	json_t *json = NULL;

	assert_int_equal(call("GET", "/v1/none"), -EREMOTEIO);
	assert_int_equal(tr_node_client_status(rig.client), 404);
	expect_problem("there is no such thing");
	assert_int_equal(call("GET", "/v1/bad"), -EREMOTEIO);
	expect_problem("500");
	assert_int_equal(tr_node_client_send_text(rig.client, "PUT", "/v1/config", "text/plain",
				 "slots = 0;", &json),
		-EREMOTEIO);
	assert_non_null(json_object_get(json, "error"));
	json_decref(json);
	assert_non_null(strstr(node_server_log(rig.server), "PUT /v1/config slots = 0;"));
}

static void what_is_no_json_is_no_answer(void **state)
{
	assert_int_equal(call("GET", "/v1/text"), -EPROTO);
	expect_problem("does not answer as a node does");
}

static void a_node_that_hangs_is_left_alone_after_a_while(void **state)
{
	assert_int_equal(connect_to(path, NULL, 300), 0);
	assert_int_equal(call("GET", "/v1/hangs"), -ETIMEDOUT);
	expect_problem("did not answer within 0.3 s");
}

static void a_missing_socket_says_how_to_start_telerecd(void **state)
{
	node_server_stop(rig.server);
	rig.server = NULL;
	assert_int_equal(call("GET", "/v1/node"), -EHOSTDOWN);
	expect_problem("telerecd is not running");
	expect_problem("systemctl start telerecd");
	unlink(path);
	assert_int_equal(call("GET", "/v1/node"), -EHOSTDOWN);
	expect_problem("no socket at /tmp/telerec-test.");
}

static void a_socket_of_others_says_which_group_helps(void **state)
{
	if (geteuid() == 0) {
		assert_int_equal(chmod(home, 0700), 0);
		assert_int_equal(seteuid(64999), 0);
	} else {
		assert_int_equal(chmod(path, 0), 0);
	}
	int rc = call("GET", "/v1/node");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(rc, -EACCES);
	expect_problem("group telerec");
}

static void a_file_comes_in_parts_that_fit(void **state)
{
	assert_int_equal(tr_node_client_download(rig.client, "/v1/file", 0, take, NULL), -EPIPE);
	expect_taken("0123");
	expect_problem("broke in the middle");
	assert_int_equal(tr_node_client_download(rig.client, "/v1/file", 4, take, NULL), 0);
	expect_taken("0123456789");
	assert_int_equal(said_total, 10);
	assert_int_equal(tr_node_client_download(rig.client, "/v1/file", 10, take, NULL), 0);
	expect_taken("0123456789");
	assert_int_equal(tr_node_client_download(rig.client, "/v1/file", 11, take, NULL), -ERANGE);
	assert_int_equal(node_server_count(rig.server, "GET /v1/file [bytes=4-]"), 1);
}

static void a_node_without_ranges_sends_what_is_passed_over(void **state)
{
	assert_int_equal(tr_node_client_download(rig.client, "/v1/plain", 7, take, NULL), 0);
	expect_taken("789");
	assert_int_equal(said_total, 10);
	assert_int_equal(tr_node_client_download(rig.client, "/v1/plain", 70, take, NULL), -ERANGE);
}

static void who_cannot_take_the_data_ends_the_download(void **state)
{
	assert_int_equal(
		tr_node_client_download(rig.client, "/v1/plain", 0, refuse_all, NULL), -ENOSPC);
	assert_int_equal(
		tr_node_client_download(rig.client, "/v1/none", 0, take, NULL), -EREMOTEIO);
	expect_problem("there is no such thing");
	assert_int_equal(taken_size, 0);
}

static int note_event(const char *type, const json_t *data, void *user)
{
	ticks += !type;
	events += type != NULL;
	return type && !strcmp(type, "on") ? (int)json_integer_value(json_object_get(data, "slot"))
					   : 0;
}

static int wait_for_tick(const char *type, const json_t *data, void *user)
{
	events += type != NULL;
	ticks += !type && events == 2;
	return ticks > 0 ? -ECANCELED : 0;
}

static void events_come_as_they_happen_until_somebody_has_enough(void **state)
{
	assert_int_equal(tr_node_client_follow(rig.client, "/v1/events", note_event, NULL), 1);
	assert_int_equal(events, 2);
}

static void between_events_there_is_time_for_other_things(void **state)
{
	assert_int_equal(
		tr_node_client_follow(rig.client, "/v1/events", wait_for_tick, NULL), -ECANCELED);
	assert_int_equal(events, 2);
}

static void a_stream_of_events_that_ends_is_told(void **state)
{
	assert_int_equal(tr_node_client_follow(rig.client, "/v1/short", note_event, NULL), -EPIPE);
	assert_int_equal(events, 1);
	assert_int_equal(
		tr_node_client_follow(rig.client, "/v1/none", note_event, NULL), -EREMOTEIO);
}

static void another_machine_is_a_url_and_a_token(void **state)
{
	struct node_server *remote = node_server_start(NULL, "0123456789abcdef", routes);
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", node_server_port(remote));
	assert_int_equal(connect_to(url, "0123456789abcdef", 0), 0);
	assert_int_equal(call("GET", "/v1/node"), 0);
	assert_int_equal(connect_to(url, NULL, 0), 0);
	assert_int_equal(call("GET", "/v1/node"), -EREMOTEIO);
	expect_problem("--token-file");
	assert_int_equal(connect_to(url, "wrong-wrong-wrong", 0), 0);
	assert_int_equal(call("GET", "/v1/node"), -EREMOTEIO);
	expect_problem("another token");
	assert_null(strstr(node_server_log(remote), "FAULT"));
	node_server_stop(remote);
	assert_int_equal(call("GET", "/v1/node"), -EHOSTDOWN);
	expect_problem("nobody answers at http://127.0.0.1");
}

static void a_token_does_not_travel_in_the_clear(void **state)
{
	assert_int_equal(connect_to("http://192.0.2.1:8080", "secret-secret-secret", 0), -EINVAL);
	expect_problem("https://");
	assert_null(strstr(tr_node_client_problem(rig.client), "secret-secret"));
	assert_int_equal(call("GET", "/v1/node"), -EINVAL);
}

static void what_is_no_node_is_refused(void **state)
{
	static const char *const nodes[] = {"", "localhost", "ftp://localhost", "https://h/path",
		"https://user@h", "https://h?x", "http://h/#x"};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		assert_int_equal(connect_to(nodes[i], NULL, 0), -EINVAL);
		assert_true(strlen(tr_node_client_problem(rig.client)) > 20);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_is_json),
		TEST(a_body_travels_and_an_answer_may_have_none),
		TEST(an_error_tells_the_nodes_sentence),
		TEST(what_is_no_json_is_no_answer),
		TEST(a_node_that_hangs_is_left_alone_after_a_while),
		TEST(a_missing_socket_says_how_to_start_telerecd),
		TEST(a_socket_of_others_says_which_group_helps),
		TEST(a_file_comes_in_parts_that_fit),
		TEST(a_node_without_ranges_sends_what_is_passed_over),
		TEST(who_cannot_take_the_data_ends_the_download),
		TEST(events_come_as_they_happen_until_somebody_has_enough),
		TEST(between_events_there_is_time_for_other_things),
		TEST(a_stream_of_events_that_ends_is_told),
		TEST(another_machine_is_a_url_and_a_token),
		TEST(a_token_does_not_travel_in_the_clear),
		TEST(what_is_no_node_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
