#include "test.h"

#include "cli/cli_rig.h"
#include "cli/node_answers.h"
#include "core/file.h"
#include "fake/node_server.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct node_server_route *table;
static struct node_server *server;
static char node_option[160];

static int make(void **state)
{
	int rc = make_home(state);

	server = NULL;
	setenv("TZ", "UTC", 1);
	snprintf(node_option, sizeof(node_option), "--node=%s/node.sock", home);
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
	table = routes;
	server = node_server_start(path, NULL, routes);
}

static int run_telerec(const char *const *args)
{
	const char *all[18];
	unsigned count = 0;

	all[count++] = args[0];
	all[count++] = node_option;
	for (args++; *args; args++)
		all[count++] = *args;
	all[count] = NULL;
	start_telerec("", all);
	int code = wait_for_end();
	if (server && strstr(node_server_log(server), "FAULT"))
		fail_msg("%s", node_server_log(server));
	return code;
}

#define RUN(...) run_telerec(ARGS(__VA_ARGS__))

static void expect_in(const char *name, const char *words)
{
	if (!strstr(read_home(name), words))
		fail_msg("\"%s\" is not in \"%s\": %s", words, name, read_home(name));
}

#define expect_printed(words) expect_in("printed", words)
#define expect_said(words) expect_in("said", words)

static void expect_asked(const char *log)
{
	assert_string_equal(node_server_log(server), log);
}

static void status_tells_how_the_node_is(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/node", .body = NODE},
		{"GET /v1/slots", .body = SLOTS(RECORDING_SLOT, IDLE_SLOT)},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("status"), 0);
	expect_printed("telerec-0a1b2c3d: well");
	/* What another program reads is not cut. */
	expect_printed("a very long name of a meeting @ conference.meet.example.org");
	assert_int_equal(RUN("status", "--json"), 0);
	expect_printed("\"slots_busy\": 1");
	expect_printed("\"frames_encoded\": 18000");
}

static void status_of_an_unwell_node_exits_with_1(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/node", .body = NODE_("false", "no disk", "0", FINE, "")},
		{"GET /v1/slots", .body = SLOTS(IDLE_SLOT, IDLE_SLOT)},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("status"), 1);
	expect_printed("! no disk");
	assert_int_equal(RUN("status", "--json"), 1);
	assert_null(strstr(read_home("printed"), "!"));
}

static void a_node_that_does_not_run_is_3(void **state)
{
	assert_int_equal(RUN("status"), 3);
	expect_said("telerec status: telerecd is not running (no socket at /tmp/telerec-cli-");
	assert_int_equal(RUN("recordings", "--json"), 3);
	expect_printed("\"sentence\": \"telerecd is not running");
	assert_string_equal(read_home("said"), "");
}

static void events_are_followed_line_by_line(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/events", .type = "text/event-stream",
			.body = "event: hello\ndata: {\"type\":\"hello\",\"ms\":1795260760000}\n\n"
				"event: progress\ndata: {\"type\":\"progress\",\"ms\":1}\n\n"
				"event: on\ndata: {\"type\":\"on\",\"ms\":1795260760000,\"slot\":1,"
				"\"session_id\":\"abc\"}\n\n"},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("status", "--follow"), 3);
	assert_string_equal(read_home("printed"),
		"2026-11-21 11:32:40 hello\n2026-11-21 11:32:40 slot 1: on, session abc\n");
	expect_said("the node has ended the stream of events");
	assert_int_equal(RUN("status", "--follow", "--json"), 3);
	expect_printed("{\"type\":\"progress\",\"ms\":1}\n");
}

static void slots_are_shown_restarted_and_pictured(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/slots", .body = SLOTS(RECORDING_SLOT, IDLE_SLOT)},
		{"GET /v1/slots/2", .body = IDLE_SLOT},
		{"GET /v1/slots/3", .status = 404, .body = ERROR(404, "there is no slot 3")},
		{"POST /v1/slots/2/restart", .status = 202, .body = "{\"slot\":2}"},
		{"GET /v1/slots/1/preview.jpg?width=480", .body = "\xff\xd8jpeg",
			.type = "image/jpeg"},
		{"GET /v1/slots/2/preview.jpg?width=100", .status = 409,
			.body = ERROR(409, "it shows nothing now")},
		{0},
	};
	char picture[PATH_MAX];

	serve(routes);
	snprintf(picture, sizeof(picture), "%s/p.jpg", home);
	assert_int_equal(RUN("slots"), 0);
	expect_printed("   2  idle\n");
	assert_int_equal(RUN("slots", "2"), 0);
	expect_printed("Browser     Chromium 150\n");
	assert_int_equal(RUN("slots", "3"), 1);
	expect_said("telerec slots: there is no slot 3\n");
	assert_int_equal(RUN("slots", "restart", "2"), 0);
	assert_int_equal(RUN("slots", "preview", "1", "--to", picture), 0);
	assert_string_equal(read_home("p.jpg"), "\xff\xd8jpeg");
	assert_int_equal(RUN("slots", "preview", "1", "--to", "-"), 0);
	assert_string_equal(read_home("printed"), "\xff\xd8jpeg");
	assert_int_equal(
		RUN("slots", "preview", "2", "--to", picture, "--width", "100", "--json"), 4);
	expect_printed("\"status\": 409");
	assert_int_equal(RUN("slots", "preview", "1"), 2);
	assert_int_equal(RUN("slots", "restart"), 2);
	assert_int_equal(RUN("slots", "x"), 2);
}

