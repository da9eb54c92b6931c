/* The slot program from its parent's side: real display, browser, sound, encoder and files. */
#include "test.h"

#include "core/child.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/text.h"
#include "protocol/slot_client.h"
#include "storage/recording.h"
#include "system/account.h"
#include "system/runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LONG_MS 60000

static const char page[] =
	"data:text/html,<body style='background:%23246'><p id=t></p><script>let n=0;setInterval("
	"()=>{t.textContent=++n},40)</script>";

struct rig {
	struct tr_account account;
	char runtime[PATH_MAX];
	char recordings[64];
	struct tr_slot_client *slot;
};

static void start_slot(struct rig *rig)
{
	char program[PATH_MAX];
	struct tr_message message = {.type = TR_MESSAGE_CONFIGURE};
	struct tr_message_configure *to = &message.configure;
	static unsigned number;

	assert_int_equal(
		tr_text_format(program, sizeof(program), "%s/telerec-slot", getenv("TR_BUILD_DIR")),
		0);
	assert_int_equal(tr_slot_client_start(program, false, 6, &rig->slot), 0);
	assert_int_equal(tr_runtime_dir_add(rig->runtime, &rig->account, ++number, to->runtime_dir,
				 sizeof(to->runtime_dir)),
		0);
	to->slot = 1;
	snprintf(to->user, sizeof(to->user), "%s", rig->account.user);
	to->width = 320;
	to->height = 240;
	to->frame_rate = 15;
	snprintf(to->sound, sizeof(to->sound), "plugin");
	snprintf(to->encoder, sizeof(to->encoder), "software");
	assert_int_equal(tr_message_send(tr_slot_client_line(rig->slot), &message, -1), 0);
}

/* The next message of this type (a state: with this word); others are passed over. */
static void wait_with(struct rig *rig, enum tr_message_type type, const char *state,
	struct tr_message *ret, int *ret_fd)
{
	struct tr_line *line = tr_slot_client_line(rig->slot);
	int64_t end_ns = tr_clock_now_ns() + LONG_MS * TR_NS_PER_MS;
	char why[200];

	for (;;) {
		int rc = tr_message_receive(line, ret, ret_fd, why, sizeof(why));
		if (rc == 0 && ret->type == type && (!state || !strcmp(ret->state.state, state)))
			return;
		if (rc == 0 && ret->type == TR_MESSAGE_FAILED && type != TR_MESSAGE_FAILED)
			fail_msg("the slot failed: %s", ret->failed.sentence);
		if (rc == 0)
			continue;
		assert_int_equal(rc, -EAGAIN);
		assert_true(tr_clock_now_ns() < end_ns);
		struct pollfd fd = {tr_line_fd(line), POLLIN, 0};
		poll(&fd, 1, 1000);
	}
}

static void wait_for(
	struct rig *rig, enum tr_message_type type, const char *state, struct tr_message *ret)
{
	wait_with(rig, type, state, ret, NULL);
}

static int make_folder(struct rig *rig, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", rig->recordings, name);
	assert_int_equal(mkdir(path, 0750), 0);
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0);
	assert_int_equal(tr_account_lend(folder, &rig->account), 0);
	return folder;
}

static void start_at(struct rig *rig, const char *id, int folder, const char *mode, const char *url)
{
	struct tr_message message = {.type = TR_MESSAGE_START};
	struct tr_message_start *to = &message.start;

	snprintf(to->session_id, sizeof(to->session_id), "%s", id);
	snprintf(to->name, sizeof(to->name), "%s", id);
	snprintf(to->url, sizeof(to->url), "%s", url);
	snprintf(to->mode, sizeof(to->mode), "%s", mode);
	snprintf(to->metadata, sizeof(to->metadata), "{\"share\":true}");
	to->quality = 30;
	to->audio_kbps = 64;
	to->page_timeout_ms = 30000;
	to->join_timeout_ms = 20000;
	to->rtcstats = -1;
	assert_int_equal(tr_message_send(tr_slot_client_line(rig->slot), &message, folder), 0);
}

static void start_recording(struct rig *rig, const char *id, int folder)
{
	start_at(rig, id, folder, "page", page);
}

