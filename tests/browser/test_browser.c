/* The whole room with a real Chromium on a real Xvfb, as an ordinary user. */
#include "test.h"

#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <dirent.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "browser/browser.h"
#include "browser/ordinary_user.h"
#include "core/clock.h"

#define WIDTH 1280
#define HEIGHT 720
#define PATIENCE_S 60

static struct {
	sd_event *event;
	struct tr_browser *browser;
	struct ordinary_user user;
	struct MHD_Daemon *server;
	unsigned port;
	char url[128];

	int ready, loaded, failed, crashed, exited, pushed, answered;
	enum tr_load_error reason;
	char sentence[1024];
	char pushed_name[64], pushed_text[256];
	int answer_rc;
	json_t *answer;
	bool stop_on_loaded;
} t;

/* The pages */

static const struct {
	const char *path;
	unsigned status;
	const char *body;
} pages[] = {
	{"/ok", 200, "<title>ok</title><body>fine"},
	{"/missing", 404, "<body>no"},
	{"/broken", 500, "<body>no"},
	{"/frame", 200, "<body><iframe src='/missing'></iframe><img src='/missing'>"},
	{"/colour", 200,
		"<!doctype html><style>html,body{margin:0;background:#2060a0;height:100%}"
		"#tall{height:3000px;width:3000px}#end{position:fixed;right:0;bottom:0;width:3px;"
		"height:5px;background:#f08010}</style><div id=tall></div><div id=end></div>"},
	{"/alert", 200,
		"<body><script>alert('a');var c=confirm('b');var p=prompt('c');"
		"window.onbeforeunload=e=>{e.preventDefault();return 'stay'};</script>"},
	{"/popup", 200,
		"<body><script>var w=window.open('/ok');setTimeout(()=>window.open('/ok','x',"
		"'width=200,height=200'),50)</script>"},
	{"/loop", 200, "<body><script>onload=()=>setTimeout(()=>{for(;;);},50)</script>"},
	{"/away", 200, "<body><script>onload=()=>setTimeout(()=>location='/ok',50)</script>"},
	{"/lost", 200,
		"<body><script>onload=()=>setTimeout(()=>location='http://127.0.0.1:1/',50)"
		"</script>"},
	{"/push", 200,
		"<body><script>console.error('told', 42);news('first');for(let i=0;i<500;i++)"
		"news(''+i);if(window.early)news('early');"
		"setTimeout(()=>{throw new Error('late')},0)</script>"},
};

static enum MHD_Result serve(void *user, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **state)
{
	enum MHD_Result result = MHD_NO;

	if (!strcmp(url, "/slow")) { /* answers, and never ends */
		MHD_suspend_connection(connection);
		return MHD_YES;
	}
	for (size_t i = 0; i < TR_COUNT(pages); i++)
		if (!strcmp(pages[i].path, url)) {
			struct MHD_Response *response =
				MHD_create_response_from_buffer(strlen(pages[i].body),
					(void *)(uintptr_t)pages[i].body, MHD_RESPMEM_PERSISTENT);
			MHD_add_response_header(response, "Content-Type", "text/html");
			result = MHD_queue_response(connection, pages[i].status, response);
			MHD_destroy_response(response);
		}
	return result;
}

static const char *at(const char *path)
{
	snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%u%s", t.port, path);
	return t.url;
}

/* What the browser says */

static void on_ready(void *user)
{
	t.ready++;
}

static void on_loaded(const char *url, void *user)
{
	t.loaded++;
	if (t.stop_on_loaded) {
		tr_browser_stop(t.browser);
		t.browser = NULL;
	}
}

static void on_failed(enum tr_load_error reason, const char *sentence, void *user)
{
	t.reason = reason;
	snprintf(t.sentence, sizeof(t.sentence), "%s", sentence);
	t.failed++;
}

static void on_crashed(const char *sentence, void *user)
{
	t.crashed++;
}

static void on_exited(int wait_status, const char *sentence, void *user)
{
	snprintf(t.sentence, sizeof(t.sentence), "%s", sentence);
	t.exited++;
}

