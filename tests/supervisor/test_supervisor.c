#include "test.h"

#include "core/clock.h"
#include "core/file.h"
#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DEADLINE_NS (60 * TR_NS_PER_S)
#define SLOTS 2

/* What the supervisor said of each slot, and what the slots (tests/fake/fake_slot.c) were told. */
static char home[] = "/tmp/telerec-supervisor-XXXXXX";
static char notes[100], log_path[100];
static sd_event *event;
static struct tr_supervisor *supervisor;
static unsigned started, stopped, finished, failed, warnings;
static struct tr_message_stopped last_stopped;
static uint64_t last_job;
static int64_t deadline_ns;
static int64_t ready_ms;
static bool is_told_encoders;
static const char *display;
static char found[100]; /* what the supervisor said of encoders last */
static unsigned looks;	/* how often */

static void on_condition(unsigned slot, void *user)
{
	assert_in_range(slot, 1, SLOTS);
}

static void on_message(unsigned slot, uint64_t job, const struct tr_message *message, void *user)
{
	assert_in_range(slot, 1, SLOTS);
	last_job = job;
	switch (message->type) {
	case TR_MESSAGE_STARTED:
		started++;
		break;
	case TR_MESSAGE_STOPPED:
		stopped++;
		last_stopped = message->stopped;
		break;
	case TR_MESSAGE_FINISHED:
		finished++;
		break;
	case TR_MESSAGE_FAILED:
		failed++;
		break;
	case TR_MESSAGE_WARNING:
		warnings++;
		break;
	default:
		break;
	}
}

static void on_encoders(const char *what, void *user)
{
	snprintf(found, sizeof(found), "%s", what);
	looks++;
}

static const struct tr_supervisor_events events = {
	.on_encoders = on_encoders, .on_condition = on_condition, .on_message = on_message};

static int make_home(void **state)
{
	strcpy(home, "/tmp/telerec-supervisor-XXXXXX");
	assert_non_null(mkdtemp(home));
	assert_int_equal(chmod(home, 0755), 0);
	snprintf(notes, sizeof(notes), "%s/notes", home);
	snprintf(log_path, sizeof(log_path), "%s/log", home);
	setenv("FAKE_SLOT_NOTES", notes, 1);
	setenv("FAKE_SLOT_LOG", log_path, 1);
	assert_true(sd_event_new(&event) >= 0);
	is_told_encoders = false;
	display = "";
	found[0] = '\0';
	looks = 0;
	unsetenv("FAKE_SLOT_ENCODERS");
	started = stopped = finished = failed = warnings = 0;
	ready_ms = 20000;
	deadline_ns = tr_clock_now_ns() + DEADLINE_NS;
	return 0;
}

static int remove_home(void **state)
{
	tr_supervisor_destroy(tr_take(supervisor));
	event = sd_event_unref(event);
	return tr_file_remove_tree(home);
}

static const char *read_log(void)
{
	static char *text;

	free(tr_take(text));
	if (tr_file_read(AT_FDCWD, log_path, 1 << 20, &text, NULL) < 0)
		text = strdup("");
	return text;
}

static unsigned count_in_log(const char *words)
{
	unsigned count = 0;

	for (const char *at = read_log(); (at = strstr(at, words)); at++)
		count++;
	return count;
}

/* Each start of a process adds a line to NOTES, the runtime folder it was given. */
static unsigned count_notes(bool is_gone_wanted)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	unsigned count = 0;
	char *next = NULL;

	if (tr_file_read(AT_FDCWD, notes, 1 << 20, &text, NULL) < 0)
		return 0;
	for (char *path = strtok_r(text, "\n", &next); path; path = strtok_r(NULL, "\n", &next)) {
		if (is_gone_wanted)
			assert_int_equal(access(path, F_OK), -1);
		count++;
	}
	return count;
}

static void turn(void)
{
	if (tr_clock_now_ns() >= deadline_ns)
		fail_msg("too late; the slots were told: %s", read_log());
	assert_true(sd_event_run(event, 50000) >= 0);
}

