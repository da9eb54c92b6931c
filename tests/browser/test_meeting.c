/*
 * The meeting's logic with a real Chromium in the demo meeting: every way a meeting goes, fails and
 * ends. One browser for all; each scenario has short limits for what it is about.
 */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "browser/meeting.h"
#include "browser/ordinary_user.h"
#include "core/clock.h"

#define WIDTH 640
#define HEIGHT 360
#define PATIENCE_S 60
#define LONG_MS (PATIENCE_S * 1000)
#define MARKER "marker-of-a-secret"
#define PASSWORD MARKER "-\"'\\\\</script>`${x}\xc3\xbc\xf0\x9f\x98\x80\xe2\x80\xa8 &#%41"
#define ACCOUNT "recorder@recorder.demo.invalid"

static struct {
	sd_event *event;
	struct tr_browser *browser;
	struct tr_meeting *meeting;
	struct ordinary_user user;
	struct tr_child servers[2]; /* the second asks for the log-in */
	unsigned ports[2];

	int ready, failed, crashed, answered;
	int joined, ended, left;
	enum tr_load_error reason;
	char load_sentence[512];
	json_t *answer;
	int answer_rc;
	struct tr_meeting_state state;
	int states;
	bool was_cut_off; /* after it was connected */
	bool was_connected;
	enum tr_meeting_end end;
	char sentence[600];
	size_t picture_size;
	bool is_png;
} t;

static void wait_until(const int *counter, int count, const char *what)
{
	int64_t until = tr_clock_now_ns() + PATIENCE_S * TR_NS_PER_S;

	while (*counter < count) {
		assert_true(sd_event_run(t.event, 1000 * 1000) >= 0);
		if (tr_clock_now_ns() > until)
			fail_msg("%s is still %d (load: %s; end: %s)", what, *counter,
				t.load_sentence, t.sentence);
	}
}
#define wait_for(counter, count) wait_until(&t.counter, count, #counter)

static void run_for_ms(int ms)
{
	int64_t until = tr_clock_now_ns() + ms * TR_NS_PER_MS;

	while (tr_clock_now_ns() < until)
		assert_true(sd_event_run(t.event, 50 * 1000) >= 0);
}

/* The browser's events, handed on as the owner of a meeting does */

static void on_ready(void *user)
{
	t.ready++;
}

static void on_loaded(const char *url, void *user)
{
	if (t.meeting)
		tr_meeting_handle_loaded(t.meeting);
}

static void on_failed(enum tr_load_error reason, const char *sentence, void *user)
{
	t.reason = reason;
	snprintf(t.load_sentence, sizeof(t.load_sentence), "%s", sentence);
	t.failed++;
}

static void on_crashed(const char *sentence, void *user)
{
	t.crashed++;
}

static void on_push(const char *name, const char *payload, void *user)
{
	if (t.meeting)
		tr_meeting_handle_push(t.meeting, name, payload);
}

static int start_browser(void)
{
	static const char *const bindings[] = {TR_MEETING_BINDING, NULL};
	static const struct tr_browser_events events = {.on_ready = on_ready,
		.on_loaded = on_loaded,
		.on_failed = on_failed,
		.on_crashed = on_crashed,
		.on_push = on_push};
	const struct tr_browser_settings settings = {
		.chromium = {.runtime_dir = t.user.runtime,
			.display = t.user.display,
			.width = WIDTH,
			.height = HEIGHT,
			.hosts = "127.0.0.1, localhost",
			.allow_no_sandbox = true},
		.bindings = bindings,
		.start_timeout_ms = LONG_MS,
		.heartbeat_ms = 500,
		.heartbeat_timeout_ms = 5000,
	};

	int rc = tr_browser_start(t.event, &settings, &events, NULL, &t.browser);
	if (rc == 0)
		wait_for(ready, 1);
	return rc;
}

static void on_value(int rc, json_t *value, const char *error, void *user)
{
	t.answer_rc = rc;
	json_decref(t.answer);
	t.answer = json_incref(value);
	t.answered++;
}

static const json_t *evaluate(const char *expression)
{
	int before = t.answered;

	assert_int_equal(tr_browser_evaluate(t.browser, expression, LONG_MS, on_value, NULL), 0);
	wait_for(answered, before + 1);
	assert_int_equal(t.answer_rc, 0);
	return t.answer;
}

