/*
 * That the list of hosts holds: a real Chromium reaches those, and nothing else, and asks no name
 * server. What it did is read in its own network log.
 */
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "browser/browser.h"
#include "browser/ordinary_user.h"
#include "core/clock.h"

#define WIDTH 320
#define HEIGHT 240
#define PATIENCE_S 60
#define LOG_LIMIT (256 << 20)

static struct {
	sd_event *event;
	struct tr_browser *browser;
	struct ordinary_user user;
	struct MHD_Daemon *servers[2]; /* at 127.0.0.1 and at 127.0.0.2 */
	unsigned ports[2];
	int asked[2]; /* for "/x", counted by the servers' threads */
	char log[160];

	int ready, loaded, answered;
	json_t *answer;
} t;

static enum MHD_Result serve(void *user, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **state)
{
	static const char page[] = "<!doctype html><title>ok</title>";

	if (!strcmp(url, "/x")) /* and not the page or its icon */
		__atomic_add_fetch((int *)user, 1, __ATOMIC_RELAXED);
	struct MHD_Response *response = MHD_create_response_from_buffer(
		sizeof(page) - 1, (void *)(uintptr_t)page, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "text/html");
	enum MHD_Result result = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return result;
}

static void on_ready(void *user)
{
	t.ready++;
}

static void on_loaded(const char *url, void *user)
{
	t.loaded++;
}

static void on_value(int rc, json_t *value, const char *error, void *user)
{
	assert_int_equal(rc, 0);
	json_decref(t.answer);
	t.answer = json_incref(value);
	t.answered++;
}

static void wait_for(const int *counter)
{
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;

	while (*counter == 0) {
		assert_true(sd_event_run(t.event, 1000 * 1000) >= 0);
		if (tr_clock_now_ns() > until)
			fail_msg("the browser does not answer");
	}
}

static void start_with(const char *hosts)
{
	static const struct tr_browser_events events = {
		.on_ready = on_ready, .on_loaded = on_loaded};
	char flag[200], url[64];

	t.ready = t.loaded = t.answered = 0;
	snprintf(t.log, sizeof(t.log), "%s/network-log.json", t.user.runtime);
	snprintf(flag, sizeof(flag), "--log-net-log=%s", t.log);
	const char *flags[] = {flag, NULL};
	const struct tr_browser_settings settings = {
		.chromium = {.runtime_dir = t.user.runtime,
			.display = t.user.display,
			.width = WIDTH,
			.height = HEIGHT,
			.hosts = hosts,
			.allow_no_sandbox = true,
			.flags = flags},
		.start_timeout_ms = PATIENCE_S * 1000,
		.heartbeat_ms = -1,
	};
	assert_int_equal(tr_browser_start(t.event, &settings, &events, NULL, &t.browser), 0);
	wait_for(&t.ready);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", t.ports[0]);
	assert_int_equal(tr_browser_open(t.browser, url, PATIENCE_S * 1000), 0);
	wait_for(&t.loaded);
}

/* Whether a page gets anything at all from there. */
static bool is_reached(const char *url)
{
	char expression[300];

	t.answered = 0;
	snprintf(expression, sizeof(expression),
		"fetch('%s', {mode: 'no-cors', cache: 'no-store'}).then(() => true, () => false)",
		url);
	assert_int_equal(
		tr_browser_evaluate(t.browser, expression, PATIENCE_S * 1000, on_value, NULL), 0);
	wait_for(&t.answered);
	return json_is_true(t.answer);
}

static bool is_host_reached(const char *host, int server)
{
	char url[100];

	snprintf(url, sizeof(url), "http://%s:%u/x", host, t.ports[server]);
	return is_reached(url);
}

