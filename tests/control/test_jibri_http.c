#include "test.h"

#include "http_client.h"

#include "control/jibri_http.h"
#include "core/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JSON "Content-Type: application/json\r\n"
#define HEALTH "GET /jibri/api/v1.0/health"
#define START "POST /jibri/api/v1.0/startService"
#define STOP "POST /jibri/api/v1.0/stopService"
#define INTERNAL "POST /jibri/api/internal/v1.0/"
#define LOGIN                                                                                      \
	"\"callLoginParams\":{\"domain\":\"recorder.meet.example.org\",\"username\":"              \
	"\"recorder\",\"password\":\"hush\"}"
#define CALL                                                                                       \
	"\"callParams\":{\"callUrlInfo\":{\"baseUrl\":\"https://meet.example.org\","               \
	"\"callName\":\"standup\"}}"
#define FILE_START "{\"sessionId\":\"one\",\"sinkType\":\"file\"," CALL "," LOGIN "}"

/* A node that writes down what it is asked, and answers as it is told. */
static struct {
	sd_event *event;
	struct tr_jibri_http *http;
	struct http_client client, other;
	enum tr_control_answer answer;
	struct tr_control_presence presence;
	unsigned starts, stops;
	int exit_code, exits, shut_downs;
	char session_id[200], meeting_url[500], call_name[100], call_jid[100], password[100];
	char stream_url[200], parameters[200];
	struct tr_control_start last; /* its numbers */
} node;

static enum tr_control_answer on_start(
	void *user, const struct tr_control_start *request, char *why, size_t why_size)
{
	node.starts++;
	node.last = *request;
	snprintf(node.session_id, sizeof(node.session_id), "%s", request->session_id);
	snprintf(node.meeting_url, sizeof(node.meeting_url), "%s", request->meeting_url);
	snprintf(node.call_name, sizeof(node.call_name), "%s", request->call_name);
	snprintf(node.call_jid, sizeof(node.call_jid), "%s", request->call_jid);
	snprintf(node.password, sizeof(node.password), "%s", request->call_password);
	snprintf(node.stream_url, sizeof(node.stream_url), "%s", request->stream_url);
	snprintf(node.parameters, sizeof(node.parameters), "%s", request->url_parameters);
	assert_string_equal(request->environment, "");
	assert_string_equal(request->metadata, "");
	assert_string_equal(request->room, "");
	assert_string_equal(request->view_url, "");
	snprintf(why, why_size, "so it was told");
	return node.answer;
}

static bool on_stop(void *user, unsigned slot, const char *session_id)
{
	assert_int_equal(slot, 0);
	assert_string_equal(session_id, "");
	node.stops++;
	return true;
}

static void on_read(void *user, unsigned slot, struct tr_control_presence *ret_presence)
{
	assert_int_equal(slot, 0);
	*ret_presence = node.presence;
}

static void on_exit_when_idle(void *user, int exit_code)
{
	node.exits++;
	node.exit_code = exit_code;
}

static void on_shut_down(void *user, int exit_code)
{
	node.shut_downs++;
	node.exit_code = exit_code;
}

static const struct tr_control_actions actions = {
	.start = on_start,
	.stop = on_stop,
	.read = on_read,
	.exit_when_idle = on_exit_when_idle,
	.shut_down = on_shut_down,
};

static void serve(int timeout_s)
{
	const struct tr_jibri_http_settings settings = {
		.bind = "127.0.0.1",
		.timeout_s = timeout_s,
	};

	memset(&node, 0, sizeof(node));
	node.client.fd = node.other.fd = -1;
	node.answer = TR_CONTROL_ACCEPTED;
	node.presence.is_healthy = true;
	assert_true(sd_event_new(&node.event) >= 0);
	assert_int_equal(tr_jibri_http_create(node.event, &settings, &actions, &node.http), 0);
}

static int start_node(void **state)
{
	serve(0);
	return 0;
}

static int end_node(void **state)
{
	tr_jibri_http_destroy(node.http);
	http_client_close(&node.client);
	http_client_close(&node.other);
	sd_event_unref(node.event);
	return 0;
}

