/* The demo meeting in a real browser: it is joined, media flows, the second is seen, a tone is
 * heard, and people can press "Record". */
#include "test.h"

#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <microhttpd.h>
#include <netinet/in.h>

#include "browser/browser.h"
#include "browser/ordinary_user.h"
#include "core/clock.h"

#define WIDTH 1280
#define HEIGHT 720
#define PATIENCE_S 90
#define SYNC_SIZE 64

static struct ordinary_user ordinary;
static struct tr_child server;
static sd_event *event;
static struct tr_browser *browser;
static char url[128];
static int ready, loaded, answered;
static char sentence[512];
static json_t *answer;

static void on_ready(void *user)
{
	ready++;
}

static void on_loaded(const char *of, void *user)
{
	loaded++;
}

static void on_failed(enum tr_load_error reason, const char *what, void *user)
{
	snprintf(sentence, sizeof(sentence), "%s", what);
}

static void on_value(int rc, json_t *value, const char *error, void *user)
{
	assert_int_equal(rc, 0);
	json_decref(answer);
	answer = json_incref(value);
	answered++;
}

static void wait_for(const int *counter, int count)
{
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;

	while (*counter < count) {
		assert_true(sd_event_run(event, 1000 * 1000) >= 0);
		if (tr_clock_now_ns() > until || sentence[0])
			fail_msg("the meeting does not come: %s", sentence);
	}
}

static const json_t *evaluate(const char *expression)
{
	int before = answered;

	assert_int_equal(
		tr_browser_evaluate(browser, expression, PATIENCE_S * 1000, on_value, NULL), 0);
	wait_for(&answered, before + 1);
	return answer;
}

static void wait_until_true(const char *expression)
{
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;
	char text[512];

	snprintf(text, sizeof(text), "new Promise(r => setTimeout(() => r(Boolean(%s)), 100))",
		expression);
	while (!json_is_true(evaluate(text)))
		if (tr_clock_now_ns() > until)
			fail_msg("still not: %s", expression);
}

static int start_server(void)
{
	char path[512], line[128] = "";
	int out[2];

	snprintf(path, sizeof(path), "%s/telerec-demo-meeting", getenv("TR_BUILD_DIR"));
	if (pipe2(out, O_CLOEXEC) < 0)
		return -1;
	const char *argv[] = {path, NULL};
	const struct tr_child_fd fds[] = {{out[1], STDOUT_FILENO}};
	const struct tr_child_settings settings = {.argv = argv, .fds = fds, .fd_count = 1};
	if (tr_child_start(&settings, &server) < 0)
		return -1;
	close(out[1]);
	ssize_t n = read(out[0], line, sizeof(line) - 1);
	close(out[0]);
	line[strcspn(line, "\n")] = '\0';
	snprintf(url, sizeof(url), "%s", line);
	return n > 0 ? 0 : -1;
}

static int start(void **state)
{
	static const struct tr_browser_events events = {
		.on_ready = on_ready, .on_loaded = on_loaded, .on_failed = on_failed};
	const struct tr_browser_settings settings = {
		.chromium = {.runtime_dir = ordinary.runtime,
			.display = ordinary.display,
			.width = WIDTH,
			.height = HEIGHT,
			.host_rules = "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
			.allow_no_sandbox = true},
		.start_timeout_ms = PATIENCE_S * 1000,
		.heartbeat_timeout_ms = PATIENCE_S * 1000,
	};

	if (start_server() < 0 || sd_event_new(&event) < 0 ||
		tr_browser_start(event, &settings, &events, NULL, &browser) < 0)
		return -1;
	wait_for(&ready, 1);
	assert_int_equal(tr_browser_open(browser, url, PATIENCE_S * 1000), 0);
	wait_for(&loaded, 1);
	return 0;
}

static int stop(void **state)
{
	tr_browser_stop(browser);
	sd_event_unref(event);
	json_decref(answer);
	tr_child_stop(&server, 5000);
	return 0;
}