static void on_push(const char *name, const char *payload, void *user)
{
	snprintf(t.pushed_name, sizeof(t.pushed_name), "%s", name);
	snprintf(t.pushed_text, sizeof(t.pushed_text), "%s", payload);
	t.pushed++;
}

static void on_value(int rc, json_t *value, const char *error, void *user)
{
	t.answer_rc = rc;
	json_decref(t.answer);
	t.answer = json_incref(value);
	t.answered++;
}

static void wait_for_count(const int *counter, int count, const char *what)
{
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;

	while (*counter < count) {
		assert_true(sd_event_run(t.event, 1000 * 1000) >= 0);
		if (tr_clock_now_ns() > until)
			fail_msg("%s is still %d (failed %d: %s)", what, *counter, t.failed,
				t.sentence);
	}
}
#define wait_for(counter, count) wait_for_count(&t.counter, count, #counter)

static const json_t *evaluate(const char *expression)
{
	int before = t.answered;

	assert_int_equal(
		tr_browser_evaluate(t.browser, expression, PATIENCE_S * 1000, on_value, NULL), 0);
	wait_for(answered, before + 1);
	assert_int_equal(t.answer_rc, 0);
	return t.answer;
}

static void open_page(const char *url)
{
	assert_int_equal(tr_browser_open(t.browser, url, PATIENCE_S * 1000), 0);
}

static void open_and_load(const char *url)
{
	int before = t.loaded;

	open_page(url);
	wait_for(loaded, before + 1);
	assert_int_equal(t.failed, 0);
}

static void fails_with(const char *url, enum tr_load_error reason, const char *part)
{
	open_page(url);
	wait_for(failed, 1);
	assert_int_equal(t.loaded, 0);
	assert_int_equal(t.reason, reason);
	assert_non_null(strstr(t.sentence, part));
}

/* Set-up */

static int start_with(struct tr_browser_settings settings)
{
	static const char *const bindings[] = {"news", NULL};
	static const struct tr_browser_events events = {
		on_ready, on_loaded, on_failed, on_crashed, on_exited, on_push};

	t.ready = t.loaded = t.failed = t.crashed = t.exited = t.pushed = t.answered = 0;
	t.stop_on_loaded = false;
	t.sentence[0] = '\0';
	settings.chromium.runtime_dir = t.user.runtime;
	if (!settings.chromium.display)
		settings.chromium.display = t.user.display;
	settings.chromium.width = WIDTH;
	settings.chromium.height = HEIGHT;
	settings.chromium.host_rules = "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1";
	settings.chromium.allow_no_sandbox = true;
	settings.bindings = bindings;
	settings.script = "window.early = true";
	settings.start_timeout_ms = PATIENCE_S * 1000;
	return tr_browser_start(t.event, &settings, &events, NULL, &t.browser);
}

static int start(void **state)
{
	int rc = start_with((struct tr_browser_settings){.heartbeat_ms = -1});
	if (rc == 0)
		wait_for(ready, 1);
	return rc;
}

static int count_entries(void)
{
	int count = 0;
	DIR *dir = opendir(t.user.runtime);

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count - 2;
}

/* Nothing but the log may be left. */
static int stop(void **state)
{
	tr_browser_stop(tr_take(t.browser));
	json_decref(tr_take(t.answer));
	return count_entries() == 1 ? 0 : -1;
}

/* Tests */

static void a_page_is_loaded_and_answers(void **state)
{
	open_and_load(at("/ok"));
	assert_string_equal(json_string_value(evaluate("document.title")), "ok");
	assert_int_equal(json_integer_value(evaluate("Promise.resolve(7)")), 7);
	assert_true(json_is_null(evaluate("undefined")));
	int before = t.answered;
	assert_int_equal(tr_browser_evaluate(t.browser, "nothing.there", 10000, on_value, NULL), 0);
	wait_for(answered, before + 1);
	assert_int_equal(t.answer_rc, -EREMOTEIO);
}

