/* What the node API gets from the daemon, and what the node tells of itself: the node with real
 * supervision and the slot's double. */
#include "test.h"

#include "core/clock.h"
#include "core/file.h"
#include "daemon/api_source.h"
#include "storage/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEADLINE_NS (60 * TR_NS_PER_S)
#define CONFIG                                                                                     \
	"id = \"node\"; slots = 2;\nenvironments = ( { name = \"demo\"; xmpp_domain = "            \
	"\"meet.example\";\ncontrol = { password = \"geheim\"; }; call = { password = "            \
	"\"geheim\"; }; } );\n"

static char home[64], recordings[100], config_path[100], program[PATH_MAX];
static char said[32768]; /* the events, a line each */
static char why[512];
static sd_event *event;
static struct tr_node_settings *settings;
static struct tr_config *config;
static struct tr_node *node;
static struct tr_logbook *logbook;
static struct tr_api_source *source;
static const struct tr_node_api_source *table;
static struct tr_snapshot *snapshot;
static json_t *got;
static int64_t deadline_ns;

/* ---- the outside ---- */

static void set_presence(void *user, unsigned slot, bool is_busy, bool is_healthy)
{
}

static void send_status(void *user, const struct tr_control_origin *origin, const char *session_id,
	enum tr_control_status status, bool should_retry)
{
}

static void note_session(void *user, const char *session_id)
{
}

static void describe(void *user, const char *sentence)
{
}

static void leave(void *user, int exit_code)
{
	strcat(said, "left\n");
}

static void tell(const struct tr_event *one, void *user)
{
	size_t used = strlen(said);

	assert_non_null(one->session_id);
	assert_non_null(one->sentence);
	if (one->type != TR_EVENT_PROGRESS || !strstr(said, "progress"))
		snprintf(said + used, sizeof(said) - used, "%s %u %s %s%s%s\n",
			tr_event_type_name(one->type), one->slot, one->session_id, one->state,
			one->sentence, one->is_failure ? " FAILURE" : "");
}

static void hear(void *user, unsigned slot, const char *line)
{
	tr_logbook_add(logbook, slot, line);
}

/* ---- the house ---- */

static const char *in_home(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	return path;
}

static void write_text(const char *path, const char *text, mode_t mode)
{
	TR_CLEANUP(tr_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

static int set_up(void **state)
{
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));

	strcpy(home, "/tmp/telerec-api-XXXXXX");
	assert_non_null(mkdtemp(home));
	assert_int_equal(chmod(home, 0755), 0);
	setenv("FAKE_SLOT", "finish", 1);
	setenv("FAKE_SLOT_NOTES", in_home("notes"), 1);
	setenv("FAKE_SLOT_LOG", in_home("log"), 1);
	setenv("FAKE_SLOT_STREAMS", in_home("streams"), 1);
	setenv("FAKE_SLOT_TALKS", "yes", 1);
	assert_true(sd_event_new(&event) >= 0);
	snprintf(recordings, sizeof(recordings), "%s/rec", home);
	snprintf(config_path, sizeof(config_path), "%s/telerec.conf", home);
	snprintf(program, sizeof(program), "%s/fake_slot", getenv("TR_BUILD_DIR"));
	write_text(config_path, CONFIG, 0640);
	config = calloc(1, sizeof(*config));
	if (tr_config_load(config_path, config, complaints) < 0)
		fail_msg("%s", complaints->lines[0]);
	free(complaints);
	snprintf(config->recordings, sizeof(config->recordings), "%s", recordings);
	settings = calloc(1, sizeof(*settings));
	settings->supervisor.slots = 2;
	settings->supervisor.program = program;
	settings->supervisor.log_level = 3;
	settings->supervisor.limits = (struct tr_supervisor_limits){.quit_ms = 1000};
	settings->rules = config;
	settings->recordings = recordings;
	settings->finalize_script = "";
	settings->hold_ms = 300;
	settings->low_disk_bytes = 1;
	snapshot = calloc(1, sizeof(*snapshot));
	said[0] = why[0] = '\0';
	deadline_ns = tr_clock_now_ns() + DEADLINE_NS;
	return 0;
}