static void assert_true_in_page(const char *expression)
{
	if (!json_is_true(evaluate(expression)))
		fail_msg("not true in the page: %s", expression);
}

/* The meeting's */

static void on_joined(void *user)
{
	t.joined++;
}

static void on_state(const struct tr_meeting_state *state, void *user)
{
	t.was_cut_off |= t.was_connected && !state->is_connected;
	t.was_connected |= state->is_connected;
	t.state = *state;
	t.states++;
}

static void on_ended(enum tr_meeting_end end, const char *sentence, const uint8_t *picture,
	size_t picture_size, void *user)
{
	static const uint8_t png[] = {0x89, 'P', 'N', 'G'};

	t.end = end;
	snprintf(t.sentence, sizeof(t.sentence), "%s", sentence);
	t.picture_size = picture_size;
	t.is_png = picture_size > 100 && !memcmp(picture, png, sizeof(png));
	t.ended++;
}

static void on_left(void *user)
{
	t.left++;
}

static struct tr_meeting_settings with_room(char url[static 128], const char *room, int server)
{
	snprintf(url, 128, "http://127.0.0.1:%u/%s-people2?sync=0&for=2", t.ports[server], room);
	return (struct tr_meeting_settings){
		.url = url,
		.mode = "file",
		.session_id = "session-1",
		.view_url = "",
		.call_jid = ACCOUNT,
		.call_password = PASSWORD,
		.call_name = "jibri",
		.rtcstats = -1,
		.load_timeout_ms = LONG_MS,
		.join_timeout_ms = LONG_MS,
		.empty_timeout_ms = LONG_MS,
		.no_media_timeout_ms = LONG_MS,
		.all_muted_timeout_ms = LONG_MS,
		.ice_timeout_ms = LONG_MS,
	};
}

static void open_meeting(const struct tr_meeting_settings *settings)
{
	static const struct tr_meeting_events events = {on_joined, on_state, on_ended};

	assert_int_equal(tr_meeting_create(t.event, settings, &events, NULL, &t.meeting), 0);
	assert_int_equal(tr_meeting_open(t.meeting, t.browser), 0);
}

static void open_room(const char *room)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, room, 0);

	open_meeting(&settings);
}

static void leave_meeting(void)
{
	int64_t from_ns = tr_clock_now_ns();

	assert_int_equal(tr_meeting_leave(t.meeting, 20000, on_left, NULL), 0);
	assert_int_equal(t.left, 0); /* never from within */
	wait_for(left, 1);
	print_message("left after %.0f ms\n", (double)(tr_clock_now_ns() - from_ns) / 1e6);
	assert_string_equal(json_string_value(evaluate("location.href")), "about:blank");
}

static void ends_with(enum tr_meeting_end end, const char *part)
{
	bool is_failure = end == TR_MEETING_JOIN_FAILED || end == TR_MEETING_NO_MEDIA ||
			  end == TR_MEETING_ICE_FAILED;

	wait_for(ended, 1);
	print_message("it said: %s\n", t.sentence);
	assert_int_equal(t.end, end);
	if (!strstr(t.sentence, part))
		fail_msg("\"%s\" does not say \"%s\"", t.sentence, part);
	assert_null(strstr(t.sentence, MARKER));
	assert_int_equal(t.is_png, is_failure);
	leave_meeting();
	assert_int_equal(t.ended, 1);
}

static int setup(void **state)
{
	t.failed = t.crashed = t.joined = t.ended = t.left = t.states = 0;
	t.was_connected = t.was_cut_off = false;
	t.sentence[0] = t.load_sentence[0] = '\0';
	memset(&t.state, 0, sizeof(t.state));
	return 0;
}

static int teardown(void **state)
{
	tr_meeting_destroy(tr_take(t.meeting));
	return 0;
}

/* Tests */