#define WAIT(condition)                                                                            \
	do {                                                                                       \
		while (!(condition))                                                               \
			turn();                                                                    \
	} while (0)

static void start_program(const char *order, const char *program, const char *socket_dir)
{
	struct tr_supervisor_settings *settings = calloc(1, sizeof(*settings));

	setenv("FAKE_SLOT", order, 1);
	settings->slots = SLOTS;
	settings->program = program;
	settings->socket_dir = socket_dir;
	settings->log_level = 3;
	settings->configure.is_told_encoders = is_told_encoders;
	snprintf(settings->configure.display, sizeof(settings->configure.display), "%s", display);
	settings->limits = (struct tr_supervisor_limits){
		.ready_ms = ready_ms,
		.started_ms = 20000,
		.silence_ms = 3000,
		.stopped_ms = 2000,
		.clear_ms = 5000,
		.quit_ms = 1000,
		.restarts = 3,
	};
	assert_int_equal(tr_supervisor_create(event, settings, &events, NULL, &supervisor), 0);
	free(settings);
}

static void start(const char *order)
{
	char program[PATH_MAX];

	snprintf(program, sizeof(program), "%s/fake_slot", getenv("TR_BUILD_DIR"));
	start_program(order, program, NULL);
}

static void start_ready(const char *order)
{
	start(order);
	WAIT(tr_supervisor_ready_slots(supervisor) == SLOTS);
}

/* In a folder named like the session. */
static int make_folder(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	assert_int_equal(mkdir(path, 0750), 0);
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0);
	return folder;
}

static bool has_file(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	return access(path, F_OK) == 0;
}

static uint64_t record(unsigned slot, const char *session_id, const char *order)
{
	TR_CLEANUP(tr_freep) struct tr_message_start *request = calloc(1, sizeof(*request));
	uint64_t job;

	int folder = make_folder(session_id);
	snprintf(request->session_id, sizeof(request->session_id), "%s", session_id);
	snprintf(request->name, sizeof(request->name), "%s", session_id);
	snprintf(request->mode, sizeof(request->mode), "file");
	snprintf(request->url, sizeof(request->url), "https://meet.example/%s", order);
	snprintf(request->call_password, sizeof(request->call_password), "secret");
	assert_int_equal(tr_supervisor_start(supervisor, slot, request, folder, &job), 0);
	close(folder);
	return job;
}

static enum tr_slotlife_state state_of(unsigned slot)
{
	return tr_supervisor_state(supervisor, slot);
}

static void slots_get_ready_and_go_when_it_ends(void **state)
{
	start_ready("finish");
	assert_int_equal(count_notes(false), SLOTS);
	tr_supervisor_destroy(tr_take(supervisor));
	assert_int_equal(count_notes(true), SLOTS);
}

static void a_slot_that_dies_is_started_again(void **state)
{
	start("die_early");
	WAIT(count_notes(false) >= 3 * SLOTS);
	tr_supervisor_destroy(tr_take(supervisor));
	count_notes(true);
}

static void a_slot_that_cannot_be_made_ready_says_why(void **state)
{
	struct tr_supervisor_condition condition;

	start("no_display");
	WAIT(count_notes(false) >= 2 * SLOTS);
	assert_int_equal(tr_supervisor_ready_slots(supervisor), 0);
	WAIT((tr_supervisor_read(supervisor, 1, &condition), condition.sentence[0]));
	assert_false(condition.is_well);
	assert_string_equal(condition.sentence, "no X");
}

static void a_recording_starts_stops_and_leaves_its_files(void **state)
{
	start_ready("finish");
	uint64_t job = record(1, "one", "finish");
	assert_int_equal(state_of(1), TR_SLOTLIFE_PENDING);
	WAIT(started);
	assert_int_equal(state_of(1), TR_SLOTLIFE_RECORDING);
	tr_supervisor_stop(supervisor, 1);
	WAIT(stopped && state_of(1) == TR_SLOTLIFE_IDLE);
	assert_int_equal(last_stopped.reason, TR_REASON_NONE);
	assert_true(last_stopped.has_files);
	WAIT(finished);
	assert_int_equal(last_job, job);
	assert_true(has_file("one/one.mp4"));
	assert_int_equal(started + stopped + finished + failed, 3);
}