static int tear_down(void **state)
{
	json_decref(tr_take(got));
	tr_api_source_destroy(tr_take(source));
	tr_node_destroy(tr_take(node));
	tr_logbook_destroy(tr_take(logbook));
	event = sd_event_unref(event);
	free(tr_take(settings));
	free(tr_take(config));
	free(tr_take(snapshot));
	return tr_file_remove_tree(home);
}

static void turn(void)
{
	if (tr_clock_now_ns() >= deadline_ns)
		fail_msg("too late; it said: %s", said);
	assert_true(sd_event_run(event, 20000) >= 0);
}

#define WAIT(condition)                                                                            \
	do {                                                                                       \
		while (!(condition))                                                               \
			turn();                                                                    \
	} while (0)

static bool slots_are(const char *state)
{
	table->read(table->user, snapshot);
	return !strcmp(snapshot->slots[0].state, state) && !strcmp(snapshot->slots[1].state, state);
}

static void start_node(void)
{
	static const struct tr_node_outside outside = {NULL, set_presence, send_status,
		note_session, note_session, describe, leave, tell, hear};

	assert_int_equal(tr_logbook_create(&logbook), 0);
	assert_int_equal(tr_node_create(event, settings, &outside, &node), 0);
	const struct tr_api_source_settings of_source = {
		.config = config, .config_path = config_path, .node = node, .logbook = logbook};
	assert_int_equal(tr_api_source_create(&of_source, &source), 0);
	table = tr_api_source_table(source);
	tr_node_publish(node);
	WAIT(slots_are("idle"));
	said[0] = '\0';
}

static int start(const char *request)
{
	json_t *object = json_loads(request, 0, NULL);

	assert_non_null(object);
	json_decref(tr_take(got));
	int rc = table->start(table->user, object, &got, why, sizeof(why));
	json_decref(object);
	return rc;
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : "?";
}

static bool stop(const char *session_id)
{
	return table->actions->stop(table->actions->user, 0, session_id);
}

static void expect_order(const char *const *lines)
{
	const char *at = said;

	for (; *lines; lines++) {
		const char *found = strstr(at, *lines);
		if (!found)
			fail_msg("\"%s\" is not where it should be in: %s", *lines, said);
		at = found + 1;
	}
}

/* ---- events and snapshot ---- */

static void a_session_is_told_from_its_acceptance_to_its_script(void **state)
{
	static const char *const lines[] = {"accepted 1 s1", "on 1 s1", "progress 1 s1",
		"ended 1 s1", "slot 1 ", "files 1 s1", "script 1 s1", "over 1 s1", NULL};

	settings->finalize_script = "/bin/true";
	settings->finalize_attempts = 1;
	start_node();
	assert_int_equal(start("{\"url\": \"https://meet.example/finish\", \"session_id\": \"s1\", "
			       "\"slot\": 1}"),
		0);
	WAIT(strstr(said, "progress 1 s1"));
	assert_true(stop("s1"));
	WAIT(strstr(said, "over 1 s1"));
	expect_order(lines);
	assert_null(strstr(said, "FAILURE"));
}

static void a_failure_is_told_with_its_sentence(void **state)
{
	start_node();
	assert_int_equal(start("{\"url\": \"https://meet.example/join_failed\", \"session_id\": "
			       "\"s1\"}"),
		0);
	WAIT(strstr(said, "over 1 s1"));
	const char *ended = strstr(said, "ended 1 s1");
	assert_non_null(ended);
	assert_non_null(strstr(ended, "FAILURE"));
	json_decref(tr_take(got));
	assert_int_equal(table->list_sessions(table->user, &got), 0);
	const json_t *entry = json_array_get(got, 0);
	assert_string_equal(text(entry, "reason"), "join_failed");
	assert_true(strlen(text(entry, "sentence")) > 10);
	assert_true(json_is_true(json_object_get(entry, "is_failure")));
	assert_true(json_is_true(json_object_get(entry, "is_over")));
}

