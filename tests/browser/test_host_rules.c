#include "test.h"

#include <errno.h>

#include "browser/host_rules.h"

static char rules[512];

static const char *format(const char *hosts)
{
	assert_int_equal(tr_host_rules_format(hosts, rules, sizeof(rules)), 0);
	return rules;
}

static void everything_but_the_list_is_unknown(void **state)
{
	assert_string_equal(
		format("meet.example.org"), "MAP * ~NOTFOUND , EXCLUDE meet.example.org");
	assert_string_equal(format("a.example , *.b.example,127.0.0.1"),
		"MAP * ~NOTFOUND , EXCLUDE a.example , EXCLUDE *.b.example , EXCLUDE 127.0.0.1");
}

static void an_empty_list_forbids_nothing(void **state)
{
	assert_string_equal(format(""), "");
	assert_string_equal(format(" , "), "");
}

static void ports_brackets_and_capitals_are_no_part_of_a_host(void **state)
{
	assert_string_equal(format("Meet.Example.org:8443,[2001:DB8::1]:443,::1"),
		"MAP * ~NOTFOUND , EXCLUDE meet.example.org , EXCLUDE 2001:db8::1 , EXCLUDE ::1");
}

static void what_is_no_host_is_refused(void **state)
{
	static const char *const wrong[] = {"*", "*.", "a b", "x , MAP * 1.2.3.4,y z", "https://h/",
		"h/path", "\"h\"", "\xc3\xbc.example", "a*b", "a.example;b.example"};

	for (size_t i = 0; i < TR_COUNT(wrong); i++)
		assert_int_equal(tr_host_rules_format(wrong[i], rules, sizeof(rules)), -EINVAL);
}

static void a_list_that_is_too_long_is_refused(void **state)
{
	char small[32];

	assert_int_equal(
		tr_host_rules_format("meet.example.org", small, sizeof(small)), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_but_the_list_is_unknown),
		cmocka_unit_test(an_empty_list_forbids_nothing),
		cmocka_unit_test(ports_brackets_and_capitals_are_no_part_of_a_host),
		cmocka_unit_test(what_is_no_host_is_refused),
		cmocka_unit_test(a_list_that_is_too_long_is_refused),
	};
	return cmocka_run_group_tests_name("host_rules", tests, NULL, NULL);
}