static void a_busy_slot_takes_no_other_recording(void **state)
{
	TR_CLEANUP(tr_freep) struct tr_message_start *request = calloc(1, sizeof(*request));
	uint64_t job;

	start_ready("finish");
	record(1, "one", "finish");
	assert_int_equal(tr_supervisor_start(supervisor, 1, request, 0, &job), -EBUSY);
	record(2, "two", "finish");
	WAIT(started == 2);
}

static void a_slot_that_dies_in_the_middle_goes_on_in_the_same_folder(void **state)
{
	start_ready("finish");
	record(1, "one", "die_once");
	WAIT(started == 2);
	assert_int_equal(count_in_log("resume one"), 1);
	assert_int_equal(stopped, 0);
	tr_supervisor_stop(supervisor, 1);
	WAIT(finished);
	assert_true(has_file("one/one.part-001.mp4"));
	assert_true(has_file("one/one.part-002.mp4"));
	assert_int_equal(stopped, 1);
}

static void two_deaths_do_not_end_a_recording(void **state)
{
	start_ready("finish");
	record(1, "one", "die_twice");
	WAIT(started == 3);
	assert_int_equal(count_in_log("resume one"), 2);
	assert_int_equal(stopped, 0);
}

static void a_recording_is_given_up_after_too_many_deaths(void **state)
{
	start_ready("finish");
	record(1, "one", "die_always");
	WAIT(stopped);
	assert_int_equal(last_stopped.reason, TR_REASON_SLOT_LOST);
	assert_true(last_stopped.has_files);
	assert_int_equal(count_in_log("resume one"), 3);
	WAIT(finished); /* by the slot's next process */
	assert_int_equal(count_in_log("1 finish one"), 1);
	assert_int_equal(state_of(2), TR_SLOTLIFE_IDLE);
}

static void a_slot_that_says_nothing_while_it_records_is_replaced(void **state)
{
	start_ready("finish");
	record(1, "one", "hang");
	WAIT(started == 2);
	assert_int_equal(count_in_log("resume one"), 1);
}

static void a_slot_that_dies_before_anything_is_recorded_starts_again(void **state)
{
	start_ready("finish");
	record(1, "one", "die_pending");
	WAIT(started == 1);
	assert_int_equal(count_in_log("resume one"), 1);
}

static void a_stop_while_pending_leaves_no_files(void **state)
{
	start_ready("finish");
	record(1, "one", "slow");
	tr_supervisor_stop(supervisor, 1);
	WAIT(stopped);
	assert_int_equal(last_stopped.reason, TR_REASON_CANCELLED);
	assert_false(last_stopped.has_files);
	WAIT(state_of(1) == TR_SLOTLIFE_IDLE);
	assert_int_equal(started + finished + failed, 0);
}

static void a_slot_that_hears_no_stop_is_stopped(void **state)
{
	start_ready("finish");
	record(1, "one", "deaf_stop");
	WAIT(started);
	tr_supervisor_stop(supervisor, 1);
	WAIT(stopped);
	assert_int_equal(last_stopped.reason, TR_REASON_NONE);
	WAIT(finished);
	WAIT(state_of(1) == TR_SLOTLIFE_IDLE);
}

static void a_slot_that_dies_stopping_finishes_when_it_is_back(void **state)
{
	start_ready("finish");
	record(1, "one", "die_finishing");
	WAIT(started);
	tr_supervisor_stop(supervisor, 1);
	WAIT(finished);
	assert_int_equal(stopped, 1);
	assert_true(last_stopped.has_files);
	assert_int_equal(count_in_log("resume"), 0);
	assert_int_equal(count_in_log("finish one"), 1);
}

static void files_that_were_not_made_are_made_by_the_next_process(void **state)
{
	start_ready("finish");
	record(1, "one", "die_after");
	WAIT(started);
	tr_supervisor_stop(supervisor, 1);
	WAIT(finished);
	assert_int_equal(stopped, 1);
	assert_int_equal(count_in_log("finish one"), 1);
}