static void a_refusal_is_told_and_counted(void **state)
{
	start_node();
	assert_int_equal(start("{\"url\": \"https://meet.example/slow\", \"session_id\": \"s1\", "
			       "\"slot\": 2}"),
		0);
	assert_int_equal(start("{\"url\": \"https://meet.example/slow\", \"session_id\": \"s2\", "
			       "\"slot\": 2}"),
		-EBUSY);
	assert_non_null(strstr(said, "refused 2 s2"));
	assert_non_null(strstr(why, "records another session"));
	table->read(table->user, snapshot);
	assert_int_equal(snapshot->counts.refused_busy, 1);
	assert_int_equal(snapshot->counts.started, 1);
	assert_int_equal(snapshot->slots[1].session.phase, TR_SNAPSHOT_PENDING);
}

static void the_snapshot_shows_what_a_session_says_of_itself(void **state)
{
	start_node();
	assert_int_equal(start("{\"url\": \"https://meet.example/finish\", \"room\": "
			       "\"r@muc.meet.example\"}"),
		0);
	assert_int_equal(strlen(text(got, "session_id")), 16);
	WAIT(strstr(said, "progress 1"));
	table->read(table->user, snapshot);
	const struct tr_snapshot_slot *slot = &snapshot->slots[0];
	assert_string_equal(snapshot->id, "node");
	assert_int_equal(snapshot->slot_count, 2);
	assert_true(slot->has_session && slot->is_busy && slot->is_healthy);
	assert_string_equal(slot->session.room, "r@muc.meet.example");
	assert_string_equal(slot->session.environment, "demo-meet.example");
	assert_int_equal(slot->session.phase, TR_SNAPSHOT_ON);
	assert_true(slot->session.on_ms >= slot->session.accepted_ms);
	assert_true(slot->session.progress.peak_db == -12 && slot->session.progress_ms > 0);
	assert_string_equal(slot->ready.browser_version, "Fake 1.0");
	assert_false(snapshot->slots[1].has_session);
	assert_true(snapshot->disk.total_bytes > 0);
	assert_string_equal(snapshot->disk.path, recordings);
}

/* ---- starts ---- */

static bool read_line(const char *path, char **ret_text)
{
	free(*ret_text); /* of a file that was only begun */
	*ret_text = NULL;
	return tr_file_read(AT_FDCWD, path, 1 << 20, ret_text, NULL) == 0 &&
	       strchr(*ret_text, '\n');
}

static void a_page_without_environment_is_recorded_as_a_page(void **state)
{
	TR_CLEANUP(tr_freep) char *told = NULL;

	start_node();
	assert_int_equal(start("{\"url\": \"http://other.example/x?y=1\", \"for\": \"1s\"}"), 0);
	WAIT(read_line(in_home("streams"), &told));
	assert_non_null(strstr(told, "\"mode\":\"page\""));
	WAIT(strstr(said, "over 1"));
}

static void a_stream_goes_where_it_is_asked_to(void **state)
{
	TR_CLEANUP(tr_freep) char *told = NULL;

	start_node();
	assert_int_equal(start("{\"url\": \"https://meet.example/finish\", \"stream\": "
			       "\"rtmp://live.example/a/k\"}"),
		0);
	WAIT(read_line(in_home("streams"), &told));
	assert_non_null(strstr(told, "\"mode\":\"stream\""));
	assert_non_null(strstr(told, "rtmp://live.example/a/k"));
	WAIT(strstr(said, "stream 1 "));
	table->read(table->user, snapshot);
	assert_int_equal(snapshot->slots[0].session.stream_count, 1);
	assert_int_equal(snapshot->slots[0].session.streams[0].kbps, 2900);
}

static void what_cannot_be_started_is_refused_with_a_sentence(void **state)
{
	static const char *const bad[][2] = {
		{"{\"url\": \"data:text/html,x\"}", "whole address"},
		{"{\"url\": \"file:///etc/passwd\"}", "whole address"},
		{"{\"url\": \"https:///room\"}", "whole address"},
		{"{\"url\": \"https://a/b c\"}", "whole address"},
		{"{\"url\": \"https://a/b\", \"environment\": \"none\"}", "no environment"},
		{"{\"url\": \"https://a/b\", \"for\": \"soon\"}", "must be a time"},
		{"{\"url\": \"https://a/b\", \"kind\": \"stream\"}", "needs \"stream\""},
		{"{\"url\": \"https://a/b\", \"kind\": \"x\"}", "kind must be"},
		{"{\"url\": \"https://a/b\", \"session_id\": \"a\\nb\"}", "session_id"},
		{"{\"url\": \"https://a/b\", \"slot\": 99}", "no such slot"},
	};

	start_node();
	for (size_t i = 0; i < TR_COUNT(bad); i++) {
		assert_int_equal(start(bad[i][0]), -EINVAL);
		if (!strstr(why, bad[i][1]))
			fail_msg("%s: %s", bad[i][0], why);
	}
	assert_null(strstr(said, "accepted"));
}