static void send_plain(struct rig *rig, enum tr_message_type type)
{
	const struct tr_message message = {.type = type};
	assert_int_equal(tr_message_send(tr_slot_client_line(rig->slot), &message, -1), 0);
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	snprintf(rig->recordings, sizeof(rig->recordings), "/tmp/telerec-test-XXXXXX");
	assert_non_null(mkdtemp(rig->recordings));
	tr_account_for_slots(&rig->account);
	assert_int_equal(tr_runtime_dir_make(&rig->account, rig->runtime, sizeof(rig->runtime)), 0);
	start_slot(rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	tr_slot_client_stop(rig->slot, 20000);
	tr_slot_client_destroy(rig->slot);
	tr_runtime_dir_remove(rig->runtime);
	tr_file_remove_tree(rig->recordings);
	free(rig);
	return 0;
}

static void the_next_recording_does_not_wait_for_the_files_of_the_last(void **state)
{
	struct rig *rig = *state;
	struct tr_message message;
	const char *ids[] = {"first", "second"};

	wait_for(rig, TR_MESSAGE_READY, NULL, &message);
	for (unsigned i = 0; i < 2; i++) {
		int folder = make_folder(rig, ids[i]);
		start_recording(rig, ids[i], folder);
		close(folder);
		wait_for(rig, TR_MESSAGE_STARTED, NULL, &message);
		assert_string_equal(message.started.session_id, ids[i]);
		assert_true(message.started.join_ms <= message.started.took_ms);
		send_plain(rig, TR_MESSAGE_STOP);
		wait_for(rig, TR_MESSAGE_STOPPED, NULL, &message);
		assert_string_equal(message.stopped.session_id, ids[i]);
		assert_int_equal(message.stopped.reason, TR_REASON_NONE);
		assert_true(message.stopped.has_files);
		if (i == 1) { /* the last words come in the order of the ends */
			wait_for(rig, TR_MESSAGE_FINISHED, NULL, &message);
			assert_true(message.finished.bytes > 0);
			assert_true(message.finished.session_id[0] != '\0');
		} else {
			wait_for(rig, TR_MESSAGE_STATE, "idle", &message);
		}
	}
}

static void what_a_dead_slot_left_is_finished_by_another(void **state)
{
	struct rig *rig = *state;
	struct tr_message message = {.type = TR_MESSAGE_FINISH};
	struct tr_recording recording;

	wait_for(rig, TR_MESSAGE_READY, NULL, &message);
	TR_CLEANUP(tr_closep) int folder = make_folder(rig, "left");
	start_recording(rig, "left", folder);
	wait_for(rig, TR_MESSAGE_STARTED, NULL, &message);
	kill(tr_slot_client_pid(rig->slot), SIGKILL);
	tr_slot_client_stop(rig->slot, 0);
	tr_slot_client_destroy(rig->slot);

	start_slot(rig);
	wait_for(rig, TR_MESSAGE_READY, NULL, &message);
	message = (struct tr_message){.type = TR_MESSAGE_FINISH, .finish = {"left"}};
	assert_int_equal(tr_message_send(tr_slot_client_line(rig->slot), &message, folder), 0);
	wait_for(rig, TR_MESSAGE_FINISHED, NULL, &message);
	assert_string_equal(message.finished.session_id, "left");
	assert_string_equal(message.finished.file, "left.mp4");
	assert_string_equal(message.finished.report, "report.json");
	assert_int_equal(tr_recording_load(folder, &recording), 0);
	assert_int_equal(recording.state, TR_RECORDING_DONE);
}

static void a_stop_while_the_page_loads_leaves_no_recording(void **state)
{
	struct rig *rig = *state;
	struct tr_message message;

	wait_for(rig, TR_MESSAGE_READY, NULL, &message);
	TR_CLEANUP(tr_closep) int folder = make_folder(rig, "none");
	start_recording(rig, "none", folder);
	send_plain(rig, TR_MESSAGE_STOP);
	wait_for(rig, TR_MESSAGE_STOPPED, NULL, &message);
	assert_false(message.stopped.has_files);
	assert_string_equal(message.stopped.session_id, "none");
	wait_for(rig, TR_MESSAGE_FAILED, NULL, &message);
	assert_string_equal(message.failed.session_id, "none");
	wait_for(rig, TR_MESSAGE_STATE, "idle", &message);
}

/* Gives the address of its room. */
static pid_t start_meeting(char *url, size_t size)
{
	char program[PATH_MAX];
	int out[2];

	assert_int_equal(tr_text_format(program, sizeof(program), "%s/telerec-demo-meeting",
				 getenv("TR_BUILD_DIR")),
		0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	const char *argv[] = {program, NULL};
	const struct tr_child_fd fds[] = {{out[1], 1}};
	const struct tr_child_settings settings = {.argv = argv, .fds = fds, .fd_count = 1};
	struct tr_child child;
	assert_int_equal(tr_child_start(&settings, &child), 0);
	close(out[1]);
	FILE *lines = fdopen(out[0], "r");
	assert_non_null(fgets(url, (int)size, lines));
	fclose(lines);
	url[strcspn(url, "\n?")] = '\0';
	close(child.pidfd);
	return child.pid;
}

static void a_meeting_is_recorded_and_tells_who_was_there(void **state)
{
	struct rig *rig = *state;
	struct tr_message message;
	char url[512];
	size_t size;
	TR_CLEANUP(tr_freep) char *metadata = NULL;

	pid_t meeting = start_meeting(url, sizeof(url));
	wait_for(rig, TR_MESSAGE_READY, NULL, &message);
	assert_true(strstr(message.ready.browser_version, "Chrom") != NULL);
	TR_CLEANUP(tr_closep) int folder = make_folder(rig, "meeting");
	start_at(rig, "meeting", folder, "file", url);
	wait_for(rig, TR_MESSAGE_MEETING, NULL, &message);
	assert_true(message.meeting.is_joined);
	wait_for(rig, TR_MESSAGE_STARTED, NULL, &message);
	print_message("joined after %lld ms, on after %lld ms\n",
		(long long)message.started.join_ms, (long long)message.started.took_ms);
	int64_t asked_ns = tr_clock_now_ns();
	send_plain(rig, TR_MESSAGE_STOP);
	wait_for(rig, TR_MESSAGE_STATE, "idle", &message);
	print_message("idle %.0f ms after stop\n", (double)(tr_clock_now_ns() - asked_ns) / 1e6);
	kill(meeting, SIGTERM);

	assert_int_equal(tr_file_read(folder, "metadata.json", 1 << 20, &metadata, &size), 0);
	assert_true(strstr(metadata, "\"share\":true") != NULL);
	assert_true(strstr(metadata, "\"user\"") != NULL);
}

/* The size that the JPEG's frame header names. */
static void read_size(const unsigned char *jpeg, size_t size, int *ret_width, int *ret_height)
{
	size_t at = 2;

	assert_true(size > 100 && jpeg[0] == 0xff && jpeg[1] == 0xd8);
	assert_true(jpeg[size - 2] == 0xff && jpeg[size - 1] == 0xd9);
	while (at + 9 < size && !(jpeg[at] == 0xff && jpeg[at + 1] == 0xc0))
		at += 2 + (size_t)(jpeg[at + 2] << 8 | jpeg[at + 3]);
	assert_true(at + 9 < size);
	*ret_height = jpeg[at + 5] << 8 | jpeg[at + 6];
	*ret_width = jpeg[at + 7] << 8 | jpeg[at + 8];
}

static void expect_picture(struct rig *rig, int asked, int width, int height)
{
	const struct tr_message ask = {.type = TR_MESSAGE_PREVIEW, .preview = {.width = asked}};
	static unsigned char jpeg[1 << 20];
	struct tr_message message;
	int got_width, got_height;
	TR_CLEANUP(tr_closep) int fd = -1;

	assert_int_equal(tr_message_send(tr_slot_client_line(rig->slot), &ask, -1), 0);
	wait_with(rig, TR_MESSAGE_PICTURE, NULL, &message, &fd);
	assert_string_equal(message.picture.sentence, "");
	assert_true(fd >= 0);
	size_t size = (size_t)message.picture.bytes;
	assert_true(size <= sizeof(jpeg));
	assert_int_equal(pread(fd, jpeg, sizeof(jpeg), 0), (ssize_t)size);
	read_size(jpeg, size, &got_width, &got_height);
	assert_int_equal(got_width, width);
	assert_int_equal(got_height, height);
}

static void a_slot_shows_its_screen_idle_and_while_it_records(void **state)
{
	struct rig *rig = *state;
	struct tr_message message;

	wait_for(rig, TR_MESSAGE_READY, NULL, &message);
	expect_picture(rig, 160, 160, 120);
	TR_CLEANUP(tr_closep) int folder = make_folder(rig, "shown");
	start_recording(rig, "shown", folder);
	wait_for(rig, TR_MESSAGE_STARTED, NULL, &message);
	expect_picture(rig, 4000, 320, 240); /* not larger than it is */
	expect_picture(rig, 161, 160, 120);
	send_plain(rig, TR_MESSAGE_STOP);
	wait_for(rig, TR_MESSAGE_FINISHED, NULL, &message);
}

static void a_page_that_is_no_meeting_is_said_to_be_none(void **state)
{
	struct rig *rig = *state;
	struct tr_message message;
	char url[512];

	pid_t meeting = start_meeting(url, sizeof(url));
	wait_for(rig, TR_MESSAGE_READY, NULL, &message);
	TR_CLEANUP(tr_closep) int folder = make_folder(rig, "none");
	strcpy(strrchr(url, '/'), "/sync.html");
	start_at(rig, "none", folder, "file", url);
	wait_for(rig, TR_MESSAGE_STOPPED, NULL, &message);
	assert_int_equal(message.stopped.reason, TR_REASON_JOIN_FAILED);
	assert_true(strstr(message.stopped.sentence, "no Jitsi meeting") != NULL);
	assert_int_equal(faccessat(folder, "failure.png", R_OK, 0), 0);
	kill(meeting, SIGTERM);
}

int main(void)
{
	if (access("/usr/bin/Xvfb", X_OK) < 0 || access("/usr/bin/chromium", X_OK) < 0) {
		printf("skipped: Xvfb or chromium is not installed\n");
		return 77;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_next_recording_does_not_wait_for_the_files_of_the_last, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_a_dead_slot_left_is_finished_by_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_stop_while_the_page_loads_leaves_no_recording, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_meeting_is_recorded_and_tells_who_was_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_slot_shows_its_screen_idle_and_while_it_records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_page_that_is_no_meeting_is_said_to_be_none, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("slot", tests, NULL, NULL);
}
