#include "test.h"

#include "config/config_text.h"
#include "cli/import_duration.h"
#include "cli/import_env.h"
#include "cli/import_ffmpeg.h"
#include "cli/import_pattern.h"

#include <errno.h>
#include <string.h>

static int64_t ms_of(const char *text, bool *ret_is_bare)
{
	json_t *value = json_string(text);
	int64_t ms = -1;

	int rc = tr_import_duration_read(value, &ms, ret_is_bare);
	json_decref(value);
	return rc < 0 ? rc : ms;
}

static void a_time_without_unit_is_milliseconds(void **state)
{
	bool is_bare;

	assert_int_equal(ms_of("60", &is_bare), 60);
	assert_true(is_bare);
	assert_int_equal(ms_of("60 minutes", &is_bare), 3600000);
	assert_false(is_bare);
	assert_int_equal(ms_of("1.5h", &is_bare), 5400000);
	assert_int_equal(ms_of(" 2 days ", &is_bare), 172800000);
	assert_int_equal(ms_of("500us", &is_bare), 0);
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "soon", "1 hour 30", "-1s", "5 weeks", "1e300d", "nan", "1h!", "inf s"};
	bool is_bare;

	for (size_t i = 0; i < TR_COUNT(bad); i++)
		if (ms_of(bad[i], &is_bare) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(tr_import_duration_read(json_null(), &(int64_t){0}, &is_bare), -EINVAL);
}