static int ask(const char *line, const char *head, const char *body)
{
	return http_client_ask(
		&node.client, node.event, tr_jibri_http_external_port(node.http), line, head, body);
}

static int ask_internal(const char *line)
{
	return http_client_ask(
		&node.client, node.event, tr_jibri_http_internal_port(node.http), line, "", "");
}

static void assert_answer(int status, int expected, const char *type, const char *body)
{
	char heard_type[100];

	http_client_header(&node.client, "Content-Type", heard_type, sizeof(heard_type));
	assert_int_equal(status, expected);
	assert_string_equal(heard_type, type);
	assert_string_equal(http_client_body(&node.client), body);
}

static void assert_refused_as_wrong(const char *body)
{
	assert_answer(ask(START, JSON, body), 500, "", "");
	assert_int_equal(node.starts, 0);
}

/* ---- health ---- */

static void health_has_jibris_members_in_jibris_order(void **state)
{
	assert_answer(ask(HEALTH, "", ""), 200, "application/json",
		"{\"status\":{\"busyStatus\":\"IDLE\",\"health\":{\"healthStatus\":\"HEALTHY\","
		"\"details\":{}}}}");
}

static void health_names_the_environment_of_what_runs(void **state)
{
	node.presence.busy = TR_CONTROL_WORKING;
	strcpy(node.presence.environment, "prod-xmpp.example.org:6222");
	assert_answer(ask(HEALTH, "", ""), 200, "application/json",
		"{\"status\":{\"busyStatus\":\"BUSY\",\"health\":{\"healthStatus\":\"HEALTHY\","
		"\"details\":{}}},\"environmentContext\":{\"name\":\"prod-xmpp.example.org:6222\"}}");
}

static void health_tells_why_it_is_bad(void **state)
{
	node.presence.busy = TR_CONTROL_EXPIRED;
	node.presence.is_healthy = false;
	strcpy(node.presence.problem, "no \"disk\"");
	assert_answer(ask(HEALTH "?verbose=1", "", ""), 200, "application/json",
		"{\"status\":{\"busyStatus\":\"EXPIRED\",\"health\":{\"healthStatus\":"
		"\"UNHEALTHY\",\"details\":{\"JibriManager\":{\"healthStatus\":\"UNHEALTHY\","
		"\"detail\":\"no \\\"disk\\\"\"}}}}}");
}

static void other_paths_and_methods_are_refused_as_ktor_does(void **state)
{
	assert_answer(ask("GET /", "", ""), 404, "", "");
	assert_answer(ask("GET /jibri/api/v1.0/health/", "", ""), 404, "", "");
	assert_answer(ask("POST /jibri/api/internal/v1.0/shutdown", "", ""), 404, "", "");
	assert_answer(ask("GET /jibri/api/v1.0/startService", "", ""), 405, "", "");
	assert_answer(ask("POST /jibri/api/v1.0/health", JSON, "{}"), 405, "", "");
	assert_answer(ask_internal("GET /jibri/api/internal/v1.0/shutdown"), 405, "", "");
	assert_int_equal(node.starts + node.shut_downs, 0);
}

/* ---- startService ---- */

static void start_hands_over_what_a_file_needs(void **state)
{
	assert_answer(ask(START, JSON, FILE_START), 200, "", "");
	assert_int_equal(node.starts, 1);
	assert_int_equal(node.last.kind, TR_CONTROL_FILE);
	assert_int_equal(node.last.slot, 0);
	assert_int_equal(node.last.rtcstats, -1);
	assert_int_equal(node.last.usage_timeout_ms, 0);
	assert_int_equal(node.last.origin.connection, 0);
	assert_string_equal(node.session_id, "one");
	assert_string_equal(node.meeting_url, "https://meet.example.org/standup");
	assert_string_equal(node.call_name, "standup");
	assert_string_equal(node.call_jid, "recorder@recorder.meet.example.org");
	assert_string_equal(node.password, "hush");
	assert_string_equal(node.stream_url, "");
	assert_string_equal(node.parameters, "");
}