static void it_joins_counts_and_tells_the_room(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "ok", 0);

	settings.mode = "stream";
	settings.view_url = "https://watch.invalid/1";
	open_meeting(&settings);
	int64_t from_ns = tr_clock_now_ns();
	wait_for(joined, 1);
	print_message("joined after %.0f ms\n", (double)(tr_clock_now_ns() - from_ns) / 1e6);
	while (!t.state.is_connected || t.state.download_kbps == 0)
		wait_for(states, t.states + 1);
	assert_int_equal(t.state.participants, 2);
	assert_true(t.state.is_joined);
	assert_true_in_page("demo.sentPresences.length === 1");
	assert_true_in_page("JSON.stringify(demo.sentPresences[0]) === JSON.stringify({session_id: "
			    "'session-1', mode: 'stream', 'live-stream-view-url': "
			    "'https://watch.invalid/1'})");
	if (json_array_size(evaluate("demo.errors")) > 0)
		fail_msg("the page complains: %s", json_string_value(json_array_get(t.answer, 0)));
	leave_meeting();
	assert_int_equal(t.ended, 0);
}

static void everybody_who_was_there_is_listed_by_the_last_name(void **state)
{
	open_room("ok");
	wait_for(joined, 1);
	evaluate(
		"demo.tellJoined({id: 'late', name: 'Zoë'}); demo.tellJoined({id: 'h', name: 'Ghost', "
		"isHidden: true}); demo.tellRenamed({id: 'late', name: 'Zoë 2'}); 1");
	const json_t *all = tr_meeting_participants(t.meeting);
	assert_int_equal(json_array_size(all), 3);
	const json_t *user = json_object_get(json_array_get(all, 2), "user");
	assert_string_equal(json_string_value(json_object_get(user, "name")), "Zoë 2");
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(all, 0), "group")), "demo");
	leave_meeting();
	assert_int_equal(json_array_size(tr_meeting_participants(t.meeting)), 3);
}

static void any_password_reaches_the_page_and_nothing_is_stored(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "ok", 1);

	open_meeting(&settings);
	wait_for(joined, 1); /* the server has compared it */
	assert_string_equal(
		json_string_value(evaluate("localStorage.getItem('xmpp_password_override')")),
		PASSWORD);
	assert_string_equal(
		json_string_value(evaluate("localStorage.xmpp_username_override")), ACCOUNT);
	assert_true_in_page("localStorage.length === 5 && 'email' in localStorage && "
			    "Object.keys(localStorage).length === 5 && "
			    "localStorage instanceof Storage");
	assert_true_in_page("(localStorage.a = 1, localStorage.getItem('a') === '1') && "
			    "(delete localStorage.a, localStorage.getItem('a') === null)");
	/* A frame of the same site sees the storage that is kept on disk. */
	assert_true_in_page("(() => { const f = document.createElement('iframe'); "
			    "document.body.append(f); return f.contentWindow.localStorage.length "
			    "=== 0; })()");
	assert_true_in_page("!location.href.includes('marker')");
	leave_meeting();
}

static void a_wrong_password_is_named(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "ok", 1);

	settings.call_password = MARKER "-wrong";
	open_meeting(&settings);
	ends_with(TR_MEETING_JOIN_FAILED, "refused the recorder's log-in");
	assert_int_equal(t.joined, 0);
}

static void a_server_that_wants_an_account_is_named(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "password", 0);

	settings.call_jid = settings.call_password = "";
	open_meeting(&settings);
	ends_with(TR_MEETING_JOIN_FAILED, "no account is set");
}

static void a_locked_room_is_named(void **state)
{
	open_room("room-password");
	ends_with(TR_MEETING_JOIN_FAILED, "locked with a password");
}

static void fails_to_join_in(const char *room, int64_t limit_ms, const char *part)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, room, 0);

	settings.join_timeout_ms = limit_ms;
	open_meeting(&settings);
	ends_with(TR_MEETING_JOIN_FAILED, part);
	assert_int_equal(t.joined, 0);
}

static void a_lobby_is_named(void **state)
{
	fails_to_join_in("lobby", 2500, "lobby");
}

static void a_page_that_gives_no_reason_is_left_in_time(void **state)
{
	fails_to_join_in("never-joins", 2000, "gave no reason");
}

static void switched_off_options_are_named(void **state)
{
	open_room("no-overrides");
	ends_with(TR_MEETING_JOIN_FAILED, "URL overrides");
	assert_int_equal(t.joined, 0);
}