static void files_that_kill_the_slot_are_left_alone(void **state)
{
	start_ready("finish");
	record(1, "one", "die_over");
	WAIT(started);
	tr_supervisor_stop(supervisor, 1);
	WAIT(failed);
	assert_int_equal(count_in_log("finish one"), 2);
	WAIT(state_of(1) == TR_SLOTLIFE_IDLE);
	assert_int_equal(count_in_log("finish one"), 2);
}

static void the_next_recording_runs_while_the_files_are_made(void **state)
{
	start_ready("finish");
	record(1, "one", "finish_late");
	WAIT(started == 1);
	tr_supervisor_stop(supervisor, 1);
	WAIT(state_of(1) == TR_SLOTLIFE_IDLE);
	record(1, "two", "finish");
	WAIT(started == 2);
	assert_int_equal(finished, 0);
	close(make_folder("one/go"));
	WAIT(finished == 1);
	assert_int_equal(state_of(1), TR_SLOTLIFE_RECORDING);
}

static void a_failure_is_passed_on_with_its_reason(void **state)
{
	start_ready("finish");
	record(1, "one", "join_failed");
	WAIT(stopped);
	assert_int_equal(last_stopped.reason, TR_REASON_JOIN_FAILED);
	assert_false(last_stopped.has_files);
	WAIT(state_of(1) == TR_SLOTLIFE_IDLE);
}

static void a_slot_that_babbles_is_replaced_until_it_is_too_much(void **state)
{
	start_ready("finish");
	record(1, "one", "babble");
	WAIT(stopped);
	assert_int_equal(last_stopped.reason, TR_REASON_SLOT_LOST);
}

static void an_old_folder_is_finished_on_request(void **state)
{
	uint64_t job;

	start_ready("finish");
	int folder = make_folder("old");
	assert_int_equal(tr_supervisor_finish(supervisor, 2, "old", folder, &job), 0);
	close(folder);
	WAIT(finished);
	assert_int_equal(last_job, job);
	assert_int_equal(count_in_log("2 finish old"), 1);
}

/* As the service manager would: the process comes by itself, and comes again when it has gone. */
static pid_t start_service(unsigned slot)
{
	char program[PATH_MAX], path[200];

	snprintf(program, sizeof(program), "%s/fake_slot", getenv("TR_BUILD_DIR"));
	snprintf(path, sizeof(path), "%s/%u.sock", home, slot);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(program, program, "--control-socket", path, NULL);
		_exit(127);
	}
	return pid;
}

static void slots_of_the_service_manager_are_taken_in(void **state)
{
	struct tr_supervisor_condition condition;
	pid_t pids[2];

	start_program("finish", "/nonexistent", home);
	turn();
	WAIT((tr_supervisor_read(supervisor, 1, &condition),
		strstr(condition.sentence, "telerec-slot@1")));
	pids[0] = start_service(1);
	pids[1] = start_service(2);
	WAIT(tr_supervisor_ready_slots(supervisor) == SLOTS);
	record(1, "one", "finish");
	WAIT(started == 1);
	kill(pids[0], SIGKILL);
	waitpid(pids[0], NULL, 0);
	WAIT(state_of(1) == TR_SLOTLIFE_RESUMING_AWAY);
	pids[0] = start_service(1);
	WAIT(started == 2);
	assert_int_equal(count_in_log("resume one"), 1);
	tr_supervisor_stop(supervisor, 1);
	WAIT(finished);
	tr_supervisor_destroy(tr_take(supervisor));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	assert_false(has_file("1.sock"));
}