static void sessions_are_listed_and_told(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/sessions",
			.body = "{\"sessions\":[" SESSION("on", "", "") "," FAILED "]}"},
		{"GET /v1/sessions/a%2Fb", .body = SESSION("on", STREAM("streaming", ""), "")},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("sessions"), 0);
	expect_printed("FAILED  file");
	assert_int_equal(RUN("sessions", "a/b"), 0);
	expect_printed("Stream to   rtmp://live.example/live/***: streaming");
	assert_int_equal(RUN("sessions", "a/b", "--json"), 0);
	expect_printed("\"queued_ms\": 40");
}

#define TAKEN "{\"session_id\":\"abc\",\"slot\":2}"

static void start_says_what_was_asked_for(void **state)
{
	static const struct node_server_route routes[] = {
		{"POST /v1/sessions", .status = 201, .body = TAKEN},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("start", "https://m.example/r", "--for", "90s", "--room", "r@c",
				 "--slot", "2", "--environment", "prod", "--session-id", "abc"),
		0);
	assert_string_equal(read_home("printed"), "Slot 2 has taken it: session abc\n");
	expect_asked("POST /v1/sessions {\"url\":\"https://m.example/r\",\"for\":\"90s\",\"room\":"
		     "\"r@c\",\"slot\":2,\"environment\":\"prod\",\"session_id\":\"abc\"}\n");
}

static void start_may_wait_until_it_is_on(void **state)
{
	static const struct node_server_route routes[] = {
		{"POST /v1/sessions", .status = 201, .body = TAKEN},
		{"GET /v1/sessions/abc", .body = "{\"state\":\"pending\",\"on_ms\":0}"},
		{"GET /v1/sessions/abc", .body = SESSION("on", "", "")},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("start", "https://m.example/r", "--wait"), 0);
	expect_printed("Session abcdefghijklmnop is on.\n");
	assert_int_equal(node_server_count(server, "GET /v1/sessions/abc"), 2);
}

static void start_may_wait_until_all_is_over(void **state)
{
	static const struct node_server_route routes[] = {
		{"POST /v1/sessions", .status = 201, .body = TAKEN},
		{"GET /v1/sessions/abc", .body = SESSION("ending", "", "")},
		{"GET /v1/sessions/abc", .body = ENDED("false")},
		{"GET /v1/sessions/abc", .body = ENDED("true")},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("start", "https://m.example/r", "--wait=over"), 0);
	expect_printed("Session abcdefghijklmnop is over: a folder/standup.mp4\n");
}

static void a_start_that_fails_is_told_with_its_reason(void **state)
{
	static const struct node_server_route routes[] = {
		{"POST /v1/sessions", .status = 201, .body = TAKEN},
		{"POST /v1/sessions", .status = 201, .body = TAKEN},
		{"POST /v1/sessions", .status = 409, .body = ERROR(409, "all slots are busy")},
		{"GET /v1/sessions/abc", .body = FAILED},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("start", "https://m.example/r", "--wait"), 1);
	expect_said("FAILED: the meeting could not be joined\n");
	assert_int_equal(RUN("start", "https://m.example/r", "--wait", "--json"), 1);
	expect_printed("\"reason\": \"join_failed\"");
	assert_int_equal(RUN("start", "https://m.example/r"), 4);
	expect_said("telerec start: all slots are busy\n");
}

#define KEY "rtmp://live.example/live/geheim"

static void a_streams_address_comes_from_a_file_and_is_never_shown(void **state)
{
	static const struct node_server_route routes[] = {
		{"POST /v1/sessions", .status = 201, .body = TAKEN},
		{0},
	};
	char file[PATH_MAX];

	serve(routes);
	write_home("target", "# mine\n" KEY "\n");
	snprintf(file, sizeof(file), "%s/target", home);
	assert_int_equal(RUN("start", "https://m.example/r", "--stream", file), 0);
	expect_asked("POST /v1/sessions {\"url\":\"https://m.example/r\",\"stream\":\"" KEY
		     "\",\"kind\":\"stream\"}\n");
	write_home("input", KEY "\n" KEY "2\n");
	assert_int_equal(RUN("start", "https://m.example/r", "--stream", "-"), 2);
	expect_said("several");
	write_home("input", "");
	assert_int_equal(RUN("start", "https://m.example/r", "--stream", "-"), 2);
	assert_int_equal(RUN("start", "https://m.example/r", "--stream", KEY), 2);
	expect_said("--stream FILE");
	assert_null(strstr(read_home("said"), "geheim"));
}