/* ---- operating ---- */

static void a_drained_node_takes_nothing_until_that_is_taken_back(void **state)
{
	start_node();
	table->set_drain(table->user, true, false);
	assert_int_equal(start("{\"url\": \"https://meet.example/finish\"}"), -EBUSY);
	table->read(table->user, snapshot);
	assert_true(snapshot->is_draining);
	assert_null(strstr(said, "left"));
	table->set_drain(table->user, false, false);
	assert_int_equal(start("{\"url\": \"https://meet.example/finish\", \"session_id\": "
			       "\"s1\"}"),
		0);
	table->set_drain(table->user, true, true);
	stop("s1");
	WAIT(strstr(said, "left"));
}

static void a_slot_is_restarted_unless_it_records(void **state)
{
	start_node();
	assert_int_equal(start("{\"url\": \"https://meet.example/finish\", \"session_id\": "
			       "\"s1\", \"slot\": 1}"),
		0);
	assert_int_equal(table->restart_slot(table->user, 1, why, sizeof(why)), -EBUSY);
	assert_int_equal(table->restart_slot(table->user, 3, why, sizeof(why)), -ENOENT);
	assert_int_equal(table->restart_slot(table->user, 2, why, sizeof(why)), 0);
	assert_int_equal(start("{\"url\": \"https://meet.example/finish\", \"slot\": 2}"), -EBUSY);
	WAIT((table->read(table->user, snapshot), snapshot->slots[1].starts == 2) &&
		!snapshot->slots[1].is_busy);
	assert_int_equal(snapshot->counts.slot_restarts, 1);
}

struct shown {
	unsigned count;
	int rc;
	char text[40];
};

static void on_shown(const void *jpeg, size_t size, int rc, void *user)
{
	struct shown *shown = user;

	shown->count++;
	shown->rc = rc;
	snprintf(shown->text, sizeof(shown->text), "%.*s", (int)size, jpeg ? (char *)jpeg : "");
}

static void all_who_ask_for_a_picture_at_once_get_the_same(void **state)
{
	struct shown a = {0}, b = {0}, c = {0}, d = {0};
	TR_CLEANUP(tr_freep) char *log = NULL;

	start_node();
	table->preview(table->user, 1, 480, on_shown, &a);
	table->preview(table->user, 1, 480, on_shown, &b);
	table->preview(table->user, 1, 320, on_shown, &c);
	WAIT(a.count == 1 && b.count == 1);
	assert_string_equal(a.text, "picture 480");
	assert_string_equal(b.text, "picture 480");
	WAIT(c.count == 1);
	assert_string_equal(c.text, "picture 320");
	table->preview(table->user, 1, 320, on_shown, &d);
	assert_int_equal(d.count, 1); /* just made */
	assert_int_equal(tr_file_read(AT_FDCWD, in_home("log"), 1 << 20, &log, NULL), 0);
	const char *first = strstr(log, "preview");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "preview"));
	assert_null(strstr(strstr(first + 1, "preview") + 1, "preview"));
}

static void a_picture_that_cannot_be_had_is_answered(void **state)
{
	struct shown none = {0}, lost = {0}, wrong = {0};

	start_node();
	table->preview(table->user, 9, 480, on_shown, &wrong);
	assert_int_equal(wrong.rc, -ENOENT);
	table->preview(table->user, 1, 404, on_shown, &none);
	WAIT(none.count == 1);
	assert_int_equal(none.rc, -ENODATA);
	table->preview(table->user, 2, 500, on_shown, &lost); /* and the slot goes away */
	assert_int_equal(table->restart_slot(table->user, 2, why, sizeof(why)), 0);
	WAIT(lost.count == 1);
	assert_int_equal(lost.rc, -ENODATA);
}

