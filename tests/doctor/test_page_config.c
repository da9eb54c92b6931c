#include "test.h"

#include "doctor/page_config.h"

static char value[100];

static bool find(const char *text)
{
	value[0] = '\0';
	return tr_page_config_find(text, "hiddenDomain", value, sizeof(value));
}

static void find_reads_a_key_of_an_object(void **state)
{
	assert_true(find("var config = {\n  hiddenDomain: 'recorder.example.org',\n};"));
	assert_string_equal(value, "recorder.example.org");
	assert_true(find("var config = { \"hiddenDomain\" : \"a.b\" }"));
	assert_string_equal(value, "a.b");
}

static void find_reads_an_assignment(void **state)
{
	assert_true(find("config.hiddenDomain = `hidden.meet.jitsi`;"));
	assert_string_equal(value, "hidden.meet.jitsi");
}

static void the_last_one_counts(void **state)
{
	assert_true(find("hiddenDomain: 'one',\nconfig.hiddenDomain = 'two';\n"));
	assert_string_equal(value, "two");
}

static void comments_do_not_count(void **state)
{
	assert_false(find("// hiddenDomain: 'one'\n/* hiddenDomain: 'two' */"));
	assert_true(find("url: 'https://x//hiddenDomain', hiddenDomain: 'three' // 'four'\n"));
	assert_string_equal(value, "three");
}

static void other_words_do_not_count(void **state)
{
	assert_false(find("notHiddenDomain: 'a', myhiddenDomain: 'b', hiddenDomainName: 'c'"));
	assert_false(find("hiddenDomain: someVariable"));
	assert_false(find("hiddenDomain"));
	assert_false(find("hiddenDomain: '"));
	assert_false(find("text: 'hiddenDomain"));
	assert_false(find("/* never closed hiddenDomain: 'x'"));
}

static void a_value_that_does_not_fit_is_none(void **state)
{
	char small[4];
	assert_false(tr_page_config_find("hiddenDomain: 'abcd'", "hiddenDomain", small, 4));
	assert_true(tr_page_config_find("hiddenDomain: 'abc'", "hiddenDomain", small, 4));
}

static void a_page_is_no_config(void **state)
{
	assert_false(tr_page_config_is_one("  <html>config</html>"));
	assert_false(tr_page_config_is_one(""));
	assert_true(tr_page_config_is_one("/* eslint */ var config = {};"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_reads_a_key_of_an_object),
		cmocka_unit_test(find_reads_an_assignment),
		cmocka_unit_test(the_last_one_counts),
		cmocka_unit_test(comments_do_not_count),
		cmocka_unit_test(other_words_do_not_count),
		cmocka_unit_test(a_value_that_does_not_fit_is_none),
		cmocka_unit_test(a_page_is_no_config),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