static void start_takes_all_members_that_jibri_knows(void **state)
{
	assert_int_equal(
		ask(START, "Content-Type: Application/JSON;charset=utf-8\r\n",
			"{\"sessionId\":\"b1\",\"sinkType\":\"FILE\",\"callParams\":{"
			"\"callUrlInfo\":{\"baseUrl\":\"https://meet.example.org/a.b/\","
			"\"callName\":\"standup\",\"tenant\":\"a.b\",\"urlParams\":[\"x=1\"]},"
			"\"email\":\"\",\"passcode\":null,\"callStatsUsernameOverride\":\"\","
			"\"displayName\":\"\",\"extraUrlParams\":[\"config.a=1\",\"config.b=\\\"2\\\"\"]},"
			"\"callLoginParams\":{\"domain\":\"d\",\"port\":null,\"username\":\"u\","
			"\"password\":\"p\",\"randomizeUsername\":true},"
			"\"youTubeStreamKey\":null,\"sipClientParams\":{\"sipAddress\":\"\","
			"\"displayName\":\"\",\"userName\":null,\"password\":null,\"autoAnswer\":false}}"),
		200);
	assert_string_equal(node.meeting_url, "https://meet.example.org/a.b/standup");
	assert_string_equal(node.parameters, "config.a=1&config.b=\"2\"");
	assert_memory_equal(node.call_jid, "u-", 2);
	assert_int_equal(strlen(node.call_jid), strlen("u-12345678@d"));
}

static void start_says_412_when_busy(void **state)
{
	const enum tr_control_answer answers[] = {
		TR_CONTROL_BUSY, TR_CONTROL_DUPLICATE, TR_CONTROL_DUPLICATE_ON};

	for (unsigned i = 0; i < TR_COUNT(answers); i++) {
		node.answer = answers[i];
		assert_answer(ask(START, JSON, FILE_START), 412, "text/plain; charset=UTF-8",
			"Jibri is currently busy");
	}
}

static void start_says_500_when_it_cannot(void **state)
{
	node.answer = TR_CONTROL_FAILED;
	assert_answer(ask(START, JSON, FILE_START), 500, "", "");
	node.answer = TR_CONTROL_REFUSED;
	assert_answer(ask(START, JSON, FILE_START), 500, "", "");
}

static void start_names_what_the_kind_lacks(void **state)
{
	const char *type = "text/plain; charset=UTF-8";

	assert_answer(ask(START, JSON, "{\"sessionId\":\"s\",\"sinkType\":\"file\"," CALL "}"), 412,
		type, "Call login params missing");
	assert_answer(ask(START, JSON, "{\"sessionId\":\"s\",\"sinkType\":\"stream\"," CALL "}"),
		412, type, "Stream key missing");
	assert_answer(
		ask(START, JSON,
			"{\"sessionId\":\"s\",\"sinkType\":\"Stream\",\"youTubeStreamKey\":\"k\"," CALL
			",\"callLoginParams\":null}"),
		412, type, "Call login params missing");
	assert_answer(ask(START, JSON, "{\"sessionId\":\"s\",\"sinkType\":\"gateway\"," CALL "}"),
		412, type, "SIP client params missing");
	assert_int_equal(node.starts, 0);
}

static void a_gateway_cannot_be_started_here(void **state)
{
	assert_refused_as_wrong("{\"sessionId\":\"s\",\"sinkType\":\"GATEWAY\"," CALL
				",\"sipClientParams\":{\"sipAddress\":\"a@b\"}}");
}

