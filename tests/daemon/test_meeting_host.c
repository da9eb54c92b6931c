#include "test.h"

#include "daemon/meeting_host.h"

#include <errno.h>
#include <string.h>

static char hosts[64];

static int allow(const char *url, const char *list, bool is_strict)
{
	strcpy(hosts, list);
	return tr_meeting_host_allow(url, is_strict, hosts, sizeof(hosts));
}

static void a_host_on_the_list_changes_nothing(void **state)
{
	assert_int_equal(allow("https://meet.example/room", "a.b,meet.example", true), 0);
	assert_int_equal(allow("https://MEET.example:8443/room", "meet.example,a.b", true), 0);
	assert_int_equal(allow("https://x.meet.example", "*.meet.example", true), 0);
	assert_int_equal(allow("http://[::1]:80/x", "[::1]", true), 0);
	assert_string_equal(hosts, "[::1]");
}

static void another_host_is_added(void **state)
{
	assert_int_equal(allow("https://other.example/room", "meet.example", false), 0);
	assert_string_equal(hosts, "meet.example,other.example");
	assert_int_equal(allow("https://meet.example/room", "*.meet.example", false), 0);
	assert_string_equal(hosts, "*.meet.example,meet.example");
}

static void a_strict_list_stays_as_it_is(void **state)
{
	assert_int_equal(allow("https://other.example/room", "meet.example", true), -EACCES);
	assert_int_equal(
		allow("https://meet.example@other.example/", "meet.example", true), -EACCES);
	assert_int_equal(
		allow("https://notmeet.example/", "meet.example,*.meet.example", true), -EACCES);
	assert_string_equal(hosts, "meet.example,*.meet.example");
}

static void no_host_and_too_long_a_list_are_refused(void **state)
{
	assert_int_equal(allow("meet.example/room", "a", false), -EINVAL);
	assert_int_equal(allow("https:///room", "a", false), -EINVAL);
	assert_int_equal(allow("https://a-rather-long-name-of-a-host.which-does-not-fit.example/",
				 "another-long-name.example", false),
		-ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_on_the_list_changes_nothing),
		cmocka_unit_test(another_host_is_added),
		cmocka_unit_test(a_strict_list_stays_as_it_is),
		cmocka_unit_test(no_host_and_too_long_a_list_are_refused),
	};
	return cmocka_run_group_tests_name("meeting_host", tests, NULL, NULL);
}