static void what_makes_no_sense_is_not_asked_for(void **state)
{
	static const struct node_server_route routes[] = {{0}};

	serve(routes);
	assert_int_equal(RUN("start"), 2);
	assert_int_equal(RUN("start", "standup"), 2);
	assert_int_equal(RUN("start", "https://a/b", "https://a/c"), 2);
	assert_int_equal(RUN("start", "https://a/b", "--for", "soon"), 2);
	assert_int_equal(RUN("start", "https://a/b", "--slot", "0"), 2);
	assert_int_equal(RUN("start", "https://a/b", "--wait=ever"), 2);
	assert_int_equal(RUN("stop"), 2);
	assert_int_equal(RUN("stop", "abc", "--all"), 2);
	assert_int_equal(RUN("drain", "--off", "--leave"), 2);
	assert_int_equal(RUN("drain", "now"), 2);
	assert_int_equal(RUN("logs", "--level", "loud"), 2);
	assert_int_equal(RUN("logs", "--since", "x"), 2);
	assert_int_equal(RUN("status", "--folow"), 2);
	expect_said("did you mean \"--follow\"?");
	expect_asked("");
}

static void stop_ends_one_or_all(void **state)
{
	static const struct node_server_route routes[] = {
		{"POST /v1/sessions/abc/stop", .status = 202, .body = "{\"session_id\":\"abc\"}"},
		{"GET /v1/sessions", .body = "{\"sessions\":[{\"session_id\":\"abc\",\"state\":"
					     "\"on\"},{\"session_id\":\"old\",\"state\":"
					     "\"ended\"}]}"},
		{"GET /v1/sessions/abc", .body = SESSION("ending", "", "")},
		{"GET /v1/sessions/abc", .body = ENDED("true")},
		{"POST /v1/sessions/none/stop", .status = 404,
			.body = ERROR(404, "there is no such session")},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("stop", "abc"), 0);
	expect_asked("POST /v1/sessions/abc/stop\n");
	assert_int_equal(RUN("stop", "--all", "--wait"), 0);
	assert_string_equal(read_home("printed"), "Session abc is over: a folder/standup.mp4\n");
	assert_int_equal(RUN("stop", "--all", "--json"), 0);
	expect_printed("\"session_id\": \"abc\"");
	assert_int_equal(RUN("stop", "none"), 1);
}

static void drain_waits_until_nothing_runs(void **state)
{
	static const struct node_server_route routes[] = {
		{"POST /v1/drain", .body = "{\"is_draining\":true,\"is_leaving\":false}"},
		{"DELETE /v1/drain", .body = "{\"is_draining\":false,\"is_leaving\":false}"},
		{"GET /v1/slots", .body = SLOTS(RECORDING_SLOT, IDLE_SLOT)},
		{"GET /v1/slots", .body = SLOTS(IDLE_SLOT, IDLE_SLOT)},
		/* Its slots count as busy while it drains. */
		{"GET /v1/node", .body = NODE_("true", "", "2", FINE, "")},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("drain", "--wait"), 0);
	assert_int_equal(node_server_count(server, "GET /v1/slots"), 2);
	assert_int_equal(RUN("drain", "--off", "--json"), 0);
	expect_printed("\"is_draining\": false");
	assert_int_equal(RUN("drain", "--leave"), 0);
	expect_printed("telerecd ends when nothing runs any more");
}

#define LOG_LINE(ms, text)                                                                         \
	"{\"ms\":" ms ",\"level\":\"info\",\"area\":\"node\",\"slot\":0,\"session_id\":\"\","      \
	"\"text\":\"" text "\"}"

static void logs_are_filtered_by_the_node(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/logs?limit=5&session=a%20b&slot=1&level=warning&since=1795219200000",
			.body = "{\"lines\":[" LOG_LINE("1795260760000", "hello") "]}"},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("logs", "--limit", "5", "--session", "a b", "--slot", "1", "--level",
				 "warning", "--since", "2026-11-21"),
		0);
	assert_string_equal(read_home("printed"), "2026-11-21 11:32:40 node: hello\n");
}