static void times_are_written_in_their_largest_unit(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {{0, "0s"}, {250, "250ms"}, {90000, "90s"}, {5400000, "90m"}, {7200000, "2h"}};
	char text[32];

	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		tr_import_duration_write(cases[i].ms, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void patterns_of_java_become_posix_ones(void **state)
{
	static const struct {
		const char *java, *posix;
	} cases[] = {{".*", ".*"}, {"^rtmps?:\\/\\/a\\.b/.*$", "^rtmps?://a\\.b/.*$"},
		{"(?:a|b)+?\\d{2}", "(a|b)+[0-9]{2}"}, {"[\\w-]+\\s", "[A-Za-z0-9_-]+[ \t]"},
		{"a*+b", "a*b"}, {"[?]+", "[?]+"}, {"\\(x\\)", "\\(x\\)"}};
	char out[200];

	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		assert_int_equal(tr_import_pattern_convert(cases[i].java, out, sizeof(out)), 0);
		assert_string_equal(out, cases[i].posix);
	}
}

static void patterns_that_cannot_be_said_are_refused(void **state)
{
	static const char *const bad[] = {"(?i)x", "(?!x)", "\\p{L}", "\\bx", "a\\", "(", "[a&&b]",
		"\\Qx\\E", "(a)\\1", "[\\]]"};
	char out[200], small[4];

	for (size_t i = 0; i < TR_COUNT(bad); i++)
		if (tr_import_pattern_convert(bad[i], out, sizeof(out)) == 0)
			fail_msg("\"%s\" became \"%s\"", bad[i], out);
	assert_int_equal(tr_import_pattern_convert("abcdef", small, sizeof(small)), -ENAMETOOLONG);
}

static void a_command_tells_pictures_and_sound(void **state)
{
	json_t *words = json_pack("[s,s,s,s,s,s,i,s,s,s,s,s,s,s,s,s,s,s]", "ffmpeg", "-s",
		"1280x720", "-framerate", "25", "-crf", 21, "-b:a", "96k", "-maxrate", "3M", "-g",
		"50", "-vf", "scale=secret", "-strict", "-2", "-y");
	struct tr_import_ffmpeg command;
	char text[300];

	tr_import_ffmpeg_read(words, &command);
	json_decref(words);
	assert_int_equal(command.width, 1280);
	assert_int_equal(command.rate, 25);
	assert_int_equal(command.quality, 21);
	assert_int_equal(command.audio_kbps, 96);
	assert_int_equal(command.max_kbps, 3000);
	assert_int_equal(command.key_pictures, 50);
	assert_string_equal(command.others, "-vf");
	tr_import_ffmpeg_describe(&command, text, sizeof(text));
	assert_null(strstr(text, "secret"));
}

static void an_odd_command_says_nothing(void **state)
{
	json_t *words = json_pack("[s,s,s,s,s,n,[]]", "-s", "wide", "-crf", "low", "-r");
	struct tr_import_ffmpeg command;
	char text[300];

	tr_import_ffmpeg_read(words, &command);
	tr_import_ffmpeg_describe(&command, text, sizeof(text));
	assert_string_equal(text, "");
	json_decref(words);
	tr_import_ffmpeg_read(NULL, &command);
	assert_int_equal(command.quality, -1);
	assert_int_equal(tr_import_ffmpeg_kbps("k"), 0);
	assert_int_equal(tr_import_ffmpeg_kbps("128000"), 128);
	assert_int_equal(tr_import_ffmpeg_kbps("9e99M"), 0);
}

static const char *variable(const json_t *variables, const char *name)
{
	return json_string_value(json_object_get(variables, name));
}

static void variables_may_be_quoted_exported_and_commented(void **state)
{
	char text[] =
		"# a comment\r\n\n A=1\nexport B = \nC='a # b' # c\nD=\"x'y\"\r\nE=a#b # c\nF=";
	char good[] = "A=1\n\n# x\nexport B=2 # two\nC='a # b' # c\nD=\"x'y\"\r\nE=a#b  \nF=";
	json_t *variables;
	int line;

	assert_int_equal(tr_import_env_parse(text, &variables, &line), -EINVAL);
	assert_int_equal(line, 4);
	assert_int_equal(tr_import_env_parse(good, &variables, &line), 0);
	assert_string_equal(variable(variables, "B"), "2");
	assert_string_equal(variable(variables, "C"), "a # b");
	assert_string_equal(variable(variables, "D"), "x'y");
	assert_string_equal(variable(variables, "E"), "a#b");
	assert_string_equal(variable(variables, "F"), "");
	json_decref(variables);
}

static void an_env_without_a_recorder_makes_nothing(void **state)
{
	json_t *variables = json_pack("{s:s}", "HTTP_PORT", "80"), *layer;
	json_t *origins = json_object(), *strangers = json_array(), *unused = json_array();

	assert_int_equal(tr_import_env_layer(variables, &layer, origins, strangers, unused), 0);
	assert_int_equal(json_object_size(json_object_get(layer, "jibri")), 0);
	assert_int_equal(json_object_size(origins), 0);
	json_decref(variables);
	json_decref(layer);
	json_decref(origins);
	json_decref(strangers);
	json_decref(unused);
}

static void texts_are_quoted_for_the_file(void **state)
{
	json_t *settings = json_pack("{s:s, s:[], s:[s,s], s:b, s:{s:i}}", "a", "x\"y\\z\n", "b",
		"c", "p", "q", "d", 1, "e", "f", -3);
	char *text;

	assert_int_equal(tr_config_text_make("# h\n", settings, &text), 0);
	assert_string_equal(text,
		"# h\na = \"x\\\"y\\\\z\\x0a\";\nb = [ ];\nc = [ \"p\", \"q\" ];\n"
		"d = true;\ne:\n{\n\tf = -3;\n};\n");
	free(text);
	json_decref(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_without_unit_is_milliseconds),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(times_are_written_in_their_largest_unit),
		cmocka_unit_test(patterns_of_java_become_posix_ones),
		cmocka_unit_test(patterns_that_cannot_be_said_are_refused),
		cmocka_unit_test(a_command_tells_pictures_and_sound),
		cmocka_unit_test(an_odd_command_says_nothing),
		cmocka_unit_test(variables_may_be_quoted_exported_and_commented),
		cmocka_unit_test(an_env_without_a_recorder_makes_nothing),
		cmocka_unit_test(texts_are_quoted_for_the_file),
	};
	return cmocka_run_group_tests_name("import_parts", tests, NULL, NULL);
}
