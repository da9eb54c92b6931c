#include "test.h"

#include "api_source.h"
#include "curl.h"
#include "http_client.h"
#include "sample_events.h"

#include "control/node_api_internal.h"
#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TOKEN "0123456789abcdef"
#define JSON "Content-Type: application/json\r\n"
#define TEXT "Content-Type: text/plain\r\n"

static struct {
	sd_event *event;
	struct api_source source;
	struct tr_node_api *api;
	struct http_client client, other;
	json_t *answer; /* of the last one */
	char socket[100];
} node;

static struct tr_node_api_settings make_settings(const char *token)
{
	return (struct tr_node_api_settings){
		.socket_path = "",
		.socket_mode = 0660,
		.bind = "127.0.0.1",
		.name = "Recorder.example.org",
		.token = token,
		.certificate_file = "",
		.key_file = "",
		.heartbeat_ms = 20,
	};
}

static int begin(void **state)
{
	memset(&node, 0, sizeof(node));
	node.client.fd = node.other.fd = -1;
	assert_true(sd_event_new(&node.event) >= 0);
	api_source_begin(&node.source);
	snprintf(node.socket, sizeof(node.socket), "%s/socket", node.source.folder);
	return 0;
}

static void serve(const char *token)
{
	struct tr_node_api_settings settings = make_settings(token);

	settings.socket_path = node.socket;
	assert_int_equal(
		tr_node_api_create(node.event, &settings, &node.source.source, &node.api), 0);
}

static int begin_open(void **state)
{
	begin(state);
	serve("");
	return 0;
}

static int begin_guarded(void **state)
{
	begin(state);
	serve(TOKEN);
	return 0;
}

static int end(void **state)
{
	json_decref(node.answer);
	tr_node_api_destroy(node.api);
	http_client_close(&node.client);
	http_client_close(&node.other);
	api_source_end(&node.source);
	sd_event_unref(node.event);
	return 0;
}

/* Over TCP, with a Host of our own when the head has one. */
static int ask_with(const char *line, const char *head, const char *body)
{
	char text[8192];

	http_client_open(&node.client, node.event, tr_node_api_port(node.api));
	int size = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nContent-Length: %zu\r\n%s%s\r\n%s",
		line, strlen(body), strstr(head, "Host: ") ? "" : "Host: localhost\r\n", head,
		body);
	assert_true(size < (int)sizeof(text));
	assert_true(http_client_send(&node.client, text, (size_t)size));
	int status = http_client_wait(&node.client);
	http_client_close(&node.client);
	json_decref(node.answer);
	node.answer = json_loads(http_client_body(&node.client), 0, NULL);
	return status;
}

static int ask(const char *line)
{
	return ask_with(line, "", "");
}

/* A member of the answer by its way: "disk", "slots.1.session". */
static json_t *find(const char *way)
{
	json_t *value = node.answer;
	char words[100];

	snprintf(words, sizeof(words), "%s", way);
	for (char *rest = words, *word; (word = strsep(&rest, "."));)
		value = json_is_array(value) ? json_array_get(value, strtoul(word, NULL, 10))
					     : json_object_get(value, word);
	return value;
}

static const char *text_at(const char *way)
{
	const char *text = json_string_value(find(way));
	assert_non_null(text);
	return text;
}

static json_int_t number_at(const char *way)
{
	assert_true(json_is_integer(find(way)));
	return json_integer_value(find(way));
}

/* ---- who may ask ---- */

static void hosts_are_ours_by_address_or_by_our_names(void **state)
{
	static const char *const ours[] = {"127.0.0.1", "127.0.0.1:80", "192.0.2.7:1", "[::1]",
		"[2001:db8::1]:8080", "localhost", "LOCALHOST:2", "rec.example.org:3", "a:"};
	static const char *const foreign[] = {"", ":80", "evil.example", "evil.example:80",
		"localhost.evil.example", "127.0.0.1.evil.example", "[::1", "[::1]x", "::1", "[]",
		"127.0.0.1:80:90", "127.0.0.1:x", "[127.0.0.1]", "[localhost]", "127.1", "1"};

	for (unsigned i = 0; i < TR_COUNT(ours); i++)
		assert_int_equal(tr_node_api_access_host_is_ours(ours[i],
					 i == TR_COUNT(ours) - 1 ? "A" : "rec.example.org"),
			1);
	for (unsigned i = 0; i < TR_COUNT(foreign); i++)
		assert_int_equal(tr_node_api_access_host_is_ours(foreign[i], ""), 0);
	assert_false(tr_node_api_access_host_is_ours(NULL, ""));
}

