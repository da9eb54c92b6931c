#include "test.h"

#include "console/console_internal.h"
#include "console/job.h"
#include "core/text.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 60000

struct rig {
	struct tr_console console;
	char folder[64], gate[96], script[256];
	struct tr_job *job;
	char *text; /* at its end */
	int status;
};

static void take(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct rig *rig = user;

	(void)console;
	rig->job = NULL;
	rig->text = strdup(result->text);
	rig->status = result->status;
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	*state = rig;
	assert_non_null(rig);
	pthread_mutex_init(&rig->console.job_lock, NULL);
	rig->console.job_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	strcpy(rig->folder, "/tmp/telerec-job-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	snprintf(rig->gate, sizeof(rig->gate), "%s/gate", rig->folder);
	assert_int_equal(mkfifo(rig->gate, 0600), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	assert_true(tr_job_end_all(&rig->console));
	unlink(rig->gate);
	rmdir(rig->folder);
	close(rig->console.job_event);
	pthread_mutex_destroy(&rig->console.job_lock);
	free(rig->text);
	free(rig);
	return 0;
}

/* A program that says this, waits at the gate, and says that. */
static void start(struct rig *rig, const char *before, const char *after)
{
	const char *const argv[] = {"/bin/sh", "-c", rig->script, NULL};

	snprintf(rig->script, sizeof(rig->script), "%s; read -r word <%s; %s", before, rig->gate,
		after);
	rig->job = tr_job_run(&rig->console, argv, NULL, false, take, rig);
	assert_non_null(rig->job);
}

static void go_on(struct rig *rig)
{
	int fd = open(rig->gate, O_WRONLY | O_CLOEXEC); /* waits for the reader */

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "go\n", 3), 3);
	close(fd);
	while (rig->job) {
		struct pollfd event = {.fd = rig->console.job_event, .events = POLLIN};
		assert_int_equal(poll(&event, 1, PATIENCE_MS), 1);
		tr_job_serve(&rig->console);
	}
}

static void assert_says_so_far(struct rig *rig, const char *wanted)
{
	for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 10) {
		TR_CLEANUP(tr_freep) char *text = tr_job_so_far(rig->job);
		if (text && !strcmp(text, wanted))
			return;
		poll(NULL, 0, 10);
	}
	fail_msg("it did not say: %s", wanted);
}

static void a_running_program_is_heard_line_by_line(void **state)
{
	struct rig *rig = *state;

	start(rig, "echo one; echo two; printf half", "echo three; exit 3");
	assert_says_so_far(rig, "one\ntwo\n");
	go_on(rig);
	assert_string_equal(rig->text, "one\ntwo\nhalfthree\n");
	assert_int_equal(rig->status, 3);
}

static void a_program_that_has_said_no_line_has_said_nothing(void **state)
{
	struct rig *rig = *state;

	start(rig, ":", "echo done");
	assert_null(tr_job_so_far(rig->job));
	go_on(rig);
	assert_string_equal(rig->text, "done\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_running_program_is_heard_line_by_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_program_that_has_said_no_line_has_said_nothing, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("console/job", tests, NULL, NULL);
}