/* How often an event of this name is in the network log. */
static int count_events(const char *log, const char *name)
{
	char key[80], event[40];
	int count = 0, type;

	snprintf(key, sizeof(key), "\"%s\":", name);
	const char *at = strstr(log, key);
	if (!at)
		fail_msg("this browser's network log does not know %s", name);
	type = atoi(at + strlen(key));
	snprintf(event, sizeof(event), "\"type\":%d}", type);
	for (at = strstr(log, event); at; at = strstr(at + 1, event))
		count++;
	return count;
}

/* Questions to name servers, by the browser itself or through the C library. */
static int count_questions(void)
{
	char *log;
	size_t size;

	tr_browser_stop(tr_take(t.browser));
	assert_int_equal(tr_file_read(AT_FDCWD, t.log, LOG_LIMIT, &log, &size), 0);
	int count = count_events(log, "HOST_RESOLVER_SYSTEM_TASK") +
		    count_events(log, "HOST_RESOLVER_DNS_TASK");
	assert_true(count_events(log, "URL_REQUEST_START_JOB") > 0);
	free(log);
	unlink(t.log);
	return count;
}

static void nothing_but_the_list_is_reached_and_nobody_is_asked(void **state)
{
	start_with("127.0.0.1");
	assert_true(is_host_reached("127.0.0.1", 0));
	assert_false(is_host_reached("127.0.0.2", 1));
	assert_false(is_host_reached("localhost", 0));
	assert_false(is_host_reached("127.1", 1));
	assert_false(is_host_reached("[::1]", 0));
	assert_false(is_reached("https://meet.example.org/"));
	assert_false(is_reached("http://a.b.invalid/"));
	assert_int_equal(__atomic_load_n(&t.asked[0], __ATOMIC_RELAXED), 1);
	assert_int_equal(__atomic_load_n(&t.asked[1], __ATOMIC_RELAXED), 0);
	assert_int_equal(count_questions(), 0);
}

static void all_of_the_list_is_reached(void **state)
{
	start_with("127.0.0.1:80, 127.0.0.2,LOCALHOST , *.example.org");
	assert_true(is_host_reached("127.0.0.1", 0));
	assert_true(is_host_reached("127.0.0.2", 1));
	assert_true(is_host_reached("localhost", 0));
	assert_false(is_reached("http://a.b.invalid/"));
	assert_int_equal(count_questions(), 0);
}

/* Without a list the same log shows questions: it would have shown them above. */
static void without_a_list_names_are_asked_for(void **state)
{
	start_with("");
	assert_true(is_host_reached("127.0.0.2", 1));
	assert_false(is_reached("http://a.b.invalid/"));
	assert_true(count_questions() > 0);
}

static int stop(void **state)
{
	tr_browser_stop(tr_take(t.browser));
	json_decref(tr_take(t.answer));
	return 0;
}

static int run(void)
{
	static const char *const addresses[] = {"127.0.0.1", "127.0.0.2"};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			nothing_but_the_list_is_reached_and_nobody_is_asked, stop),
		cmocka_unit_test_teardown(all_of_the_list_is_reached, stop),
		cmocka_unit_test_teardown(without_a_list_names_are_asked_for, stop),
	};

	for (int i = 0; i < 2; i++) {
		struct sockaddr_in address = {.sin_family = AF_INET};
		inet_pton(AF_INET, addresses[i], &address.sin_addr);
		t.servers[i] = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
			serve, &t.asked[i], MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
		if (!t.servers[i])
			return 1;
		t.ports[i] = MHD_get_daemon_info(t.servers[i], MHD_DAEMON_INFO_BIND_PORT)->port;
	}
	if (sd_event_new(&t.event) < 0)
		return 1;
	int failures = cmocka_run_group_tests_name("hosts", tests, NULL, NULL);
	sd_event_unref(t.event);
	for (int i = 0; i < 2; i++)
		MHD_stop_daemon(t.servers[i]);
	return failures ? 1 : 0;
}

int main(void)
{
	return run_as_ordinary_user(&t.user, WIDTH, HEIGHT, run);
}
