/* What video.display may be. */
#include "test.h"

#include "config/config.h"
#include "config/display_words.h"

#include <string.h>

static void an_own_server_or_one_of_this_machine_is_well_formed(void **state)
{
	static const char *const good[] = {"xvfb", ":0", ":1234", ":7.0", ":10.1"};

	for (size_t i = 0; i < TR_COUNT(good); i++)
		assert_null(tr_display_words_fault(good[i]));
	assert_true(tr_display_words_is_own("xvfb"));
	assert_false(tr_display_words_is_own(":0"));
}

static void anything_else_is_not(void **state)
{
	static const char *const bad[] = {"", "0", ":", ":x", ":0x", ":0.", ":0.x", ":0.0.0", ":-1",
		":12345", "xorg", "Xvfb", "localhost:0", "unix:0", "/tmp/x", ": 0", ":0 "};

	for (size_t i = 0; i < TR_COUNT(bad); i++)
		assert_non_null(tr_display_words_fault(bad[i]));
}

static void complain(const char *text, const char *expected)
{
	struct tr_config *config = calloc(1, sizeof(*config));
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));

	assert_true(tr_config_parse(text, "t.conf", config, complaints) < 0);
	assert_int_equal(complaints->count, 1);
	if (!strstr(complaints->lines[0], expected))
		fail_msg("\"%s\" lacks \"%s\"", complaints->lines[0], expected);
	free(config);
	free(complaints);
}

static void nonsense_is_refused_with_its_line(void **state)
{
	complain("\nvideo: { display = \"wayland\"; };", "t.conf:2: video.display");
	complain("video: { display = \"host:0\"; };", "like \":0\"");
	complain("\n\nvideo: { zero_copy = \"on\"; };", "t.conf:3: video.zero_copy");
	complain("video: { display = \":0\"; xauthority = \"key\"; };", "video.xauthority");
	complain("video: { xauthority = \"/run/key\"; };", "video.display names none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_own_server_or_one_of_this_machine_is_well_formed),
		cmocka_unit_test(anything_else_is_not),
		cmocka_unit_test(nonsense_is_refused_with_its_line),
	};
	return cmocka_run_group_tests_name("display_words", tests, NULL, NULL);
}