static void a_token_is_right_as_a_whole(void **state)
{
	assert_true(tr_node_api_access_has_token("Bearer " TOKEN, TOKEN));
	assert_true(tr_node_api_access_has_token("bearer  " TOKEN, TOKEN));
	assert_false(tr_node_api_access_has_token(NULL, TOKEN));
	assert_false(tr_node_api_access_has_token("", TOKEN));
	assert_false(tr_node_api_access_has_token("Bearer", TOKEN));
	assert_false(tr_node_api_access_has_token("Bearer ", TOKEN));
	assert_false(tr_node_api_access_has_token("Bearer " TOKEN "x", TOKEN));
	assert_false(tr_node_api_access_has_token("Bearer " TOKEN TOKEN, TOKEN));
	assert_false(tr_node_api_access_has_token("Bearer 0123456789abcde", TOKEN));
	assert_false(tr_node_api_access_has_token("Basic " TOKEN, TOKEN));
	assert_false(tr_node_api_access_has_token(TOKEN, TOKEN));
	assert_false(tr_node_api_access_has_token("Bearer ", ""));
}

static void web_pages_may_not_ask(void **state)
{
	assert_int_equal(ask("GET /v1/node"), 200);
	assert_int_equal(ask_with("GET /v1/node", "Origin: null\r\n", ""), 403);
	assert_int_equal(ask_with("GET /v1/node", "Sec-Fetch-Site: cross-site\r\n", ""), 403);
	assert_int_equal(ask_with("GET /v1/node", "Sec-Fetch-Site: none\r\n", ""), 200);
	assert_int_equal(ask_with("GET /v1/node", "Host: evil.example\r\n", ""), 403);
	assert_int_equal(ask_with("GET /v1/node", "Host: recorder.example.org:80\r\n", ""), 200);
	assert_int_equal(
		ask_with("POST /v1/drain", "Origin: http://127.0.0.1\r\n" JSON, "{}"), 403);
	assert_false(node.source.is_draining);
}

static void with_a_token_it_is_asked_for_and_enough(void **state)
{
	assert_int_equal(ask_with("GET /v1/node",
				 "Host: any.example\r\nAuthorization: Bearer " TOKEN "\r\n", ""),
		200);
	assert_int_equal(ask("GET /v1/node"), 401);
	assert_string_equal(text_at("error.sentence"),
		"The token is missing or wrong: send \"Authorization: Bearer TOKEN\" with "
		"api.token of this node's secrets.conf");
}

static void wrong_tokens_wait_and_hold_up_nobody(void **state)
{
	static const char wrong[] = "GET /v1/node HTTP/1.1\r\nHost: x\r\n"
				    "Authorization: Bearer no\r\n\r\n";

	http_client_open(&node.other, node.event, tr_node_api_port(node.api));
	assert_true(http_client_send(&node.other, wrong, strlen(wrong)));
	int64_t before_ns = tr_clock_now_ns();
	while (node.api->refusal_count == 0)
		assert_true(sd_event_run(node.event, 10000) >= 0);
	assert_int_equal(ask_with("GET /v1/node", "Authorization: Bearer " TOKEN "\r\n", ""), 200);
	assert_int_equal(http_client_wait(&node.other), 401);
	assert_true(tr_clock_now_ns() - before_ns > TR_NS_PER_S / 2);
}

static void a_node_may_end_while_wrong_tokens_wait(void **state)
{
	static const char wrong[] = "GET /v1/node HTTP/1.1\r\nHost: x\r\n\r\n";

	http_client_open(&node.other, node.event, tr_node_api_port(node.api));
	assert_true(http_client_send(&node.other, wrong, strlen(wrong)));
	while (node.api->refusal_count == 0)
		assert_true(sd_event_run(node.event, 10000) >= 0);
	tr_node_api_destroy(node.api);
	node.api = NULL;
	assert_int_equal(http_client_wait(&node.other), 0);
}