static void followed_logs_show_every_line_once(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/logs?limit=200",
			.body = "{\"lines\":[" LOG_LINE("5", "a") "," LOG_LINE("7", "b") "]}"},
		{"GET /v1/logs?limit=10000&since=7",
			.body = "{\"lines\":[" LOG_LINE("7", "b") "," LOG_LINE("7", "c") "]}"},
		{"GET /v1/logs?limit=10000&since=7",
			.body = "{\"lines\":[" LOG_LINE("7", "b") "," LOG_LINE(
				"7", "c") "," LOG_LINE("9", "d") "]}"},
		{"GET /v1/logs?limit=10000&since=9", .status = 500, .body = ERROR(500, "enough")},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("logs", "--follow", "--json"), 1);
	const char *printed = read_home("printed");
	const char *a = strstr(printed, "\"a\""), *b = strstr(printed, "\"b\""),
		   *c = strstr(printed, "\"c\""), *d = strstr(printed, "\"d\"");
	assert_true(a && b && c && d && a < b && b < c && c < d);
	assert_null(strstr(b + 1, "\"b\""));
	assert_null(strstr(c + 1, "\"c\""));
}

/* ---- settings ---- */

static void another_nodes_settings_are_read_and_changed_by_it(void **state)
{
	static const struct node_server_route routes[] = {
		{"GET /v1/config", .body = "{\"path\":\"/x\",\"text\":\"slots = 1; # one\\n\","
					   "\"settings\":{\"slots\":1,\"video\":{\"size\":"
					   "\"640x360\"}}}"},
		{"PUT /v1/config",
			.body = "{\"is_valid\":true,\"complaints\":[],\"warnings\":[\"hm\"]}"},
		{"PUT /v1/config", .status = 422,
			.body = "{\"error\":{\"status\":422,\"sentence\":\"no\",\"complaints\":["
				"\"x:1: too many\"],\"warnings\":[]}}"},
		{0},
	};

	serve(routes);
	assert_int_equal(RUN("config", "get", "video.size"), 0);
	assert_string_equal(read_home("printed"), "640x360\n");
	assert_int_equal(RUN("config", "set", "slots=2"), 0);
	expect_said("warning: hm\n");
	assert_int_equal(node_server_count(server, "PUT /v1/config slots = 2; # one"), 1);
	assert_int_equal(RUN("config", "set", "slots=99"), 1);
	expect_said("x:1: too many\n");
}

static void this_machines_settings_need_no_daemon(void **state)
{
	char file[PATH_MAX];

	snprintf(file, sizeof(file), "%s/telerec.conf", home);
	write_home("telerec.conf", "# mine\nslots = 1; # one\n");
#define CONFIG(...)                                                                                \
	(start_telerec("", ARGS("config", __VA_ARGS__, "--config", file)), wait_for_end())
	assert_int_equal(CONFIG("set", "slots=2", "video.size=640x360"), 0);
	assert_string_equal(read_home("telerec.conf"),
		"# mine\nslots = 2; # one\nvideo:\n{\n\tsize "
		"= \"640x360\";\n};\n");
	assert_int_equal(CONFIG("get", "slots"), 0);
	assert_string_equal(read_home("printed"), "2\n");
	assert_int_equal(CONFIG("set", "slots=99"), 1);
	expect_said("nothing is changed");
	expect_said("telerec.conf:2: ");
	assert_int_equal(CONFIG("set", "slot=9"), 2);
	expect_said("did you mean \"slots\"?");
	assert_int_equal(CONFIG("check"), 0);
	assert_int_equal(CONFIG("show"), 0);
	expect_printed("# All settings in effect, without passwords.\nid = ");
	expect_printed("size = \"640x360\";");
	assert_int_equal(CONFIG("get", "api.token"), 1);
	expect_said("secret");
	write_home("telerec.conf", "slots = 1; sluts = 1;\n");
	assert_int_equal(CONFIG("check", "--json"), 1);
	expect_printed("\"is_valid\": false");
}

#define ON_NODE(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_NODE(status_tells_how_the_node_is),
		ON_NODE(status_of_an_unwell_node_exits_with_1),
		ON_NODE(a_node_that_does_not_run_is_3),
		ON_NODE(events_are_followed_line_by_line),
		ON_NODE(slots_are_shown_restarted_and_pictured),
		ON_NODE(sessions_are_listed_and_told),
		ON_NODE(start_says_what_was_asked_for),
		ON_NODE(start_may_wait_until_it_is_on),
		ON_NODE(start_may_wait_until_all_is_over),
		ON_NODE(a_start_that_fails_is_told_with_its_reason),
		ON_NODE(a_streams_address_comes_from_a_file_and_is_never_shown),
		ON_NODE(what_makes_no_sense_is_not_asked_for),
		ON_NODE(stop_ends_one_or_all),
		ON_NODE(drain_waits_until_nothing_runs),
		ON_NODE(logs_are_filtered_by_the_node),
		ON_NODE(followed_logs_show_every_line_once),
		ON_NODE(another_nodes_settings_are_read_and_changed_by_it),
		ON_NODE(this_machines_settings_need_no_daemon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