/* ---- recordings ---- */

static void save_state(const char *folder, enum tr_recording_state recording_state)
{
	struct tr_recording *recording = calloc(1, sizeof(*recording));
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", recordings, folder);
	TR_CLEANUP(tr_closep) int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dirfd >= 0);
	assert_int_equal(
		tr_recording_init(recording, folder, "https://meet.example/r", NULL, 1), 0);
	recording->state = recording_state;
	assert_int_equal(tr_recording_save(dirfd, recording), 0);
	free(recording);
}

static void a_recording_is_removed_but_not_while_it_runs(void **state)
{
	start_node();
	assert_int_equal(start("{\"url\": \"https://meet.example/finish\", \"session_id\": "
			       "\"s1\"}"),
		0);
	WAIT(strstr(said, "on 1 s1"));
	save_state("s1", TR_RECORDING_RUNNING);
	assert_int_equal(table->remove_recording(table->user, "s1", why, sizeof(why)), -EBUSY);
	assert_int_equal(table->finish_recording(table->user, "s1", why, sizeof(why)), -EBUSY);
	stop("s1");
	WAIT(strstr(said, "over 1 s1"));
	save_state("s1", TR_RECORDING_DONE);
	json_decref(tr_take(got));
	assert_int_equal(table->list_recordings(table->user, &got), 0);
	assert_int_equal(json_array_size(got), 1);
	assert_string_equal(text(json_array_get(got, 0), "id"), "s1");
	assert_int_equal(table->remove_recording(table->user, "s1", why, sizeof(why)), 0);
	assert_int_equal(access(in_home("rec/s1"), F_OK), -1);
	assert_int_equal(table->remove_recording(table->user, "s1", why, sizeof(why)), -ENOENT);
}

static void a_recording_of_somebody_else_who_writes_it_just_now_is_left_alone(void **state)
{
	start_node();
	assert_int_equal(mkdir(in_home("rec/other"), 0750), 0);
	save_state("other", TR_RECORDING_RUNNING);
	assert_int_equal(table->remove_recording(table->user, "other", why, sizeof(why)), -EBUSY);
}

static void files_and_script_are_made_once_more(void **state)
{
	start_node();
	assert_int_equal(mkdir(in_home("rec/cut"), 0750), 0);
	save_state("cut", TR_RECORDING_FAILED);
	assert_int_equal(table->finish_recording(table->user, "cut", why, sizeof(why)), 0);
	WAIT(strstr(said, "files 0 cut"));
	WAIT(strstr(said, "over 0 cut"));
	assert_int_equal(access(in_home("rec/cut/recovered.mp4"), F_OK), 0);
}

/* ---- settings ---- */

static void settings_are_shown_without_secrets(void **state)
{
	start_node();
	assert_int_equal(table->read_config(table->user, &got), 0);
	TR_CLEANUP(tr_freep) char *all = json_dumps(got, 0);
	assert_null(strstr(all, "geheim"));
	assert_string_equal(text(got, "path"), config_path);
	assert_non_null(strstr(text(got, "text"), "password = \"(hidden)\""));
	assert_string_equal(text(json_object_get(got, "settings"), "id"), "node");
}

static void put_config(const char *content, bool is_check, int expected)
{
	json_decref(tr_take(got));
	assert_int_equal(
		table->write_config(table->user, content, is_check, &got, why, sizeof(why)),
		expected);
}

static const char *complaint(void)
{
	const char *line = json_string_value(json_array_get(json_object_get(got, "complaints"), 0));
	return line ? line : "";
}

static void expect_file(const char *path, const char *expected)
{
	TR_CLEANUP(tr_freep) char *content = NULL;

	assert_int_equal(tr_file_read(AT_FDCWD, path, 1 << 20, &content, NULL), 0);
	assert_string_equal(content, expected);
}