static void an_error_status_of_the_document_is_a_failure(void **state)
{
	fails_with(at("/missing"), TR_LOAD_ERROR_HTTP, "404");
}

static void a_server_error_is_a_failure(void **state)
{
	fails_with(at("/broken"), TR_LOAD_ERROR_HTTP, "500");
}

static void an_error_status_of_a_part_is_none(void **state)
{
	open_and_load(at("/frame"));
}

static void a_refused_connection_is_told(void **state)
{
	/* A port that was free a moment ago. */
	fails_with("http://127.0.0.1:9/", TR_LOAD_ERROR_BLOCKED, "port");
	t.failed = 0;
	fails_with("http://127.0.0.1:9999/", TR_LOAD_ERROR_CONNECTION, "refuses");
	t.failed = 0;
	open_and_load(at("/ok"));
}

static void an_unknown_name_is_told(void **state)
{
	fails_with("https://meet.invalid/room#config.token=secret", TR_LOAD_ERROR_NAME,
		"name of the server");
	assert_null(strstr(t.sentence, "secret"));
}

static void what_is_no_address_is_told(void **state)
{
	fails_with("not an address", TR_LOAD_ERROR_ADDRESS, "no web address");
}

static void a_page_that_never_loads_fails_at_its_deadline(void **state)
{
	assert_int_equal(tr_browser_open(t.browser, at("/slow"), 700), 0);
	wait_for(failed, 1);
	assert_int_equal(t.reason, TR_LOAD_ERROR_TIMEOUT);
	t.failed = 0;
	open_and_load(at("/ok"));
}

static void a_page_that_goes_elsewhere_is_followed(void **state)
{
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;

	open_page(at("/away"));
	wait_for(loaded, 1);
	do { /* a question that meets the change is answered with an error */
		int before = t.answered;
		assert_int_equal(
			tr_browser_evaluate(t.browser, "document.title", 10000, on_value, NULL), 0);
		wait_for(answered, before + 1);
		assert_true(tr_clock_now_ns() < until);
	} while (!json_is_string(t.answer) || strcmp(json_string_value(t.answer), "ok"));
	assert_int_equal(t.failed, 0);
}

static void a_page_that_gets_lost_is_a_failure(void **state)
{
	open_page(at("/lost"));
	wait_for(failed, 1);
	assert_int_equal(t.loaded, 1);
}

/* How many processes of the browser's group have `part` in their command line; each gets the
 * signal (0: none). */
static int signal_group(pid_t group, const char *part, int number)
{
	FILE *ps = popen("ps -eo pid=,pgid=,args= ww", "r");
	char line[8192];
	int count = 0;

	assert_non_null(ps);
	while (fgets(line, sizeof(line), ps)) {
		int pid = 0, pgid = 0;
		if (sscanf(line, "%d %d", &pid, &pgid) != 2 || pgid != group || !strstr(line, part))
			continue;
		count++;
		if (number)
			kill(pid, number);
	}
	pclose(ps);
	return count;
}

static void a_crashed_page_is_loaded_again(void **state)
{
	for (int i = 1; i <= 3; i++) {
		open_and_load(at("/ok"));
		int before = t.answered;
		assert_int_equal(tr_browser_evaluate(t.browser, "new Promise(() => {})",
					 PATIENCE_S * 1000, on_value, NULL),
			0);
		int64_t crashed_ns = tr_clock_now_ns();
		assert_true(signal_group(tr_browser_pid(t.browser), "type=renderer", SIGKILL) > 0);
		wait_for(crashed, i);
		wait_for(answered, before + 1);
		assert_int_equal(t.answer_rc, -ECONNRESET);
		open_and_load(at("/push")); /* binding and script are there again */
		wait_for(pushed, 502 * i);
		print_message("crash to loaded: %.0f ms\n",
			(double)(tr_clock_now_ns() - crashed_ns) / 1e6);
	}
}