static void start_says_500_to_what_jibri_cannot_parse(void **state)
{
	assert_refused_as_wrong("");
	assert_refused_as_wrong("{");
	assert_refused_as_wrong("[]");
	assert_refused_as_wrong("{\"sessionId\":\"s\"}");
	assert_refused_as_wrong("{\"sinkType\":\"file\"," CALL "," LOGIN "}");
	assert_refused_as_wrong("{\"sessionId\":\"s\",\"sinkType\":\"file\"," LOGIN "}");
	assert_refused_as_wrong("{\"sessionId\":\"s\"," CALL "," LOGIN "}");
	assert_refused_as_wrong("{\"sessionId\":\"s\",\"sinkType\":\"tape\"," CALL "," LOGIN "}");
	assert_refused_as_wrong("{\"sessionId\":7,\"sinkType\":\"file\"," CALL "," LOGIN "}");
	assert_refused_as_wrong("{\"sessionId\":\"\",\"sinkType\":\"file\"," CALL "," LOGIN "}");
	assert_refused_as_wrong(
		"{\"sessionId\":\"s\",\"sinkType\":\"file\"," CALL "," LOGIN ",\"more\":1}");
	assert_refused_as_wrong("{\"sessionId\":\"s\",\"sinkType\":\"file\"," CALL
				",\"callLoginParams\":{\"domain\":\"d\",\"username\":\"u\"}}");
	assert_refused_as_wrong("{\"sessionId\":\"s\",\"sinkType\":\"file\",\"callParams\":{"
				"\"callUrlInfo\":{\"baseUrl\":\"https://x\"}}," LOGIN "}");
}

static void start_wants_its_body_called_json(void **state)
{
	assert_answer(ask(START, "", FILE_START), 500, "", "");
	assert_answer(ask(START, "Content-Type: text/plain\r\n", FILE_START), 500, "", "");
	assert_answer(ask(START, "Content-Type: application/jsonp\r\n", FILE_START), 500, "", "");
	assert_int_equal(node.starts, 0);
}

static void start_stream(const char *key)
{
	char body[1000];

	snprintf(body, sizeof(body),
		"{\"sessionId\":\"s\",\"sinkType\":\"stream\",\"youTubeStreamKey\":\"%s\"," CALL
		"," LOGIN "}",
		key);
	node.stream_url[0] = '\0';
	ask(START, JSON, body);
}

static void a_stream_goes_where_its_key_says(void **state)
{
	start_stream("rtmp://live.example.org/app/key");
	assert_int_equal(node.last.kind, TR_CONTROL_STREAM);
	assert_string_equal(node.stream_url, "rtmp://live.example.org/app/key");
	start_stream("RTMPS://live.example.org/app/key");
	assert_string_equal(node.stream_url, "RTMPS://live.example.org/app/key");
	start_stream("abcd-1234");
	assert_string_equal(node.stream_url, "rtmp://a.rtmp.youtube.com/live2/abcd-1234");
	start_stream("file:///etc/passwd");
	assert_string_equal(node.stream_url, "");
	start_stream("a b");
	assert_string_equal(node.stream_url, "");
	assert_int_equal(node.starts, 3);
}

static int start_call(const char *base_url, const char *call_name)
{
	char body[1000];

	snprintf(body, sizeof(body),
		"{\"sessionId\":\"s\",\"sinkType\":\"file\",\"callParams\":{\"callUrlInfo\":{"
		"\"baseUrl\":\"%s\",\"callName\":\"%s\"}}," LOGIN "}",
		base_url, call_name);
	return ask(START, JSON, body);
}

static void a_calls_name_becomes_part_of_a_url(void **state)
{
	assert_int_equal(start_call("https://m.example", "Bücher & Co#x?y%2f"), 200);
	assert_string_equal(node.meeting_url, "https://m.example/B%C3%BCcher%20&%20Co%23x%3Fy%2f");
	assert_string_equal(node.call_name, "Bücher & Co#x?y%2f");
	assert_int_equal(start_call("http://m.example:8443/x//", "tenant/room"), 200);
	assert_string_equal(node.meeting_url, "http://m.example:8443/x/tenant/room");
	assert_string_equal(node.call_name, "room");
}

static void a_call_that_is_no_room_of_a_web_site_is_refused(void **state)
{
	static const char *const wrong[][2] = {
		{"https://m.example", ""},
		{"https://m.example", ".."},
		{"https://m.example", "a/../../b"},
		{"https://m.example", "/etc"},
		{"https://m.example", "a\\nb"},
		{"file:///etc", "passwd"},
		{"javascript:alert(1)//", "x"},
		{"https://", "x"},
		{"https://m.example/?a=", "x"},
		{"https://m.example/#a=", "x"},
		{"https://m .example", "x"},
	};

	for (unsigned i = 0; i < TR_COUNT(wrong); i++)
		assert_int_equal(start_call(wrong[i][0], wrong[i][1]), 500);
	assert_int_equal(node.starts, 0);
}