static void another_site_is_named_and_gets_no_log_in(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "redirect", 0);

	settings.join_timeout_ms = 5000;
	open_meeting(&settings);
	wait_for(ended, 1);
	assert_true_in_page("location.hostname === 'localhost'");
	assert_true_in_page("localStorage.length === 0");
	ends_with(TR_MEETING_JOIN_FAILED, "another site (http://localhost:");
}

static void it_waits_for_a_late_joining(void **state)
{
	open_room("late-join.1");
	wait_for(joined, 1);
	leave_meeting();
}

static void an_old_page_is_understood(void **state)
{
	open_room("old-api");
	wait_for(joined, 1);
	while (t.state.participants != 2)
		wait_for(states, t.states + 1);
	assert_true_in_page("demo.sentPresences[0].mode === 'file'");
	assert_true_in_page("demo.errors.length === 0");
	leave_meeting();
}

static void an_empty_meeting_ends(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "leave.1", 0);

	settings.empty_timeout_ms = 1000;
	open_meeting(&settings);
	ends_with(TR_MEETING_EMPTY, "nobody else was in the meeting for 1 s");
	assert_int_equal(t.joined, 1);
}

static void hidden_ones_do_not_count(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "hidden-only", 0);

	settings.empty_timeout_ms = 1000;
	open_meeting(&settings);
	ends_with(TR_MEETING_EMPTY, "nobody else");
}

static void an_ended_meeting_ends(void **state)
{
	open_room("ended.1");
	ends_with(TR_MEETING_EMPTY, "ended for everybody");
}

static void a_muted_meeting_ends(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "all-mute.1", 0);

	settings.all_muted_timeout_ms = 1000;
	open_meeting(&settings);
	ends_with(TR_MEETING_MUTED, "muted for 1 s");
	assert_int_equal(t.state.muted, 2);
}

static void a_shared_video_keeps_a_muted_meeting(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "shared-video.1", 0);

	settings.all_muted_timeout_ms = 1000;
	settings.no_media_timeout_ms = 10000;
	open_meeting(&settings);
	while (t.state.muted != 2)
		wait_for(states, t.states + 1);
	run_for_ms(1600);
	assert_int_equal(t.ended, 0);
	evaluate("meeting.sharedVideo = {status: 'stop'}; 1");
	ends_with(TR_MEETING_MUTED, "muted");
}

static void telephones_count_as_muted(void **state)
{
	open_room("telephones");
	while (t.state.muted != 2)
		wait_for(states, t.states + 1);
	assert_int_equal(t.state.participants, 2);
	leave_meeting();
}

static void missing_media_is_a_failure(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "no-media.1", 0);

	settings.no_media_timeout_ms = 2000;
	open_meeting(&settings);
	ends_with(TR_MEETING_NO_MEDIA, "nothing was received from the meeting for 2 s");
}

static void a_broken_connection_is_a_failure(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "ice-fails.2", 0);

	settings.ice_timeout_ms = 3000;
	open_meeting(&settings);
	ends_with(TR_MEETING_ICE_FAILED, "the connection to the video bridge was down for 3 s");
	assert_false(t.state.is_connected);
}

static void a_connection_that_comes_back_is_none(void **state)
{
	open_room("reconnect.2");
	while (!t.was_cut_off || !t.state.is_connected)
		wait_for(states, t.states + 1);
	assert_int_equal(t.ended, 0);
	leave_meeting();
}

static void a_page_that_loads_itself_again_is_followed(void **state)
{
	open_room("reload.1");
	wait_for(joined, 1);
	while (t.state.is_joined)
		wait_for(states, t.states + 1);
	assert_int_equal(t.state.participants, 2); /* nobody has left */
	while (!t.state.is_joined)
		wait_for(states, t.states + 1);
	assert_int_equal(t.ended, 0);
	leave_meeting();
}

static void a_page_that_stays_lost_is_a_failure(void **state)
{
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "server-lost.1", 0);

	settings.load_timeout_ms = 4000; /* with the two others: how long it may be lost */
	settings.join_timeout_ms = settings.ice_timeout_ms = 1000;
	settings.empty_timeout_ms = 1000;
	open_meeting(&settings);
	ends_with(TR_MEETING_ICE_FAILED, "lost the meeting and was not back in it after 6 s");
	assert_int_equal(t.state.participants, 2);
	assert_false(t.state.is_joined || t.state.is_connected);
}

