/* The probe as other processes ask for it: the real encoder, and programs that answer garbage. */
#include "test.h"

#include "core/clock.h"
#include "encode/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[64], script[96], encoder[512];
static json_t *json;

static int start(void **state)
{
	json = NULL;
	snprintf(encoder, sizeof(encoder), "%s/telerec-encoder", getenv("TR_BUILD_DIR"));
	snprintf(folder, sizeof(folder), "/tmp/telerec-probe-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(script, sizeof(script), "%s/program", folder);
	return 0;
}

static int end(void **state)
{
	json_decref(json);
	unlink(script);
	return rmdir(folder);
}

static int run(const char *program, int timeout_ms)
{
	const struct tr_probe_settings settings = {
		.program = program, .is_testing = true, .timeout_ms = timeout_ms};
	return tr_probe_run(&settings, &json);
}

/* What a program that does this is taken for. */
static int run_script(const char *text, int timeout_ms)
{
	FILE *file = fopen(script, "we");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fchmod(fileno(file), 0755), 0);
	assert_int_equal(fclose(file), 0);
	return run(script, timeout_ms);
}

static const json_t *find_software(void)
{
	json_t *rungs = json_object_get(json, "rungs"), *rung;
	size_t i;

	json_array_foreach(rungs, i, rung)
	{
		if (!strcmp(json_string_value(json_object_get(rung, "kind")), "software"))
			return rung;
	}
	fail_msg("no software among the rungs");
	return NULL;
}

static void software_encodes_and_its_capacity_is_measured(void **state)
{
	assert_int_equal(run(encoder, 110000), 0);
	const json_t *software = find_software();
	assert_true(json_is_true(json_object_get(software, "works")));
	assert_true(json_is_true(json_object_get(software, "was_tested")));
	assert_true(json_real_value(json_object_get(software, "ms_per_picture")) > 0);
	assert_true(json_is_integer(
		json_object_get(json_object_get(software, "sessions"), "1920x1080")));
}

static void software_works_though_there_was_no_time_to_test_it(void **state)
{
	assert_int_equal(run(encoder, 1), 0);
	assert_true(json_is_true(json_object_get(find_software(), "works")));
}

static void a_program_may_be_a_descriptor(void **state)
{
	int fd = open(encoder, O_PATH | O_CLOEXEC);
	const struct tr_probe_settings settings = {
		.program_fd = fd, .is_testing = true, .timeout_ms = 110000};

	assert_true(fd >= 0);
	assert_int_equal(tr_probe_run(&settings, &json), 0);
	find_software();
	close(fd);
}

static void a_missing_program_is_said(void **state)
{
	assert_int_equal(run("/nonexistent/telerec-encoder", 1000), -ENOENT);
}

static void garbage_is_refused(void **state)
{
	static const char *const scripts[] = {
		"echo nonsense",
		"true",
		"echo '{}'",
		"echo '[]'",
		"echo '{\"devices\": [], \"rungs\": [], \"advice\": []}'",
		"echo '{\"devices\": [], \"rungs\": [{\"kind\": \"software\"}], \"advice\": []}'",
		"echo '{\"devices\": [], \"devices\": [], \"rungs\": [], \"advice\": []}'",
		"head -c 3000 /dev/urandom",
	};

	for (size_t i = 0; i < TR_COUNT(scripts); i++)
		assert_int_equal(run_script(scripts[i], 60000), -EPROTO);
	assert_null(json);
}

static void an_answer_without_end_is_refused(void **state)
{
	assert_int_equal(run_script("exec cat /dev/zero", 60000), -EFBIG);
}

static void a_program_that_fails_is_said(void **state)
{
	assert_int_equal(run_script("exit 1", 60000), -EPROTO);
	assert_int_equal(run_script("kill -ABRT $$", 60000), -EPROTO);
}

static void a_program_that_never_answers_leaves_software(void **state)
{
	assert_int_equal(run_script("exec sleep 600", 100), -ETIMEDOUT);
	assert_true(json_is_true(json_object_get(find_software(), "works")));
	assert_int_equal(json_array_size(json_object_get(json, "advice")), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(software_encodes_and_its_capacity_is_measured),
		T(software_works_though_there_was_no_time_to_test_it),
		T(a_program_may_be_a_descriptor),
		T(a_missing_program_is_said),
		T(garbage_is_refused),
		T(an_answer_without_end_is_refused),
		T(a_program_that_fails_is_said),
		T(a_program_that_never_answers_leaves_software),
	};
	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