/* ---- stopService ---- */

static void stop_answers_at_once_when_nothing_runs(void **state)
{
	assert_answer(ask(STOP, "", ""), 200, "", "");
	assert_int_equal(node.stops, 1);
}

static void stop_answers_when_all_that_ran_is_over(void **state)
{
	tr_jibri_http_session_began(node.http, "one");
	tr_jibri_http_session_began(node.http, "two");
	http_client_open(&node.client, node.event, tr_jibri_http_external_port(node.http));
	http_client_send(&node.client, STOP " HTTP/1.1\r\nHost: x\r\n\r\n",
		strlen(STOP " HTTP/1.1\r\nHost: x\r\n\r\n"));
	while (node.stops == 0)
		assert_true(sd_event_run(node.event, 100000) >= 0);
	tr_jibri_http_session_over(node.http, "two");
	tr_jibri_http_session_over(node.http, "nobody");
	tr_jibri_http_session_began(node.http, "three"); /* after the stop: not waited for */
	assert_false(http_client_hears_within(&node.client, 200));
	tr_jibri_http_session_over(node.http, "one");
	assert_int_equal(http_client_wait(&node.client), 200);
	assert_string_equal(http_client_body(&node.client), "");
}

static void a_waiting_stop_holds_up_nobody(void **state)
{
	static const char stop[] = STOP " HTTP/1.1\r\nHost: x\r\n\r\n";

	tr_jibri_http_session_began(node.http, "one");
	http_client_open(&node.other, node.event, tr_jibri_http_external_port(node.http));
	http_client_send(&node.other, stop, strlen(stop));
	assert_int_equal(ask(HEALTH, "", ""), 200);
	assert_int_equal(node.stops, 1);
	tr_jibri_http_session_over(node.http, "one");
	assert_int_equal(http_client_wait(&node.other), 200);
	assert_int_equal(ask(HEALTH, "", ""), 200);
}

static void a_server_that_ends_closes_a_waiting_stop(void **state)
{
	static const char stop[] = STOP " HTTP/1.1\r\nHost: x\r\n\r\n";

	tr_jibri_http_session_began(node.http, "one");
	http_client_open(&node.client, node.event, tr_jibri_http_external_port(node.http));
	http_client_send(&node.client, stop, strlen(stop));
	while (node.stops == 0)
		assert_true(sd_event_run(node.event, 100000) >= 0);
	tr_jibri_http_destroy(node.http);
	node.http = NULL;
	assert_int_equal(http_client_wait(&node.client), 0);
}

static void an_answer_leaves_even_when_the_server_ends_at_once(void **state)
{
	static const char stop[] = STOP " HTTP/1.1\r\nHost: x\r\n\r\n";

	tr_jibri_http_session_began(node.http, "one");
	http_client_open(&node.client, node.event, tr_jibri_http_external_port(node.http));
	http_client_send(&node.client, stop, strlen(stop));
	while (node.stops == 0)
		assert_true(sd_event_run(node.event, 100000) >= 0);
	tr_jibri_http_session_over(node.http, "one");
	tr_jibri_http_destroy(node.http);
	node.http = NULL;
	assert_int_equal(http_client_wait(&node.client), 200);
}

static void a_client_that_leaves_while_it_waits_does_no_harm(void **state)
{
	static const char stop[] = STOP " HTTP/1.1\r\nHost: x\r\n\r\n";

	tr_jibri_http_session_began(node.http, "one");
	http_client_open(&node.other, node.event, tr_jibri_http_external_port(node.http));
	http_client_send(&node.other, stop, strlen(stop));
	while (node.stops == 0)
		assert_true(sd_event_run(node.event, 100000) >= 0);
	http_client_close(&node.other);
	tr_jibri_http_session_over(node.http, "one");
	assert_int_equal(ask(HEALTH, "", ""), 200);
}

