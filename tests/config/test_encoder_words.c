#include "test.h"

#include "config/encoder_words.h"

#include "core/cleanup.h"

static void words_devices_and_lists_of_them_are_taken(void **state)
{
	static const char *const good[] = {"auto", "software", "vaapi", "qsv", "0000:00:02.0",
		"00:02.0", "/dev/dri/renderD128", "vaapi,software", "0000:00:02.0, qsv , auto"};

	for (size_t i = 0; i < TR_COUNT(good); i++)
		assert_null(tr_encoder_words_fault(good[i]));
}

static void all_else_is_said_to_be_wrong(void **state)
{
	static const char *const bad[] = {"", ",", "vaapi,", "nvenc", "Auto", "0000:00:02",
		"00:02.g", "/dev/dri/card0", "/dev/dri/renderD", "/dev/dri/renderD12x",
		"/dev/dri/renderD1280", "vaapi software", "vaapi;software", "/dev/dri/../sda"};

	for (size_t i = 0; i < TR_COUNT(bad); i++)
		assert_non_null(tr_encoder_words_fault(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_devices_and_lists_of_them_are_taken),
		cmocka_unit_test(all_else_is_said_to_be_wrong),
	};
	return cmocka_run_group_tests_name("encoder words", tests, NULL, NULL);
}