static void the_recorder_is_joined_and_sees_the_others(void **state)
{
	wait_until_true("APP.conference._room.isJoined()");
	assert_int_equal(
		json_integer_value(evaluate(
			"APP.conference._room.getParticipants().filter(p => !p.isHidden() && "
			"!p.isHiddenFromRecorder()).length")),
		4);
	assert_int_equal(json_integer_value(evaluate(
				 "Object.values(APP.conference._room.room.members).filter(m => "
				 "m.identity.user.name).length")),
		4);
	assert_int_equal(json_integer_value(evaluate("demo.errors.length")), 0);
}

static void media_flows_as_in_a_meeting(void **state)
{
	wait_until_true("APP.conference.getConnectionState() === 'connected'");
	wait_until_true("APP.conference.getStats().bitrate.download > 20");
	wait_until_true("[...document.querySelectorAll('.tile video')].every("
			"v => v.videoWidth === 320 && v.currentTime > 1 && !v.paused)");
}

static void what_nobody_knows_is_noted(void **state)
{
	evaluate("APP.conference.noSuchThing; null");
	assert_int_equal(json_integer_value(evaluate("demo.errors.length")), 1);
	assert_string_equal(
		json_string_value(evaluate("demo.errors[0]")), "APP.conference.noSuchThing");
}

/* Light (1), dark (0) or something else (-1), all of it. */
static int look_at_sync(Display *x)
{
	XImage *image =
		XGetImage(x, DefaultRootWindow(x), 0, 0, SYNC_SIZE, SYNC_SIZE, AllPlanes, ZPixmap);
	int light = 0, dark = 0;

	assert_non_null(image);
	for (int row = 0; row < SYNC_SIZE; row++)
		for (int column = 0; column < SYNC_SIZE; column++) {
			unsigned long green = XGetPixel(image, column, row) >> 8 & 0xff;
			light += green > 230;
			dark += green < 25;
		}
	XDestroyImage(image);
	return light == SYNC_SIZE * SYNC_SIZE ? 1 : dark == SYNC_SIZE * SYNC_SIZE ? 0 : -1;
}

static void the_sync_square_flashes_alone(void **state)
{
	Display *x = XOpenDisplay(ordinary.display);
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;
	int flashes = 0, last = -1;

	assert_non_null(x);
	wait_until_true("document.getElementById('sync').currentTime > 0.5");
	wait_until_true("document.getElementById('sync').webkitAudioDecodedByteCount > 0");
	while (flashes < 3 && tr_clock_now_ns() < until) {
		int now = look_at_sync(x);
		flashes += now == 1 && last == 0;
		if (now >= 0)
			last = now;
		evaluate("new Promise(r => setTimeout(r, 20))");
	}
	assert_int_equal(flashes, 3);
	XCloseDisplay(x);
}

static void open_room(const char *room)
{
	char address[256];
	int before = loaded;

	snprintf(address, sizeof(address), "%.*s/%s", (int)(strrchr(url, '/') - url), url, room);
	assert_int_equal(tr_browser_open(browser, address, PATIENCE_S * 1000), 0);
	wait_for(&loaded, before + 1);
}

static void a_tone_is_all_that_sounds(void **state)
{
	open_room("tone440-people2");
	wait_until_true("meeting.people.length === 2 && meeting.connection === 'connected'");
	evaluate(
		"globalThis.audio = new AudioContext(); globalThis.ears = "
		"meeting.people.map(p => { const ear = new AnalyserNode(audio, {fftSize: 8192}); "
		"audio.createMediaStreamSource(p.tile.querySelector('video').srcObject).connect(ear); "
		"return ear; }); globalThis.listen = ear => { const bins = new "
		"Float32Array(ear.frequencyBinCount); ear.getFloatFrequencyData(bins); let top = 0; "
		"bins.forEach((level, i) => { if (level > bins[top]) top = i; }); "
		"return {hz: top * audio.sampleRate / 8192, level: bins[top]}; }; 1");
	wait_until_true("Math.abs(listen(ears[0]).hz - 440) < 7 && listen(ears[0]).level > -30");
	wait_until_true("listen(ears[1]).level < -60");
	assert_true(json_is_true(evaluate("document.getElementById('sync').muted")));
}