static void the_socket_asks_for_no_token(void **state)
{
	static const char line[] = "GET /v1/node HTTP/1.1\r\nHost: whatever\r\n\r\n";
	struct stat st;

	assert_int_equal(stat(node.socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	http_client_open_socket(&node.client, node.event, node.socket);
	assert_true(http_client_send(&node.client, line, strlen(line)));
	assert_int_equal(http_client_wait(&node.client), 200);
}

static void pages_of_other_sites_may_not_come_by_a_proxy(void **state)
{
	static const char line[] =
		"POST /v1/drain HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: cross-site\r\n\r\n";

	http_client_open_socket(&node.client, node.event, node.socket);
	assert_true(http_client_send(&node.client, line, strlen(line)));
	assert_int_equal(http_client_wait(&node.client), 403);
	assert_false(node.source.is_draining);
}

static int create(const char *bind, const char *token, const char *certificate, const char *key)
{
	struct tr_node_api_settings settings = make_settings(token);

	settings.bind = bind;
	settings.certificate_file = certificate;
	settings.key_file = key;
	return tr_node_api_create(node.event, &settings, &node.source.source, &node.api);
}

static void an_open_address_needs_tls_and_a_token(void **state)
{
	assert_int_equal(create("0.0.0.0", "", "", ""), -EINVAL);
	assert_int_equal(create("0.0.0.0", TOKEN, "", ""), -EINVAL);
	assert_int_equal(create("::", TOKEN, "", ""), -EINVAL);
	assert_int_equal(create("192.0.2.1", "", "/c", "/k"), -EINVAL);
	assert_int_equal(create("127.0.0.1", "", "/c", ""), -EINVAL);
	assert_int_equal(create("127.0.0.1", "short", "", ""), -EINVAL);
	assert_int_equal(create("0.0.0.0", TOKEN, "/nonexistent/c", "/nonexistent/k"), -ENOENT);
	assert_int_equal(create("127.0.0.2", "", "", ""), 0);
}

static int run_shell(const char *command)
{
	const char *argv[] = {"sh", "-c", command, NULL};
	return curl_run_program(node.event, argv);
}

static void an_open_address_is_served_with_tls_and_a_token(void **state)
{
	char certificate[100], key[100], command[600];

	snprintf(certificate, sizeof(certificate), "%s/certificate", node.source.folder);
	snprintf(key, sizeof(key), "%s/key", node.source.folder);
	curl_make_certificate(node.event, certificate, key);
	assert_int_equal(create("0.0.0.0", TOKEN, certificate, key), 0);
	snprintf(command, sizeof(command),
		"u=https://127.0.0.1:%d t='Authorization: Bearer " TOKEN
		"' c='curl -sqf --cacert %s'\n"
		"$c -H \"$t\" $u/v1/recordings/sunday/files/movie.mp4 | cmp - %s/movie.mp4 &&\n"
		"$c -N -H \"$t\" $u/v1/events | grep -qm1 'event: hello' && ! $c $u/v1/node",
		tr_node_api_port(node.api), certificate, node.source.folder);
	if (run_shell("command -v curl >/dev/null") != 0)
		skip();
	assert_int_equal(run_shell(command), 0);
}

/* ---- paths, queries and bodies ---- */

static void other_paths_are_none(void **state)
{
	static const char *const paths[] = {"GET /", "GET /v1", "GET /v2/node", "GET /v1/node/",
		"GET /v1//node", "GET /v1/slots/", "GET /v1/recordings/.hidden",
		"GET /v1/recordings/..", "GET /v1/recordings/%2e%2e/files/movie.mp4",
		"GET /v1/recordings/sunday/files/..%2f..%2fetc%2fpasswd",
		"GET /v1/recordings/sunday/files/.state", "GET /v1/recordings/a%0ab",
		"GET /v1/recordings/a/b/c/d/e/f/g/h/i/j", "GET /v1/slots/1/preview"};

	for (unsigned i = 0; i < TR_COUNT(paths); i++)
		assert_int_equal(ask(paths[i]), 404);
}

static void slots_are_numbers_that_there_are(void **state)
{
	static const char *const slots[] = {"0", "-1", "4", "99999999999999999999", "1x", "%31%20"};
	char line[100];

	assert_int_equal(ask("GET /v1/slots/%31"), 200);
	assert_int_equal(number_at("slot"), 1);
	for (unsigned i = 0; i < TR_COUNT(slots); i++) {
		snprintf(line, sizeof(line), "GET /v1/slots/%s", slots[i]);
		assert_int_equal(ask(line), 404);
	}
}

static void a_wrong_parameter_is_named(void **state)
{
	assert_int_equal(ask("GET /v1/recordings?limit=0"), 400);
	assert_string_equal(text_at("error.parameter"), "limit");
	assert_string_equal(text_at("error.sentence"), "limit is a number from 1 to 1000");
	assert_int_equal(ask("GET /v1/recordings?state=gone"), 400);
	assert_string_equal(
		text_at("error.sentence"), "state is one of recording, finishing, done, failed");
	assert_int_equal(ask("GET /v1/slots?verbose=1"), 400);
	assert_string_equal(text_at("error.parameter"), "verbose");
}

static void a_body_must_be_called_what_it_is(void **state)
{
	assert_int_equal(ask_with("POST /v1/drain", "", "{}"), 415);
	assert_int_equal(ask_with("POST /v1/drain", TEXT, "{}"), 415);
	assert_int_equal(ask_with("DELETE /v1/recordings/sunday",
				 "Content-Type: application/x-www-form-urlencoded\r\n", ""),
		415);
	assert_int_equal(ask_with("PUT /v1/config", "", "slots = 1;"), 415);
	assert_int_equal(ask_with("PUT /v1/config", JSON, "slots = 1;"), 415);
	assert_int_equal(node.source.removals + node.source.writes, 0);
	assert_int_equal(ask_with("POST /v1/drain",
				 "Content-Type: Application/JSON; charset=utf-8\r\n", "{}"),
		200);
}

static void a_body_has_its_members_only(void **state)
{
	static const char *const bodies[] = {"[]", "{", "1", "{\"leave\":true,\"leave\":true}",
		"{\"leave\":\"yes\"}", "{\"more\":1}"};

	for (unsigned i = 0; i < TR_COUNT(bodies); i++)
		assert_int_equal(ask_with("POST /v1/drain", JSON, bodies[i]), 400);
	assert_string_equal(text_at("error.parameter"), "more");
	assert_int_equal(
		ask_with("POST /v1/sessions/the-stream/stop", JSON, "{\"force\":true}"), 400);
	assert_int_equal(node.source.stops, 0);
}

static void what_is_said_of_a_wrong_body_quotes_no_secret(void **state)
{
	assert_int_equal(ask_with("POST /v1/sessions", JSON,
				 "{\"url\":\"https://a/b\",\"stream\":\"rtmp://h/k\" s3cr3t"),
		400);
	assert_null(strstr(http_client_body(&node.client), "s3cr3t"));
	assert_null(strstr(http_client_body(&node.client), "rtmp"));
}

/* ---- what is shown ---- */

static void the_node_tells_of_its_parts(void **state)
{
	assert_int_equal(ask("GET /v1/node"), 200);
	assert_string_equal(text_at("id"), "telerec-1");
	assert_int_equal(number_at("slot_count"), 3);
	assert_int_equal(number_at("slots_busy"), 2);
	assert_int_equal(number_at("slots_healthy"), 3);
	assert_string_equal(text_at("disk.state"), "low");
	assert_string_equal(text_at("links.0.state"), "present");
	assert_true(json_is_true(find("links.0.has_focus")));
	assert_string_equal(text_at("links.2.state"), "offline");
	assert_int_equal(number_at("counts.refused_busy"), 4);
}

static void a_slot_tells_of_its_session_and_streams(void **state)
{
	assert_int_equal(ask("GET /v1/slots"), 200);
	assert_string_equal(text_at("slots.0.session.state"), "on");
	assert_int_equal(number_at("slots.0.session.progress.frames_dropped"), 3);
	assert_int_equal(number_at("slots.0.session.meeting.participants"), 4);
	assert_string_equal(text_at("slots.1.session.streams.1.state"), "waiting");
	assert_int_equal(number_at("slots.1.session.streams.1.reconnects"), 2);
	assert_int_equal(number_at("slots.1.session.streams.1.queued_ms"), 1500);
	assert_true(json_is_null(find("slots.1.session.progress")));
	assert_true(json_is_null(find("slots.2.session")));
	assert_string_equal(text_at("slots.1.problem"), "caf\xc3\xa9 ?"); /* it was cut */
}

static void what_is_not_documented_does_not_get_out(void **state)
{
	static const char *const lines[] = {"GET /v1/sessions", "GET /v1/recordings",
		"GET /v1/recordings/sunday", "GET /v1/config"};

	for (unsigned i = 0; i < TR_COUNT(lines); i++) {
		assert_int_equal(ask(lines[i]), 200);
		assert_null(strstr(http_client_body(&node.client), "hush"));
	}
}

static void what_the_daemon_does_not_say_is_empty(void **state)
{
	assert_int_equal(ask("GET /v1/sessions/a-bare-one"), 200);
	assert_string_equal(text_at("reason"), "");
	assert_int_equal(number_at("bytes"), 0);
	assert_true(json_is_false(find("is_over")));
	assert_int_equal(ask("GET /v1/recordings/saturday"), 200);
	assert_true(json_is_null(find("report")));
}

static void what_the_daemon_cannot_do_is_said(void **state)
{
	node.source.source.preview = NULL;
	node.source.source.read_log = NULL;
	node.source.source.start = NULL;
	assert_int_equal(ask("GET /v1/slots/1/preview.jpg"), 501);
	assert_int_equal(ask("GET /v1/logs"), 501);
	assert_int_equal(ask_with("POST /v1/sessions", JSON, "{\"url\":\"https://a/b\"}"), 501);
}

static void recordings_are_searched_and_cut(void **state)
{
	assert_int_equal(ask("GET /v1/recordings?limit=1&offset=1"), 200);
	assert_int_equal(number_at("total"), 3);
	assert_int_equal(json_array_size(find("recordings")), 1);
	assert_string_equal(text_at("recordings.0.id"), "sunday");
	assert_int_equal(ask("GET /v1/recordings?state=done&search=SATUR+standup"), 200);
	assert_int_equal(number_at("total"), 1);
	assert_string_equal(text_at("recordings.0.id"), "saturday");
	assert_int_equal(ask("GET /v1/recordings?search=hush"), 200);
	assert_int_equal(number_at("total"), 0);
	assert_int_equal(ask("GET /v1/recordings?offset=3"), 200);
	assert_int_equal(json_array_size(find("recordings")), 0);
}

static void files_come_with_their_names_and_types(void **state)
{
	char heard[300];

	assert_int_equal(ask_with("GET /v1/recordings/sunday/files/movie.mp4",
				 "Range: bytes=1000-1003\r\n", ""),
		206);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal((unsigned char)http_client_body(&node.client)[i],
			api_source_movie_byte(1000 + i));
	http_client_header(&node.client, "Content-Type", heard, sizeof(heard));
	assert_string_equal(heard, "video/mp4");
	http_client_header(&node.client, "Cache-Control", heard, sizeof(heard));
	assert_string_equal(heard, "private, no-cache");
	assert_int_equal(ask("GET /v1/recordings/sunday/files/na%C3%AFve%20%22x%22.json"), 200);
	http_client_header(&node.client, "Content-Disposition", heard, sizeof(heard));
	assert_string_equal(heard, "attachment; filename*=UTF-8''na%C3%AFve%20%22x%22.json");
	assert_int_equal(ask("GET /v1/recordings/sunday/files/empty.log"), 200);
	assert_int_equal(ask("GET /v1/recordings/sunday/files/folder"), 404);
	assert_int_equal(ask("GET /v1/recordings/nobody/files/movie.mp4"), 404);
}

static void logs_are_asked_for_as_the_query_says(void **state)
{
	assert_int_equal(ask("GET /v1/logs"), 200);
	assert_string_equal(node.source.log.session_id, "");
	assert_int_equal(node.source.log.slot, 0);
	assert_int_equal(node.source.log.level, 0);
	assert_int_equal(node.source.log.limit, 200);
	assert_string_equal(text_at("lines.1.area"), "");
	assert_int_equal(
		ask("GET /v1/logs?session=a%20b&slot=2&level=warning&since=1795000000000&limit=7"),
		200);
	assert_string_equal(node.source.log.session_id, "a b");
	assert_int_equal(node.source.log.slot, 2);
	assert_int_equal(node.source.log.level, TR_LOG_WARNING);
	assert_int_equal(node.source.log.since_ms, 1795000000000);
	assert_int_equal(node.source.log.limit, 7);
}

/* ---- what is done ---- */

static void a_start_tells_where_its_session_is(void **state)
{
	char location[300];

	assert_int_equal(ask_with("POST /v1/sessions", JSON,
				 "{\"url\":\"https://a/b\",\"session_id\":\"a b+\\u00e9\"}"),
		201);
	http_client_header(&node.client, "Location", location, sizeof(location));
	assert_string_equal(location, "/v1/sessions/a%20b%2B%C3%A9");
	assert_string_equal(node.source.session_id, "a b+\xc3\xa9");
	assert_int_equal(number_at("slot"), 3);
}

static void a_start_that_is_wrong_starts_nothing(void **state)
{
	static const char *const bodies[] = {"", "{}", "{\"url\":1}", "{\"url\":null}",
		"{\"url\":\"u\",\"slot\":0}", "{\"url\":\"u\",\"slot\":17}",
		"{\"url\":\"u\",\"slot\":\"1\"}", "{\"url\":\"u\",\"kind\":\"tape\"}",
		"{\"url\":\"u\",\"metadata\":[]}", "{\"url\":\"u\",\"session_id\":\"a/b\"}",
		"{\"url\":\"u\",\"session_id\":\"..\"}", "{\"url\":\"u\",\"session_id\":\"\"}",
		"{\"url\":\"u\",\"session_id\":\"a\\nb\"}"};

	for (unsigned i = 0; i < TR_COUNT(bodies); i++)
		assert_int_equal(ask_with("POST /v1/sessions", JSON, bodies[i]), 400);
	assert_int_equal(node.source.starts, 0);
}

static void drain_is_switched_on_and_off(void **state)
{
	assert_int_equal(ask("POST /v1/drain"), 200);
	assert_true(node.source.is_draining && !node.source.is_leaving);
	assert_int_equal(ask_with("POST /v1/drain", JSON, "{\"leave\":true}"), 200);
	assert_true(node.source.is_leaving);
	assert_true(json_is_true(find("is_leaving")));
	assert_int_equal(ask("DELETE /v1/drain"), 200);
	assert_false(node.source.is_draining);
}

static void a_removed_recording_leaves_no_words(void **state)
{
	assert_int_equal(ask("DELETE /v1/recordings/sunday"), 204);
	assert_string_equal(http_client_body(&node.client), "");
	assert_string_equal(node.source.id, "sunday");
	assert_int_equal(ask("DELETE /v1/recordings/busy"), 409);
	assert_string_equal(text_at("error.sentence"), "it is busy");
}

static void settings_are_handed_over_as_text(void **state)
{
	assert_int_equal(ask_with("PUT /v1/config", TEXT, "slots = 2; # \xc3\xa9\n"), 200);
	assert_string_equal(node.source.text, "slots = 2; # \xc3\xa9\n");
	assert_true(json_is_true(find("is_valid")));
	assert_string_equal(text_at("warnings.0"), "line 2: hm");
	assert_int_equal(ask_with("PUT /v1/config", TEXT, "wrong"), 422);
	assert_string_equal(text_at("error.complaints.0"), "line 1: so not");
	assert_int_equal(ask_with("POST /v1/config/check", TEXT, "wrong"), 200);
	assert_true(json_is_false(find("is_valid")));
	assert_int_equal(node.source.writes, 2);
}

/* ---- pictures ---- */

static void begin_asking(struct http_client *client, const char *line)
{
	char text[300];

	int size = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: [::1]\r\n\r\n", line);
	http_client_open(client, node.event, tr_node_api_port(node.api));
	assert_true(http_client_send(client, text, (size_t)size));
}

static void await_pictures(unsigned count)
{
	int64_t deadline_ns = tr_clock_now_ns() + 60 * TR_NS_PER_S;

	while (node.source.pictures < count) {
		assert_true(tr_clock_now_ns() < deadline_ns);
		assert_true(sd_event_run(node.event, 10000) >= 0);
	}
}

static void a_picture_may_come_at_once_or_later(void **state)
{
	assert_int_equal(ask("GET /v1/slots/1/preview.jpg?width=333"), 200);
	assert_string_equal(http_client_body(&node.client), "JPEG");
	assert_int_equal(node.source.width, 333);
	begin_asking(&node.other, "GET /v1/slots/2/preview.jpg");
	await_pictures(2);
	assert_int_equal(node.source.width, 480);
	assert_int_equal(ask("GET /v1/node"), 200);
	api_source_show(&node.source, 0);
	assert_int_equal(http_client_wait(&node.other), 200);
	assert_string_equal(http_client_body(&node.other), "JPEG");
}

static void a_picture_may_fail_later(void **state)
{
	begin_asking(&node.other, "GET /v1/slots/2/preview.jpg");
	await_pictures(1);
	api_source_show(&node.source, -ETIMEDOUT);
	assert_int_equal(http_client_wait(&node.other), 504);
}

static void a_picture_may_come_when_nobody_waits_any_more(void **state)
{
	begin_asking(&node.other, "GET /v1/slots/2/preview.jpg");
	await_pictures(1);
	http_client_close(&node.other);
	assert_int_equal(ask("GET /v1/node"), 200);
	api_source_show(&node.source, 0);
	assert_int_equal(ask("GET /v1/node"), 200);
}

static void a_picture_may_come_when_the_api_has_ended(void **state)
{
	begin_asking(&node.other, "GET /v1/slots/2/preview.jpg");
	await_pictures(1);
	tr_node_api_destroy(node.api);
	node.api = NULL;
	assert_int_equal(http_client_wait(&node.other), 0);
	api_source_show(&node.source, 0);
}

/* ---- events ---- */

static void events_are_told_to_those_who_want_them(void **state)
{
	begin_asking(&node.client, "GET /v1/events?types=on,script");
	assert_true(http_client_wait_for(&node.client, "event: hello\ndata: {"));
	begin_asking(&node.other, "GET /v1/events");
	assert_true(http_client_wait_for(&node.other, "event: hello\ndata: {"));
	sample_events_tell(tr_node_api_tell, node.api);
	assert_true(http_client_wait_for(&node.client, "event: script\n"));
	assert_non_null(strstr(node.client.heard, "event: on\n"));
	assert_null(strstr(node.client.heard, "event: progress\n"));
	assert_true(http_client_wait_for(&node.other, "event: link\n"));
	assert_non_null(strstr(node.other.heard, "\"peak_db\":-200.0"));
	assert_non_null(strstr(node.other.heard, "happened\\nin two lines"));
}

static void a_listener_hears_that_the_node_is_there(void **state)
{
	begin_asking(&node.client, "GET /v1/events");
	assert_true(http_client_wait_for(&node.client, ": here\n\n"));
}

/* Reads on until a whole event has `text`; what came before is forgotten. */
static void await_event(struct http_client *client, const char *text)
{
	for (;;) {
		assert_true(http_client_wait_for(client, "\n\n"));
		char *end = strstr(client->heard, "\n\n");
		*end = '\0';
		bool is_there = strstr(client->heard, text) != NULL;
		client->size -= (size_t)(end + 2 - client->heard);
		memmove(client->heard, end + 2, client->size + 1);
		if (is_there)
			return;
	}
}

static void a_slow_listener_is_told_how_many_it_has_lost(void **state)
{
	begin_asking(&node.client, "GET /v1/events?types=warning");
	await_event(&node.client, "event: hello");
	while (node.api->lost_count == 0) {
		sample_events_tell_one(TR_EVENT_WARNING, tr_node_api_tell, node.api);
		assert_true(sd_event_run(node.event, 0) >= 0);
	}
	await_event(&node.client, "event: lost");
	sample_events_tell_one(TR_EVENT_WARNING, tr_node_api_tell, node.api);
	await_event(&node.client, "event: warning");
}

static void listeners_that_leave_are_forgotten(void **state)
{
	int64_t deadline_ns = tr_clock_now_ns() + 60 * TR_NS_PER_S;

	begin_asking(&node.client, "GET /v1/events");
	assert_true(http_client_wait_for(&node.client, "event: hello"));
	assert_int_equal(node.api->listener_count, 1);
	http_client_close(&node.client);
	while (node.api->listener_count > 0) {
		assert_true(tr_clock_now_ns() < deadline_ns);
		assert_true(sd_event_run(node.event, 10000) >= 0);
	}
	sample_events_tell(tr_node_api_tell, node.api);
}

static void the_end_of_the_api_ends_its_listeners(void **state)
{
	begin_asking(&node.client, "GET /v1/events");
	assert_true(http_client_wait_for(&node.client, "event: hello"));
	sample_events_tell_one(TR_EVENT_OVER, tr_node_api_tell, node.api);
	tr_node_api_destroy(node.api);
	node.api = NULL;
	assert_true(http_client_wait_for(&node.client, "event: over\n"));
	assert_false(http_client_wait_for(&node.client, "that never comes"));
	sample_events_tell(tr_node_api_tell, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_open, end)
#define GUARDED(name) cmocka_unit_test_setup_teardown(name, begin_guarded, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_ours_by_address_or_by_our_names),
		cmocka_unit_test(a_token_is_right_as_a_whole),
		TEST(web_pages_may_not_ask),
		GUARDED(with_a_token_it_is_asked_for_and_enough),
		GUARDED(wrong_tokens_wait_and_hold_up_nobody),
		GUARDED(a_node_may_end_while_wrong_tokens_wait),
		GUARDED(the_socket_asks_for_no_token),
		TEST(pages_of_other_sites_may_not_come_by_a_proxy),
		cmocka_unit_test_setup_teardown(an_open_address_needs_tls_and_a_token, begin, end),
		cmocka_unit_test_setup_teardown(
			an_open_address_is_served_with_tls_and_a_token, begin, end),
		TEST(other_paths_are_none),
		TEST(slots_are_numbers_that_there_are),
		TEST(a_wrong_parameter_is_named),
		TEST(a_body_must_be_called_what_it_is),
		TEST(a_body_has_its_members_only),
		TEST(what_is_said_of_a_wrong_body_quotes_no_secret),
		TEST(the_node_tells_of_its_parts),
		TEST(a_slot_tells_of_its_session_and_streams),
		TEST(what_is_not_documented_does_not_get_out),
		TEST(what_the_daemon_does_not_say_is_empty),
		TEST(what_the_daemon_cannot_do_is_said),
		TEST(recordings_are_searched_and_cut),
		TEST(files_come_with_their_names_and_types),
		TEST(logs_are_asked_for_as_the_query_says),
		TEST(a_start_tells_where_its_session_is),
		TEST(a_start_that_is_wrong_starts_nothing),
		TEST(drain_is_switched_on_and_off),
		TEST(a_removed_recording_leaves_no_words),
		TEST(settings_are_handed_over_as_text),
		TEST(a_picture_may_come_at_once_or_later),
		TEST(a_picture_may_fail_later),
		TEST(a_picture_may_come_when_nobody_waits_any_more),
		TEST(a_picture_may_come_when_the_api_has_ended),
		TEST(events_are_told_to_those_who_want_them),
		TEST(a_listener_hears_that_the_node_is_there),
		TEST(a_slow_listener_is_told_how_many_it_has_lost),
		TEST(listeners_that_leave_are_forgotten),
		TEST(the_end_of_the_api_ends_its_listeners),
	};
	return cmocka_run_group_tests_name("node_api", tests, NULL, NULL);
}