static void a_killed_browser_is_told_and_started_again(void **state)
{
	open_and_load(at("/ok"));
	int64_t killed_ns = tr_clock_now_ns();
	kill(tr_browser_pid(t.browser), SIGKILL);
	wait_for(exited, 1);
	assert_non_null(strstr(t.sentence, "killed by signal 9"));
	assert_int_equal(tr_browser_open(t.browser, at("/ok"), 1000), -EPIPE);
	assert_int_equal(stop(NULL), 0);
	assert_int_equal(start(NULL), 0);
	open_and_load(at("/ok"));
	print_message("kill to loaded: %.0f ms\n", (double)(tr_clock_now_ns() - killed_ns) / 1e6);
}

static void dialogs_are_closed(void **state)
{
	open_and_load(at("/alert"));
	assert_false(json_is_true(evaluate("c")));
	open_and_load(at("/ok"));
}

static void popups_are_not_opened(void **state)
{
	open_and_load(at("/popup"));
	assert_int_equal(json_integer_value(evaluate(
				 "new Promise(r => setTimeout(() => r(w === null ? 1 : 2), 300))")),
		1);
}

static void pushes_arrive_whole_and_in_order(void **state)
{
	open_and_load(at("/push"));
	wait_for(pushed, 502);
	assert_string_equal(t.pushed_name, "news");
	assert_string_equal(t.pushed_text, "early");
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;
	while (json_array_size(tr_browser_console(t.browser)) < 2)
		assert_true(sd_event_run(t.event, 100000) >= 0 && tr_clock_now_ns() < until);
	assert_string_equal(
		json_string_value(json_array_get(tr_browser_console(t.browser), 0)), "told 42");
}

static void an_endless_loop_is_noticed_and_left(void **state)
{
	stop(NULL);
	assert_int_equal(start_with((struct tr_browser_settings){
				 .heartbeat_ms = 100, .heartbeat_timeout_ms = 1500}),
		0);
	wait_for(ready, 1);
	open_page(at("/loop"));
	wait_for(failed, 1);
	assert_int_equal(t.reason, TR_LOAD_ERROR_HUNG);
	t.failed = 0;
	int64_t opened_ns = tr_clock_now_ns();
	open_and_load(at("/ok"));
	print_message("hung to loaded: %.0f ms\n", (double)(tr_clock_now_ns() - opened_ns) / 1e6);
}

static unsigned long pixel(XImage *image, int x, int y)
{
	return XGetPixel(image, x, y) & 0xffffff;
}

static bool is_colour_page(XImage *image)
{
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++) {
			bool is_end = x >= WIDTH - 3 && y >= HEIGHT - 5;
			if (pixel(image, x, y) != (is_end ? 0xf08010 : 0x2060a0))
				return false;
		}
	return true;
}

static void the_page_fills_its_window_to_the_pixel(void **state)
{
	Display *x = XOpenDisplay(t.user.display);
	bool is_exact = false;

	assert_non_null(x);
	open_and_load(at("/colour"));
	assert_int_equal(json_integer_value(evaluate("innerWidth")), WIDTH);
	assert_int_equal(json_integer_value(evaluate("innerHeight")), HEIGHT);
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;
	while (!is_exact && tr_clock_now_ns() < until) {
		evaluate("new Promise(r => setTimeout(r, 100))");
		XImage *image =
			XGetImage(x, DefaultRootWindow(x), 0, 0, WIDTH, HEIGHT, AllPlanes, ZPixmap);
		assert_non_null(image);
		is_exact = is_colour_page(image);
		XDestroyImage(image);
	}
	assert_true(is_exact);
	XCloseDisplay(x);
}

static void on_picture(int rc, const uint8_t *data, size_t size, void *user)
{
	static const uint8_t png[] = {0x89, 'P', 'N', 'G'};

	t.answer_rc = rc;
	if (rc == 0 && (size < 1000 || memcmp(data, png, sizeof(png))))
		t.answer_rc = -EINVAL;
	t.answered++;
}