static void a_service_that_does_not_come_back_loses_its_recording(void **state)
{
	pid_t pids[2];

	ready_ms = 3000;
	start_program("finish", "/nonexistent", home);
	turn();
	pids[0] = start_service(1);
	pids[1] = start_service(2);
	WAIT(tr_supervisor_ready_slots(supervisor) == SLOTS);
	record(1, "one", "finish");
	WAIT(started == 1);
	kill(pids[0], SIGKILL);
	waitpid(pids[0], NULL, 0);
	WAIT(stopped == 1);
	assert_int_equal(last_stopped.reason, TR_REASON_SLOT_LOST);
	pids[0] = start_service(1);
	WAIT(finished == 1);
	tr_supervisor_destroy(tr_take(supervisor));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
}

static void a_slot_that_is_slow_gets_longer_each_time(void **state)
{
	ready_ms = 500;
	start_ready("late");
	assert_true(count_in_log("configure") >= 3 * SLOTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)

static void one_slot_looks_for_encoders_and_the_others_are_told(void **state)
{
	setenv("FAKE_SLOT_ENCODERS", "{\"rungs\":[]}", 1);
	is_told_encoders = true;
	start_ready("finish");
	WAIT(looks == 1 && count_in_log("encoders") >= SLOTS - 1);
	assert_string_equal(found, "{\"rungs\":[]}");
	assert_int_equal(count_in_log("look"), 1);

	/* again when asked, one at a time */
	assert_int_equal(tr_supervisor_ask_encoders(supervisor), 0);
	assert_int_equal(tr_supervisor_ask_encoders(supervisor), -EBUSY);
	WAIT(looks == 2);
	WAIT(count_in_log("encoders") == 2 * (SLOTS - 1));
	assert_int_equal(count_in_log("look"), 2);
}

static void a_slot_that_comes_later_is_told_what_is_known(void **state)
{
	is_told_encoders = true;
	start_ready("finish");
	WAIT(looks == 1);
	unsigned told = count_in_log("encoders");
	assert_int_equal(tr_supervisor_restart(supervisor, 1), 0);
	WAIT(count_in_log("encoders") > told);
	WAIT(tr_supervisor_ready_slots(supervisor) == SLOTS);
	assert_int_equal(count_in_log("look"), 1);
}

static void somebody_elses_display_is_the_first_slots_alone(void **state)
{
	struct tr_supervisor_condition condition;

	display = ":7";
	start_ready("finish");
	tr_supervisor_read(supervisor, 1, &condition);
	assert_string_equal(condition.ready.display, ":7");
	tr_supervisor_read(supervisor, 2, &condition);
	assert_string_equal(condition.ready.display, ":0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(slots_get_ready_and_go_when_it_ends),
		TEST(somebody_elses_display_is_the_first_slots_alone),
		TEST(one_slot_looks_for_encoders_and_the_others_are_told),
		TEST(a_slot_that_comes_later_is_told_what_is_known),
		TEST(a_slot_that_dies_is_started_again),
		TEST(a_slot_that_cannot_be_made_ready_says_why),
		TEST(a_recording_starts_stops_and_leaves_its_files),
		TEST(a_busy_slot_takes_no_other_recording),
		TEST(a_slot_that_dies_in_the_middle_goes_on_in_the_same_folder),
		TEST(two_deaths_do_not_end_a_recording),
		TEST(a_recording_is_given_up_after_too_many_deaths),
		TEST(a_slot_that_says_nothing_while_it_records_is_replaced),
		TEST(a_slot_that_dies_before_anything_is_recorded_starts_again),
		TEST(a_stop_while_pending_leaves_no_files),
		TEST(a_slot_that_hears_no_stop_is_stopped),
		TEST(a_slot_that_dies_stopping_finishes_when_it_is_back),
		TEST(files_that_were_not_made_are_made_by_the_next_process),
		TEST(files_that_kill_the_slot_are_left_alone),
		TEST(the_next_recording_runs_while_the_files_are_made),
		TEST(a_failure_is_passed_on_with_its_reason),
		TEST(a_slot_that_babbles_is_replaced_until_it_is_too_much),
		TEST(an_old_folder_is_finished_on_request),
		TEST(slots_of_the_service_manager_are_taken_in),
		TEST(a_service_that_does_not_come_back_loses_its_recording),
		TEST(a_slot_that_is_slow_gets_longer_each_time),
	};
	return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