static void a_kick_ends_it_at_once(void **state)
{
	open_room("kicked.1");
	ends_with(TR_MEETING_KICKED, "removed the recorder");
}

static void a_crashed_page_is_joined_again(void **state)
{
	open_room("crash.1");
	wait_for(joined, 1);
	int64_t from_ns = tr_clock_now_ns();
	wait_for(crashed, 1);
	print_message("crashed after %.0f ms\n", (double)(tr_clock_now_ns() - from_ns) / 1e6);
	tr_meeting_forget_browser(t.meeting);
	assert_int_equal(tr_meeting_open(t.meeting, t.browser), 0);
	wait_for(joined, 2);
	assert_int_equal(t.ended, 0);
	/* The next meeting's log-in reaches a page that has crashed. */
	wait_for(crashed, 2);
	teardown(NULL);
	char url[128];
	struct tr_meeting_settings settings = with_room(url, "ok", 0);
	settings.session_id = "session-2";
	open_meeting(&settings);
	wait_for(joined, 3);
	assert_true_in_page("demo.sentPresences.length === 1 && "
			    "demo.presence.session_id === 'session-2'");
	leave_meeting();
}

static void a_hung_page_is_joined_again(void **state)
{
	open_room("hang.1");
	wait_for(joined, 1);
	wait_for(failed, 1);
	assert_int_equal(t.reason, TR_LOAD_ERROR_HUNG);
	assert_int_equal(tr_meeting_open(t.meeting, t.browser), 0);
	wait_for(joined, 2);
	assert_int_equal(t.ended, 0);
	leave_meeting();
}

static void a_meeting_lives_on_in_another_browser(void **state)
{
	open_room("ok");
	wait_for(joined, 1);
	tr_browser_stop(tr_take(t.browser));
	tr_meeting_forget_browser(t.meeting);
	t.ready = 0;
	assert_int_equal(start_browser(), 0);
	assert_true(!strncmp(tr_browser_version(t.browser), "Chromium ", 9));
	assert_int_equal(tr_meeting_open(t.meeting, t.browser), 0);
	wait_for(joined, 2);
	/* It may also go first. */
	assert_int_equal(tr_meeting_leave(t.meeting, 20000, on_left, NULL), 0);
	tr_meeting_destroy(tr_take(t.meeting));
	run_for_ms(200);
	assert_int_equal(t.left, 0);
}

static void leaving_takes_no_longer_than_it_may(void **state)
{
	open_room("hang.1");
	wait_for(joined, 1);
	run_for_ms(2000);
	int64_t from_ns = tr_clock_now_ns();
	assert_int_equal(tr_meeting_leave(t.meeting, 1000, on_left, NULL), 0);
	wait_for(left, 1);
	assert_true(tr_clock_now_ns() - from_ns < 10 * TR_NS_PER_S);
	assert_string_equal(json_string_value(evaluate("location.href")), "about:blank");
}

static void nonsense_from_the_page_is_ignored(void **state)
{
	open_room("ok");
	wait_for(joined, 1);
	evaluate(
		"for (const text of ['', '{', '[]', '{\"t\":\"member\"}', 'x'.repeat(1 << 20), "
		"'{\"t\":\"state\",\"participants\":1e999}', '{\"t\":\"away\"}', "
		"'{\"t\":\"state\",\"joined\":{}}']) telerecPush(text);"
		"for (let i = 0; i < 5000; i++) telerecPush(JSON.stringify({t: 'member', jid: 'x' + "
		"i, identity: {user: {}}})); 1");
	assert_int_equal(json_array_size(tr_meeting_participants(t.meeting)), 2000);
	assert_int_equal(t.ended, 0);
	leave_meeting();
}

static bool file_has_marker(int dirfd, const char *name)
{
	char *bytes;
	size_t size;

	if (tr_file_read(dirfd, name, 64 << 20, &bytes, &size) < 0)
		return false;
	bool is_there = memmem(bytes, size, MARKER, strlen(MARKER)) != NULL;
	free(bytes);
	return is_there;
}

static int count_files_with_marker(int parent, const char *name, int *files)
{
	int found = 0;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return 0;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			found += count_files_with_marker(dirfd(dir), entry->d_name, files);
		if (entry->d_type != DT_REG)
			continue;
		(*files)++;
		if (file_has_marker(dirfd(dir), entry->d_name)) {
			print_message("the marker is in %s\n", entry->d_name);
			found++;
		}
	}
	closedir(dir);
	return found;
}

