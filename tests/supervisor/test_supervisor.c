#include "test.h"

#include "core/clock.h"
#include "core/file.h"
#include "supervisor/supervisor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Each run of the script adds a line to NOTES, the runtime folder it was given. */
static char home[] = "/tmp/telerec-supervisor-XXXXXX";
static char script[100], notes[100];
static sd_event *event;

static int make_home(void **state)
{
	strcpy(home, "/tmp/telerec-supervisor-XXXXXX");
	assert_non_null(mkdtemp(home));
	snprintf(script, sizeof(script), "%s/slot", home);
	snprintf(notes, sizeof(notes), "%s/notes", home);
	assert_true(sd_event_new(&event) >= 0);
	return 0;
}

static int remove_home(void **state)
{
	event = sd_event_unref(event);
	return tr_file_remove_tree(home);
}

static void start(struct tr_supervisor **ret, unsigned slots, const char *body)
{
	struct tr_supervisor_settings *settings = calloc(1, sizeof(*settings));
	FILE *file = fopen(script, "w");

	assert_non_null(file);
	fprintf(file,
		"#!/bin/sh\nread line <&3\necho \"$line\" | sed 's/.*\"runtime_dir\":\"//; "
		"s/\".*//' >>%s\nready='{\"type\":\"ready\",\"sound\":\"none\",\"encoder\":\"none\","
		"\"display\":\":0\",\"browser_version\":\"none\"}'\n%s\n",
		notes, body);
	fclose(file);
	assert_int_equal(chmod(script, 0700), 0);
	settings->slots = slots;
	settings->program = script;
	settings->log_level = 3;
	assert_int_equal(tr_supervisor_create(event, settings, ret), 0);
	free(settings);
}

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

static void turn(int64_t deadline)
{
	assert_true(tr_clock_now_ns() < deadline);
	assert_true(sd_event_run(event, 50000) >= 0);
}

static void slots_get_ready_and_go_when_it_ends(void **state)
{
	struct tr_supervisor *supervisor;
	int64_t deadline = tr_clock_now_ns() + 60 * TR_NS_PER_S;

	start(&supervisor, 2, "echo \"$ready\" >&3; read line <&3");
	while (tr_supervisor_ready_slots(supervisor) < 2)
		turn(deadline);
	assert_int_equal(count_notes(false), 2);
	tr_supervisor_destroy(supervisor);
	count_notes(true);
}

static void a_slot_that_dies_is_started_again(void **state)
{
	struct tr_supervisor *supervisor;
	int64_t deadline = tr_clock_now_ns() + 60 * TR_NS_PER_S;

	start(&supervisor, 1, "echo \"$ready\" >&3; exit 3");
	while (count_notes(false) < 3)
		turn(deadline);
	tr_supervisor_destroy(supervisor);
	count_notes(true);
}

static void a_slot_that_cannot_be_made_ready_is_started_again(void **state)
{
	struct tr_supervisor *supervisor;
	int64_t deadline = tr_clock_now_ns() + 60 * TR_NS_PER_S;

	start(&supervisor, 1,
		"echo '{\"type\":\"failed\",\"reason\":\"no_display\",\"sentence\":\"\","
		"\"exit_code\":3,\"file\":\"\"}' >&3; read line <&3");
	while (count_notes(false) < 2)
		turn(deadline);
	assert_int_equal(tr_supervisor_ready_slots(supervisor), 0);
	tr_supervisor_destroy(supervisor);
	count_notes(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			slots_get_ready_and_go_when_it_ends, make_home, remove_home),
		cmocka_unit_test_setup_teardown(
			a_slot_that_dies_is_started_again, make_home, remove_home),
		cmocka_unit_test_setup_teardown(
			a_slot_that_cannot_be_made_ready_is_started_again, make_home, remove_home),
	};
	return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
