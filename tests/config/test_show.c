/* Settings and their file's text for others to see: all keys, and not one secret. */
#include "test.h"

#include "config/config.h"
#include "config/hide.h"

#include <stdio.h>
#include <string.h>

#define SECRET "geheimes-geheimnis"
#define TEXT                                                                                       \
	"id = \"node\"; slots = \"auto\"; video: { size = \"640x480\"; frame_rate_mode = "         \
	"\"constant\"; };\n"                                                                       \
	"checks: { empty_timeout = \"90s\"; };\n"                                                  \
	"storage: { keep = ( { match = \".*\"; max_size = \"20480M\"; max_age = \"30d\"; } );\n"   \
	"uploads = ( { name = \"u\"; url = \"sftp://a@b/c\"; password = \"" SECRET "\"; } ); };\n" \
	"api: { token = \"" SECRET "\"; };\n"                                                      \
	"stream: { rewrite = ( { match = \"a.*\"; to = \"rtmp://x/" SECRET "\"; } ); };\n"         \
	"rooms = ( { match = \"b\"; streams = [ \"rtmp://y/" SECRET "\" ]; } );\n"                 \
	"environments = ( { name = \"e\"; xmpp_domain = \"m.example\";\n"                          \
	"control = { password = \"" SECRET "\"; }; call = { password = \"" SECRET "\"; }; } );\n"

static struct tr_config *config;
static struct tr_config_complaints *complaints;
static json_t *shown;
static char *hidden;

static int set_up(void **state)
{
	config = calloc(1, sizeof(*config));
	complaints = calloc(1, sizeof(*complaints));
	return config && complaints ? 0 : -1;
}

static int tear_down(void **state)
{
	json_decref(tr_take(shown));
	free(tr_take(hidden));
	free(tr_take(config));
	free(tr_take(complaints));
	return 0;
}

static void load(const char *text)
{
	if (tr_config_parse(text, "x", config, complaints) < 0)
		fail_msg("%s", complaints->lines[0]);
	shown = tr_config_show(config);
	assert_non_null(shown);
}

static const json_t *at(const char *path)
{
	const json_t *value = shown;
	char word[80];

	while (*path) {
		size_t length = strcspn(path, ".");
		snprintf(word, sizeof(word), "%.*s", (int)length, path);
		value = json_is_array(value) ? json_array_get(value, 0) : value;
		value = json_object_get(value, word);
		path += length + (path[length] == '.');
	}
	return value;
}

static void settings_are_shown_as_the_file_would_have_them(void **state)
{
	load(TEXT);
	assert_string_equal(json_string_value(at("id")), "node");
	assert_string_equal(json_string_value(at("slots")), "auto");
	assert_string_equal(json_string_value(at("video.size")), "640x480");
	assert_string_equal(json_string_value(at("video.frame_rate_mode")), "constant");
	assert_int_equal(json_integer_value(at("video.frame_rate")), 30);
	assert_string_equal(json_string_value(at("checks.empty_timeout")), "90s");
	assert_string_equal(json_string_value(at("checks.all_muted_timeout")), "10m");
	assert_string_equal(json_string_value(at("storage.keep.max_size")), "20G");
	assert_string_equal(json_string_value(at("storage.keep.min_free")), "0");
	assert_string_equal(json_string_value(at("environments.control.domain")), "auth.m.example");
	assert_string_equal(
		json_string_value(json_array_get(at("environments.servers"), 0)), "m.example");
}

static void every_key_but_the_secrets_is_there(void **state)
{
	const char *path;

	load(TEXT);
	for (unsigned i = 0; (path = tr_config_key(i)); i++) {
		bool is_there = at(path) != NULL;
		if (is_there == tr_config_key_is_secret(i))
			fail_msg("%s is %sshown", path, is_there ? "" : "not ");
	}
}

static void no_secret_is_shown(void **state)
{
	load(TEXT);
	TR_CLEANUP(tr_freep) char *text = json_dumps(shown, 0);
	assert_null(strstr(text, "geheim"));
}

static void hide(const char *text)
{
	free(tr_take(hidden));
	assert_int_equal(tr_hide_secrets(text, &hidden), 0);
}

static void the_text_is_shown_with_its_secrets_hidden(void **state)
{
	hide(TEXT);
	assert_null(strstr(hidden, "geheim"));
	assert_non_null(strstr(hidden, "token = \"(hidden)\";"));
	assert_non_null(strstr(hidden, "streams = [ \"(hidden)\" ];"));
	assert_non_null(strstr(hidden, "size = \"640x480\""));
	assert_non_null(strstr(hidden, "xmpp_domain = \"m.example\""));
	assert_non_null(strstr(hidden, "match = \"a.*\""));
}

static void however_it_is_written(void **state)
{
	static const char *const texts[] = {
		"password=\"" SECRET "\"",
		"Password : \"a\" \"" SECRET "\";",
		"# password = \"" SECRET "\";",
		"/* password = \"" SECRET "\"; */",
		"// don't say \"\npassword = \"" SECRET "\";",
		"# \"\npassword = \"" SECRET "\";",
		"password = # \"; x\n\"" SECRET "\";",
		"password = /* ; */ \"" SECRET "\";",
		"password /* x */ = \"" SECRET "\";",
		"password = \"a\\\"" SECRET "\";",
		"# streams = [\n# \"a\",\n# \"" SECRET "\" ]",
		"streams = [ \"a\", \"" SECRET "\" ]",
		"x = \"a # b\"; password = \"" SECRET "\";",
		"password = \"" SECRET,
		"call = { password = \"" SECRET "\" }",
		"token = \n\n\"" SECRET "\"",
	};

	for (size_t i = 0; i < TR_COUNT(texts); i++) {
		hide(texts[i]);
		if (strstr(hidden, "geheim"))
			fail_msg("%s became %s", texts[i], hidden);
	}
}

static void the_rest_stays_byte_for_byte(void **state)
{
	static const char text[] = "/* a */ x = [ \"password\", \"b\\\"c\" ]; # \"unfinished\n"
				   "y: { z = 1.5; }; // password in prose\nw = \"end\";\n";

	hide(text);
	assert_string_equal(hidden, text);
	hide("password = \"\"; x = \"y\";");
	assert_string_equal(hidden, "password = \"\"; x = \"y\";");
}

static void a_hidden_value_is_found_again(void **state)
{
	assert_int_equal(tr_hide_find_placeholder("x = 1;\ny = \"(hidden)\";\n"), 2);
	assert_int_equal(tr_hide_find_placeholder("x = \"hidden\";"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(settings_are_shown_as_the_file_would_have_them),
		TEST(every_key_but_the_secrets_is_there),
		TEST(no_secret_is_shown),
		TEST(the_text_is_shown_with_its_secrets_hidden),
		TEST(however_it_is_written),
		TEST(the_rest_stays_byte_for_byte),
		TEST(a_hidden_value_is_found_again),
	};
	return cmocka_run_group_tests_name("show", tests, NULL, NULL);
}