/* ---- the internal API ---- */

static void turn_until(const int *count)
{
	int64_t deadline_ns = tr_clock_now_ns() + 60 * TR_NS_PER_S;

	while (*count == 0) {
		assert_true(tr_clock_now_ns() < deadline_ns);
		assert_true(sd_event_run(node.event, 100000) >= 0);
	}
}

static void graceful_shutdown_stays_down(void **state)
{
	assert_answer(ask_internal(INTERNAL "gracefulShutdown"), 200, "", "");
	turn_until(&node.exits);
	assert_int_equal(node.exit_code, 255);
	assert_int_equal(node.shut_downs, 0);
}

static void notify_config_changed_restarts(void **state)
{
	node.exit_code = -1;
	assert_answer(ask_internal(INTERNAL "notifyConfigChanged"), 200, "", "");
	turn_until(&node.exits);
	assert_int_equal(node.exit_code, 0);
	assert_int_equal(node.shut_downs, 0);
}

static void shutdown_ends_what_runs(void **state)
{
	assert_answer(ask_internal(INTERNAL "shutdown"), 200, "", "");
	turn_until(&node.shut_downs);
	assert_int_equal(node.exit_code, 255);
	assert_int_equal(node.exits, 0);
}

static void a_reload_does_not_undo_a_shutdown(void **state)
{
	assert_int_equal(ask_internal(INTERNAL "gracefulShutdown"), 200);
	turn_until(&node.exits);
	assert_int_equal(ask_internal(INTERNAL "notifyConfigChanged"), 200);
	assert_int_equal(ask(HEALTH, "", ""), 200);
	assert_int_equal(ask(HEALTH, "", ""), 200);
	assert_int_equal(node.exits, 1);
	assert_int_equal(node.exit_code, 255);
}

/* ---- hard clients ---- */

static void a_web_page_may_not_post(void **state)
{
	assert_int_equal(ask(STOP, "Origin: https://evil.example\r\n", ""), 403);
	assert_int_equal(ask(START, "Origin: null\r\n" JSON, FILE_START), 403);
	assert_int_equal(node.stops + node.starts, 0);
	assert_int_equal(ask(HEALTH, "Origin: https://board.example\r\n", ""), 200);
}

static void send_large(size_t size)
{
	static char block[65536];
	char head[200];

	http_client_open(&node.client, node.event, tr_jibri_http_external_port(node.http));
	snprintf(head, sizeof(head),
		START " HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: %zu\r\n\r\n", size);
	assert_true(http_client_send(&node.client, head, strlen(head)));
	memset(block, ' ', sizeof(block));
	while (size > 0) {
		size_t step = size < sizeof(block) ? size : sizeof(block);
		assert_true(http_client_send(&node.client, block, step));
		size -= step;
	}
}

static void a_body_is_read_up_to_a_mebibyte(void **state)
{
	send_large(1 << 20);
	assert_int_equal(http_client_wait(&node.client), 500); /* spaces are no JSON */
	http_client_close(&node.client);
	send_large((1 << 20) + 1);
	assert_int_equal(http_client_wait(&node.client), 413);
	http_client_close(&node.client);
	send_large(3 << 20);
	assert_int_equal(http_client_wait(&node.client), 413);
	assert_string_equal(http_client_body(&node.client), "");
}

static void requests_may_come_in_pieces_and_one_after_the_other(void **state)
{
	static const char two[] = HEALTH " HTTP/1.1\r\nHost: x\r\n\r\n" STOP
					 " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";

	http_client_open(&node.client, node.event, tr_jibri_http_external_port(node.http));
	for (const char *c = two; *c; c++)
		assert_true(http_client_send(&node.client, c, 1));
	assert_int_equal(http_client_wait(&node.client), 200);
	assert_non_null(strstr(http_client_body(&node.client), "busyStatus"));
	assert_int_equal(http_client_wait(&node.client), 200);
	assert_int_equal(node.stops, 1);
}