/* Last: what all meetings before have left in the profile. */
static void no_file_of_the_browser_has_the_password(void **state)
{
	int files = 0;

	assert_int_equal(count_files_with_marker(AT_FDCWD, t.user.runtime, &files), 0);
	assert_true(files > 10);
}

static int start_server(int number, const char *login)
{
	char path[512], line[128] = "";
	int out[2];

	snprintf(path, sizeof(path), "%s/telerec-demo-meeting", getenv("TR_BUILD_DIR"));
	if (pipe2(out, O_CLOEXEC) < 0)
		return -1;
	const char *argv[] = {path, login ? "--call-login" : NULL, login, NULL};
	const struct tr_child_fd fds[] = {{out[1], STDOUT_FILENO}};
	const struct tr_child_settings settings = {.argv = argv, .fds = fds, .fd_count = 1};
	if (tr_child_start(&settings, &t.servers[number]) < 0)
		return -1;
	close(out[1]);
	ssize_t n = read(out[0], line, sizeof(line) - 1);
	close(out[0]);
	return n > 0 && sscanf(line, "http://127.0.0.1:%u/", &t.ports[number]) == 1 ? 0 : -1;
}

static int start_all(void **state)
{
	char path[128], login[256];

	/* Not in the folder that is searched for it. */
	snprintf(path, sizeof(path), "/tmp/telerec-test-password-XXXXXX");
	int fd = mkstemp(path);
	if (fd < 0 || tr_file_write_all(fd, PASSWORD, strlen(PASSWORD)) < 0)
		return -1;
	close(fd);
	snprintf(login, sizeof(login), "%s:%s", ACCOUNT, path);
	int rc = start_server(0, NULL);
	if (rc == 0)
		rc = start_server(1, login);
	unlink(path);
	if (rc < 0 || sd_event_new(&t.event) < 0)
		return -1;
	return start_browser();
}

static int stop_all(void **state)
{
	tr_browser_stop(t.browser);
	sd_event_unref(t.event);
	json_decref(t.answer);
	for (size_t i = 0; i < TR_COUNT(t.servers); i++)
		tr_child_stop(&t.servers[i], 5000);
	return 0;
}

#define test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static int run(void)
{
	const struct CMUnitTest tests[] = {
		test(it_joins_counts_and_tells_the_room),
		test(everybody_who_was_there_is_listed_by_the_last_name),
		test(any_password_reaches_the_page_and_nothing_is_stored),
		test(a_wrong_password_is_named),
		test(a_server_that_wants_an_account_is_named),
		test(a_locked_room_is_named),
		test(a_lobby_is_named),
		test(a_page_that_gives_no_reason_is_left_in_time),
		test(switched_off_options_are_named),
		test(another_site_is_named_and_gets_no_log_in),
		test(it_waits_for_a_late_joining),
		test(an_old_page_is_understood),
		test(an_empty_meeting_ends),
		test(hidden_ones_do_not_count),
		test(an_ended_meeting_ends),
		test(a_muted_meeting_ends),
		test(a_shared_video_keeps_a_muted_meeting),
		test(telephones_count_as_muted),
		test(missing_media_is_a_failure),
		test(a_broken_connection_is_a_failure),
		test(a_connection_that_comes_back_is_none),
		test(a_page_that_loads_itself_again_is_followed),
		test(a_page_that_stays_lost_is_a_failure),
		test(a_kick_ends_it_at_once),
		test(a_crashed_page_is_joined_again),
		test(a_hung_page_is_joined_again),
		test(nonsense_from_the_page_is_ignored),
		test(no_file_of_the_browser_has_the_password),
		test(a_meeting_lives_on_in_another_browser),
		test(leaving_takes_no_longer_than_it_may),
	};
	if (getenv("TR_TEST"))
		cmocka_set_test_filter(getenv("TR_TEST"));
	return cmocka_run_group_tests_name("meeting", tests, start_all, stop_all) ? 1 : 0;
}

int main(void)
{
	return run_as_ordinary_user(&t.user, WIDTH, HEIGHT, run);
}
