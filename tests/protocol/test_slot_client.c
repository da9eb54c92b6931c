#include "test.h"

#include "protocol/slot_client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char script[] = "/tmp/telerec-test-XXXXXX";

/* Makes the script a program that runs `body` with the control socket as descriptor 3. */
static void write_script(const char *body)
{
	FILE *file = fopen(script, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", body);
	fclose(file);
}

static int make_script(void **state)
{
	int fd = mkstemp(script);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	return 0;
}

static int remove_script(void **state)
{
	return unlink(script);
}

static int next_message(struct tr_slot_client *client, struct tr_message *message)
{
	struct tr_line *line = tr_slot_client_line(client);
	char why[200];
	int rc;

	while ((rc = tr_message_receive(line, message, NULL, why, sizeof(why))) == -EAGAIN) {
		struct pollfd fd = {.fd = tr_line_fd(line), .events = POLLIN};
		assert_true(poll(&fd, 1, 30000) > 0);
	}
	return rc;
}

static void the_process_speaks_over_descriptor_3_and_quits_when_asked(void **state)
{
	struct tr_slot_client *client;
	struct tr_message message;

	write_script("[ \"$1 $2\" = '--control-fd 3' ] || exit 9\n"
		     "echo '{\"type\":\"state\",\"state\":\"here\"}' >&3\n"
		     "read line <&3; case $line in *quit*) exit 0;; esac; exit 8");
	assert_int_equal(tr_slot_client_start(script, false, 6, &client), 0);
	assert_int_equal(next_message(client, &message), 0);
	assert_string_equal(message.state.state, "here");
	int status = tr_slot_client_stop(client, 30000);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(tr_slot_client_stop(client, 0), -ECHILD);
	tr_slot_client_destroy(client);
}

static void its_death_shows_at_both_descriptors(void **state)
{
	struct tr_slot_client *client;
	struct tr_message message;

	write_script("exit 5");
	assert_int_equal(tr_slot_client_start(script, false, 6, &client), 0);
	assert_int_equal(next_message(client, &message), -EPIPE);
	struct pollfd fd = {.fd = tr_slot_client_exit_fd(client), .events = POLLIN};
	assert_int_equal(poll(&fd, 1, 30000), 1);
	int status = tr_slot_client_abort(client);
	assert_int_equal(WEXITSTATUS(status), 5);
	tr_slot_client_destroy(client);
}

static void one_that_does_not_listen_is_killed(void **state)
{
	struct tr_slot_client *client;
	struct tr_message message;

	write_script(
		"trap '' TERM; echo '{\"type\":\"state\",\"state\":\"deaf\"}' >&3; while :; do "
		"sleep 60; done");
	assert_int_equal(tr_slot_client_start(script, false, 6, &client), 0);
	assert_int_equal(next_message(client, &message), 0);
	pid_t pid = tr_slot_client_pid(client);
	int status = tr_slot_client_stop(client, 1);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(kill(pid, 0), -1);
	tr_slot_client_destroy(client);
}

static void its_standard_error_comes_in_lines(void **state)
{
	struct tr_slot_client *client;
	char line[100];
	int rc, count = 0;

	write_script("echo one >&2; echo \"$TELEREC_LOG_LEVEL\" >&2; printf three >&2");
	assert_int_equal(tr_slot_client_start(script, true, 7, &client), 0);
	static const char *const expected[] = {"one", "7", "three"};
	while ((rc = tr_slot_client_read_log(client, line, sizeof(line))) != -EPIPE) {
		if (rc == 0) {
			assert_true(count < 3);
			assert_string_equal(line, expected[count++]);
			continue;
		}
		struct pollfd fd = {.fd = tr_slot_client_log_fd(client), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 30000), 1);
	}
	assert_int_equal(count, 3);
	tr_slot_client_destroy(client);
}

static void a_missing_program_is_said_to_be_missing(void **state)
{
	struct tr_slot_client *client;
	char path[PATH_MAX];

	assert_int_equal(tr_slot_client_start("/nonexistent", true, 6, &client), -ENOENT);
	assert_int_equal(
		tr_slot_client_find_program("telerec-nonexistent", path, sizeof(path)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_process_speaks_over_descriptor_3_and_quits_when_asked),
		cmocka_unit_test(its_death_shows_at_both_descriptors),
		cmocka_unit_test(one_that_does_not_listen_is_killed),
		cmocka_unit_test(its_standard_error_comes_in_lines),
		cmocka_unit_test(a_missing_program_is_said_to_be_missing),
	};
	return cmocka_run_group_tests_name("slot client", tests, make_script, remove_script);
}
