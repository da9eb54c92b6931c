/* The node with real supervision and the slot's double (tests/fake/fake_slot.c); what it tells the
 * outside is written down, a line each. */
#include "test.h"

#include "core/clock.h"
#include "core/file.h"
#include "daemon/node.h"
#include "storage/leftovers.h"
#include "storage/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEADLINE_NS (60 * TR_NS_PER_S)
#define SLOTS 2
#define SCRIPT                                                                                     \
	"#!/bin/sh\necho \"$1\" >>HOME/ran\nuntil [ -e HOME/go ]; do sleep 0.02; done\n"           \
	"echo \"$1\" >>HOME/done\n"

static char home[] = "/tmp/telerec-node-XXXXXX";
static char path_buffer[300];
static char said[8192]; /* by the node */
static char why[300];
static sd_event *event;
static struct tr_node *node;
static const struct tr_control_actions *actions;
static struct tr_node_settings *settings;
static struct tr_config rules;
static int exit_code;
static int64_t deadline_ns;

/* ---- the outside ---- */

static void say(const char *format, ...) TR_PRINTF(1, 2);

static void say(const char *format, ...)
{
	size_t used = strlen(said);
	va_list args;

	va_start(args, format);
	vsnprintf(said + used, sizeof(said) - used, format, args);
	va_end(args);
}

static void set_presence(void *user, unsigned slot, bool is_busy, bool is_healthy)
{
	say("slot %u %s %s\n", slot, is_busy ? "busy" : "idle", is_healthy ? "well" : "ill");
}

static void send_status(void *user, const struct tr_control_origin *origin, const char *session_id,
	enum tr_control_status status, bool should_retry)
{
	static const char *const words[] = {"on", "off", "failed"};

	assert_string_equal(origin->address, "brewery/focus");
	say("%s %s%s\n", session_id, words[status], should_retry ? " retry" : "");
}

static void began(void *user, const char *session_id)
{
	say("%s began\n", session_id);
}

static void over(void *user, const char *session_id)
{
	say("%s over\n", session_id);
}

static void describe(void *user, const char *sentence)
{
	assert_non_null(strstr(sentence, "2 slots"));
	if (strstr(sentence, "streams up"))
		say("%s\n", sentence);
}

static void leave(void *user, int code)
{
	exit_code = code;
}

static const struct tr_node_outside outside = {
	NULL, set_presence, send_status, began, over, describe, leave, NULL, NULL};

/* ---- the house ---- */

static const char *in_home(const char *name)
{
	snprintf(path_buffer, sizeof(path_buffer), "%s/%s", home, name);
	return path_buffer;
}