static void a_screenshot_is_a_png(void **state)
{
	open_and_load(at("/colour"));
	assert_int_equal(tr_browser_screenshot(t.browser, 20000, on_picture, NULL), 0);
	wait_for(answered, 1);
	assert_int_equal(t.answer_rc, 0);
}

static void it_may_be_stopped_by_what_it_calls(void **state)
{
	t.stop_on_loaded = true;
	open_page(at("/ok"));
	wait_for(loaded, 1);
	assert_null(t.browser);
	assert_int_equal(stop(NULL), 0);
	assert_int_equal(start(NULL), 0);
}

static void nothing_runs_after_the_end(void **state)
{
	open_and_load(at("/ok"));
	pid_t group = tr_browser_pid(t.browser);
	assert_true(signal_group(group, "chromium", 0) > 3);
	stop(NULL);
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;
	while (signal_group(group, "chrom", 0) > 0 && tr_clock_now_ns() < until)
		poll(NULL, 0, 20);
	assert_int_equal(signal_group(group, "chrom", 0), 0);
}

static void without_an_x_server_it_says_so(void **state)
{
	assert_int_equal(start_with((struct tr_browser_settings){
				 .chromium.display = ":4999", .heartbeat_ms = -1}),
		0);
	wait_for(exited, 1);
	assert_non_null(strstr(t.sentence, "before it was ready"));
	assert_non_null(strstr(t.sentence, "DISPLAY"));
}

static int run_as_user(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_page_is_loaded_and_answers, start, stop),
		cmocka_unit_test_setup_teardown(
			an_error_status_of_the_document_is_a_failure, start, stop),
		cmocka_unit_test_setup_teardown(a_server_error_is_a_failure, start, stop),
		cmocka_unit_test_setup_teardown(an_error_status_of_a_part_is_none, start, stop),
		cmocka_unit_test_setup_teardown(a_refused_connection_is_told, start, stop),
		cmocka_unit_test_setup_teardown(an_unknown_name_is_told, start, stop),
		cmocka_unit_test_setup_teardown(what_is_no_address_is_told, start, stop),
		cmocka_unit_test_setup_teardown(
			a_page_that_never_loads_fails_at_its_deadline, start, stop),
		cmocka_unit_test_setup_teardown(
			a_page_that_goes_elsewhere_is_followed, start, stop),
		cmocka_unit_test_setup_teardown(a_page_that_gets_lost_is_a_failure, start, stop),
		cmocka_unit_test_setup_teardown(a_crashed_page_is_loaded_again, start, stop),
		cmocka_unit_test_setup_teardown(
			a_killed_browser_is_told_and_started_again, start, stop),
		cmocka_unit_test_setup_teardown(dialogs_are_closed, start, stop),
		cmocka_unit_test_setup_teardown(popups_are_not_opened, start, stop),
		cmocka_unit_test_setup_teardown(pushes_arrive_whole_and_in_order, start, stop),
		cmocka_unit_test_setup_teardown(an_endless_loop_is_noticed_and_left, start, stop),
		cmocka_unit_test_setup_teardown(
			the_page_fills_its_window_to_the_pixel, start, stop),
		cmocka_unit_test_setup_teardown(a_screenshot_is_a_png, start, stop),
		cmocka_unit_test_setup_teardown(it_may_be_stopped_by_what_it_calls, start, stop),
		cmocka_unit_test_setup_teardown(nothing_runs_after_the_end, start, stop),
		cmocka_unit_test_teardown(without_an_x_server_it_says_so, stop),
	};

	t.server = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL,
		NULL, serve, NULL, MHD_OPTION_SOCK_ADDR,
		&(struct sockaddr_in){
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
		MHD_OPTION_END);
	if (!t.server || sd_event_new(&t.event) < 0)
		return 1;
	t.port = MHD_get_daemon_info(t.server, MHD_DAEMON_INFO_BIND_PORT)->port;
	int failures = cmocka_run_group_tests_name("browser", tests, NULL, NULL);
	return failures ? 1 : 0;
}

int main(void)
{
	return run_as_ordinary_user(&t.user, WIDTH, HEIGHT, run_as_user);
}