static void a_body_may_come_in_chunks(void **state)
{
	static const char head[] =
		START " HTTP/1.1\r\nHost: x\r\n" JSON "Transfer-Encoding: chunked\r\n\r\n";
	char chunk[sizeof(FILE_START) + 32];

	http_client_open(&node.client, node.event, tr_jibri_http_external_port(node.http));
	http_client_send(&node.client, head, strlen(head));
	for (const char *c = FILE_START; *c; c += 10) {
		int size = (int)strnlen(c, 10);
		snprintf(chunk, sizeof(chunk), "%x\r\n%.*s\r\n", size, size, c);
		assert_true(http_client_send(&node.client, chunk, strlen(chunk)));
		if (size < 10)
			break;
	}
	http_client_send(&node.client, "0\r\n\r\n", 5);
	assert_int_equal(http_client_wait(&node.client), 200);
	assert_string_equal(node.session_id, "one");
}

static void a_client_may_ask_before_it_sends_its_body(void **state)
{
	char head[300];

	snprintf(head, sizeof(head),
		START " HTTP/1.1\r\nHost: x\r\n" JSON
		      "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
		strlen(FILE_START));
	http_client_open(&node.client, node.event, tr_jibri_http_external_port(node.http));
	http_client_send(&node.client, head, strlen(head));
	assert_int_equal(http_client_wait(&node.client), 100);
	http_client_send(&node.client, FILE_START, strlen(FILE_START));
	assert_int_equal(http_client_wait(&node.client), 200);
	assert_int_equal(node.starts, 1);
}

static int start_hasty_node(void **state)
{
	serve(1);
	return 0;
}

static void a_client_that_falls_silent_is_closed(void **state)
{
	http_client_open(&node.client, node.event, tr_jibri_http_external_port(node.http));
	http_client_send(&node.client, "GET /jib", 8);
	int status = http_client_wait(&node.client);
	assert_true(status == 0 || status == 408);
	assert_int_equal(ask(HEALTH, "", ""), 200);
}

static void a_body_that_trickles_is_closed(void **state)
{
	static const char head[] = START " HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
	int64_t deadline_ns = tr_clock_now_ns() + 60 * TR_NS_PER_S;

	http_client_open(&node.client, node.event, tr_jibri_http_external_port(node.http));
	http_client_send(&node.client, head, strlen(head));
	while (http_client_send(&node.client, " ", 1))
		assert_true(tr_clock_now_ns() < deadline_ns);
	assert_int_equal(node.starts, 0);
}

static void what_is_no_http_is_refused(void **state)
{
	http_client_open(&node.client, node.event, tr_jibri_http_external_port(node.http));
	http_client_send(&node.client, "\x16\x03\x01\x02\r\n\r\n", 8);
	int status = http_client_wait(&node.client);
	assert_true(status == 0 || status >= 400);
	assert_int_equal(ask(HEALTH, "", ""), 200);
}

/* ---- the listeners ---- */

static void a_port_in_use_is_an_error(void **state)
{
	const struct tr_jibri_http_settings settings = {
		.bind = "127.0.0.1",
		.external_port = tr_jibri_http_external_port(node.http),
		.internal_port = -1,
	};
	struct tr_jibri_http *second = NULL;

	assert_int_equal(
		tr_jibri_http_create(node.event, &settings, &actions, &second), -EADDRINUSE);
	assert_null(second);
}

static void a_name_is_no_address(void **state)
{
	const struct tr_jibri_http_settings settings = {.bind = "jibri.example.org"};
	struct tr_jibri_http *second = NULL;

	assert_int_equal(tr_jibri_http_create(node.event, &settings, &actions, &second), -EINVAL);
}

static void an_api_that_is_not_wanted_is_not_served(void **state)
{
	const struct tr_jibri_http_settings settings = {
		.bind = "localhost", .external_port = -1, .internal_port = 0};
	struct tr_jibri_http *second = NULL;

	assert_int_equal(tr_jibri_http_create(node.event, &settings, &actions, &second), 0);
	assert_int_equal(tr_jibri_http_external_port(second), -1);
	assert_true(tr_jibri_http_internal_port(second) > 0);
	tr_jibri_http_destroy(second);
}