static void settings_with_complaints_are_not_written(void **state)
{
	start_node();
	put_config("slots = 99;\n", false, 0);
	assert_non_null(strstr(complaint(), "telerec.conf:1: slots is 99"));
	put_config("id = \"x\"\nslots = ;\n", false, 0);
	assert_non_null(strstr(complaint(), "telerec.conf:2:"));
	put_config("api: { token = \"(hidden)\"; };\n", false, 0);
	assert_true(json_array_size(json_object_get(got, "complaints")) > 0);
	put_config("id = \"(hidden)\";\n", false, 0);
	assert_non_null(strstr(complaint(), "a secret is hidden here"));
	expect_file(config_path, CONFIG);
}

static void settings_are_written_with_mode_and_a_copy_of_the_old(void **state)
{
	struct stat st;

	start_node();
	put_config("slots = 3;\n", true, 0);
	assert_string_equal(complaint(), "");
	expect_file(config_path, CONFIG);
	put_config("slots = 3;\n", false, 0);
	expect_file(config_path, "slots = 3;\n");
	expect_file(in_home("telerec.conf.bak"), CONFIG);
	assert_int_equal(stat(config_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	put_config("slots = 4;\n", false, 0);
	expect_file(in_home("telerec.conf.bak"), "slots = 3;\n");
}

static void settings_that_are_roots_are_changed_by_the_command_line(void **state)
{
	bool is_root = geteuid() == 0;

	start_node();
	if (is_root)
		assert_int_equal(seteuid(65534), 0);
	else
		assert_int_equal(chmod(home, 0555), 0);
	int rc = table->write_config(table->user, "slots = 3;\n", false, &got, why, sizeof(why));
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(home, 0755), 0);
	assert_int_equal(rc, -EACCES);
	assert_non_null(strstr(why, "sudo telerec config set"));
}

/* ---- the log ---- */

static size_t read_log(const char *session_id, unsigned slot, int level, unsigned limit)
{
	json_decref(tr_take(got));
	assert_int_equal(table->read_log(table->user, session_id, slot, level, 0, limit, &got), 0);
	return json_array_size(got);
}

static void lines_of_node_and_slots_are_found_by_slot_session_and_level(void **state)
{
	start_node();
	assert_int_equal(start("{\"url\": \"https://meet.example/finish\", \"session_id\": "
			       "\"s1\", \"slot\": 2}"),
		0);
	assert_true(read_log("s1", 0, 0, 100) > 0);
	assert_string_equal(text(json_array_get(got, 0), "session_id"), "s1");
	WAIT(read_log("", 2, TR_LOG_WARNING, 100) > 0); /* the double's own */
	assert_string_equal(text(json_array_get(got, 0), "area"), "fake");
	assert_string_equal(text(json_array_get(got, 0), "text"), "configured");
	assert_string_equal(text(json_array_get(got, 0), "level"), "warning");
	assert_int_equal(read_log("nobody", 0, 0, 100), 0);
	assert_int_equal(read_log("", 0, 0, 1), 1);
	assert_true(read_log("", 0, 0, 10000) > 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_is_told_from_its_acceptance_to_its_script),
		TEST(a_failure_is_told_with_its_sentence),
		TEST(a_refusal_is_told_and_counted),
		TEST(the_snapshot_shows_what_a_session_says_of_itself),
		TEST(a_page_without_environment_is_recorded_as_a_page),
		TEST(a_stream_goes_where_it_is_asked_to),
		TEST(what_cannot_be_started_is_refused_with_a_sentence),
		TEST(a_drained_node_takes_nothing_until_that_is_taken_back),
		TEST(a_slot_is_restarted_unless_it_records),
		TEST(all_who_ask_for_a_picture_at_once_get_the_same),
		TEST(a_picture_that_cannot_be_had_is_answered),
		TEST(a_recording_is_removed_but_not_while_it_runs),
		TEST(a_recording_of_somebody_else_who_writes_it_just_now_is_left_alone),
		TEST(files_and_script_are_made_once_more),
		TEST(settings_are_shown_without_secrets),
		TEST(settings_with_complaints_are_not_written),
		TEST(settings_are_written_with_mode_and_a_copy_of_the_old),
		TEST(settings_that_are_roots_are_changed_by_the_command_line),
		TEST(lines_of_node_and_slots_are_found_by_slot_session_and_level),
	};
	return cmocka_run_group_tests_name("api_source", tests, NULL, NULL);
}
