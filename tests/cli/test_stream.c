#include "test.h"

#include "cli/cli_rig.h"
#include "core/file.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEY "abcd-efgh-ijkl"
#define TARGET "rtmp://127.0.0.1/live/" KEY

static unsigned count(const char *text, const char *words)
{
	unsigned found = 0;

	for (const char *at = text; (at = strstr(at, words)); at++)
		found++;
	return found;
}

static void expect_told(const char *words)
{
	if (!strstr(read_home("streams"), words))
		fail_msg("the slot was not told %s, but: %s", words, read_home("streams"));
}

static void expect_no_key(void)
{
	assert_null(strstr(read_home("said"), KEY));
	assert_null(strstr(read_home("printed"), KEY));
}

/* What everybody can see of the process. */
static void expect_no_key_in_arguments(void)
{
	char path[64], line[4096];

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)telerec.pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	ssize_t size = read(fd, line, sizeof(line));
	close(fd);
	assert_true(size > 0);
	assert_non_null(memmem(line, (size_t)size, "stream", 6));
	assert_null(memmem(line, (size_t)size, KEY, strlen(KEY)));
}

static void a_stream_has_the_defaults_of_platforms_and_no_file(void **state)
{
	start_telerec("finish", ARGS("stream", PAGE, "--to", TARGET, "--for", "1s"));
	assert_int_equal(wait_for_end(), 0);
	expect_told(
		"\"streams\":[{\"name\":\"rtmp://127.0.0.1/live/***\",\"url\":\"" TARGET "\"}]");
	expect_told("\"file\":false");
	expect_told("\"constant_rate\":true");
	expect_told("\"key_interval_ms\":2000");
	expect_told("\"kbps\":3000");
	expect_told("\"buffer_kbit\":6000");
	expect_told("\"mode\":\"page\"");
	assert_non_null(strstr(read_home("said"),
		"  rtmp://127.0.0.1/live/***: streaming  2900 kbit/s, 40 ms queued, 1 reconnect, 12 "
		"pictures lost"));
	assert_non_null(strstr(read_home("printed"),
		"Stream: rtmp://127.0.0.1/live/***  (3.0 MiB, 1 reconnect, 12 pictures lost)"));
	assert_null(strstr(read_home("printed"), "MP4"));
	expect_no_key();
}

static void targets_come_from_arguments_files_and_standard_input(void **state)
{
	char list[PATH_MAX];

	snprintf(list, sizeof(list), "%s/list", home);
	write_home("list", "# mine\n\n  srt://127.0.0.1:9000?streamid=" KEY "  \n");
	write_home("input", KEY "\nrtmps://h.example/x/" KEY);
	start_telerec("finish", ARGS("stream", "--to=" TARGET, PAGE, "--to-file", list, "--to", "-",
					"--for", "1s"));
	assert_int_equal(wait_for_end(), 0);
	assert_int_equal(count(read_home("streams"), "\"url\""), 4);
	expect_told("\"url\":\"srt://127.0.0.1:9000?streamid=" KEY "\"");
	expect_told("\"url\":\"rtmp://a.rtmp.youtube.com/live2/" KEY "\"");
	expect_told("\"url\":\"rtmps://h.example/x/" KEY "\"");
	expect_no_key();
}

static void the_key_goes_out_of_the_arguments(void **state)
{
	start_telerec("finish", ARGS("stream", PAGE, "--to", TARGET, "--to=rtmp://b/c/" KEY));
	wait_until_it_says("00:00:00");
	expect_no_key_in_arguments();
	tr_child_kill(&telerec, SIGINT);
	assert_int_equal(wait_for_end(), 0);
	assert_int_equal(count(read_home("streams"), KEY), 2);
}