static int print_metrics(void *user, char **ret_text)
{
	if (user)
		return -ENOMEM;
	*ret_text = strdup("telerec_healthy 1\n");
	return 0;
}

static void metrics_are_answered_where_they_are_wanted(void **state)
{
	struct tr_jibri_http_settings settings = {
		.bind = "127.0.0.1", .internal_port = -1, .print_metrics = print_metrics};
	struct tr_jibri_http *second = NULL;
	char type[100];

	assert_int_equal(http_client_ask(&node.client, node.event,
				 tr_jibri_http_external_port(node.http), "GET /metrics", "", ""),
		404);
	http_client_close(&node.client);
	assert_int_equal(tr_jibri_http_create(node.event, &settings, &actions, &second), 0);
	assert_int_equal(http_client_ask(&node.client, node.event,
				 tr_jibri_http_external_port(second), "GET /metrics", "", ""),
		200);
	assert_string_equal(http_client_body(&node.client), "telerec_healthy 1\n");
	http_client_header(&node.client, "Content-Type", type, sizeof(type));
	assert_string_equal(type, "text/plain; version=0.0.4; charset=utf-8");
	http_client_close(&node.client);
	tr_jibri_http_destroy(second);
	settings.user = &node;
	assert_int_equal(tr_jibri_http_create(node.event, &settings, &actions, &second), 0);
	assert_int_equal(http_client_ask(&node.client, node.event,
				 tr_jibri_http_external_port(second), "GET /metrics", "", ""),
		500);
	tr_jibri_http_destroy(second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_node, end_node)
#define HASTY(name) cmocka_unit_test_setup_teardown(name, start_hasty_node, end_node)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(health_has_jibris_members_in_jibris_order),
		TEST(health_names_the_environment_of_what_runs),
		TEST(health_tells_why_it_is_bad),
		TEST(other_paths_and_methods_are_refused_as_ktor_does),
		TEST(start_hands_over_what_a_file_needs),
		TEST(start_takes_all_members_that_jibri_knows),
		TEST(start_says_412_when_busy),
		TEST(start_says_500_when_it_cannot),
		TEST(start_names_what_the_kind_lacks),
		TEST(a_gateway_cannot_be_started_here),
		TEST(start_says_500_to_what_jibri_cannot_parse),
		TEST(start_wants_its_body_called_json),
		TEST(a_stream_goes_where_its_key_says),
		TEST(a_calls_name_becomes_part_of_a_url),
		TEST(a_call_that_is_no_room_of_a_web_site_is_refused),
		TEST(stop_answers_at_once_when_nothing_runs),
		TEST(stop_answers_when_all_that_ran_is_over),
		TEST(a_waiting_stop_holds_up_nobody),
		TEST(a_server_that_ends_closes_a_waiting_stop),
		TEST(an_answer_leaves_even_when_the_server_ends_at_once),
		TEST(a_client_that_leaves_while_it_waits_does_no_harm),
		TEST(graceful_shutdown_stays_down),
		TEST(notify_config_changed_restarts),
		TEST(shutdown_ends_what_runs),
		TEST(a_reload_does_not_undo_a_shutdown),
		TEST(a_web_page_may_not_post),
		TEST(a_body_is_read_up_to_a_mebibyte),
		TEST(requests_may_come_in_pieces_and_one_after_the_other),
		TEST(a_body_may_come_in_chunks),
		TEST(a_client_may_ask_before_it_sends_its_body),
		HASTY(a_client_that_falls_silent_is_closed),
		HASTY(a_body_that_trickles_is_closed),
		TEST(what_is_no_http_is_refused),
		TEST(a_port_in_use_is_an_error),
		TEST(a_name_is_no_address),
		TEST(an_api_that_is_not_wanted_is_not_served),
		TEST(metrics_are_answered_where_they_are_wanted),
	};
	return cmocka_run_group_tests_name("jibri_http", tests, NULL, NULL);
}