static void a_room_is_named_as_the_server_names_it(void **state)
{
	open_room("acme/Caf%C3%A9-people2");
	assert_string_equal(json_string_value(evaluate("roomJid('conference.a.example')")),
		"caf%c3%a9-people2@conference.acme.a.example");
}

/* A focus of a few lines: keeps what was asked for, and answers with the state it is in. */
static struct {
	struct MHD_Daemon *daemon;
	unsigned port;
	int posts; /* by the daemon's thread */
	char body[512], asked[256];
	const char *state;
} focus;

static enum MHD_Result answer_focus(struct MHD_Connection *connection, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	MHD_add_response_header(response, "Access-Control-Allow-Origin", "*");
	MHD_add_response_header(response, "Access-Control-Allow-Headers", "Content-Type");
	enum MHD_Result result = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result serve_focus(void *user, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **request)
{
	static int seen;
	char text[64];

	if (!strcmp(method, "POST")) {
		if (!*request) {
			*request = &seen;
			focus.body[0] = '\0';
			return MHD_YES;
		}
		if (*upload_size > 0) {
			size_t used = strlen(focus.body);
			snprintf(focus.body + used, sizeof(focus.body) - used, "%.*s",
				(int)*upload_size, upload);
			*upload_size = 0;
			return MHD_YES;
		}
		__atomic_add_fetch(&focus.posts, 1, __ATOMIC_RELEASE);
		return answer_focus(connection, "{\"status\":\"pending\",\"text\":\"asked\"}");
	}
	snprintf(focus.asked, sizeof(focus.asked), "%s", path);
	snprintf(text, sizeof(text), "{\"recording\":\"%s\"}",
		__atomic_load_n(&focus.state, __ATOMIC_ACQUIRE));
	return answer_focus(connection, text);
}

static void wait_for_posts(int count)
{
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;

	while (__atomic_load_n(&focus.posts, __ATOMIC_ACQUIRE) < count)
		assert_true(sd_event_run(event, 50000) >= 0 && tr_clock_now_ns() < until);
}

static void people_can_record(void **state)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char room[128];

	focus.state = "off";
	focus.daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, serve_focus,
		NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
	assert_non_null(focus.daemon);
	focus.port = MHD_get_daemon_info(focus.daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	snprintf(room, sizeof(room), "board-people1?focus=http://127.0.0.1:%u/", focus.port);
	open_room(room);
	wait_until_true("document.querySelector('#recording.off button')");
	evaluate("document.querySelector('#recording button').click(); 1");
	wait_for_posts(1);
	assert_string_equal(focus.body, "{\"room\":\"board-people1@conference.demo.invalid\","
					"\"action\":\"start\",\"mode\":\"file\"}");
	__atomic_store_n(&focus.state, "on", __ATOMIC_RELEASE);
	wait_until_true("document.querySelector('#recording.on button:enabled')");
	assert_string_equal(focus.asked, "/rooms/board-people1@conference.demo.invalid");
	evaluate("document.querySelector('#recording button').click(); 1");
	wait_for_posts(2);
	assert_non_null(strstr(focus.body, "\"action\":\"stop\""));
	__atomic_store_n(&focus.state, "off", __ATOMIC_RELEASE);
	wait_until_true("document.querySelector('#recording.off')");
	MHD_stop_daemon(focus.daemon);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_recorder_is_joined_and_sees_the_others),
		cmocka_unit_test(media_flows_as_in_a_meeting),
		cmocka_unit_test(the_sync_square_flashes_alone),
		cmocka_unit_test(what_nobody_knows_is_noted),
		cmocka_unit_test(a_room_is_named_as_the_server_names_it),
		cmocka_unit_test(a_tone_is_all_that_sounds),
		cmocka_unit_test(people_can_record),
	};
	return cmocka_run_group_tests_name("meeting", tests, start, stop) ? 1 : 0;
}

int main(void)
{
	return run_as_ordinary_user(&ordinary, WIDTH, HEIGHT, run);
}