static void a_stream_may_be_recorded_too(void **state)
{
	char record[PATH_MAX];

	snprintf(record, sizeof(record), "--record=%s/out", home);
	start_telerec("finish", ARGS("stream", PAGE, "--to", TARGET, "--for", "1s", "--name", "one",
					record, "--bitrate", "900", "--key-interval", "4s"));
	assert_int_equal(wait_for_end(), 0);
	expect_file("out/one/one.mp4");
	expect_told("\"file\":true");
	expect_told("\"kbps\":900");
	expect_told("\"key_interval_ms\":4000");
	assert_non_null(strstr(read_home("printed"), "out/one/one.mp4"));
	assert_non_null(strstr(read_home("printed"), "Stream: rtmp://127.0.0.1/live/***"));
	expect_no_key();
}

static void the_configuration_has_the_defaults(void **state)
{
	char config[PATH_MAX + 200], path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/telerec.conf", home);
	snprintf(config, sizeof(config),
		"recordings = \"%s/out\";\nstream: { bitrate = 700; buffer = 900; };\n", home);
	write_home("telerec.conf", config);
	start_telerec("finish", ARGS("stream", PAGE, "--to", TARGET, "--for", "1s", "--name", "one",
					"--record", "--buffer", "800", "--config", path));
	assert_int_equal(wait_for_end(), 0);
	expect_told("\"kbps\":700");
	expect_told("\"buffer_kbit\":800");
	expect_file("out/one/one.mp4");
}

static void a_slot_that_dies_streams_on(void **state)
{
	start_telerec("die_once", ARGS("stream", PAGE, "--to", TARGET, "--for", "2s"));
	assert_int_equal(wait_for_end(), 0);
	assert_int_equal(count(read_home("streams"), TARGET), 2);
}

static void refused_and_lost_have_exit_codes_of_their_own(void **state)
{
	start_telerec("refused", ARGS("stream", PAGE, "--to", TARGET));
	assert_int_equal(wait_for_end(), 20);
	assert_non_null(
		strstr(read_home("said"), "telerec stream: Every streaming server refused"));
	expect_no_key();
	start_telerec("unreachable", ARGS("stream", PAGE, "--to", TARGET));
	assert_int_equal(wait_for_end(), 21);
}

static void what_cannot_be_is_refused_before_anything_starts(void **state)
{
	static const struct {
		const char *args[6], *words;
	} cases[] = {
		{{PAGE}, "--to rtmp://host/application/key"},
		{{"--to", TARGET}, "name an address to stream"},
		{{PAGE, TARGET}, "behind --to"},
		{{PAGE, "--to", "gopher://h/" KEY}, "what a --to names is of a kind"},
		{{PAGE, "--to", TARGET, "--to", TARGET}, "named twice"},
		{{PAGE, "--to-file", "/nonexistent"}, "No such file"},
		{{PAGE, "--to", "-"}, "line 2 of standard input is neither"},
		{{PAGE, "--to", TARGET, "--record="}, "wants a folder"},
		{{PAGE, "--to", TARGET, "--ca-file", "/nonexistent"}, "/nonexistent"},
		{{PAGE, "--to", TARGET, "--key-interval", "1h"}, "--key-interval"},
	};

	write_home("input", "# nothing\n" KEY " " KEY "\n");
	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		const char *words[8] = {"stream"};
		memcpy(words + 1, cases[i].args, sizeof(cases[i].args));
		start_telerec("finish", words);
		if (wait_for_end() != 2 || !strstr(read_home("said"), cases[i].words))
			fail_msg("case %zu: it said: %s", i, read_home("said"));
		expect_no_key();
	}
	assert_string_equal(read_home("streams"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stream_has_the_defaults_of_platforms_and_no_file),
		TEST(targets_come_from_arguments_files_and_standard_input),
		TEST(the_key_goes_out_of_the_arguments),
		TEST(a_stream_may_be_recorded_too),
		TEST(the_configuration_has_the_defaults),
		TEST(a_slot_that_dies_streams_on),
		TEST(refused_and_lost_have_exit_codes_of_their_own),
		TEST(what_cannot_be_is_refused_before_anything_starts),
	};
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