static void write_home(const char *name, const char *text, mode_t mode)
{
	int fd = open(in_home(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static bool has_home(const char *name)
{
	return access(in_home(name), F_OK) == 0;
}

static const char *read_home(const char *name)
{
	static char *text;

	free(tr_take(text));
	if (tr_file_read(AT_FDCWD, in_home(name), 1 << 20, &text, NULL) < 0)
		text = strdup("");
	return text;
}

static unsigned count(const char *text, const char *words)
{
	unsigned found = 0;

	for (const char *at = text; (at = strstr(at, words)); at++)
		found++;
	return found;
}

static int make_home(void **state)
{
	static char recordings[100], program[PATH_MAX];

	strcpy(home, "/tmp/telerec-node-XXXXXX");
	assert_non_null(mkdtemp(home));
	assert_int_equal(chmod(home, 0755), 0);
	setenv("FAKE_SLOT", "finish", 1);
	setenv("FAKE_SLOT_NOTES", in_home("notes"), 1);
	setenv("FAKE_SLOT_LOG", in_home("log"), 1);
	setenv("FAKE_SLOT_STREAMS", in_home("streams"), 1);
	setenv("FAKE_SLOT_ENCODER_FILE", in_home("encoder"), 1);
	unsetenv("FAKE_SLOT_ENCODERS");
	assert_true(sd_event_new(&event) >= 0);
	snprintf(recordings, sizeof(recordings), "%s/rec", home);
	snprintf(program, sizeof(program), "%s/fake_slot", getenv("TR_BUILD_DIR"));
	settings = calloc(1, sizeof(*settings));
	settings->supervisor.slots = SLOTS;
	settings->supervisor.program = program;
	settings->supervisor.log_level = 3;
	settings->supervisor.limits = (struct tr_supervisor_limits){
		.silence_ms = 3000, .stopped_ms = 2000, .quit_ms = 1000, .restarts = 2};
	settings->rules = &rules;
	tr_config_set_defaults(&rules);
	settings->recordings = recordings;
	settings->finalize_script = "";
	settings->hold_ms = 300;
	settings->low_disk_bytes = 1;
	said[0] = '\0';
	exit_code = -1;
	deadline_ns = tr_clock_now_ns() + DEADLINE_NS;
	return 0;
}

static int remove_home(void **state)
{
	tr_node_destroy(tr_take(node));
	event = sd_event_unref(event);
	free(tr_take(settings));
	return tr_file_remove_tree(home);
}

static void turn(void)
{
	if (tr_clock_now_ns() >= deadline_ns)
		fail_msg("too late; it said: %s; the slots were told: %s", said, read_home("log"));
	assert_true(sd_event_run(event, 20000) >= 0);
}

#define WAIT(condition)                                                                            \
	do {                                                                                       \
		while (!(condition))                                                               \
			turn();                                                                    \
	} while (0)

#define SAYS(words) WAIT(strstr(said, words))

/* A while in which nothing shall happen. */
static void let_pass(int64_t ms)
{
	int64_t end_ns = tr_clock_now_ns() + ms * TR_NS_PER_MS;

	while (tr_clock_now_ns() < end_ns)
		turn();
}

static void expect_order(const char *first, const char *second)
{
	const char *a = strstr(said, first), *b = strstr(said, second);

	if (!a || !b || a > b)
		fail_msg("\"%s\" is not before \"%s\" in: %s", first, second, said);
}

static void start_node(void)
{
	assert_int_equal(tr_node_create(event, settings, &outside, &node), 0);
	actions = tr_node_actions(node);
	tr_node_publish(node);
}

static void start_ready(void)
{
	start_node();
	SAYS("slot 1 idle well\n");
	SAYS("slot 2 idle well\n");
	said[0] = '\0';
}

static void use_script(void)
{
	TR_CLEANUP(tr_freep) char *script = NULL;
	static char path[100];
	FILE *out;

	snprintf(path, sizeof(path), "%s/script", home);
	out = fopen(path, "w");
	assert_non_null(out);
	for (const char *c = SCRIPT; *c; c++) {
		if (strncmp(c, "HOME", 4) == 0) {
			fputs(home, out);
			c += 3;
		} else {
			fputc(*c, out);
		}
	}
	fclose(out);
	assert_int_equal(chmod(path, 0755), 0);
	settings->finalize_script = path;
	settings->finalize_attempts = 1;
}

/* ---- control ---- */

static enum tr_control_answer ask_with(unsigned connection, unsigned slot, const char *session_id,
	const char *order, int64_t usage_ms, const char *stream_url)
{
	char url[100];
	struct tr_control_start request = {
		.kind = stream_url ? TR_CONTROL_STREAM : TR_CONTROL_FILE,
		.slot = slot,
		.environment = connection ? "demo-meet.example" : "",
		.session_id = session_id,
		.meeting_url = url,
		.room = "room@conference.meet.example",
		.call_name = "Room",
		.call_jid = "recorder@recorder.meet.example",
		.call_password = "secret",
		.stream_url = stream_url ? stream_url : "",
		.view_url = "",
		.metadata = "",
		.url_parameters = "",
		.rtcstats = -1,
		.usage_timeout_ms = usage_ms,
		.origin = {.connection = connection, .address = "brewery/focus"},
	};

	snprintf(url, sizeof(url), "https://meet.example/%s", order);
	return actions->start(actions->user, &request, why, sizeof(why));
}

static enum tr_control_answer ask_as(unsigned connection, unsigned slot, const char *session_id,
	const char *order, int64_t usage_ms)
{
	return ask_with(connection, slot, session_id, order, usage_ms, NULL);
}

static enum tr_control_answer ask_stream(
	unsigned slot, const char *session_id, const char *order, const char *stream_url)
{
	return ask_with(1, slot, session_id, order, 0, stream_url);
}

static enum tr_control_answer ask(unsigned slot, const char *session_id, const char *order)
{
	return ask_as(1, slot, session_id, order, 0);
}

static void start_on(unsigned slot, const char *session_id, const char *order)
{
	char words[100];

	assert_int_equal(ask(slot, session_id, order), TR_CONTROL_ACCEPTED);
	snprintf(words, sizeof(words), "%s on\n", session_id);
	SAYS(words);
}

static bool stop(unsigned slot, const char *session_id)
{
	return actions->stop(actions->user, slot, session_id);
}

static struct tr_control_presence look(unsigned slot)
{
	struct tr_control_presence presence;

	actions->read(actions->user, slot, &presence);
	return presence;
}

/* ---- an ordinary life ---- */

static void a_session_is_busy_then_on_then_off_then_idle(void **state)
{
	start_ready();
	assert_int_equal(ask(1, "s1", "finish"), TR_CONTROL_ACCEPTED);
	assert_non_null(strstr(said, "slot 1 busy well\n")); /* before the answer */
	SAYS("s1 on\n");
	assert_string_equal(look(1).environment, "demo-meet.example");
	assert_true(stop(1, "s1"));
	SAYS("slot 1 idle well\n");
	SAYS("s1 over\n");
	expect_order("slot 1 busy", "s1 on");
	expect_order("s1 on", "s1 off\n");
	expect_order("s1 off\n", "slot 1 idle");
	assert_int_equal(count(said, "s1 "), 4); /* began, on, off, over */
	assert_null(strstr(said, "slot 2"));
}

static void the_folder_and_the_file_have_jibris_names(void **state)
{
	struct stat st;

	start_ready();
	start_on(1, "a&b/c", "finish");
	assert_int_equal(stat(in_home("rec/a_b_c"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	stop(1, "a&b/c");
	SAYS("over");
	start_on(1, "a&b/c", "finish");
	assert_true(has_home("rec/a_b_c-2"));
}

static void the_same_session_again_is_no_second_recording(void **state)
{
	start_ready();
	assert_int_equal(ask(1, "s1", "slow"), TR_CONTROL_ACCEPTED);
	assert_int_equal(ask(1, "s1", "slow"), TR_CONTROL_DUPLICATE);
	start_on(2, "s2", "finish");
	assert_int_equal(ask(2, "s2", "finish"), TR_CONTROL_DUPLICATE_ON);
	assert_int_equal(ask(0, "s2", "finish"), TR_CONTROL_DUPLICATE_ON);
	WAIT(count(read_home("log"), "start s1") == 1);
	assert_int_equal(count(read_home("log"), "start s2"), 1);
}

static void another_session_in_a_busy_slot_is_refused_as_busy(void **state)
{
	start_ready();
	start_on(1, "s1", "finish");
	assert_int_equal(ask(1, "s2", "finish"), TR_CONTROL_BUSY);
	assert_int_equal(ask(2, "s2", "finish"), TR_CONTROL_ACCEPTED);
	assert_int_equal(ask(0, "s3", "finish"), TR_CONTROL_BUSY);
	assert_int_equal(look(0).busy, TR_CONTROL_WORKING);
	assert_int_equal(count(said, "s1 "), 2);
}

static void over_http_any_free_slot_will_do_and_nobody_is_told(void **state)
{
	start_ready();
	assert_int_equal(ask_as(0, 0, "s1", "finish", 0), TR_CONTROL_ACCEPTED);
	assert_int_equal(ask_as(0, 0, "s2", "finish", 0), TR_CONTROL_ACCEPTED);
	WAIT(count(read_home("log"), "start") == 2);
	let_pass(100);
	assert_true(stop(0, ""));
	SAYS("s1 over\n");
	SAYS("s2 over\n");
	assert_null(strstr(said, "s1 on"));
	assert_null(strstr(said, "s1 off"));
}

static void a_slot_that_is_not_ready_is_busy_and_ill(void **state)
{
	start_node();
	assert_non_null(strstr(said, "slot 1 busy ill\n"));
	assert_int_equal(ask(0, "s1", "finish"), TR_CONTROL_BUSY);
	assert_int_equal(ask(1, "s1", "finish"), TR_CONTROL_FAILED);
	assert_non_null(strstr(why, "not ready"));
	assert_false(look(0).is_healthy);
	SAYS("slot 1 idle well\n");
	assert_true(look(0).is_healthy);
}

/* ---- stopping ---- */

static void a_stop_while_pending_cancels_without_a_failure(void **state)
{
	start_ready();
	assert_int_equal(ask(1, "s1", "slow"), TR_CONTROL_ACCEPTED);
	assert_true(stop(1, "s1"));
	SAYS("slot 1 idle well\n");
	assert_non_null(strstr(said, "s1 off\n"));
	assert_null(strstr(said, "s1 on"));
	assert_null(strstr(said, "failed"));
	assert_false(has_home("rec/s1")); /* nothing was recorded */
}

static void a_stop_for_another_session_touches_nothing(void **state)
{
	start_ready();
	start_on(1, "s1", "finish");
	assert_false(stop(1, "s2"));
	assert_false(stop(2, "s1"));
	let_pass(100);
	assert_null(strstr(said, "off"));
	assert_true(stop(1, ""));
	SAYS("s1 off\n");
	assert_false(stop(1, "s1"));
}

static void two_stops_are_one(void **state)
{
	start_ready();
	start_on(1, "s1", "finish");
	assert_true(stop(1, "s1"));
	assert_true(stop(1, "s1"));
	SAYS("slot 1 idle well\n");
	assert_int_equal(count(said, "s1 off"), 1);
}

static void the_usage_limit_ends_a_session_cleanly(void **state)
{
	start_ready();
	assert_int_equal(ask_as(1, 1, "s1", "finish", 400), TR_CONTROL_ACCEPTED);
	SAYS("s1 off\n");
	assert_null(strstr(said, "failed"));
	SAYS("slot 1 idle well\n");
}

static void an_empty_meeting_ends_cleanly(void **state)
{
	start_ready();
	start_on(1, "s1", "empty");
	SAYS("s1 off\n");
	SAYS("s1 over\n");
	assert_null(strstr(said, "failed"));
}

static void a_session_that_nobody_waits_for_is_ended_in_silence(void **state)
{
	start_ready();
	start_on(1, "s1", "finish");
	actions->orphaned(actions->user, 1, "s1");
	SAYS("s1 over\n");
	assert_null(strstr(said, "s1 off"));
}

static void a_lost_connection_ends_no_recording(void **state)
{
	start_ready();
	start_on(1, "s1", "finish");
	actions->lost(actions->user, 1);
	actions->lost(actions->user, 2);
	let_pass(200);
	assert_null(strstr(said, "off"));
	assert_int_equal(look(1).busy, TR_CONTROL_WORKING);
	stop(1, "s1");
	SAYS("s1 over\n");
	assert_null(strstr(said, "s1 off")); /* to whom? */
}

static void a_lost_connection_ends_its_recordings_when_it_shall(void **state)
{
	settings->stop_on_control_loss = true;
	start_ready();
	start_on(1, "s1", "finish");
	actions->lost(actions->user, 2);
	assert_int_equal(count(read_home("log"), "stop s1"), 0);
	actions->lost(actions->user, 1);
	SAYS("s1 over\n");
	assert_int_equal(count(read_home("log"), "stop s1"), 1);
}

/* ---- failures ---- */

static void a_failed_join_is_told_while_the_slot_is_busy_and_rests(void **state)
{
	start_ready();
	assert_int_equal(ask(1, "s1", "join_failed"), TR_CONTROL_ACCEPTED);
	SAYS("s1 failed retry\n");
	assert_null(strstr(said, "idle"));
	assert_int_equal(ask(1, "s2", "finish"), TR_CONTROL_BUSY);
	SAYS("slot 1 idle well\n");
	assert_int_equal(ask(1, "s2", "finish"), TR_CONTROL_ACCEPTED);
	assert_null(strstr(said, "s1 off"));
}

static void a_slot_that_is_unwell_after_a_failure_stays_busy_until_it_is_not(void **state)
{
	settings->hold_ms = 1;
	start_ready();
	assert_int_equal(ask(1, "s1", "unwell"), TR_CONTROL_ACCEPTED);
	SAYS("s1 failed retry\n");
	let_pass(100);
	assert_null(strstr(said, "idle"));
	SAYS("slot 1 idle well\n");
}

static void a_start_that_takes_too_long_is_a_failure(void **state)
{
	settings->start_ms = 300;
	start_ready();
	assert_int_equal(ask(1, "s1", "slow"), TR_CONTROL_ACCEPTED);
	SAYS("s1 failed retry\n");
	SAYS("slot 1 idle well\n");
	assert_int_equal(count(said, "s1 failed"), 1);
	assert_null(strstr(said, "s1 off"));
	assert_false(has_home("rec/s1"));
}

static void a_slot_that_dies_in_the_middle_is_nobodys_business(void **state)
{
	start_ready();
	start_on(1, "s1", "die_twice");
	WAIT(count(read_home("log"), "resume s1") == 2);
	let_pass(200);
	assert_int_equal(count(said, "s1 on"), 1);
	assert_null(strstr(said, "idle"));
	stop(1, "s1");
	SAYS("s1 over\n");
	assert_null(strstr(said, "failed"));
}

static void a_slot_that_hangs_in_the_middle_goes_on(void **state)
{
	start_ready();
	start_on(1, "s1", "hang");
	WAIT(count(read_home("log"), "resume s1") == 1);
	stop(1, "s1");
	SAYS("s1 off\n");
	SAYS("slot 1 idle well\n");
}

static void a_slot_that_dies_too_often_fails_its_session_and_no_other(void **state)
{
	start_ready();
	start_on(2, "s2", "finish");
	start_on(1, "s1", "die_always");
	SAYS("s1 failed retry\n");
	expect_order("slot 1 busy ill\n", "s1 failed");
	SAYS("slot 1 idle well\n");
	SAYS("s1 over\n"); /* what there was is finished */
	assert_null(strstr(said, "s2 off"));
	assert_int_equal(look(2).busy, TR_CONTROL_WORKING);
}

static void a_failure_with_files_runs_the_script(void **state)
{
	use_script();
	write_home("go", "", 0600);
	start_ready();
	start_on(1, "s1", "no_media");
	SAYS("s1 failed retry\n");
	SAYS("s1 over\n");
	assert_non_null(strstr(read_home("done"), "/rec/s1\n"));
}

/* ---- the disk ---- */

static void a_directory_that_cannot_be_written_makes_the_node_ill_until_it_can(void **state)
{
	settings->check_ms = 50;
	write_home("rec", "a file", 0600); /* not even root can make a folder in it */
	start_node();
	SAYS("slot 1 idle ill\n");
	assert_int_equal(ask(1, "s1", "finish"), TR_CONTROL_FAILED);
	assert_non_null(strstr(why, "/rec"));
	assert_non_null(strstr(look(1).problem, "/rec"));
	assert_int_equal(unlink(in_home("rec")), 0);
	SAYS("slot 1 idle well\n");
	start_on(1, "s1", "finish");
}

static void a_directory_that_goes_away_fails_the_start(void **state)
{
	start_ready();
	assert_int_equal(rmdir(in_home("rec")), 0);
	write_home("rec", "a file", 0600);
	assert_int_equal(ask(1, "s1", "finish"), TR_CONTROL_FAILED);
	assert_non_null(strstr(said, "slot 1 idle ill\n"));
	assert_null(strstr(said, "s1"));
}

static void too_little_room_makes_the_node_ill(void **state)
{
	settings->low_disk_bytes = INT64_MAX;
	start_node();
	SAYS("slot 1 idle ill\n");
	assert_int_equal(ask(1, "s1", "finish"), TR_CONTROL_FAILED);
	assert_non_null(strstr(why, "make room"));
}

static void what_runs_saves_room_when_little_time_is_left(void **state)
{
	start_ready();
	start_on(1, "s1", "narrow");
	WAIT(strstr(read_home("log"), "1 economize s1"));
	assert_int_equal(ask(2, "s2", "finish"), TR_CONTROL_ACCEPTED); /* that is no harm yet */
}

static void write_old_recording(void)
{
	struct tr_recording *recording = calloc(1, sizeof(*recording));

	assert_int_equal(tr_file_make_folders(in_home("rec/old"), 0750), 0);
	int folder = open(in_home("rec/old"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(tr_recording_init(recording, "old", "https://meet.example/x", "x", 1), 0);
	recording->state = TR_RECORDING_DONE;
	assert_int_equal(tr_recording_save(folder, recording), 0);
	free(recording);
	close(folder);
}

static void a_full_disk_lets_go_what_the_rules_allow_before_it_refuses(void **state)
{
	struct tr_snapshot *snapshot = calloc(1, sizeof(*snapshot));

	write_old_recording();
	settings->low_disk_bytes = INT64_MAX / 4;
	rules.storage.keep_count = 1;
	rules.storage.keep[0] = (struct tr_config_keep){.match = ".*", .min_free_bytes = 1};
	start_node();
	assert_false(has_home("rec/old"));
	SAYS("slot 1 idle ill\n"); /* it was not enough */
	tr_node_read(node, snapshot);
	assert_int_equal(snapshot->disk.state, TR_SNAPSHOT_DISK_FULL);
	assert_int_equal(snapshot->counts.removed_recordings, 1);
	assert_true(snapshot->counts.removed_bytes > 0 && snapshot->disk.free_bytes > 0);
	free(snapshot);
}

static void folder_and_file_are_named_by_the_templates(void **state)
{
	strcpy(rules.storage.folder, "{room} {session_id}");
	strcpy(rules.storage.file, "film");
	start_ready();
	start_on(1, "s1", "finish");
	stop(1, "s1");
	SAYS("s1 over\n");
	assert_true(has_home("rec/Room s1"));
	assert_int_equal(ask(1, "s1", "finish"), TR_CONTROL_ACCEPTED); /* once more, later */
	WAIT(has_home("rec/Room s1-2"));
}

/* ---- after it ---- */

static void what_the_script_took_over_is_noted(void **state)
{
	use_script();
	write_home("go", "", 0600);
	start_ready();
	start_on(1, "s1", "finish");
	stop(1, "s1");
	SAYS("s1 over\n");
	assert_true(has_home("rec/s1/.taken-over"));
}

static void the_slot_is_idle_before_the_script_has_ended(void **state)
{
	char expected[200];

	use_script();
	start_ready();
	start_on(1, "s1", "finish");
	stop(1, "s1");
	SAYS("slot 1 idle well\n");
	WAIT(has_home("ran"));
	assert_null(strstr(said, "s1 over"));
	start_on(1, "s2", "finish");
	write_home("go", "", 0600);
	SAYS("s1 over\n");
	snprintf(expected, sizeof(expected), "%s/rec/s1\n", home);
	assert_string_equal(read_home("ran"), expected);
	assert_false(has_home("rec/s1/.finalize-wanted"));
}

static void scripts_run_two_at_a_time_and_in_order(void **state)
{
	use_script();
	start_ready();
	for (unsigned i = 1; i <= 4; i++) {
		char id[16], words[40];
		snprintf(id, sizeof(id), "s%u", i);
		start_on(1, id, "finish");
		stop(1, id);
		snprintf(words, sizeof(words), "finished %s", id);
		WAIT(look(1).busy == TR_CONTROL_IDLE && strstr(read_home("log"), words));
	}
	WAIT(count(read_home("ran"), "/rec/s") == 2);
	let_pass(200);
	assert_int_equal(count(read_home("ran"), "/rec/s"), 2);
	write_home("go", "", 0600);
	SAYS("s4 over\n");
	SAYS("s3 over\n");
	const char *ran = read_home("ran");
	assert_true(strstr(ran, "s2") < strstr(ran, "s3"));
	assert_true(strstr(ran, "s3") < strstr(ran, "s4"));
}

static void a_session_without_files_runs_no_script(void **state)
{
	use_script();
	start_ready();
	assert_int_equal(ask(1, "s1", "slow"), TR_CONTROL_ACCEPTED);
	stop(1, "s1");
	SAYS("s1 over\n");
	let_pass(100);
	assert_false(has_home("ran"));
}

static void a_slot_that_dies_over_the_files_makes_them_later(void **state)
{
	use_script();
	write_home("go", "", 0600);
	start_ready();
	start_on(1, "s1", "die_after");
	stop(1, "s1");
	SAYS("s1 over\n");
	assert_int_equal(count(read_home("log"), "finish s1"), 1);
	assert_int_equal(count(read_home("done"), "/rec/s1"), 1);
}

/* As a telerecd that was killed leaves it. */
static void leave_behind(const char *name, enum tr_recording_state what, bool is_ours)
{
	TR_CLEANUP(tr_freep) struct tr_recording *recording = calloc(1, sizeof(*recording));
	char folder[100];

	assert_int_equal(tr_recording_init(recording, name, "https://x/y", NULL, 1), 0);
	recording->state = what;
	snprintf(folder, sizeof(folder), "rec/%s", name);
	assert_int_equal(tr_file_make_folders(in_home(folder), 0750), 0);
	int fd = open(in_home(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(tr_recording_save(fd, recording), 0);
	if (is_ours)
		assert_int_equal(tr_leftovers_note_finalize(fd, true), 0);
	close(fd);
}

static void what_an_earlier_run_left_is_finished(void **state)
{
	use_script();
	write_home("go", "", 0600);
	leave_behind("cut", TR_RECORDING_RUNNING, true);
	leave_behind("roomless", TR_RECORDING_FAILED, true);
	leave_behind("unscripted", TR_RECORDING_DONE, true);
	leave_behind("somebodys", TR_RECORDING_RUNNING, false);
	leave_behind("done", TR_RECORDING_DONE, false);
	start_node();
	SAYS("cut over\n");
	SAYS("roomless over\n");
	SAYS("unscripted over\n");
	assert_int_equal(count(read_home("log"), "finish cut"), 1);
	assert_int_equal(count(read_home("log"), "finish "), 2);
	assert_int_equal(count(read_home("ran"), "/rec/"), 3);
	assert_false(has_home("rec/cut/.finalize-wanted"));
}

static void a_file_that_finds_no_room_is_made_later(void **state)
{
	settings->check_ms = 100;
	use_script();
	write_home("go", "", 0600);
	start_ready();
	start_on(1, "s1", "no_room");
	stop(1, "s1");
	WAIT(has_home("done"));
	assert_int_equal(count(read_home("log"), "finish s1"), 1);
	assert_int_equal(count(read_home("ran"), "/rec/s1"), 1); /* not for the parts */
	WAIT(!has_home("rec/s1/.finalize-wanted"));
}

/* ---- leaving ---- */

static void single_use_slots_expire(void **state)
{
	settings->is_single_use = true;
	start_ready();
	start_on(1, "s1", "finish");
	stop(1, "s1");
	SAYS("s1 over\n");
	WAIT(look(1).busy == TR_CONTROL_EXPIRED);
	assert_null(strstr(said, "slot 1 idle"));
	assert_int_equal(ask(1, "s2", "finish"), TR_CONTROL_BUSY);
	assert_int_equal(look(0).busy, TR_CONTROL_IDLE); /* there is slot 2 */
	start_on(0, "s2", "finish");
	stop(2, "s2");
	SAYS("s2 over\n");
	WAIT(look(0).busy == TR_CONTROL_EXPIRED);
}

static void an_idle_node_leaves_at_once(void **state)
{
	start_ready();
	actions->exit_when_idle(actions->user, 0);
	assert_int_equal(exit_code, 0);
}

static void draining_waits_for_sessions_and_their_scripts(void **state)
{
	use_script();
	start_ready();
	start_on(1, "s1", "finish");
	actions->exit_when_idle(actions->user, TR_NODE_EXIT_STAY_DOWN);
	assert_non_null(strstr(said, "slot 2 busy well\n"));
	assert_int_equal(ask(2, "s2", "finish"), TR_CONTROL_BUSY);
	actions->exit_when_idle(actions->user, 0); /* does not make a restart of it */
	stop(1, "s1");
	WAIT(has_home("ran"));
	assert_int_equal(exit_code, -1);
	write_home("go", "", 0600);
	WAIT(exit_code >= 0);
	assert_int_equal(exit_code, TR_NODE_EXIT_STAY_DOWN);
	assert_null(strstr(said, "failed"));
}

static void shutting_down_hands_the_meetings_over_and_closes_the_files(void **state)
{
	start_ready();
	start_on(1, "s1", "finish");
	assert_int_equal(ask(2, "s2", "slow"), TR_CONTROL_ACCEPTED);
	actions->shut_down(actions->user, 0);
	WAIT(exit_code >= 0);
	assert_int_equal(exit_code, 0);
	expect_order("s1 failed retry\n", "s1 over\n");
	assert_non_null(strstr(said, "s2 failed retry\n"));
	assert_null(strstr(said, "idle"));
	assert_int_equal(count(read_home("log"), "finished s1"), 1);
}

static void shutting_down_does_not_wait_for_ever(void **state)
{
	settings->shut_down_ms = 300;
	use_script(); /* which never ends */
	start_ready();
	start_on(1, "s1", "finish");
	actions->shut_down(actions->user, 0);
	WAIT(exit_code >= 0);
	assert_true(has_home("rec/s1/.finalize-wanted")); /* for the next start */
}

static void asked_twice_to_shut_down_it_leaves_at_once(void **state)
{
	start_ready();
	start_on(1, "s1", "deaf_stop");
	tr_node_shut_down(node, 0);
	assert_int_equal(exit_code, -1);
	tr_node_shut_down(node, 0);
	assert_int_equal(exit_code, 0);
}

/* ---- streams ---- */

#define KEY "abcd-efgh-ijkl"

static void expect_told(const char *words)
{
	if (!strstr(read_home("streams"), words))
		fail_msg("the slot was not told %s, but: %s", words, read_home("streams"));
}

static void a_stream_is_on_and_off_and_has_no_script(void **state)
{
	use_script();
	write_home("go", "", 0644);
	start_ready();
	assert_int_equal(ask_stream(1, "s1", "finish", KEY), TR_CONTROL_ACCEPTED);
	SAYS("s1 on\n");
	expect_told("\"mode\":\"stream\"");
	expect_told("\"file\":false");
	expect_told("\"url\":\"rtmp://a.rtmp.youtube.com/live2/" KEY "\"");
	stop(1, "s1");
	SAYS("s1 off\n");
	SAYS("s1 over\n");
	SAYS("slot 1 idle well\n");
	start_on(1, "s2", "finish");
	stop(1, "s2");
	SAYS("s2 over\n"); /* and its script has run */
	assert_int_equal(count(read_home("ran"), "\n"), 1);
	assert_non_null(strstr(read_home("ran"), "/s2"));
}

static void a_stream_that_is_recorded_has_a_script(void **state)
{
	use_script();
	write_home("go", "", 0644);
	rules.stream.record_too = true;
	start_ready();
	assert_int_equal(ask_stream(1, "s1", "finish", KEY), TR_CONTROL_ACCEPTED);
	SAYS("s1 on\n");
	expect_told("\"file\":true");
	stop(1, "s1");
	SAYS("s1 over\n");
	assert_non_null(strstr(read_home("ran"), "/s1"));
}

static void a_stream_that_is_not_allowed_is_refused_before_anything_starts(void **state)
{
	strcpy(rules.stream.allowed[0], "rtmp://live\\.example/.*");
	start_ready();
	assert_int_equal(ask_stream(1, "s1", "finish", KEY), TR_CONTROL_REFUSED);
	assert_non_null(strstr(why, "stream.allowed"));
	assert_null(strstr(why, KEY));
	assert_int_equal(ask_stream(1, "s2", "finish", ""), TR_CONTROL_REFUSED);
	assert_string_equal(read_home("streams"), "");
	assert_string_equal(said, "");
	assert_false(has_home("rec/s1"));
	assert_int_equal(
		ask_stream(1, "s3", "finish", "rtmp://live.example/app/" KEY), TR_CONTROL_ACCEPTED);
	SAYS("s3 on\n");
}

static void a_stream_that_all_servers_refuse_is_for_no_other_node(void **state)
{
	start_ready();
	assert_int_equal(ask_stream(1, "s1", "refused", KEY), TR_CONTROL_ACCEPTED);
	SAYS("s1 failed\n");
	expect_order("s1 began", "s1 failed");
	assert_int_equal(count(said, "s1 on"), 0);
}

static void a_stream_that_is_lost_is_for_another_node(void **state)
{
	start_ready();
	assert_int_equal(ask_stream(1, "s1", "unreachable", KEY), TR_CONTROL_ACCEPTED);
	SAYS("s1 failed retry\n");
	expect_order("s1 on", "s1 failed retry");
}

static void a_recording_goes_to_the_targets_of_its_room_too(void **state)
{
	rules.room_count = 1;
	strcpy(rules.rooms[0].match, "room@.*");
	rules.rooms[0].stream_count = 1;
	strcpy(rules.rooms[0].streams[0], "rtmp://live.example/app/" KEY);
	start_ready();
	start_on(1, "s1", "finish");
	expect_told("\"mode\":\"file\"");
	expect_told("\"file\":true");
	expect_told("\"url\":\"rtmp://live.example/app/" KEY "\"");
	SAYS("2 slots: 1 recording (1 of 1 streams up), 1 ready\n");
	stop(1, "s1");
	SAYS("s1 over\n");
}

static void a_stream_outlives_its_slot(void **state)
{
	start_ready();
	assert_int_equal(ask_stream(1, "s1", "die_once", KEY), TR_CONTROL_ACCEPTED);
	WAIT(strstr(read_home("log"), "resume s1"));
	WAIT(count(read_home("streams"), KEY) == 2);
	stop(1, "s1");
	SAYS("s1 off\n");
	SAYS("s1 over\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)

/* 28 recordings at 1280x720. */
#define GPU                                                                                        \
	"{\"devices\":[],\"rungs\":[{\"name\":\"h264_vaapi renderD128 VBR\",\"kind\":\"vaapi\","  \
	"\"rate\":\"VBR\",\"profile\":100,\"level\":0,\"is_low_power\":false,"                     \
	"\"has_packed_headers\":true,\"can_convert\":false,\"was_tested\":true,\"max_width\":4096," \
	"\"max_height\":4096,\"us_per_picture\":800,\"device\":\"/dev/dri/renderD128\","           \
	"\"address\":\"0000:00:02.0\",\"driver\":\"\",\"works\":true,\"is_integrated\":true,"       \
	"\"cause\":\"\",\"problem\":\"\",\"cure\":\"\",\"zero_copy\":\"\"}]}"

/* A machine that can do one recording in software, and two with a GPU. */
static void use_small_machine(const char *encoders)
{
	struct tr_message_configure *configure = &settings->supervisor.configure;

	setenv("FAKE_SLOT_ENCODERS", encoders, 1);
	settings->is_capacity_measured = true;
	settings->machine = (struct tr_capacity){1.0, INT64_C(8) << 30};
	configure->width = 1280;
	configure->height = 720;
	configure->frame_rate = 30;
	configure->is_told_encoders = true;
}

static void without_a_gpu_no_more_is_offered_than_software_can_do(void **state)
{
	use_small_machine("{}");
	start_ready();
	start_on(1, "s1", "finish");
	assert_int_equal(look(2).busy, TR_CONTROL_WORKING);
	assert_int_equal(ask(2, "s2", "finish"), TR_CONTROL_BUSY);
	assert_true(stop(1, "s1"));
	SAYS("s1 over\n");
	start_on(2, "s2", "finish");
}

static void a_gpu_that_fails_in_a_recording_is_not_counted_on(void **state)
{
	use_small_machine(GPU);
	start_ready();
	start_on(1, "s1", "finish");
	start_on(2, "s2", "finish");
	assert_true(stop(2, "s2"));
	SAYS("s2 over\n");
	SAYS("slot 2 idle well\n");
	said[0] = '\0';

	/* software goes on with the first */
	write_home("encoder", "libx264", 0644);
	SAYS("slot 2 busy well\n");
	assert_int_equal(ask(2, "s3", "finish"), TR_CONTROL_BUSY);

	/* until a slot has tried it again */
	assert_true(stop(1, "s1"));
	SAYS("s1 over\n");
	unlink(in_home("encoder"));
	tr_node_look_for_encoders(node);
	start_on(1, "s4", "finish");
	WAIT(look(2).busy == TR_CONTROL_IDLE);
	start_on(2, "s5", "finish");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_is_busy_then_on_then_off_then_idle),
		TEST(without_a_gpu_no_more_is_offered_than_software_can_do),
		TEST(a_gpu_that_fails_in_a_recording_is_not_counted_on),
		TEST(the_folder_and_the_file_have_jibris_names),
		TEST(the_same_session_again_is_no_second_recording),
		TEST(another_session_in_a_busy_slot_is_refused_as_busy),
		TEST(over_http_any_free_slot_will_do_and_nobody_is_told),
		TEST(a_slot_that_is_not_ready_is_busy_and_ill),
		TEST(a_stop_while_pending_cancels_without_a_failure),
		TEST(a_stop_for_another_session_touches_nothing),
		TEST(two_stops_are_one),
		TEST(the_usage_limit_ends_a_session_cleanly),
		TEST(an_empty_meeting_ends_cleanly),
		TEST(a_session_that_nobody_waits_for_is_ended_in_silence),
		TEST(a_lost_connection_ends_no_recording),
		TEST(a_lost_connection_ends_its_recordings_when_it_shall),
		TEST(a_failed_join_is_told_while_the_slot_is_busy_and_rests),
		TEST(a_slot_that_is_unwell_after_a_failure_stays_busy_until_it_is_not),
		TEST(a_start_that_takes_too_long_is_a_failure),
		TEST(a_slot_that_dies_in_the_middle_is_nobodys_business),
		TEST(a_slot_that_hangs_in_the_middle_goes_on),
		TEST(a_slot_that_dies_too_often_fails_its_session_and_no_other),
		TEST(a_failure_with_files_runs_the_script),
		TEST(a_directory_that_cannot_be_written_makes_the_node_ill_until_it_can),
		TEST(a_directory_that_goes_away_fails_the_start),
		TEST(too_little_room_makes_the_node_ill),
		TEST(what_runs_saves_room_when_little_time_is_left),
		TEST(a_full_disk_lets_go_what_the_rules_allow_before_it_refuses),
		TEST(folder_and_file_are_named_by_the_templates),
		TEST(what_the_script_took_over_is_noted),
		TEST(the_slot_is_idle_before_the_script_has_ended),
		TEST(scripts_run_two_at_a_time_and_in_order),
		TEST(a_session_without_files_runs_no_script),
		TEST(a_slot_that_dies_over_the_files_makes_them_later),
		TEST(what_an_earlier_run_left_is_finished),
		TEST(a_file_that_finds_no_room_is_made_later),
		TEST(single_use_slots_expire),
		TEST(an_idle_node_leaves_at_once),
		TEST(draining_waits_for_sessions_and_their_scripts),
		TEST(shutting_down_hands_the_meetings_over_and_closes_the_files),
		TEST(shutting_down_does_not_wait_for_ever),
		TEST(asked_twice_to_shut_down_it_leaves_at_once),
		TEST(a_stream_is_on_and_off_and_has_no_script),
		TEST(a_stream_that_is_recorded_has_a_script),
		TEST(a_stream_that_is_not_allowed_is_refused_before_anything_starts),
		TEST(a_stream_that_all_servers_refuse_is_for_no_other_node),
		TEST(a_stream_that_is_lost_is_for_another_node),
		TEST(a_recording_goes_to_the_targets_of_its_room_too),
		TEST(a_stream_outlives_its_slot),
	};
	return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
